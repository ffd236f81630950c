/**
 * A call that waits at a server of 2025 while its client of 2026 comes back with the answers: it is its own caller's alone, ends at its
 * server as soon as it may not go on, and leaves nothing behind. Over HTTP and stdio.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AuditRow } from '../../src/audit/event.ts'
import { askingChild } from '../asking-child.ts'
import { type AskingServer, asks, type Call, FORM, startAsking } from '../asking-server.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { startPorticoProcess } from '../portico-process.ts'
import { bearer, type RawCaller } from '../raw-mcp.ts'
import { ACCEPTED, answering, deny, MCP, must, rowsOf, type Tried, type Trying, tryOnce } from '../relay-room.ts'

const HTTP = { name: 'desk_echo', arguments: {} }

let portal: TestPortal
let desk: AskingServer
let onCall: (call: Call) => void
let ann: RawCaller
const undo: (() => Promise<unknown>)[] = []
let asked = 0

beforeAll(async () => {
  desk = await startAsking((call) => onCall(call))
  portal = await startTestPortal()
  await portal.furnish([
    { id: 'desk', url: desk.url },
    { id: 'child', stdio: askingChild() },
  ])
  ann = bearer(await portal.userToken('ann@acme.test'))
})
beforeEach(() => {
  onCall = askOnce
})
afterEach(async () => {
  for (const back of undo.splice(0)) await back()
  await expect.poll(inFlight).toEqual([])
})
afterAll(async () => {
  await portal?.close()
  await desk?.http.close()
})

/** Asks, and answers with what it was told. */
function askOnce(call: Call): void {
  const id = `q${++asked}`
  call.say(asks(id))
  void desk.toldOf(id).then((told) => call.answer(JSON.stringify(told.result ?? told.error)))
}

const at = (params: Record<string, unknown>, how: Trying = {}, who = ann) =>
  tryOnce(`${portal.url}/mcp`, who, params, how)
const bob = async () => bearer(await portal.userToken('bob@acme.test'))
const cancelled = () => desk.http.asked('notifications/cancelled').length

