/** Children: what they are given, how they end, and what happens to the calls they had. */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { child } from '../../test/child-scripts.ts'
import { everythingStdio } from '../../test/peers/servers.ts'
import { ASKS_NOTHING, openRoom, type Room, textOf } from '../../test/upstream-room.ts'
import type { JsonObject } from '../protocol/model.ts'

let room: Room
beforeEach(async () => {
  room = await openRoom({ limits: { refusedMs: 60_000 } })
})
afterEach(() => room.close())

const parsed = (result: JsonObject) => JSON.parse(textOf(result))

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // A zombie that nobody has reaped yet is not alive.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** Gone, and its parent knows: a call that follows is not in flight at the death. */
function isReaped(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 2400 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 25))
  expect(condition()).toBe(true)
}

// [CHILD-4]
test('a child gets PATH, LANG, a private HOME and TMPDIR and what is declared, and nothing of the portal', async () => {
  process.env.PORTICO_TEST_SECRET = 'sesame'
  const peer = child(`answers['tools/call'] = () => text({ env: process.env, cwd: process.cwd() })`, {
    DECLARED: 'yes',
  })
  const uid = await room.add('s', { stdio: peer })
  const { env, cwd } = parsed(await room.tool(uid, 'echo', {}))
  // `_` is what some shells leave behind, the name of the program.
  const names = Object.keys(env).filter((name) => name !== '_')
  expect(names.sort()).toEqual(['DECLARED', 'HOME', 'LANG', 'PATH', 'TMPDIR'])
  expect(env.HOME.startsWith(join(room.dir, 'data', 'children'))).toBe(true)
  expect(env.TMPDIR).toBe(`${env.HOME}.tmp`)
  expect(cwd).toBe(env.HOME)
  delete process.env.PORTICO_TEST_SECRET
})

test.each(['LD_PRELOAD', 'NODE_OPTIONS', 'PATH', 'DYLD_INSERT_LIBRARIES', 'BAD NAME'])(
  '%s may not be declared',
  async (name) => {
    const uid = await room.add('s', { stdio: child('', { [name]: 'x' }) })
    expect(room.upstreams.health(uid)).toMatchObject({ status: 'error', error: expect.stringContaining(name) })
  },
)

test('arguments reach the program as they are: there is no shell', async () => {
  const peer = child(`answers['tools/call'] = () => text(process.argv.slice(1))`)
  const args = ['$(touch /tmp/never)', '; exit 1', '*']
  const uid = await room.add('s', { stdio: { ...peer, args: [...peer.args, ...args] } })
  expect(parsed(await room.tool(uid, 'echo', {}))).toEqual(args)
})

test('a killed child loses its call, and the next call finds a new one', async () => {
  const peer = child(
    `answers['tools/call'] = ({ params }) => params.arguments.wait ? undefined : text(String(process.pid))`,
  )
  const uid = await room.add('s', { stdio: peer })
  const pid = Number(textOf(await room.tool(uid, 'echo', {})))
  const lost = room.tool(uid, 'echo', { wait: true }).catch((error: Error) => error)
  // The answer to a later call proves that the first has arrived.
  await room.tool(uid, 'echo', {})
  process.kill(pid, 'SIGKILL')
  expect(await lost).toMatchObject({ code: 'upstream-lost', message: expect.stringContaining('Server s') })
  expect(Number(textOf(await room.tool(uid, 'echo', {})))).not.toBe(pid)
})

test('a child that dies on every call is given growing rests', async () => {
  const uid = await room.add('s', { stdio: child(`answers['tools/call'] = () => process.exit(1)`) })
  const codes: string[] = []
  const started = performance.now()
  for (let i = 0; i < 5; i++) {
    await room.tool(uid, 'echo', {}).catch((error) => codes.push(error.code))
  }
  expect(codes).toEqual(Array(5).fill('upstream-lost'))
  // 0 + 250 + 500 + 1000 ms at least.
  expect(performance.now() - started).toBeGreaterThan(1700)
})

// Rests for a dozen deaths would take more than half an hour.
test('a child that does its work and is killed is started again at once, however often', async () => {
  const uid = await room.add('s', { stdio: child(`answers['tools/call'] = () => text(String(process.pid))`) })
  for (let death = 0; death < 12; death++) {
    const pids = await Promise.all(Array.from({ length: 30 }, () => room.tool(uid, 'echo', {})))
    const [pid] = new Set(pids.map(textOf))
    process.kill(Number(pid), 'SIGKILL')
    await until(() => isReaped(Number(pid)))
  }
  expect(textOf(await room.tool(uid, 'echo', {}))).toMatch(/^\d+$/)
})

