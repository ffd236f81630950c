/** Who is told who calls, on which request, and who is not: over every transport, with real connections. */
import { afterEach, describe, expect, test } from 'vitest'
import { asks, startAsking } from '../../test/asking-server.ts'
import {
  json,
  legacy,
  modern,
  result,
  type Script,
  type ScriptedServer,
  type Seen,
  startScripted,
} from '../../test/scripted-server.ts'
import { ASKS_NOTHING, openRoom, type Room, textOf } from '../../test/upstream-room.ts'
import { Cancellation } from '../base/cancel.ts'
import type { Principal } from '../base/principal.ts'
import type { JsonObject } from '../protocol/model.ts'
import type { AssertFor } from './model.ts'

const HEADER = 'x-caller'
const WISH = { header: 'X-Caller', claims: [] }
const OK: Script = (seen, response) => json(response, result(seen, { content: [{ type: 'text', text: 'done' }] }))

const nameOf = (principal: Principal | null) => (principal === null ? 'portal' : principal.id)
const plainly: AssertFor = (principal) => `statement.of.${nameOf(principal)}`
/** As when the key is not there yet, or a signature takes its time. */
const lately: AssertFor = async (principal) => `statement.of.${nameOf(principal)}`

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

async function start(script: Script): Promise<ScriptedServer> {
  const server = await startScripted(script)
  open.push(() => server.close())
  return server
}

async function room(assertFor: AssertFor): Promise<Room> {
  const made = await openRoom({ assertFor })
  open.push(() => made.close())
  return made
}

const told = (seen: readonly Seen[]) => seen.map(({ headers }) => headers[HEADER])

const ERAS: [era: string, make: (calls: Script) => Script][] = [
  ['2026', modern],
  ['2025', (calls) => legacy(calls, { 'mcp-session-id': 's1' })],
]

test('an answer to a question is said in the name of whose question it was, and no statement comes back with the result', async () => {
  let minted = 0
  const server = await startAsking(async (call, at) => {
    call.say(asks('q'))
    await at.toldOf('q')
    call.answer(told(at.http.seen).join(' '))
  })
  open.push(() => server.http.close())
  const upstream = await room((principal) => `statement.of.${nameOf(principal)}.${principal === null ? 0 : ++minted}`)
  const uid = await upstream.add('s', { url: server.url, identityWish: WISH })
  const ask = async () => ({ result: { action: 'decline' } })
  const reply = await upstream.tool(uid, 'echo', {}, { who: 'ada', askable: { form: true }, ask })
  const answer = server.http.seen.find(({ body }) => body.result !== undefined)
  expect(answer?.headers[HEADER]).toBe('statement.of.ada.2')
  expect(textOf(reply)).toContain('statement.of.portal')
  expect(textOf(reply)).not.toContain('of.ada')
})

describe.each(ERAS)('a server of %s', (_, make) => {
  // [IDENTITY-1]
  test.each([
    ['known already', plainly],
    ['signed meanwhile', lately],
  ] as const)('two users on one connection are told apart, by statements %s', async (_state, assertFor) => {
    const server = await start(make(OK))
    const upstream = await room(assertFor)
    const uid = await upstream.add('s', { url: `${server.origin}/mcp`, identityWish: WISH })
    await Promise.all(['ada', 'eve', 'ada'].map((who) => upstream.tool(uid, 'echo', {}, { who })))
    expect(told(server.asked('tools/call')).sort()).toEqual([
      'statement.of.ada',
      'statement.of.ada',
      'statement.of.eve',
    ])
    for (const seen of server.seen) expect(seen.raw.filter((name) => name.toLowerCase() === HEADER).length).toBe(1)
  })

  test('what the portal asks for itself speaks of the portal, and every request has a statement', async () => {
    const server = await start(make(OK))
    const upstream = await room(plainly)
    const uid = await upstream.add('s', { url: `${server.origin}/mcp`, identityWish: WISH })
    await upstream.tool(uid, 'echo', {})
    const own = server.seen.filter(({ body }) => body.method !== 'tools/call')
    expect(own.length).toBeGreaterThan(1)
    expect(new Set(told(own))).toEqual(new Set(['statement.of.portal']))
  })

  test('on a connection of one user, the handshake speaks of that user', async () => {
    const server = await start(make(OK))
    const upstream = await room(lately)
    const uid = await upstream.add('s', { url: `${server.origin}/mcp`, identityWish: WISH, isolation: 'per_user' })
    const before = server.seen.length
    await upstream.tool(uid, 'echo', {}, { who: 'eve' })
    expect(new Set(told(server.seen.slice(before)))).toEqual(new Set(['statement.of.eve']))
  })

  test('a server that did not ask is told nothing, and nothing is signed for it', async () => {
    const server = await start(make(OK))
    const upstream = await room(() => {
      throw new Error('signed for a server that did not ask')
    })
    const uid = await upstream.add('s', { url: `${server.origin}/mcp` })
    expect(textOf(await upstream.tool(uid, 'echo', {}))).toBe('done')
    for (const { raw } of server.seen) expect(raw.join('\n')).not.toContain('statement')
  })

  test('where nothing can be signed nothing is sent, and the next call is', async () => {
    let isBroken = false
    const server = await start(make(OK))
    const upstream = await room(async (principal) => {
      if (isBroken) throw new Error('the key does not open')
      return `statement.of.${nameOf(principal)}`
    })
    const uid = await upstream.add('s', { url: `${server.origin}/mcp`, identityWish: WISH })
    isBroken = true
    const before = server.seen.length
    await expect(upstream.tool(uid, 'echo', {})).rejects.toThrow('cannot sign that right now')
    expect(server.seen.length).toBe(before)
    isBroken = false
    expect(textOf(await upstream.tool(uid, 'echo', {}))).toBe('done')
  })

  // [IDENTITY-2]
  test('a redirect is not followed: the statement goes to no other server', async () => {
    const thief = await start(OK)
    const server = await start(
      make((_seen, response) => void response.writeHead(307, { location: `${thief.origin}/mcp` }).end()),
    )
    const upstream = await room(plainly)
    const uid = await upstream.add('s', { url: `${server.origin}/mcp`, identityWish: WISH })
    await expect(upstream.tool(uid, 'echo', {})).rejects.toThrow()
    expect(thief.seen).toEqual([])
  })

  const echoes: [what: string, answer: (stated: string) => JsonObject | { error: JsonObject }][] = [
    ['a result', (stated) => ({ content: [{ type: 'text', text: `you sent ${stated}` }] })],
    ['a result that is an error', (stated) => ({ content: [{ type: 'text', text: `bad ${stated}` }], isError: true })],
    ['an error', (stated) => ({ error: { code: -32000, message: `bad ${stated}`, data: { headers: `"${stated}"` } } })],
  ]
  test.each(echoes)('%s that repeats the statement comes without it', async (_what, answer) => {
    const server = await start(
      make((seen, response) => {
        const said = answer(seen.headers[HEADER] ?? '')
        if (!('error' in said)) return json(response, result(seen, said))
        json(response, { jsonrpc: '2.0', id: seen.body.id ?? null, error: said.error })
      }),
    )
    const upstream = await room(lately)
    const uid = await upstream.add('s', { url: `${server.origin}/mcp`, identityWish: WISH })
    const reply = await upstream.raw(uid, 'tools/call', { name: 'echo', arguments: {} })
    const text = reply.bytes.toString('utf8', reply.body.from, reply.body.to)
    expect(text).toContain('[redacted]')
    expect(text).not.toContain('statement.of')
    expect(JSON.parse(text)).toBeTypeOf('object')
  })
})

