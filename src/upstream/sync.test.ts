/** What is listed, kept and announced, and when it is read again. */
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { child } from '../../test/child-scripts.ts'
import { freshPostgres } from '../../test/databases.ts'
import {
  json,
  legacy,
  modern,
  result,
  type Script,
  type ScriptedServer,
  startScripted,
} from '../../test/scripted-server.ts'
import { ASKS_NOTHING, openRoom, type Room } from '../../test/upstream-room.ts'
import type { ServerUid } from '../base/ids.ts'
import type { JsonObject } from '../protocol/model.ts'
import { readDefinitions } from './definitions.ts'
import type { InventoryChange } from './model.ts'
import { readServer } from './server-store.ts'

let room: Room
let changes: InventoryChange[]
const servers: ScriptedServer[] = []
const start = async (script: Script): Promise<ScriptedServer> => {
  const server = await startScripted(script)
  servers.push(server)
  return server
}

beforeEach(async () => {
  room = await openRoom({ limits: { refusedMs: 300 } })
  changes = []
  room.upstreams.onInventoryChanged((change) => changes.push(change))
})
afterEach(async () => {
  await room.close()
  for (const server of servers.splice(0)) await server.close()
})

const tool = (name: string, more: JsonObject = {}) => ({ name, inputSchema: { type: 'object' }, ...more })
const namesOf = (uid: ServerUid) => room.upstreams.inventory(uid)?.tools.map((one) => one.name)

/** A modern server whose lists are what `lists` says at the time. */
function listing(lists: Record<string, (seen: { cursor?: unknown }) => JsonObject>, capabilities: JsonObject): Script {
  return (seen, response, request) => {
    const list = lists[seen.body.method ?? '']
    if (list === undefined) return modern((_s, r) => void r.writeHead(404).end(), capabilities)(seen, response, request)
    const cursor = seen.body.params?.cursor
    json(response, result(seen, { resultType: 'complete', ...list(cursor === undefined ? {} : { cursor }) }))
  }
}

test('all pages are read, an empty cursor among them, and a cursor that repeats ends the list', async () => {
  const pages: Record<string, JsonObject> = {
    start: { tools: [tool('a')], nextCursor: '' },
    '': { tools: [tool('b')], nextCursor: 'x' },
    x: { tools: [tool('c')], nextCursor: 'x' },
  }
  const lists = { 'tools/list': ({ cursor = 'start' }: { cursor?: unknown }) => pages[String(cursor)] as JsonObject }
  const server = await start(listing(lists, { tools: {} }))
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  expect(namesOf(uid)).toEqual(['a', 'b', 'c'])
})

test('a server that lists full pages without end is not read to the end, and what it listed before stays', async () => {
  let pad = ''
  let pages = 0
  const list = () => ({ tools: [tool('a'), { pad }], ...(pad === '' ? {} : { nextCursor: String(++pages) }) })
  const server = await start(listing({ 'tools/list': list }, { tools: {} }))
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  expect(namesOf(uid)).toEqual(['a'])
  pad = 'x'.repeat(6 * 1024 * 1024)
  expect(await room.upstreams.sync(uid)).toMatchObject({ status: 'error', counts: { tool: 1 } })
  expect(room.upstreams.health(uid).error).toMatch(/lists more than 32 MiB of one kind/)
  expect(pages).toBe(6)
  expect(namesOf(uid)).toEqual(['a'])
})