test('closing the room ends the child and everything it started', async () => {
  const peer = child(
    `process.on('SIGTERM', () => {})
     const grandchild = require('node:child_process').spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)'], { stdio: 'ignore' })
     answers['tools/call'] = () => text([process.pid, grandchild.pid])
     setInterval(() => {}, 1000)`,
  )
  const uid = await room.add('s', { stdio: peer })
  const pids: number[] = parsed(await room.tool(uid, 'echo', {}))
  expect(pids.map(isAlive)).toEqual([true, true])
  await room.upstreams.close()
  await until(() => pids.every((pid) => !isAlive(pid)))
})

test('deleting the server ends its child', async () => {
  const uid = await room.add('s', { stdio: child(`answers['tools/call'] = () => text(String(process.pid))`) })
  const pid = Number(textOf(await room.tool(uid, 'echo', {})))
  await room.remove(uid)
  await until(() => !isAlive(pid))
  await expect(room.tool(uid, 'echo', {})).rejects.toMatchObject({ code: 'upstream-not-ready' })
})

describe('a child that does not know the modern probe', () => {
  const silent = `answers['server/discover'] = () => undefined; answers['tools/call'] = () => text('alive')`
  const leaving = `answers['server/discover'] = () => process.exit(1); answers['tools/call'] = () => text('alive')`
  test.each([
    ['stays silent', silent],
    ['ends', leaving],
  ])('and %s is started again and greeted in the old way', async (_what, body) => {
    await room.close()
    room = await openRoom({ limits: { probeMs: 500, refusedMs: 60_000 } })
    const uid = await room.add('s', { stdio: child(body) })
    expect(room.upstreams.health(uid)).toMatchObject({ status: 'ready' })
    expect(textOf(await room.tool(uid, 'echo', {}))).toBe('alive')
  })
})

test('a modern child gets the envelope in each request', async () => {
  const body = `answers['server/discover'] = () => ({ resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, ttlMs: 0, cacheScope: 'public' })
    answers['tools/call'] = ({ params }) => text(params._meta)`
  const uid = await room.add('s', { stdio: child(body) })
  expect(room.upstreams.inventory(uid)?.era).toBe('2026')
  expect(parsed(await room.tool(uid, 'echo', {}))).toMatchObject({
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  })
})

test('a line without end is cut off and the child with it', async () => {
  const body = `answers['tools/call'] = () => { const more = () => { while (process.stdout.write('a'.repeat(65536))); process.stdout.once('drain', more) }; more() }`
  const uid = await room.add('s', { stdio: child(body) })
  await expect(room.tool(uid, 'echo', {})).rejects.toMatchObject({ code: 'upstream-bad-answer' })
})

test('noise on stdout and stderr disturbs nobody', async () => {
  const body = `console.log('starting up'); console.log('{"half":'); console.error('x'.repeat(1e6))
    answers['tools/call'] = () => { console.log('[]'); return text('alive') }`
  const uid = await room.add('s', { stdio: child(body) })
  expect(textOf(await room.tool(uid, 'echo', {}))).toBe('alive')
})

test('a child that nobody uses is stopped, and started again by the next call', async () => {
  await room.close()
  room = await openRoom({ stdio: { idleStopMs: 200 } })
  const uid = await room.add('s', { stdio: child(`answers['tools/call'] = () => text(String(process.pid))`) })
  const pid = Number(textOf(await room.tool(uid, 'echo', {})))
  await until(() => !isAlive(pid))
  expect(Number(textOf(await room.tool(uid, 'echo', {})))).not.toBe(pid)
})

test('at the limit an idle child makes room, and a busy one does not', async () => {
  await room.close()
  room = await openRoom({ stdio: { maxChildren: 1 }, limits: { refusedMs: 300 } })
  const body = `answers['tools/call'] = ({ params }) => params.arguments.wait ? undefined : text('alive')`
  const first = await room.add('one', { stdio: child(body) })
  const second = await room.add('two', { stdio: child(body) })
  expect(textOf(await room.tool(second, 'echo', {}))).toBe('alive')
  const waiting = room.tool(second, 'echo', { wait: true }).catch(() => {})
  await expect(room.tool(first, 'echo', {})).rejects.toMatchObject({ code: 'upstream-busy' })
  await room.remove(second)
  await waiting
})