/** The servers that have calls under way, by what a scraper is told. */
async function inFlight(): Promise<string[]> {
  const headers = { authorization: `Bearer ${portal.adminToken}` }
  const text = await (await fetch(`${portal.url}/metrics`, { headers })).text()
  expect(text).toContain('portico_server_calls_in_flight{')
  return text.split('\n').filter((line) => /^portico_server_calls_in_flight\{.* [1-9]\d*$/.test(line))
}

async function begin(params: Record<string, unknown> = HTTP, who = ann): Promise<Tried & { responses: unknown }> {
  const first = await at(params, {}, who)
  expect(Object.keys(first.asked)).toHaveLength(1)
  return { ...first, responses: answering(first) }
}

const TRANSPORTS = [
  { over: 'HTTP', server: 'desk', tool: 'echo', params: HTTP },
  { over: 'stdio', server: 'child', tool: 'ask', params: { name: 'child_ask', arguments: { who: 'it' } } },
]

describe.each(TRANSPORTS)('over $over', ({ server, tool, params }) => {
  /** Until the server has heard of one more cancelled call. */
  const hears = async (before: number) => expect.poll(() => heard(), { timeout: 20_000 }).toBe(before + 1)
  const heard = async () => {
    if (server === 'desk') return cancelled()
    const { text } = await at({ name: 'child_told', arguments: {} }, {}, await auditor())
    return (JSON.parse(text) as string[]).filter((method) => method === 'notifications/cancelled').length
  }
  let watching: RawCaller | undefined
  const auditor = async () => {
    watching ??= bearer(await portal.userToken('watcher@acme.test'))
    return watching
  }

  // [RELAY-7]
  test('it goes on with what its person said, and each request has its row with the credential', async () => {
    const { state, responses } = await begin(params)
    const done = await at(params, { state, responses })
    expect(done.error).toBeNull()
    expect(done.text).toContain('"name":"Ann"')
    const [second, first] = await rowsOf(portal, 'tools/call', 2)
    for (const row of [first, second]) expect(row).toMatchObject({ outcome: 'answered', credential: 'none', server })
  })

  // [RELAY-7]
  test('the state is nobody else’s: the call waits on, and its own caller finds it', async () => {
    const { state, responses } = await begin(params)
    const told = server === 'desk' ? desk.told.length : 0
    for (const other of [await bob(), bearer(await portal.userToken('ann@acme.test'))])
      expect((await at(params, { state, responses }, other)).error?.code).toBe(-32602)
    expect((await rowsOf(portal, 'tools/call'))[0]).toMatchObject({ outcome: 'error', error: '-32602' })
    if (server === 'desk') expect(desk.told.length).toBe(told)
    expect((await at(params, { state, responses })).text).toContain('"name":"Ann"')
  })

  // [RELAY-7]
  test('it is answered once', async () => {
    const { state, responses } = await begin(params)
    await at(params, { state, responses })
    expect((await at(params, { state, responses })).error?.code).toBe(-32602)
  })

  // [RELAY-8]
  test('what a policy denies meanwhile ends at the server at once, and whoever comes back is refused', async () => {
    const before = await heard()
    const { state, responses } = await begin(params)
    undo.push(await deny(portal, server, tool))
    await hears(before)
    expect((await at(params, { state, responses })).error?.message).toContain(`Unknown tool: ${params.name}`)
    const rows = await rowsOf(portal, 'tools/call', 20)
    const own = rows.filter(({ capability }) => capability === params.name)
    expect(own[0]).toMatchObject({ outcome: 'refused', error: 'not-allowed' })
    // One row says that the call itself ended, as part of the one that began it.
    expect(own[1]).toMatchObject({ outcome: 'cancelled', error: 'cancelled', parent: own[2]?.deed, credential: 'none' })
    expect(own[2]).toMatchObject({ outcome: 'answered' })
  })

  // [RELAY-8]
  test('so does what a withdrawn token began', async () => {
    const before = await heard()
    const email = 'eve@acme.test'
    const { id, token } = await must<{ id: string; token: string }>(portal, 'POST', '/tokens/access', {
      ...{ email, portal: 'default' },
    })
    await begin(params, bearer(token))
    await must(portal, 'DELETE', `/tokens/access/${id}`)
    await hears(before)
  })

  // [RELAY-7]
  test('who comes back without an answer is asked the same again', async () => {
    const first = await begin(params)
    const again = await at(params, { state: first.state })
    expect(again.asked).toEqual(first.asked)
    expect((await at(params, { state: again.state, responses: first.responses })).text).toContain('"name":"Ann"')
  })

  // [RELAY-2]
  test('who can be asked no more at its next try is not: the question is declined, and the call goes on', async () => {
    const { state } = await begin(params)
    const done = await at(params, { state, responses: {}, capabilities: {} })
    expect(done.asked).toEqual({})
    expect(done.text).toContain('"action":"decline"')
  })
})

describe('a server over HTTP', () => {
  const hears = async (before: number) => expect.poll(cancelled, { timeout: 20_000 }).toBe(before + 1)

  // [RELAY-7]
  test('hears that its call is given up when the client leaves the request that goes on', async () => {
    const before = cancelled()
    onCall = (call) => call.say(asks(`q${++asked}`))
    const { state, responses } = await begin()
    const leaving = new AbortController()
    const going = at(HTTP, { state, responses, signal: leaving.signal })
    await desk.toldOf(`q${asked}`)
    leaving.abort()
    await expect(going).rejects.toThrow()
    await hears(before)
    await expect.poll(async () => (await rowsOf(portal, 'tools/call'))[0]).toMatchObject({ outcome: 'cancelled' })
  })

  // [RELAY-1]
  test('that takes its question back while the client is away is heard when the client comes', async () => {
    onCall = (call) => {
      const id = `q${++asked}`
      call.say(asks(id))
      takeBack = () => {
        call.say({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } })
        call.answer('never mind')
      }
    }
    let takeBack = () => {}
    const { state, responses } = await begin()
    takeBack()
    const told = desk.told.length
    expect((await at(HTTP, { state, responses })).text).toBe('never mind')
    expect(desk.told.length).toBe(told)
  })

  // [RELAY-1]
  test('that answers by itself while the client is away is heard then, once', async () => {
    let go = () => {}
    onCall = (call) => {
      call.say(asks(`q${++asked}`))
      go = () => call.answer('went on without you')
    }
    const { state } = await begin()
    go()
    await expect.poll(inFlight).toEqual([])
    expect((await at(HTTP, { state })).text).toBe('went on without you')
    expect((await at(HTTP, { state })).error).not.toBeNull()
  })

  // [RELAY-6]
  test('that breaks off while the client is away leaves a row that says so, and the client is told', async () => {
    let breakOff = () => {}
    onCall = (call) => {
      call.say(asks(`q${++asked}`))
      breakOff = call.breakOff
    }
    const { state } = await begin()
    breakOff()
    await expect.poll(async () => (await rowsOf(portal, 'tools/call'))[0]?.outcome).toBe('failed')
    const [lost, first] = await rowsOf(portal, 'tools/call', 2)
    expect(lost).toMatchObject({ error: 'upstream-lost', parent: first?.deed, server: 'desk', credential: 'none' })
    const { isError, text } = await at(HTTP, { state })
    expect(isError).toBe(true)
    expect(text).toContain('desk')
  })

  // [RELAY-7]
  test('whose caller has sixteen calls waiting is not asked for the next one’s answer, and others are', async () => {
    const eve = bearer(await portal.userToken('eve@acme.test'))
    const open = await Promise.all(Array.from({ length: 16 }, () => begin(HTTP, eve)))
    const one = await at(HTTP, {}, eve)
    expect(one.asked).toEqual({})
    expect(one.text).toContain('Nobody answers')
    const other = await begin()
    for (const { state, responses } of open) expect((await at(HTTP, { state, responses }, eve)).error).toBeNull()
    expect((await at(HTTP, other)).error).toBeNull()
    // There is room again.
    const again = await begin(HTTP, eve)
    await at(HTTP, again, eve)
  })

  // [RELAY-1]
  test('is declined what it asks in a ninth round, and gets no more of its caller', async () => {
    onCall = (call) => {
      const next = (round: number) => {
        const id = `q${++asked}`
        call.say(asks(id, 'elicitation/create', { ...FORM, message: `Round ${round}?` }))
        void desk.toldOf(id).then(({ result, error }) => {
          if (result !== undefined && round < 12) next(round + 1)
          else call.answer(`after ${round}: ${JSON.stringify(error)}`)
        })
      }
      next(1)
    }
    let tried = await at(HTTP)
    let rounds = 0
    while (Object.keys(tried.asked).length > 0) {
      rounds++
      tried = await at(HTTP, { state: tried.state, responses: answering(tried, ACCEPTED) })
    }
    expect(rounds).toBe(8)
    expect(tried.text).toContain('after 9: {"code":')
  })
})