test('of what a server declares only what the portal asks for is kept', async () => {
  const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`c${i}`, {}]))
  const capabilities = { ...many, tools: { listChanged: true, ...many }, prompts: { subscribe: true }, logging: 'no' }
  const lists = { 'tools/list': () => ({ tools: [] }), 'prompts/list': () => ({ prompts: [] }) }
  const old = legacy((seen, response) => {
    if (seen.method === 'POST') json(response, result(seen, { prompts: [] }))
    else response.writeHead(405).end()
  })
  const init = { protocolVersion: '2025-06-18', capabilities, serverInfo: { name: 'old', version: '1' } }
  const scripts: Script[] = [
    listing(lists, capabilities),
    (seen, ...rest) => (seen.body.method === 'initialize' ? json(rest[0], result(seen, init)) : old(seen, ...rest)),
  ]
  for (const script of scripts) {
    const server = await start(script)
    const uid = await room.add(`s${servers.length}`, { url: `${server.origin}/mcp` })
    const kept = { tools: { listChanged: true }, prompts: { subscribe: true } }
    expect(room.upstreams.inventory(uid)?.capabilities).toEqual(kept)
  }
})

test('only what was declared is asked for, and a method that is not there counts as none', async () => {
  const server = await start(
    modern(
      (seen, response) => {
        const error = { code: -32601, message: 'no' }
        json(response, { jsonrpc: '2.0', id: seen.body.id, error }, 404)
      },
      { tools: {}, resources: {} },
    ),
  )
  const uid = await room.add('s', { url: `${server.origin}/mcp`, relay: ASKS_NOTHING })
  expect(room.upstreams.health(uid).status).toBe('ready')
  expect(server.asked('prompts/list')).toEqual([])
  expect(server.asked('resources/list').length).toBe(1)
})

test('a definition is kept member for member, and one that breaks a rule is left out alone', async () => {
  const odd = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: { a: { $ref: '#/$defs/x', 'x-own': [null, 1e3] } },
    $defs: { x: { $anchor: 'q' } },
  }
  const kept = {
    name: 'good',
    title: 'T',
    inputSchema: odd,
    outputSchema: { type: 'array' },
    _meta: { ui: { a: 1 } },
    extra: '…',
  }
  const tools = [
    kept,
    tool('bad name'),
    tool('x'.repeat(129)),
    tool('long', { description: 'x'.repeat(66_000) }),
    tool('good'),
    { name: 'no-schema' },
    { inputSchema: {} },
    'text',
  ]
  const server = await start(listing({ 'tools/list': () => ({ tools }) }, { tools: {} }))
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  const [definition, ...rest] = room.upstreams.inventory(uid)?.tools ?? []
  expect(rest).toEqual([])
  expect(definition?.json).toBe(JSON.stringify(kept))
})

test('of thousands of broken definitions some are told, and how many more there are', async () => {
  const told: [string | null, string][] = []
  const items = [...Array.from({ length: 5000 }, () => tool('a b')), tool('fine')]
  const kept = await readDefinitions('tool', items, '2025', (...one) => told.push(one))
  expect(kept.map(({ name }) => name)).toEqual(['fine'])
  expect(told).toHaveLength(21)
  expect(told[0]?.[0]).toBe('a b')
  expect(told[20]).toEqual([null, '4980 more were left out'])
})

test('the hash does not depend on the order of members, and depends on each value', async () => {
  let tools: JsonObject[] = [tool('a', { title: 'x', description: 'y' })]
  const server = await start(listing({ 'tools/list': () => ({ tools }) }, { tools: {} }))
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  const hash = () => room.upstreams.inventory(uid)?.tools[0]?.hash
  const before = hash()
  tools = [{ description: 'y', inputSchema: { type: 'object' }, title: 'x', name: 'a' }]
  await room.upstreams.sync(uid)
  expect(hash()).toBe(before)
  tools = [tool('a', { title: 'x', description: 'z' })]
  await room.upstreams.sync(uid)
  expect(hash()).not.toBe(before)
})

