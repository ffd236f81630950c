/**
 * What a server says of who may keep its answers, and for how long. The portal keeps none itself, and says on that everybody may keep one
 * only where an admin believes the server and anybody at all is given the same.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/protocol/model.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, open2025, type RawCaller, send } from '../raw-mcp.ts'
import { MCP, must } from '../relay-room.ts'
import { json, modern, result, type Script, type ScriptedServer, startScripted } from '../scripted-server.ts'

const URI = 'doc://handbook'
const LISTS: Record<string, JsonObject> = {
  'resources/list': { resources: [{ uri: URI, name: 'handbook' }] },
  'resources/templates/list': { resourceTemplates: [] },
}
const HINTS = { ttlMs: 5000, cacheScope: 'public' }

let portal: TestPortal
let server: ScriptedServer
let url: string
let ada: RawCaller
let bob: RawCaller
let usual: string[]
/** How the server answers a read. */
let onRead: Script
/** Each read of it is another. */
let reads = 0
const NOBODY: RawCaller = { credentials: {} }

const answered: Script = (seen, response) => {
  const contents = [{ uri: URI, text: `read ${++reads}` }]
  json(response, result(seen, { resultType: 'complete', contents, ...HINTS }))
}

beforeAll(async () => {
  portal = await startTestPortal()
  const others: Script = (seen, response, request) => {
    const listed = LISTS[seen.body.method ?? '']
    if (listed === undefined) return onRead(seen, response, request)
    json(response, result(seen, { resultType: 'complete', ...listed, ...HINTS }))
  }
  server = await startScripted(modern(others, { resources: {} }))
  onRead = answered
  await portal.furnish([{ id: 'docs', url: `${server.origin}/mcp` }])
  url = `${portal.url}/mcp`
  ada = bearer(await portal.userToken('ada@acme.test'))
  bob = bearer(await portal.userToken('bob@acme.test'))
  usual = (await must<{ policies: string[] }>(portal, 'GET', `${MCP}/portals/default`)).policies
})
afterAll(async () => {
  await portal?.close()
  await server?.close()
})
beforeEach(async () => {
  onRead = answered
  await set({ resources: { cache: 'as_told' }, isolation: 'per_credential' })
  await admit()
})

const set = (change: object) => must(portal, 'PUT', `${MCP}/servers/docs`, change)

/** The portal's policies, after some more. */
async function admit(...more: object[]): Promise<void> {
  const ids: string[] = []
  for (const one of more) {
    const policy = { name: `Policy ${ids.length}`, include: [{ everyone: {} }], ...one }
    ids.push((await must<{ id: string }>(portal, 'POST', '/access/policies', policy)).id)
  }
  await must(portal, 'PUT', `${MCP}/portals/default`, { policies: [...ids, ...usual] })
}
const OPEN = { decision: 'bypass' }

async function read(caller: RawCaller, more: Record<string, unknown> = {}) {
  const answer = await ask2026(url, caller, 'resources/read', { uri: URI, ...more })
  expect(answer.headers.get('cache-control')).toBe('private, no-store')
  const { result: got = {}, error } = messageOf(answer)
  const { ttlMs, cacheScope, contents } = got as JsonObject
  return { ttlMs, cacheScope, text: (contents as { text?: string }[] | undefined)?.[0]?.text, error }
}

// [CACHE-1]
test('what one caller read is read anew for the next, whatever its server says of who may keep it', async () => {
  await set({ resources: null })
  const [first, second] = [await read(ada), await read(bob)]
  expect([first.text, second.text]).toEqual([`read ${reads - 1}`, `read ${reads}`])
  expect([first, second]).toMatchObject([
    { ttlMs: 5000, cacheScope: 'private' },
    { ttlMs: 5000, cacheScope: 'private' },
  ])
})

// [CACHE-2]
test('what anybody is given without a word of theirs is public, where the server says so and an admin believes it', async () => {
  await admit(OPEN)
  expect(await read(NOBODY)).toMatchObject({ ttlMs: 5000, cacheScope: 'public' })
  onRead = (seen, response) => {
    const contents = [{ uri: URI, text: 'x' }]
    json(response, result(seen, { resultType: 'complete', contents, ttlMs: 5000, cacheScope: 'private' }))
  }
  expect(await read(NOBODY)).toMatchObject({ ttlMs: 5000, cacheScope: 'private' })
})