// [RELAY-6]
test('a portal that stops ends the session of a call that waits, and its audit has the end of the call', async () => {
  const server = await startAsking((call) => call.say(asks('only')))
  const portico = await startPorticoProcess()
  try {
    await portico.api('POST', `${MCP}/servers`, {
      ...{ id: 'desk', name: 'Desk', hostname: server.url, auth_type: 'unauthenticated' },
    })
    await portico.api('POST', `${MCP}/servers/desk/sync`)
    await portico.api('PUT', `${MCP}/portals/default`, { servers: [{ server_id: 'desk' }] })
    const made = await portico.api<{ token: string }>('POST', '/tokens/access', {
      ...{ email: 'ann@acme.test', portal: 'default' },
    })
    const { asked } = await tryOnce(`${portico.url}/mcp`, bearer(made.token), HTTP)
    expect(asked).not.toEqual({})
    const session = server.http.asked('tools/call')[0]?.headers['mcp-session-id']
    expect(await portico.end('SIGTERM')).toBe(0)
    const ended = server.http.seen.filter(({ method }) => method === 'DELETE')
    expect(ended.map(({ headers }) => headers['mcp-session-id'])).toContain(session)
    await portico.start()
    const rows = await portico.api<AuditRow[]>('GET', `${MCP}/logs?phase=ended&method=tools/call&limit=2`)
    expect(rows[0]).toMatchObject({ outcome: 'cancelled', parent: rows[1]?.deed })
  } finally {
    await portico.end('SIGTERM')
    await portico.remove()
    await server.http.close()
  }
})