test('only the kinds that changed are announced, and a sync that finds nothing new announces nothing', async () => {
  let tools = [tool('a')]
  const prompts = [{ name: 'p' }]
  const lists = { 'tools/list': () => ({ tools }), 'prompts/list': () => ({ prompts }) }
  const server = await start(listing(lists, { tools: {}, prompts: {} }))
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  expect(changes).toEqual([{ serverUid: uid, credential: 'admin', kinds: ['tool', 'prompt'] }])
  const version = room.upstreams.inventory(uid)?.version
  await room.upstreams.sync(uid)
  expect(changes.length).toBe(1)
  expect(room.upstreams.inventory(uid)?.version).toBe(version)
  tools = [tool('a'), tool('b')]
  const outcome = await room.upstreams.sync(uid)
  expect(outcome).toMatchObject({ status: 'ready', counts: { tool: 2, prompt: 1, resource: 0, template: 0 } })
  expect(changes.slice(1)).toEqual([{ serverUid: uid, credential: 'admin', kinds: ['tool'] }])
})

test('a sync that fails keeps the lists, says why, and the next success clears it', async () => {
  const server = await start(modern(() => {}))
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  const healthy = server.script
  server.script = (_seen, response) => void response.writeHead(503).end('secret words')
  const outcome = await room.upstreams.sync(uid)
  expect(outcome).toMatchObject({
    status: 'stale',
    errorDetails: { status_code: 503, retryable: true, is_upstream: true },
  })
  expect(outcome.error).toContain('Server s')
  expect(outcome.error).not.toMatch(/secret|127/)
  expect(namesOf(uid)).toEqual(['echo'])
  const stored = await readServer(room.store.db, 's')
  expect(stored).toMatchObject({ status: 'stale', error: outcome.error, errorDetails: outcome.errorDetails })
  expect(stored?.lastSynced).toBeGreaterThanOrEqual(stored?.lastSuccessfulSync ?? 0)
  server.script = healthy
  await room.upstreams.sync(uid)
  expect(room.upstreams.health(uid)).toMatchObject({ status: 'ready', error: null })
})

test('a server that never answered has no lists and an error', async () => {
  const server = await start((_seen, response) => void response.writeHead(401).end())
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  expect(room.upstreams.inventory(uid)).toBeUndefined()
  expect(await room.upstreams.sync(uid)).toMatchObject({
    status: 'error',
    errorDetails: { status_code: 401, retryable: false },
  })
})

test('an oauth server waits, and its calls say who must connect it', async () => {
  const server = await start(modern(() => {}))
  const uid = await room.add('s', { url: `${server.origin}/mcp`, authType: 'oauth' })
  expect(room.upstreams.health(uid).status).toBe('waiting')
  await expect(room.tool(uid, 'echo', {})).rejects.toMatchObject({ code: 'upstream-not-ready' })
  expect(server.seen).toEqual([])
})

