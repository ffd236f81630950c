/** What a server of 2025 asks in the midst of a call: who is asked, what the server is told, and when nobody is. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AskingServer, asks, type Call, FORM, startAsking } from '../../test/asking-server.ts'
import { child } from '../../test/child-scripts.ts'
import { json, modern, result, type ScriptedServer, startScripted } from '../../test/scripted-server.ts'
import { ASKS_NOTHING, type CallOptions, openRoom, type Room, textOf } from '../../test/upstream-room.ts'
import { Cancellation } from '../base/cancel.ts'
import type { ServerAnswer, ServerQuestion } from '../protocol/asked.ts'
import type { JsonObject } from '../protocol/model.ts'

let room: Room
const servers: ScriptedServer[] = []
const asking = async (onCall: (call: Call, server: AskingServer) => void): Promise<AskingServer> => {
  const server = await startAsking(onCall)
  servers.push(server.http)
  return server
}
const scripted = async (script: Parameters<typeof startScripted>[0]): Promise<ScriptedServer> => {
  const server = await startScripted(script)
  servers.push(server)
  return server
}

beforeEach(async () => {
  room = await openRoom()
})
afterEach(async () => {
  await room.close()
  for (const server of servers.splice(0)) await server.close()
})

const YES: ServerAnswer = { result: { action: 'accept', content: { which: 'this' } } }

/** A caller that has forms, answers yes and notes what it was asked. */
function caller(who: string, given: Partial<CallOptions> = {}): CallOptions & { asked: ServerQuestion[] } {
  const asked: ServerQuestion[] = []
  return {
    who,
    asked,
    askable: { form: true },
    ask: async (question) => {
      asked.push(question)
      return YES
    },
    ...given,
  }
}

/** A caller that answers only when the test says so. */
function slowCaller(who: string, given: Partial<CallOptions> = {}) {
  const asked: { question: ServerQuestion; signal: AbortSignal; answer: (answer: ServerAnswer) => void }[] = []
  let look = () => {}
  return {
    asked,
    options: caller(who, {
      ask: (question, signal) =>
        new Promise((answer) => {
          asked.push({ question, signal, answer })
          look()
        }),
      ...given,
    }),
    /** Resolves when it has been asked so often. */
    async askedTimes(count: number) {
      while (asked.length < count) await new Promise<void>((resolve) => (look = resolve))
    },
  }
}