test('a command that is not there says so', async () => {
  const uid = await room.add('s', { stdio: { command: '/no/such/program', args: [], env: {} } })
  expect(room.upstreams.health(uid)).toMatchObject({ status: 'error', error: expect.stringContaining('Server s') })
})

test('a package without an exact version is not run', async () => {
  const uid = await room.add('s', { stdio: { command: 'npx', args: ['-y', 'some-server'], env: {} } })
  expect(room.upstreams.health(uid)).toMatchObject({ status: 'error', error: expect.stringContaining('some-server') })
})

describe('a package runner', () => {
  /** An `npx` that does what `script` says before it becomes the server. */
  async function withRunner(script: string) {
    await room.close()
    room = await openRoom({
      limits: { probeMs: 300, refusedMs: 0 },
      stdio: (data) => ({ env: { PATH: `${join(data, '..')}:${process.env.PATH}` } }),
    })
    const { command, args } = child(`answers['tools/call'] = () => text('alive')`)
    writeFileSync(join(room.dir, 'npx'), `#!/bin/sh\n${script}\nshift 2; exec "${command}" "$@"\n`, { mode: 0o755 })
    return room.add('s', {
      stdio: { command: 'npx', args: ['-y', 'pkg@1.2.3', ...args], env: {} },
      relay: ASKS_NOTHING,
    })
  }

  test('that is still fetching is waited for, and not started a second time', async () => {
    const uid = await withRunner('echo x >> "$HOME/starts"; sleep 1')
    expect(room.upstreams.health(uid)).toMatchObject({ status: 'ready' })
    const [home] = globSync(join(room.dir, 'data', 'children', '*', '*', 'starts'))
    expect(readFileSync(home ?? '', 'utf8')).toBe('x\n')
  })

  test('that was ended in the middle of an installation begins anew', async () => {
    const uid = await withRunner(`
      half="$HOME/.npm/_npx/half"
      [ -e "$half" ] && exit 254
      [ -e "$HOME/.npm/once" ] || { mkdir -p "$half"; : > "$HOME/.npm/once"; exit 1; }`)
    expect(room.upstreams.health(uid)).toMatchObject({ status: 'error' })
    expect(await room.upstreams.sync(uid)).toMatchObject({ status: 'ready' })
  })
})

describe('one shared child', () => {
  test('tells its log lines to a caller only while nobody else has a call in flight', async () => {
    const body = `const waiting = []
      answers['tools/call'] = ({ id, params }) => {
        if (params.arguments.wait) { waiting.push(id); return }
        send({ method: 'notifications/message', params: { level: 'error', data: 'of ' + params.arguments.who } })
        for (const other of waiting.splice(0)) send({ id: other, result: text('late') })
        return text('done')
      }`
    const uid = await room.add('s', { stdio: child(body) })
    const heard: [string, unknown][] = []
    const as = (who: string) => ({ who, report: (one: { params: JsonObject }) => heard.push([who, one.params.data]) })
    await room.tool(uid, 'echo', { who: 'ada' }, as('ada'))
    expect(heard).toEqual([['ada', 'of ada']])
    const bob = room.tool(uid, 'echo', { wait: true }, as('bob'))
    await room.tool(uid, 'echo', { who: 'ada' }, as('ada'))
    await bob
    expect(heard).toEqual([['ada', 'of ada']])
  })

  test('is one for all callers, and with isolation by user one for each', async () => {
    const peer = child(`answers['tools/call'] = () => text(String(process.pid))`)
    const pids = async (isolation: 'per_credential' | 'per_user' | 'per_session') => {
      const uid = await room.add(isolation, { stdio: peer, isolation })
      const callers = [
        { who: 'ada', session: '1' },
        { who: 'ada', session: '2' },
        { who: 'bob', session: '3' },
      ]
      return Promise.all(callers.map(async (caller) => textOf(await room.tool(uid, 'echo', {}, caller))))
    }
    expect(new Set(await pids('per_credential')).size).toBe(1)
    const [ada1, ada2, bob] = await pids('per_user')
    expect(ada1).toBe(ada2)
    expect(bob).not.toBe(ada1)
    expect(new Set(await pids('per_session')).size).toBe(3)
  })
})

test('a real child of a hundred callers answers each its own', async () => {
  const uid = await room.add('s', { stdio: everythingStdio() })
  const words = Array.from({ length: 100 }, (_, i) => `w${i}`)
  const answers = await Promise.all(words.map((message, i) => room.tool(uid, 'echo', { message }, { who: `u${i}` })))
  expect(answers.map((one) => textOf(one).replace('Echo: ', ''))).toEqual(words)
})