describe('calls at one time', () => {
  beforeEach(async () => {
    await must(portal, 'PUT', `${MCP}/servers/desk`, { limits: [{ per: 'principal', concurrency: 1 }] })
    undo.push(() => must(portal, 'PUT', `${MCP}/servers/desk`, { limits: [] }))
  })
  const isLimited = ({ isError, text }: Tried) => isError && text.includes('1 call at a time for each caller')

  // [CALLS-3]
  test('a call that waits at its server has its place, the request that comes back needs none, and both make room', async () => {
    const first = await begin()
    // Its request has its answer, and the call is under way.
    expect(isLimited(await at(HTTP))).toBe(true)
    const back = await at(HTTP, { state: first.state, responses: first.responses })
    expect(back).toMatchObject({ error: null, isError: false })
    const next = await begin()
    expect(isLimited(await at(HTTP))).toBe(true)
    await at(HTTP, { state: next.state, responses: next.responses })
    // Somebody else has a place of their own.
    const other = await bob()
    const theirs = await begin(HTTP, other)
    await at(HTTP, { state: theirs.state, responses: theirs.responses }, other)
  })

  // [CALLS-3]
  test('a state that opens nothing is no way past the limit, and one that was used is none either', async () => {
    const calls = () => desk.http.asked('tools/call').length
    const first = await begin()
    const before = calls()
    for (const state of ['forged', `${first.state}x`, 7])
      expect(isLimited(await at(HTTP, { state, responses: first.responses }))).toBe(true)
    const other = { name: 'desk_echo', arguments: { another: 1 } }
    expect(isLimited(await at(other, { state: first.state, responses: first.responses }))).toBe(true)
    await at(HTTP, { state: first.state, responses: first.responses })
    const second = await begin()
    const again = await at(HTTP, { state: first.state, responses: first.responses })
    expect(again.error).toMatchObject({ code: -32602 })
    expect(calls()).toBe(before + 1)
    await at(HTTP, { state: second.state, responses: second.responses })
  })

  // [CALLS-3]
  test('a call that nobody comes back for gives its place back when it ends at its server', async () => {
    await must(portal, 'PUT', `${MCP}/servers/desk`, { relay: { answer_time: 1 } })
    undo.push(() => must(portal, 'PUT', `${MCP}/servers/desk`, { relay: null }))
    await begin()
    expect(isLimited(await at(HTTP))).toBe(true)
    let last: Tried | undefined
    const again = async () => {
      last = await at(HTTP)
      return isLimited(last)
    }
    await expect.poll(again).toBe(false)
    if (last !== undefined) await at(HTTP, { state: last.state, responses: answering(last) })
  })

  // [CALLS-3]
  test('a call that a policy asks something for as well has one place, and keeps it', async () => {
    const path = `${MCP}/portals/default`
    const { policies } = await must<{ policies: (string | { id: string })[] }>(portal, 'GET', path)
    const before = policies.map((one) => (typeof one === 'string' ? one : one.id))
    const rule = await must<{ id: string }>(portal, 'POST', '/access/policies', {
      ...{ name: 'Say why', decision: 'allow', include: [{ everyone: {} }], purpose_justification_required: true },
    })
    await must(portal, 'PUT', path, { policies: [rule.id] })
    undo.push(() => must(portal, 'PUT', path, { policies: before }))
    const why = await at(HTTP)
    const told = { action: 'accept', content: { purpose: 'Because.' } }
    const first = await at(HTTP, { state: why.state, responses: answering(why, told) })
    expect(Object.keys(first.asked)).toEqual(['question-1'])
    const back = await at(HTTP, { state: first.state, responses: answering(first) })
    expect(back).toMatchObject({ error: null, isError: false })
  })
})