describe('a question on the stream of a call', () => {
  test.each([7, '7', 'a b', 0])('is put to its caller, and the answer goes back once, with the id %j', async (id) => {
    const server = await asking(async (call, at) => {
      call.say(asks(id, 'elicitation/create', { ...FORM, _meta: { progressToken: 1 } }))
      const { result } = await at.toldOf(id)
      call.answer(JSON.stringify(result))
    })
    const uid = await room.add('s', { url: server.url })
    const ada = caller('ada')
    const reply = await room.tool(uid, 'echo', {}, ada)
    expect(JSON.parse(textOf(reply))).toEqual({ action: 'accept', content: { which: 'this' } })
    expect(ada.asked).toEqual([{ method: 'elicitation/create', params: FORM }])
    expect(server.told).toEqual([{ jsonrpc: '2.0', id, ...YES }])
  })

  test('reaches the caller of that call alone, whoever else is there, also with an id that is one of ours', async () => {
    const calls: Call[] = []
    const server = await asking(async (call, at) => {
      calls.push(call)
      if (calls.length < 2) return
      // The very ids that the portal gave to both calls, and the second first.
      for (const [other, one] of [
        [0, 1],
        [1, 0],
      ] as const)
        calls[one]?.say(asks(calls[other]?.seen.body.id ?? -1))
      await at.until(() => at.told.length === 2)
      for (const one of calls) one.answer('done')
    })
    const uid = await room.add('s', { url: server.url })
    const [ada, bob] = [caller('ada'), caller('bob')]
    await Promise.all([room.tool(uid, 'echo', {}, ada), room.tool(uid, 'echo', {}, bob)])
    expect([ada.asked.length, bob.asked.length]).toEqual([1, 1])
    expect(server.told.map((one) => one.id).sort()).toEqual(calls.map((one) => one.seen.body.id ?? -1).sort())
  })

  test('comes back as the error that the caller gave', async () => {
    const refused: ServerAnswer = { error: { code: -1, message: 'User rejected sampling request' } }
    const server = await asking(async (call, at) => {
      call.say(asks('q', 'sampling/createMessage', { messages: [], maxTokens: 1 }))
      call.answer(JSON.stringify((await at.toldOf('q')).error))
    })
    const uid = await room.add('s', { url: server.url })
    const ada = caller('ada', { askable: { sampling: true }, ask: async () => refused })
    expect(JSON.parse(textOf(await room.tool(uid, 'echo', {}, ada)))).toEqual(refused.error)
  })

  test.each([
    ['elicitation/create', { mode: 'url', url: 'https://a.example/', elicitationId: 'e', message: 'Go' }, -32602],
    ['sampling/createMessage', { messages: [], maxTokens: 1, tools: [] }, -32602],
    ['roots/list', {}, -32601],
    ['tasks/list', {}, -32601],
    ['constructor', {}, -32601],
  ])(
    'that was not declared, %s, gets its error, nobody is asked, and the call goes on',
    async (method, params, code) => {
      const server = await asking(async (call, at) => {
        call.say(asks('q', method, params))
        call.say(asks('p', 'ping', {}))
        const { error } = await at.toldOf('q')
        await at.toldOf('p')
        call.answer(String((error as JsonObject).code))
      })
      const uid = await room.add('s', { url: server.url })
      const ada = caller('ada', { askable: { form: true, sampling: true } })
      expect(textOf(await room.tool(uid, 'echo', {}, ada))).toBe(String(code))
      expect(ada.asked).toEqual([])
      expect(server.told).toContainEqual({ jsonrpc: '2.0', id: 'p', result: {} })
    },
  )

  test('comes without the secrets that the server was given', async () => {
    const server = await asking(async (call, at) => {
      const secret = call.seen.headers.authorization ?? ''
      const encoded = Buffer.from(secret.slice(7)).toString('base64')
      call.say(asks('q', 'elicitation/create', { ...FORM, message: `Is ${secret} or ${encoded} right?` }))
      await at.toldOf('q')
      call.answer('done')
    })
    const uid = await room.add('s', { url: server.url, authType: 'bearer', credential: 'open-sesame-and-more' })
    const ada = caller('ada')
    await room.tool(uid, 'echo', {}, ada)
    expect(ada.asked[0]?.params.message).toMatch(/^Is Bearer \[redacted\] or .*\[redacted\].* right\?$/)
    expect(JSON.stringify(ada.asked)).not.toContain('sesame')
  })

  test('of a person who takes longer than the server may take for a call is answered, and so is the call', async () => {
    await room.close()
    room = await openRoom({ limits: { idleMs: 1000, totalMs: 1000 } })
    const server = await asking(async (call, at) => {
      call.say(asks('q'))
      await at.toldOf('q')
      call.answer('done')
    })
    const uid = await room.add('s', { url: server.url })
    const slow = caller('ada', { ask: () => new Promise((resolve) => setTimeout(resolve, 2500, YES)) })
    expect(textOf(await room.tool(uid, 'echo', {}, slow))).toBe('done')
  })

  test('that the caller answered is no sign of life for ever: a server that is silent then is given up', async () => {
    await room.close()
    room = await openRoom({ limits: { idleMs: 500 } })
    const server = await asking((call) => call.say(asks('q')))
    const uid = await room.add('s', { url: server.url })
    await expect(room.tool(uid, 'echo', {}, caller('ada'))).rejects.toMatchObject({ code: 'upstream-timeout' })
    expect(server.told).toHaveLength(1)
  })
})

