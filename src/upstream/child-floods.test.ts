/** Children that flood, stall, leave things behind or will not go: the calls that they had end, they end, and nobody else notices. */
import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { child } from '../../test/child-scripts.ts'
import { openRoom, type Room, type RoomServer, textOf } from '../../test/upstream-room.ts'
import { Child } from './child.ts'
import { openLines } from './lines.ts'

let room: Room
beforeEach(async () => {
  room = await openRoom({ limits: { refusedMs: 0 } })
})
afterEach(() => room.close())

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // A zombie that nobody has reaped yet is not alive.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 2400 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 25))
  expect(condition()).toBe(true)
}

/** A child that is well until it is asked for trouble: `arguments.trouble` runs `body`, anything else tells its pid. */
const troubled = (body: string, head = '') =>
  child(`${head}
    answers['tools/call'] = ({ id, params }) => {
      if (!params.arguments.trouble) return text(String(process.pid))
      ${body}
    }`)

async function start(body: string, head = '', deadlines: RoomServer['deadlines'] = {}) {
  const uid = await room.add('bad', { stdio: troubled(body, head), deadlines })
  const other = await room.add('good', { stdio: child(`answers['tools/call'] = () => text('alive')`) })
  const pid = Number(textOf(await room.tool(uid, 'echo', {})))
  return {
    uid,
    pid,
    trouble: () => room.tool(uid, 'echo', { trouble: true }),
    neighbour: async () => expect(textOf(await room.tool(other, 'echo', {}))).toBe('alive'),
    /** The next call finds another child. */
    heals: async () => expect(Number(textOf(await room.tool(uid, 'echo', {})))).not.toBe(pid),
  }
}

const FOREVER = (stream: string, text: string) =>
  `const more = () => { while (process.${stream}.write(${text})); process.${stream}.once('drain', more) }; more()`

// [CHILD-7]
test.each([
  ['a line without end', FOREVER('stdout', `'a'.repeat(65536)`)],
  ['lines that are no messages', FOREVER('stdout', `'noise\\n'.repeat(8192)`)],
  ['blank JSON without end', FOREVER('stdout', `'{}\\n[]\\n'.repeat(8192)`)],
])('%s on stdout ends the call, the child, and nothing else', async (_what, body) => {
  const { pid, trouble, neighbour, heals } = await start(body)
  const lost = trouble().catch((error: { code: string }) => error.code)
  await neighbour()
  expect(await lost).toBe('upstream-bad-answer')
  await until(() => !isAlive(pid))
  await heals()
})

// [CHILD-7]
test('a flood of stderr is read slowly, kept in 64 KiB, and delays no answer', async () => {
  const { pid, trouble, neighbour } = await start(`${FOREVER('stderr', `'e'.repeat(65536)`)}; return text('answered')`)
  expect(textOf(await trouble())).toBe('answered')
  await neighbour()
  const before = process.memoryUsage().rss
  for (let i = 0; i < 20; i++) await neighbour()
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024)
  expect(isAlive(pid)).toBe(true)
})

test('of stderr the last 64 KiB are kept for the log, without what drives a terminal or hides text', async () => {
  const bytes = String.raw`'first' + 'e'.repeat(200000) + '\u001b[2J\u202e\u2028last'`
  const said = await new Promise<string>((resolve) => {
    const { command, args, env } = child(`process.stderr.write(${bytes}, () => process.exit())`)
    const ignored = { onLine: () => {}, onGone: () => {}, onExit: () => {} }
    new Child({
      command,
      args,
      env: { ...env, PATH: '/usr/bin' },
      cwd: '/',
      lineBytes: 1000,
      ...ignored,
      onEnded: resolve,
    })
  })
  expect(Buffer.byteLength(said)).toBeLessThanOrEqual(64 * 1024)
  expect(said).toMatch(/e \[2J last$/)
  expect(said).not.toContain('first')
})

// [CHILD-7]
test('a stopped child loses its calls to the time limit and is ended all the same', async () => {
  const { pid, uid, trouble, neighbour } = await start(`process.kill(process.pid, 'SIGSTOP')`, '', { idleSeconds: 2 })
  const stuck = trouble().catch((error: { code: string }) => error.code)
  await neighbour()
  expect(await stuck).toBe('upstream-timeout')
  await room.remove(uid)
  await until(() => !isAlive(pid))
})

// [CHILD-7]
test('a child that closes its input is given up, and the next call finds another', async () => {
  const { pid, uid, heals } = await start(
    `require('node:fs').closeSync(0); return text('closed')`,
    'setInterval(() => {}, 1000)',
  )
  expect(textOf(await room.tool(uid, 'echo', { trouble: true }))).toBe('closed')
  await expect(room.tool(uid, 'echo', {})).rejects.toMatchObject({ code: 'upstream-lost' })
  await until(() => !isAlive(pid))
  await heals()
})

// [CHILD-7]
test('what a dead child left in its group goes with it, though it holds stdout open', async () => {
  const { pid, uid, trouble, heals } = await start(
    `const one = require('node:child_process').spawn('/bin/sleep', ['600'], { stdio: ['ignore', 'inherit', 'inherit'] })
     send({ id, result: text(String(one.pid)) })
     process.stdout.write('', () => process.exit(1))`,
  )
  const left = Number(textOf(await trouble()))
  await until(() => !isAlive(pid))
  await until(() => !isAlive(left))
  await heals()
  expect(room.upstreams.health(uid).status).toBe('ready')
})

// [CHILD-7]
test('a storm of forks is ended as one group', async () => {
  const { uid, trouble } = await start(`
    const { spawn } = require('node:child_process')
    const pids = Array.from({ length: 100 }, () => spawn('/bin/sleep', ['600'], { stdio: 'ignore' }).pid)
    return text(JSON.stringify(pids))`)
  const pids: number[] = JSON.parse(textOf(await trouble()))
  expect(pids.every(isAlive)).toBe(true)
  await room.remove(uid)
  await until(() => pids.every((pid) => !isAlive(pid)))
})

test('a line that drips byte by byte is put together whole', () => {
  const lines: string[] = []
  const take = openLines((line) => lines.push(line.toString()), 1_000_000)
  const text = 'x'.repeat(300_000)
  for (const byte of text) take(Buffer.from(byte))
  take(Buffer.from('\nnext\n'))
  expect(lines).toEqual([text, 'next'])
})