const TRANSPORTS: [name: string, path: string, make: () => Script][] = [
  ['2026', '/mcp', () => modern(OK)],
  ['2025', '/mcp', () => legacy(OK)],
  ['2024', '/sse', sse2024],
]

test.each(TRANSPORTS)('a call to a server of %s that ends while it is signed is not sent', async (_era, path, make) => {
  const server = await start(make())
  let go = () => {}
  let isAsked = false
  const upstream = await room(async (principal) => {
    const waiting = new Promise<void>((resolve) => {
      go = resolve
    })
    if (principal === null) return 'statement.of.portal'
    isAsked = true
    await waiting
    return 'statement.of.somebody'
  })
  const uid = await upstream.add('s', { url: server.origin + path, identityWish: WISH, relay: ASKS_NOTHING })
  const cancel = new Cancellation()
  const call = upstream.tool(uid, 'echo', {}, { cancel })
  await expect.poll(() => isAsked).toBe(true)
  cancel.cancel('over')
  go()
  await expect(call).rejects.toThrow()
  await upstream.upstreams.sync(uid)
  expect(server.asked('tools/call')).toEqual([])
})

describe('a server of 2024, whose answers come on one stream', () => {
  test('is told who calls with the POST of each call, and of the portal with the stream', async () => {
    const server = await start(sse2024())
    const upstream = await room(lately)
    const uid = await upstream.add('s', { url: `${server.origin}/sse`, identityWish: WISH, relay: ASKS_NOTHING })
    await Promise.all(['ada', 'eve'].map((who) => upstream.tool(uid, 'echo', {}, { who })))
    expect(told(server.asked('tools/call')).sort()).toEqual(['statement.of.ada', 'statement.of.eve'])
    expect(new Set(told(server.seen.filter(({ body }) => body.method !== 'tools/call')))).toEqual(
      new Set(['statement.of.portal']),
    )
  })
})

/** HTTP+SSE: one GET stream that names the address for POSTs, and answers on it. */
function sse2024(): Script {
  let stream: Parameters<Script>[1] | null = null
  const answer = (seen: Seen, value: JsonObject) =>
    void stream?.write(`event: message\ndata: ${JSON.stringify(result(seen, value))}\n\n`)
  return (seen, response) => {
    if (seen.method === 'GET') {
      stream = response
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      return void response.write('event: endpoint\ndata: /messages\n\n')
    }
    response.writeHead(202).end()
    switch (seen.body.method) {
      case 'initialize': {
        const serverInfo = { name: 's', version: '1' }
        return answer(seen, { protocolVersion: '2024-11-05', capabilities: { tools: {} }, serverInfo })
      }
      case 'tools/list':
        return answer(seen, { tools: [{ name: 'echo', inputSchema: { type: 'object' } }] })
      case 'tools/call':
        return answer(seen, { content: [{ type: 'text', text: 'done' }] })
    }
  }
}