describe('a question that nobody needs to answer any more', () => {
  test('is taken back when the server says so, and an answer that comes late is dropped', async () => {
    const calls: Call[] = []
    const server = await asking((call) => {
      calls.push(call)
      call.say(asks('q'))
    })
    const uid = await room.add('s', { url: server.url })
    const ada = slowCaller('ada')
    const called = room.tool(uid, 'echo', {}, ada.options)
    await ada.askedTimes(1)
    const [first] = ada.asked
    const ended = new Promise((resolve) => first?.signal.addEventListener('abort', resolve))
    calls[0]?.say({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'q' } })
    await ended
    first?.answer(YES)
    // The id is free again, and its answer is that of the second question.
    calls[0]?.say(asks('q'))
    await ada.askedTimes(2)
    ada.asked[1]?.answer({ result: { action: 'decline' } })
    await server.toldOf('q')
    calls[0]?.answer('done')
    await called
    expect(server.told).toEqual([{ jsonrpc: '2.0', id: 'q', result: { action: 'decline' } }])
  })

  test('is taken back when its call is answered without it', async () => {
    const calls: Call[] = []
    const server = await asking((call) => {
      calls.push(call)
      call.say(asks('q'))
    })
    const uid = await room.add('s', { url: server.url })
    const ada = slowCaller('ada')
    const called = room.tool(uid, 'echo', {}, ada.options)
    await ada.askedTimes(1)
    calls[0]?.answer('never mind')
    expect(textOf(await called)).toBe('never mind')
    expect(ada.asked[0]?.signal.aborted).toBe(true)
    ada.asked[0]?.answer(YES)
    await room.tool(uid, 'echo', {}, { who: 'ada', cancel: cancelledSoon(server) }).catch(() => {})
    expect(server.told).toEqual([])
  })

  test('is taken back when the caller cancels, before the server hears of that', async () => {
    const server = await asking((call) => call.say(asks('q')))
    const uid = await room.add('s', { url: server.url })
    const cancel = new Cancellation()
    const ada = slowCaller('ada', { cancel })
    const called = room.tool(uid, 'echo', {}, ada.options)
    await ada.askedTimes(1)
    let heardBefore = -1
    const heard = () => server.http.asked('notifications/cancelled').length
    ada.asked[0]?.signal.addEventListener('abort', () => {
      heardBefore = heard()
    })
    cancel.cancel('enough')
    await expect(called).rejects.toMatchObject({ code: 'cancelled' })
    ada.asked[0]?.answer(YES)
    await server.until(() => heard() === 1)
    expect(heardBefore).toBe(0)
    expect(server.told).toEqual([])
  })

  test('is taken back when the connection breaks', async () => {
    const server = await asking((call) => call.say(asks('q')))
    const uid = await room.add('s', { url: server.url })
    const ada = slowCaller('ada')
    const called = room.tool(uid, 'echo', {}, ada.options)
    await ada.askedTimes(1)
    await server.http.close()
    await expect(called).rejects.toMatchObject({ code: 'upstream-lost' })
    expect(ada.asked[0]?.signal.aborted).toBe(true)
  })

  test('and comes after the answer reaches nobody', async () => {
    const server = await asking((call) => call.answer('done', asks('late')))
    const uid = await room.add('s', { url: server.url })
    const ada = caller('ada')
    await room.tool(uid, 'echo', {}, ada)
    await room.tool(uid, 'echo', {}, ada)
    expect(ada.asked).toEqual([])
  })
})

describe('a server that asks too much', () => {
  test('of a hundred questions at once three are put, the others get an error, and the call goes on', async () => {
    const server = await asking(async (call, at) => {
      for (let id = 0; id < 100; id++) call.say(asks(id))
      await at.until(() => at.told.length === 100)
      call.answer('done')
    })
    const uid = await room.add('s', { url: server.url })
    const ada = slowCaller('ada')
    const called = room.tool(uid, 'echo', {}, ada.options)
    await ada.askedTimes(3)
    await server.until(() => server.told.length === 97)
    expect(ada.asked).toHaveLength(3)
    for (const { answer } of ada.asked) answer(YES)
    expect(textOf(await called)).toBe('done')
    expect(ada.asked).toHaveLength(3)
    expect(server.told.filter((one) => one.error !== undefined)).toHaveLength(97)
  })

  test('of a hundred questions in turn eight are put, the others get an error, and the call goes on', async () => {
    const server = await asking(async (call, at) => {
      for (let id = 0; id < 100; id++) {
        call.say(asks(id))
        await at.toldOf(id)
      }
      call.answer('done')
    })
    const uid = await room.add('s', { url: server.url })
    const ada = caller('ada')
    expect(textOf(await room.tool(uid, 'echo', {}, ada))).toBe('done')
    expect(ada.asked).toHaveLength(8)
    expect(server.told.map((one) => one.result !== undefined)).toEqual(Array.from({ length: 100 }, (_, id) => id < 8))
  })

  test('with one id for two questions gets one answer, to the first', async () => {
    const server = await asking(async (call, at) => {
      call.say(asks('q', 'elicitation/create', { ...FORM, message: 'first' }))
      call.say(asks('q', 'elicitation/create', { ...FORM, message: 'second' }))
      call.say(asks('p', 'ping', {}))
      await at.toldOf('q')
      await at.toldOf('p')
      call.answer('done')
    })
    const uid = await room.add('s', { url: server.url })
    const ada = caller('ada')
    await room.tool(uid, 'echo', {}, ada)
    expect(ada.asked.map((one) => one.params.message)).toEqual(['first'])
    expect(server.told.filter((one) => one.id === 'q')).toHaveLength(1)
  })
})

