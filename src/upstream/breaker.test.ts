/** Servers that are not there, or there and silent: what their callers wait for, and how they are found again. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { child } from '../../test/child-scripts.ts'
import { freePort } from '../../test/portico-process.ts'
import {
  json,
  legacy,
  modern,
  result,
  type Script,
  type ScriptedServer,
  startScripted,
} from '../../test/scripted-server.ts'
import { openRoom, type Room, textOf } from '../../test/upstream-room.ts'
import { Cancellation } from '../base/cancel.ts'
import { systemClock } from '../base/clock.ts'
import type { ServerUid } from '../base/ids.ts'
import { type Answer, Breaker } from './breaker.ts'
import { Trouble } from './trouble.ts'

let room: Room
const servers: ScriptedServer[] = []
const start = async (script: Script, port = 0): Promise<ScriptedServer> => {
  const server = await startScripted(script, port)
  servers.push(server)
  return server
}
const limits = { idleMs: 1000, probeMs: 500, refusedMs: 800, restMs: 40 }

beforeEach(async () => {
  room = await openRoom({ limits })
})
afterEach(async () => {
  await room.close()
  for (const server of servers.splice(0)) await server.close()
})

const answer: Script = (seen, response) =>
  json(response, result(seen, { resultType: 'complete', content: [{ type: 'text', text: 'yes' }] }))
const circuit = (uid: ServerUid) => room.upstreams.health(uid).circuit
const CLOSED = { state: 'closed', failures: 0, since: null, nextProbe: null }

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 6000 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 10))
  expect(condition()).toBe(true)
}

async function failure(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  return work.then(
    () => expect.unreachable('the call succeeded'),
    (error) => error,
  )
}

describe('a server that is not there', () => {
  test('costs its first caller the patience of a call, and the others nothing', async () => {
    const server = await start(modern(answer))
    const uid = await room.add('s', { url: `${server.origin}/mcp` })
    await server.close()
    const first = await failure(room.tool(uid, 'echo', {}))
    expect(first).toMatchObject({ code: 'upstream-unreachable', message: expect.stringContaining('Nothing was sent') })
    await until(() => circuit(uid).state !== 'closed')
    expect(circuit(uid)).toMatchObject({ since: expect.any(Number), failures: expect.any(Number) })

    const rest = await Promise.all(Array.from({ length: 50 }, () => failure(room.tool(uid, 'echo', {}))))
    for (const { code, message } of rest) {
      expect(code).toBe('upstream-unreachable')
      // The words of a call that was not even tried.
      expect(message).toMatch(/^Server s does not answer at present and is asked again in about \d+ s\./)
    }
  })

  // [HEAL-5]
  test('is called again by the next call once it is back, and found again without any', async () => {
    const server = await start(modern(answer), await freePort())
    const uid = await room.add('s', { url: `${server.origin}/mcp` })
    const away = async () => {
      await failure(room.tool(uid, 'echo', {}))
      await until(() => circuit(uid).state !== 'closed')
    }
    await server.close()
    await away()
    const second = await start(modern(answer), server.port)
    await until(() => circuit(uid).state === 'closed')
    expect(circuit(uid)).toEqual(CLOSED)
    expect(second.asked('tools/call')).toEqual([])
    expect(textOf(await room.tool(uid, 'echo', {}))).toBe('yes')
    await until(() => room.upstreams.health(uid).status === 'ready')
  })
})

describe('a server that accepts connections and never answers', () => {
  const eras: [string, (calls: Script) => Script][] = [
    ['2026', modern],
    ['2025', legacy],
  ]
  // [HEAL-5]
  test.each(eras)('is called once, not by every later caller, and is back when it answers (%s)', async (_era, kind) => {
    const server = await start(kind(answer))
    const uid = await room.add('s', { url: `${server.origin}/mcp` })
    const healthy = server.script
    server.script = () => {}
    expect(await failure(room.tool(uid, 'echo', {}))).toMatchObject({ code: 'upstream-timeout' })
    await until(() => circuit(uid).state !== 'closed')
    for (let i = 0; i < 20; i++) {
      expect(await failure(room.tool(uid, 'echo', {}))).toMatchObject({ code: 'upstream-unreachable' })
    }
    expect(server.asked('tools/call').length).toBe(1)
    await until(() => room.upstreams.health(uid).status === 'stale')
    server.script = healthy
    await until(() => circuit(uid).state === 'closed')
    expect(textOf(await room.tool(uid, 'echo', {}))).toBe('yes')
    await until(() => room.upstreams.health(uid).status === 'ready')
  })

  test('is told to be silent after the time of an opening, not of a call', async () => {
    await room.close()
    room = await openRoom({ limits: { ...limits, idleMs: 60_000, openingMs: 200 } })
    const server = await start(() => {})
    const uid = await room.add('s', { url: `${server.origin}/mcp` })
    expect(room.upstreams.health(uid)).toMatchObject({ status: 'error', error: 'Server s did not answer in time.' })
    expect(await failure(room.tool(uid, 'echo', {}))).toMatchObject({
      code: 'upstream-unreachable',
      message: expect.stringContaining('Nothing was sent'),
    })
  })
})

describe('what does not take a server from its callers', () => {
  test('a restart within the patience of a call', async () => {
    await room.close()
    room = await openRoom({ limits: { ...limits, refusedMs: 60_000 } })
    let isDying = false
    const dies: Script = (seen, response, request) => {
      if (isDying) request.socket.destroy()
      else answer(seen, response, request)
    }
    const server = await start(modern(dies), await freePort())
    const uid = await room.add('s', { url: `${server.origin}/mcp` })
    isDying = true
    const lost = await Promise.all(Array.from({ length: 5 }, () => failure(room.tool(uid, 'echo', {}))))
    expect(new Set(lost.map(({ code }) => code))).toEqual(new Set(['upstream-lost']))
    const states = new Set<string>()
    const watching = setInterval(() => states.add(circuit(uid).state), 5)
    await server.close()
    const waiting = room.tool(uid, 'echo', {})
    setTimeout(() => void start(modern(answer), server.port), 200)
    expect(textOf(await waiting)).toBe('yes')
    await until(() => circuit(uid).failures === 0)
    clearInterval(watching)
    expect([...states]).toEqual(['closed'])
  })

  test('one slow tool', async () => {
    const slow: Script = (seen, response, request) => {
      if (seen.body.params?.name !== 'slow') answer(seen, response, request)
    }
    const server = await start(modern(slow))
    const uid = await room.add('s', { url: `${server.origin}/mcp` })
    for (let i = 0; i < 3; i++) {
      expect(await failure(room.tool(uid, 'slow', {}))).toMatchObject({ code: 'upstream-timeout' })
    }
    await until(() => circuit(uid).failures === 0)
    expect(circuit(uid)).toEqual(CLOSED)
    expect(textOf(await room.tool(uid, 'echo', {}))).toBe('yes')
    // Asked whether it lives, after each, besides the once for its first connection.
    expect(server.asked('server/discover').length).toBeGreaterThan(1)
  })

  const answers: [string, Script][] = [
    ['a refused credential', (_seen, response) => void response.writeHead(401).end()],
    ['a 404 without an answer', (_seen, response) => void response.writeHead(404).end()],
    ['nonsense in one answer', (_seen, response) => json(response, '{"no": "answer"}')],
    [
      'an error of a tool',
      (seen, response) => json(response, result(seen, { resultType: 'complete', content: [], isError: true })),
    ],
    [
      'an error answer',
      (seen, response) => json(response, { jsonrpc: '2.0', id: seen.body.id, error: { code: -32603, message: 'no' } }),
    ],
  ]
  test.each(answers)('%s', async (_what, script) => {
    const server = await start(modern(script))
    const uid = await room.add('s', { url: `${server.origin}/mcp` })
    for (let i = 0; i < 5; i++) await room.tool(uid, 'echo', {}).catch(() => {})
    expect(circuit(uid)).toEqual(CLOSED)
  })

  test('callers that cancel', async () => {
    const server = await start(modern(() => {}))
    const uid = await room.add('s', { url: `${server.origin}/mcp` })
    for (let i = 0; i < 5; i++) {
      const cancel = new Cancellation()
      const work = failure(room.tool(uid, 'echo', {}, { cancel }))
      await until(() => server.asked('tools/call').length === i + 1)
      cancel.cancel('enough')
      expect(await work).toMatchObject({ code: 'cancelled' })
    }
    expect(circuit(uid)).toEqual(CLOSED)
  })
})

describe('the questions', () => {
  const asking = () => {
    const questions: PromiseWithResolvers<Answer>[] = []
    const changes: boolean[] = []
    const breaker = new Breaker({
      clock: systemClock,
      restMs: 60_000,
      waitMs: 60_000,
      ask: () => {
        const question = Promise.withResolvers<Answer>()
        questions.push(question)
        return question.promise
      },
      onChanged: (isOpen) => changes.push(isOpen),
    })
    return { breaker, questions, changes }
  }
  const fail = (breaker: Breaker) => breaker.failed(new Trouble('unsent', ''), 'shared')

  test('are asked one at a time, however many wait for the answer', async () => {
    const { breaker, questions, changes } = asking()
    for (let i = 0; i < 20; i++) fail(breaker)
    expect(questions.length).toBe(1)
    questions[0]?.resolve('refused')
    await until(() => breaker.isOpen)
    const callers = Array.from({ length: 50 }, () => breaker.admit())
    await until(() => questions.length === 2)
    questions[1]?.resolve('answered')
    await Promise.all(callers)
    expect([questions.length, breaker.isOpen, breaker.isTroubled, changes]).toEqual([2, false, false, [true, false]])
    breaker.close()
  })

  test('are asked once more for whoever came when one was under way, which may have been too early', async () => {
    const { breaker, questions } = asking()
    fail(breaker)
    questions[0]?.resolve('refused')
    await until(() => breaker.isOpen)
    const early = failure(breaker.admit())
    await until(() => questions.length === 2)
    const late = Promise.all(Array.from({ length: 50 }, () => breaker.admit()))
    questions[1]?.resolve('refused')
    expect(await early).toMatchObject({ kind: 'left-alone' })
    await until(() => questions.length === 3)
    questions[2]?.resolve('answered')
    await late
    expect([questions.length, breaker.isOpen]).toEqual([3, false])
    breaker.close()
  })

  test('make nobody wait where the last one met silence', async () => {
    const { breaker, questions } = asking()
    fail(breaker)
    questions[0]?.resolve('silent')
    await until(() => breaker.isOpen)
    await expect(breaker.admit()).rejects.toMatchObject({ kind: 'left-alone' })
    expect(questions.length).toBe(1)
    breaker.close()
  })

  test('count for nothing where a call was answered meanwhile', async () => {
    const { breaker, questions, changes } = asking()
    fail(breaker)
    breaker.answered()
    questions[0]?.resolve('silent')
    await questions[0]?.promise
    expect([breaker.isOpen, changes]).toEqual([false, []])
    breaker.close()
  })
})

describe('a child that hangs', () => {
  const peer = child(`answers['tools/call'] = () => text(String(process.pid))`)
  beforeEach(async () => {
    await room.close()
    // A program has to start within these, whatever the deadline of a call.
    room = await openRoom({ limits: { ...limits, idleMs: 60_000, probeMs: 2000 } })
  })

  // [HEAL-5]
  test('is given up for another one, which the next call finds', async () => {
    const uid = await room.add('s', { stdio: peer, deadlines: { idleSeconds: 2 } })
    const pid = Number(textOf(await room.tool(uid, 'echo', {})))
    process.kill(pid, 'SIGSTOP')
    expect(await failure(room.tool(uid, 'echo', {}))).toMatchObject({ code: 'upstream-timeout' })
    await until(() => circuit(uid).failures === 0)
    expect(circuit(uid)).toEqual(CLOSED)
    expect(Number(textOf(await room.tool(uid, 'echo', {})))).not.toBe(pid)
  })

  test('of one caller is given up too, and the children of the others stay', async () => {
    const uid = await room.add('s', { stdio: peer, isolation: 'per_user', deadlines: { idleSeconds: 2 } })
    const pidOf = async (who: string) => Number(textOf(await room.tool(uid, 'echo', {}, { who })))
    const [ada, bob] = [await pidOf('ada'), await pidOf('bob')]
    process.kill(ada, 'SIGSTOP')
    expect(await failure(room.tool(uid, 'echo', {}, { who: 'ada' }))).toMatchObject({ code: 'upstream-timeout' })
    await until(() => circuit(uid).failures === 0)
    expect(await pidOf('ada')).not.toBe(ada)
    expect(await pidOf('bob')).toBe(bob)
  })
})