// [CACHE-2]
describe('and it is private', () => {
  test.each<[string, object[], object]>([
    ['where no admin said so', [OPEN], { resources: { cache: 'private' } }],
    ['where each caller has a session of their own', [OPEN], { isolation: 'per_user' }],
    ['where it matters from where they come', [{ ...OPEN, include: [{ ip: { ip: '127.0.0.0/8' } }] }], {}],
    [
      'where others from elsewhere are denied',
      [{ decision: 'deny', include: [{ ip: { ip: '203.0.113.9' } }] }, OPEN],
      {},
    ],
    ['where it will end', [{ ...OPEN, valid_until: '2099-01-01T00:00:00Z' }], {}],
  ])('%s', async (_, policies, change) => {
    await set(change)
    await admit(...policies)
    expect(await read(NOBODY)).toMatchObject({ ttlMs: 5000, cacheScope: 'private', text: `read ${reads}` })
  })

  test('for whoever shows a credential, at the same moment', async () => {
    await admit(OPEN)
    expect(await read(ada)).toMatchObject({ ttlMs: 5000, cacheScope: 'private' })
  })

  test('and kept by nobody, where questions and answers led to it', async () => {
    await admit(OPEN)
    const question = { method: 'roots/list' }
    onRead = (seen, response, request) =>
      seen.body.params?.requestState === 'theirs'
        ? answered(seen, response, request)
        : json(
            response,
            result(seen, {
              ...{ resultType: 'input_required', requestState: 'theirs', inputRequests: { q: question } },
              ...HINTS,
            }),
          )
    const _meta = { 'io.modelcontextprotocol/clientCapabilities': { roots: {} } }
    const asked = messageOf(await ask2026(url, NOBODY, 'resources/read', { uri: URI, _meta })).result ?? {}
    expect(asked).toMatchObject({ resultType: 'input_required', inputRequests: expect.any(Object) })
    expect(asked).not.toHaveProperty('cacheScope')
    expect(asked).not.toHaveProperty('ttlMs')
    const inputResponses = Object.fromEntries(
      Object.keys(asked.inputRequests as object).map((key) => [key, { roots: [] }]),
    )
    const again = await read(NOBODY, { requestState: asked.requestState, inputResponses, _meta })
    expect(again).toMatchObject({ ttlMs: 0, cacheScope: 'private', text: `read ${reads}` })
  })
})

// [CACHE-1]
test('an error has no hints, and what the portal says itself is private and in no cache on the way', async () => {
  await admit(OPEN)
  onRead = (seen, response) =>
    json(response, { jsonrpc: '2.0', id: seen.body.id, error: { code: -32602, message: 'no', ...HINTS } })
  expect(await read(NOBODY)).toMatchObject({ error: { code: -32602 }, cacheScope: undefined, ttlMs: undefined })
  for (const method of [
    'server/discover',
    'tools/list',
    'prompts/list',
    'resources/list',
    'resources/templates/list',
  ]) {
    const answer = await ask2026(url, NOBODY, method)
    expect(answer.headers.get('cache-control'), method).toBe('private, no-store')
    expect(messageOf(answer).result, method).toMatchObject({ cacheScope: 'private' })
  }
})

// [CACHE-1]
test('every answer of the door says that nobody on the way keeps it, refusals and older clients’ too', async () => {
  const old = await open2025(url, ada)
  const answers = [
    old.opened,
    await old.ask('resources/read', { uri: URI }),
    await old.ask('nothing'),
    await old.notify('notifications/cancelled', { requestId: 9 }),
    await send(url, '{', ada.credentials),
    await send(url, { jsonrpc: '2.0', id: 1, method: 'tools/list' }, {}),
    await send(`${portal.url}/p/none/mcp`, { jsonrpc: '2.0', id: 1, method: 'tools/list' }, ada.credentials),
    await send(
      url,
      { jsonrpc: '2.0', id: 1, method: 'tools/list' },
      { ...ada.credentials, origin: 'https://evil.test' },
    ),
  ]
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 202, 400, 401, expect.any(Number), 403])
  expect(answers.map(({ headers }) => headers.get('cache-control'))).toEqual(answers.map(() => 'private, no-store'))
})