describe('a question on the stream that is nobody’s', () => {
  test('is put to the one caller who is there', async () => {
    const server = await asking(async (call, at) => {
      await at.sayAside(call, asks('q'))
      await at.toldOf('q')
      call.answer('done')
    })
    const uid = await room.add('s', { url: server.url })
    const ada = caller('ada')
    await room.tool(uid, 'echo', {}, ada)
    expect(ada.asked).toHaveLength(1)
    expect(server.told).toEqual([{ jsonrpc: '2.0', id: 'q', ...YES }])
  })

  test.each([
    ['elicitation/create', FORM, { result: { action: 'decline' } }],
    [
      'sampling/createMessage',
      { messages: [], maxTokens: 1 },
      { error: { code: -32601, message: 'Method not found' } },
    ],
  ])('is put to nobody while two people have calls in flight there (%s)', async (method, params, told) => {
    const calls: Call[] = []
    const server = await asking(async (call, at) => {
      calls.push(call)
      if (calls.length < 2) return
      await at.sayAside(call, asks('q', method, params))
      await at.toldOf('q')
      for (const one of calls) one.answer('done')
    })
    const uid = await room.add('s', { url: server.url })
    const askable = { form: true, sampling: true }
    const [ada, bob] = [caller('ada', { askable }), caller('bob', { askable })]
    await Promise.all([room.tool(uid, 'echo', {}, ada), room.tool(uid, 'echo', {}, bob)])
    expect([...ada.asked, ...bob.asked]).toEqual([])
    expect(server.told).toEqual([{ jsonrpc: '2.0', id: 'q', ...told }])
  })

  test('is put to nobody when nobody is there', async () => {
    const calls: Call[] = []
    const server = await asking((call) => {
      calls.push(call)
      call.answer('done')
    })
    const uid = await room.add('s', { url: server.url })
    const ada = caller('ada')
    await room.tool(uid, 'echo', {}, ada)
    await server.sayAside(calls[0] as Call, asks('q'))
    expect(await server.toldOf('q')).toMatchObject({ result: { action: 'decline' } })
    expect(ada.asked).toEqual([])
  })
})

describe('what callers can be asked', () => {
  test('is declared at the handshake, and callers with other capabilities have other sessions', async () => {
    const server = await asking((call) => call.answer('done'))
    const uid = await room.add('s', { url: server.url, relay: ASKS_NOTHING })
    const sets: CallOptions['askable'][] = [
      undefined,
      { form: true },
      { form: true, url: true, sampling: true, samplingTools: true, roots: true },
      { sampling: true },
    ]
    for (const turn of [1, 2]) {
      for (const askable of sets) {
        const given = askable === undefined ? {} : caller(`ada${turn}`, { askable })
        await room.tool(uid, 'echo', {}, given)
      }
    }
    expect(server.declared).toEqual([
      {},
      { elicitation: { form: {} } },
      { elicitation: { form: {}, url: {} }, sampling: { tools: {} }, roots: {} },
      { sampling: {} },
    ])
  })

  test('makes children of their own, at home in the same directory, which end when nobody uses them', async () => {
    await room.close()
    room = await openRoom({ stdio: { idleStopMs: 200 } })
    const body = `answers['tools/call'] = () => text({ pid: process.pid, home: process.env.HOME })`
    const uid = await room.add('s', { stdio: child(body) })
    const places = await Promise.all(
      [{}, caller('ada'), caller('bob'), caller('ada', { askable: { sampling: true } })].map(
        async (options) =>
          JSON.parse(textOf(await room.tool(uid, 'echo', {}, options))) as { pid: number; home: string },
      ),
    )
    expect(new Set(places.map(({ home }) => home)).size).toBe(1)
    const pids = places.map(({ pid }) => pid)
    expect(pids[1]).toBe(pids[2])
    expect(new Set(pids).size).toBe(3)
    await expect.poll(() => room.upstreams.figures()[0]?.children, { timeout: 10_000 }).toBe(0)
  })

  test('is declared with each request to a server of 2026, over one connection', async () => {
    const server = await scripted(modern((seen, response) => json(response, result(seen, { content: [] }))))
    const uid = await room.add('s', { url: `${server.origin}/mcp` })
    for (const askable of [undefined, { form: true }, { form: true }, { url: true, roots: true }])
      await room.tool(uid, 'echo', {}, askable === undefined ? {} : caller('ada', { askable }))
    const meta = server.asked('tools/call').map((one) => one.body.params?._meta as JsonObject)
    expect(meta.map((one) => one['io.modelcontextprotocol/clientCapabilities'])).toEqual([
      {},
      { elicitation: { form: {} } },
      { elicitation: { form: {} } },
      { elicitation: { url: {} }, roots: {} },
    ])
    expect(server.asked('server/discover')).toHaveLength(1)
  })
})