describe('when a server says that its lists changed, they are read again', () => {
  const changed = (): Promise<void> =>
    new Promise((resolve) => {
      room.upstreams.onInventoryChanged(({ kinds }) => kinds.includes('tool') && resolve())
    })

  test('on a listen stream of 2026', async () => {
    let tools = [tool('a')]
    let stream: { write(text: string): void } | undefined
    const opened = Promise.withResolvers<JsonObject | undefined>()
    const capabilities = { tools: { listChanged: true }, prompts: {} }
    const lists = listing({ 'tools/list': () => ({ tools }), 'prompts/list': () => ({ prompts: [] }) }, capabilities)
    const server = await start((seen, response, request) => {
      if (seen.body.method !== 'subscriptions/listen') return lists(seen, response, request)
      stream = response.writeHead(200, { 'content-type': 'text/event-stream' })
      opened.resolve(seen.body.params)
      const params = { notifications: {}, _meta: { 'io.modelcontextprotocol/subscriptionId': seen.body.id } }
      stream.write(
        `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params })}\n\n`,
      )
    })
    const uid = await room.add('s', { url: `${server.origin}/mcp` })
    expect(await opened.promise).toMatchObject({ notifications: { toolsListChanged: true } })
    tools = [tool('a'), tool('b')]
    const seen = changed()
    stream?.write(
      `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/tools/list_changed', params: {} })}\n\n`,
    )
    await seen
    expect(namesOf(uid)).toEqual(['a', 'b'])
  })

  test('on the pipe of a child', async () => {
    const body = `let names = ['a']
      answers['tools/list'] = () => ({ tools: names.map((name) => ({ name, inputSchema: { type: 'object' } })) })
      answers['tools/call'] = () => { names = ['a', 'b']; send({ method: 'notifications/tools/list_changed' }); return text('ok') }`
    const uid = await room.add('s', { stdio: child(body) })
    const seen = changed()
    await room.tool(uid, 'a', {})
    await seen
    expect(namesOf(uid)).toEqual(['a', 'b'])
  })

  // A program of one's own may have changed what all of them list: a file, an account behind it.
  test.each(['per_user', 'per_session'] as const)(
    'on the pipe of a child that one caller has alone: %s',
    async (isolation) => {
      const file = join(room.dir, `names-${isolation}`)
      await writeFile(file, 'a')
      const body = `const { readFileSync, writeFileSync } = require('node:fs')
      const names = () => readFileSync(${JSON.stringify(file)}, 'utf8').split(',')
      answers['tools/list'] = () => ({ tools: names().map((name) => ({ name, inputSchema: { type: 'object' } })) })
      answers['tools/call'] = () => { writeFileSync(${JSON.stringify(file)}, 'a,b'); send({ method: 'notifications/tools/list_changed' }); return text(process.pid) }`
      const uid = await room.add('s', { stdio: child(body), isolation })
      const seen = changed()
      await room.tool(uid, 'a', {}, { who: 'ada', session: 'one' })
      await seen
      expect(namesOf(uid)).toEqual(['a', 'b'])
      expect(room.upstreams.figures()[0]).toMatchObject({ children: 2 })
    },
  )

  test('what a child of one caller lists to that caller alone is in nobody’s list', async () => {
    const body = `let names = ['a']
      answers['tools/list'] = () => ({ tools: names.map((name) => ({ name, inputSchema: { type: 'object' } })) })
      answers['tools/call'] = () => { names = ['a', 'own']; send({ method: 'notifications/tools/list_changed' }); return text('ok') }`
    const uid = await room.add('s', { stdio: child(body), isolation: 'per_user' })
    const before = room.upstreams.inventory(uid)?.syncedAt ?? 0
    await room.tool(uid, 'a', {}, { who: 'ada' })
    await expect.poll(() => room.upstreams.inventory(uid)?.syncedAt).toBeGreaterThan(before)
    expect(namesOf(uid)).toEqual(['a'])
  })

  test('on the GET stream of a session', async () => {
    let tools = [tool('a')]
    let stream: { write(text: string): void } | undefined
    const opened = Promise.withResolvers<string | undefined>()
    const server = await start((seen, response, request) => {
      if (seen.body.method === 'tools/list') return json(response, result(seen, { tools }))
      if (seen.method === 'GET') {
        stream = response.writeHead(200, { 'content-type': 'text/event-stream' })
        stream.write(': hello\n\n')
        return opened.resolve(seen.headers['mcp-session-id'])
      }
      legacy(() => {}, { 'mcp-session-id': 'one' })(seen, response, request)
    })
    const uid = await room.add('s', { url: `${server.origin}/mcp` })
    expect(await opened.promise).toBe('one')
    tools = [tool('a'), tool('b')]
    const seen = changed()
    stream?.write(`data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' })}\n\n`)
    await seen
    expect(namesOf(uid)).toEqual(['a', 'b'])
  })
})

test('resources are refreshed behind a list, once a minute at most, and nothing else is asked for', async () => {
  let resources = [{ uri: 'a:1', name: 'one' }]
  const lists = {
    'tools/list': () => ({ tools: [tool('a')] }),
    'resources/list': () => ({ resources }),
    'resources/templates/list': () => ({ resourceTemplates: [] }),
  }
  const server = await start(listing(lists, { tools: {}, resources: {} }))
  const uid = await room.add('s', { url: `${server.origin}/mcp`, relay: ASKS_NOTHING })
  resources = [
    { uri: 'a:1', name: 'one' },
    { uri: 'a:2', name: 'two' },
  ]
  const before = server.asked('tools/list').length
  const seen = new Promise<void>((resolve) => room.upstreams.onInventoryChanged(() => resolve()))
  room.upstreams.refreshResourcesSoon(uid, null)
  room.upstreams.refreshResourcesSoon(uid, null)
  await seen
  room.upstreams.refreshResourcesSoon(uid, null)
  expect(room.upstreams.inventory(uid)?.resources.map((one) => one.name)).toEqual(['a:1', 'a:2'])
  expect(server.asked('resources/list').length).toBe(2)
  expect(server.asked('tools/list').length).toBe(before)
})

