/**
 * MCP Apps through the portal (SEP-1865): the interface of a tool is named where the tool is listed and read as a resource, its calls
 * come by the names that its own server uses, and both sides are told of each other's extension.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/protocol/model.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, type RawAnswer, type RawCaller, send } from '../raw-mcp.ts'
import {
  json,
  legacy,
  modern,
  result,
  type Script,
  type ScriptedServer,
  type Seen,
  startScripted,
} from '../scripted-server.ts'
import { TASKS, UI } from '../task-server.ts'

const URI = 'ui://weather/view.html'
const SETTINGS = { mimeTypes: ['text/html;profile=mcp-app'] }
const META = { ui: { resourceUri: URI, visibility: ['model', 'app'] }, 'ui/resourceUri': URI }
const HIDDEN = { ui: { resourceUri: URI, visibility: ['app'] } }
const TOOLS = [
  { name: 'show_weather', inputSchema: { type: 'object' }, _meta: META },
  { name: 'refresh', inputSchema: { type: 'object' }, _meta: HIDDEN },
]
const MIME = 'text/html;profile=mcp-app'
const RESOURCE = { uri: URI, name: 'view', mimeType: MIME }
const CONTENT = {
  ...{ uri: URI, mimeType: MIME, text: '<p>Sunny</p>' },
  _meta: { ui: { csp: { connectDomains: ['https://weather.example.com'] }, permissions: { camera: {} }, domain: 'w' } },
}
const CAPABILITIES = { tools: {}, resources: {}, extensions: { [UI]: SETTINGS, 'com.example/x': {} } }

const ANSWERS: Readonly<Record<string, JsonObject>> = {
  'tools/list': { tools: TOOLS },
  'resources/list': { resources: [RESOURCE] },
  'resources/templates/list': { resourceTemplates: [] },
  'resources/read': { contents: [CONTENT] },
  'tools/call': { content: [{ type: 'text', text: 'sunny' }], _meta: { ui: { state: 1 } } },
}

/** A server with one interface, of either era. */
const apps =
  (era: 'modern' | 'legacy'): Script =>
  (seen, response, request) => {
    const { method = '' } = seen.body
    const answer = ANSWERS[method]
    const common = era === 'modern' ? { resultType: 'complete', ttlMs: 0, cacheScope: 'private' } : {}
    if (answer !== undefined) return json(response, result(seen, { ...common, ...answer }))
    if (era === 'modern') return modern(() => {}, CAPABILITIES)(seen, response, request)
    if (method !== 'initialize') return legacy((_, refused) => refused.writeHead(405).end())(seen, response, request)
    const serverInfo = { name: 's', version: '1' }
    const session = `s${began.size}`
    began.set(session, seen.body.params?.capabilities)
    const value = { protocolVersion: '2025-11-25', capabilities: CAPABILITIES, serverInfo }
    json(response, result(seen, value), 200, { 'mcp-session-id': session })
  }

/** What each session of a server of 2025 was told when it began. */
const began = new Map<string, unknown>()

let portal: TestPortal
let server: ScriptedServer
let ann: RawCaller

describe.each(['modern', 'legacy'] as const)('behind a server that is %s', (era) => {
  beforeAll(async () => {
    portal = await startTestPortal()
    server = await startScripted(apps(era))
    await portal.furnish([{ id: 'weather', url: `${server.origin}/mcp` }])
    ann = bearer(await portal.userToken('ann@acme.test'))
  })
  beforeEach(() => {
    server.seen.length = 0
  })
  afterAll(async () => {
    await portal?.close()
    await server?.close()
  })

  const KNOWS = { extensions: { [UI]: SETTINGS } }
  const ask2026er = (method: string, params: Record<string, unknown> = {}) =>
    ask2026(`${portal.url}/mcp`, ann, method, {
      ...params,
      _meta: { 'io.modelcontextprotocol/clientCapabilities': KNOWS },
    })

  async function open2025er() {
    const params = { protocolVersion: '2025-11-25', capabilities: KNOWS, clientInfo: { name: 'host', version: '1' } }
    const url = `${portal.url}/mcp`
    const opened = await send(url, { jsonrpc: '2.0', id: 0, method: 'initialize', params }, ann.credentials)
    const session = opened.headers.get('mcp-session-id') ?? ''
    const headers = { ...ann.credentials, 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' }
    const ask = (method: string, params: Record<string, unknown> = {}) =>
      send(url, { jsonrpc: '2.0', id: 1, method, params }, headers)
    return { opened, ask }
  }

  type Ask = (method: string, params?: Record<string, unknown>) => Promise<RawAnswer>
  const clients: [string, () => Promise<Ask>][] = [
    ['2025', async () => (await open2025er()).ask],
    ['2026', async () => ask2026er],
  ]

  // [APPS-1]
  test.each(clients)(
    'a client of %s sees what names the interface, also of a tool that is for it alone',
    async (_, open) => {
      const { tools } = messageOf(await (await open())('tools/list')).result as { tools: JsonObject[] }
      const metaOf = (name: string) => tools.find((tool) => tool.name === name)?._meta
      expect(metaOf('weather_show_weather')).toEqual(META)
      expect(metaOf('weather_refresh')).toEqual(HIDDEN)
    },
  )

  // [APPS-1]
  test.each(clients)('a client of %s reads it, with what it may reach', async (_, open) => {
    const ask = await open()
    expect(messageOf(await ask('resources/list')).result).toMatchObject({ resources: [RESOURCE] })
    expect(messageOf(await ask('resources/read', { uri: URI })).result).toMatchObject({ contents: [CONTENT] })
  })

  // [APPS-1]
  test.each(clients)('a client of %s calls for it, by the name that its server knows', async (_, open) => {
    const answer = messageOf(await (await open())('tools/call', { name: 'refresh', arguments: {} }))
    expect(answer.result).toMatchObject({ ...ANSWERS['tools/call'] })
    expect(server.asked('tools/call').at(-1)?.body.params?.name).toBe('refresh')
  })

  // [TASK-5]
  test('the portal names the extension to clients of both eras, and no other', async () => {
    const { opened } = await open2025er()
    for (const answer of [opened, await ask2026er('server/discover')])
      expect((messageOf(answer).result as { capabilities: JsonObject }).capabilities.extensions).toEqual({
        [UI]: SETTINGS,
      })
    expect(opened.text).not.toContain(TASKS)
  })

  // [TASK-5]
  test.each(clients)('a client of %s is declared as it declared itself, and nobody else is', async (_, open) => {
    await (await open())('tools/call', { name: 'refresh', arguments: {} })
    await ask2026(`${portal.url}/mcp`, ann, 'tools/call', { name: 'refresh', arguments: {} })
    const calls = server.asked('tools/call')
    expect(calls).toHaveLength(2)
    expect(calls.map(declared)).toEqual([KNOWS, {}])
  })

  /** With the request itself, or by the handshake of its session. */
  function declared(call: Seen): unknown {
    const meta = call.body.params?._meta as JsonObject | undefined
    if (era === 'modern') return meta?.['io.modelcontextprotocol/clientCapabilities']
    const session = call.headers['mcp-session-id']
    return began.get(session ?? '')
  }
})