describe('a server of 2026 that ends with questions', () => {
  const asked = { resultType: 'input_required', inputRequests: { a: { method: 'roots/list' } }, requestState: 's' }

  test('is passed on as it is, and gets answers and state as they are', async () => {
    const server = await scripted(modern((seen, response) => json(response, result(seen, asked))))
    const uid = await room.add('s', { url: `${server.origin}/mcp` })
    const params = { name: 'echo', arguments: {}, inputResponses: { a: { roots: [] } }, requestState: 's' }
    const raw = await room.raw(uid, 'tools/call', params, caller('ada', { askable: { roots: true } }))
    expect(raw.has.resultType).toBe('input_required')
    expect(JSON.parse(raw.bytes.toString('utf8', raw.body.from, raw.body.to))).toEqual(asked)
    expect(server.asked('tools/call')[0]?.body.params).toMatchObject(params)
  })

  test('where the method has no questions has not answered', async () => {
    const server = await scripted(modern((seen, response) => json(response, result(seen, asked))))
    const uid = await room.add('s', { url: `${server.origin}/mcp` })
    const params = { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'a', value: '' } }
    const called = room.raw(uid, 'completion/complete', params, caller('ada'))
    await expect(called).rejects.toMatchObject({ code: 'upstream-bad-answer' })
  })

  test('shows nothing of the credential', async () => {
    const echo = {
      ...asked,
      inputRequests: { a: { method: 'elicitation/create', params: { message: 'open-sesame-and-more' } } },
    }
    const server = await scripted(modern((seen, response) => json(response, result(seen, echo))))
    const uid = await room.add('s', {
      url: `${server.origin}/mcp`,
      authType: 'bearer',
      credential: 'open-sesame-and-more',
    })
    const raw = await room.raw(uid, 'tools/call', { name: 'echo' }, caller('ada'))
    expect(raw.has.resultType).toBe('input_required')
    expect(raw.bytes.toString()).not.toContain('sesame')
  })
})

test('a server of 2025 that wants a page visited first says so with its data', async () => {
  const data = { elicitations: [{ mode: 'url', url: 'https://a.example/', elicitationId: 'e', message: 'Go' }] }
  const server = await asking((call) =>
    call.say({ jsonrpc: '2.0', id: call.seen.body.id ?? -1, error: { code: -32042, message: 'Go there', data } }),
  )
  const uid = await room.add('s', { url: server.url })
  const raw = await room.raw(uid, 'tools/call', { name: 'echo' }, caller('ada', { askable: { url: true } }))
  expect(raw.outcome).toBe('error')
  expect(JSON.parse(raw.bytes.toString('utf8', raw.body.from, raw.body.to))).toEqual({
    code: -32042,
    message: 'Go there',
    data,
  })
})

test('what nobody knows is heard without harm', async () => {
  const server = await asking((call) => {
    for (const method of ['notifications/elicitation/complete', 'notifications/tasks/status', 'notifications/new'])
      call.say({ jsonrpc: '2.0', method, params: { elicitationId: 'e', taskId: 't' } })
    call.say({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: { a: 1 } } })
    call.say({ jsonrpc: '2.0', method: 'notifications/cancelled' })
    call.answer('done')
  })
  const uid = await room.add('s', { url: server.url })
  expect(textOf(await room.tool(uid, 'echo', {}, caller('ada')))).toBe('done')
})

/** Cancels as soon as the server has the call: one that it will not answer. */
function cancelledSoon(server: AskingServer): Cancellation {
  const cancel = new Cancellation()
  const before = server.http.asked('tools/call').length
  void server.until(() => server.http.asked('tools/call').length > before).then(() => cancel.cancel('enough'))
  return cancel
}