test('a changed credential throws away what the old one saw', async () => {
  const server = await start((seen, response, request) => {
    if (seen.body.method !== 'tools/list') return modern(() => {})(seen, response, request)
    json(response, result(seen, { tools: [tool(String(seen.headers.authorization).slice(7))] }))
  })
  const uid = await room.add('s', { url: `${server.origin}/mcp`, authType: 'bearer', credential: 'one' })
  expect(namesOf(uid)).toEqual(['one'])
  const seen = new Promise<void>((resolve) =>
    room.upstreams.onInventoryChanged(() => namesOf(uid)?.[0] === 'two' && resolve()),
  )
  await room.setCredential(uid, 'two')
  await seen
  expect(namesOf(uid)).toEqual(['two'])
})

test('a server that hangs does not hold up the sync of another', async () => {
  await room.close()
  room = await openRoom({ limits: { openingMs: 2000 } })
  const hanging = await start(() => {})
  const quick = await start(modern(() => {}))
  const slow = room.add('slow', { url: `${hanging.origin}/mcp` })
  const fast = await room.add('fast', { url: `${quick.origin}/mcp` })
  expect(room.upstreams.health(fast).status).toBe('ready')
  await slow
})

// [REPLICA-2]
test('a second replica follows: new servers, their lists and their end, with one sync for both', async () => {
  const postgres = await freshPostgres(process.env.PORTICO_TEST_TEMPLATE)
  const shared = { databaseUrl: postgres.url, key: randomBytes(32) }
  const [one, two] = [await openRoom({ shared }), await openRoom({ shared })]
  try {
    const server = await start(modern((seen, response) => json(response, result(seen, { content: [] }))))
    const followed = new Promise<InventoryChange>((resolve) => two.upstreams.onInventoryChanged(resolve))
    const uid = await one.add('s', {
      url: `${server.origin}/mcp`,
      relay: ASKS_NOTHING,
      authType: 'bearer',
      credential: 'sesame',
    })
    expect(await followed).toEqual({ serverUid: uid, credential: 'admin', kinds: ['tool'] })
    expect(two.upstreams.inventory(uid)).toEqual(one.upstreams.inventory(uid))
    await two.tool(uid, 'echo', {})
    expect(server.asked('tools/call')[0]?.headers.authorization).toBe('Bearer sesame')
    expect(server.asked('tools/list').length).toBe(1)
    await one.remove(uid)
    await two.upstreams.serversChanged()
    await expect(two.tool(uid, 'echo', {})).rejects.toMatchObject({ code: 'upstream-not-ready' })
  } finally {
    await one.close()
    await two.close()
    await postgres.drop()
  }
})

test('what was listed before a restart is there at once after it', async () => {
  const postgres = await freshPostgres(process.env.PORTICO_TEST_TEMPLATE)
  const shared = { databaseUrl: postgres.url, key: randomBytes(32) }
  const server = await start(modern(() => {}))
  const before = await openRoom({ shared })
  const uid = await before.add('s', { url: `${server.origin}/mcp` })
  const inventory = before.upstreams.inventory(uid)
  await before.close()
  await server.close()
  const after = await openRoom({ shared })
  expect(after.upstreams.inventory(uid)).toEqual(inventory)
  expect(after.upstreams.health(uid).status).toBe('ready')
  await after.close()
  await postgres.drop()
})
