/**
 * A server whose definitions are nearly what the protocol has: official clients refuse a whole list for one of them, and through the
 * portal they list all the others, of this server and of those beside it.
 */
import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2 } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/protocol/model.ts'
import { oddDefinitions } from '../odd-definitions.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { json, legacy, modern, result, type Script, type ScriptedServer, startScripted } from '../scripted-server.ts'

const ODD = 300
const LISTS: Record<string, [member: string, items: JsonObject[]]> = {
  'tools/list': [
    'tools',
    [
      { name: 'good', inputSchema: { type: 'object' } },
      { name: 'null', title: null, inputSchema: { type: 'object' } },
    ],
  ],
  'prompts/list': ['prompts', [{ name: 'good' }, { name: 'listless', arguments: {} }]],
  'resources/list': ['resources', [{ name: 'good', uri: 'odd://good' }, { uri: 'odd://nameless' }]],
  'resources/templates/list': ['resourceTemplates', [{ name: 'good', uriTemplate: 'odd://good/{x}' }]],
} as Record<string, [string, JsonObject[]]>
const KINDS = {
  'tools/list': 'tool',
  'prompts/list': 'prompt',
  'resources/list': 'resource',
  'resources/templates/list': 'template',
} as const

/** All that is odd, and what is good behind it. */
const itemsOf = (method: keyof typeof KINDS) => [...oddDefinitions(KINDS[method], ODD), ...(LISTS[method]?.[1] ?? [])]

const listing =
  (rest: Script, more: JsonObject): Script =>
  (seen, response, request) => {
    const method = seen.body.method as keyof typeof KINDS
    const member = LISTS[method]?.[0]
    if (member === undefined) return rest(seen, response, request)
    return json(response, result(seen, { [member]: itemsOf(method), ...more } as JsonObject))
  }
const CAPABILITIES = { tools: {}, prompts: {}, resources: {} }
const none: Script = (_seen, response) => void response.writeHead(404).end()
const newer = listing(modern(none, CAPABILITIES), { resultType: 'complete', ttlMs: 0, cacheScope: 'private' })
const older = listing((seen, response, request) => {
  if (seen.body.method !== 'initialize') return legacy(none)(seen, response, request)
  const serverInfo = { name: 'odd', version: '1' }
  return json(response, result(seen, { protocolVersion: '2025-11-25', capabilities: CAPABILITIES, serverInfo }))
}, {})

let portal: TestPortal
let token: string
const servers: ScriptedServer[] = []

beforeAll(async () => {
  portal = await startTestPortal()
  servers.push(await startScripted(newer), await startScripted(older))
  await portal.furnish([
    { id: 'new', url: `${servers[0]?.origin}/mcp` },
    { id: 'old', url: `${servers[1]?.origin}/mcp` },
  ])
  token = await portal.userToken('ada@acme.test')
})
afterAll(async () => {
  await portal?.close()
  for (const server of servers) await server.close()
})

interface Lister {
  listTools(): Promise<{ tools: { name: string }[] }>
  listPrompts(): Promise<{ prompts: { name: string }[] }>
  listResources(): Promise<{ resources: { uri: string }[] }>
  listResourceTemplates(): Promise<{ resourceTemplates: { uriTemplate: string }[] }>
  close(): Promise<void>
}

const url = () => new URL(`${portal.url}/mcp`)
const requestInit = () => ({ headers: { Authorization: `Bearer ${token}` } })

async function v1(): Promise<Lister> {
  const client = new ClientV1({ name: 'v1', version: '1' })
  await client.connect(new TransportV1(url(), { requestInit: requestInit() }) as Transport)
  return client
}

async function v2(era: '2025' | '2026'): Promise<Lister> {
  const mode = era === '2025' ? 'legacy' : { pin: '2026-07-28' }
  const client = new ClientV2({ name: 'v2', version: '1' }, { versionNegotiation: { mode } })
  await client.connect(new TransportV2(url(), { requestInit: requestInit() }))
  return client
}

const CLIENTS = { 'SDK v1': v1, 'SDK v2 of 2025': () => v2('2025'), 'SDK v2 of 2026': () => v2('2026') }

// [LIST-1]
describe.each(Object.entries(CLIENTS))('%s', (_name, open) => {
  test('lists all that is well made beside what is not, of each kind', async () => {
    const client = await open()
    const tools = (await client.listTools()).tools.map(({ name }) => name)
    const prompts = (await client.listPrompts()).prompts.map(({ name }) => name)
    const resources = (await client.listResources()).resources.map(({ uri }) => uri)
    const templates = (await client.listResourceTemplates()).resourceTemplates.map(({ uriTemplate }) => uriTemplate)
    for (const names of [tools, prompts]) expect(names).toEqual(expect.arrayContaining(['new_good', 'old_good']))
    expect(resources).toContain('odd://good')
    expect(templates).toContain('odd://good/{x}')
    expect(tools).not.toContain('old_null')
    expect(prompts).not.toContain('old_listless')
    expect(resources).not.toContain('odd://nameless')
    // Many of the odd ones are good enough.
    for (const names of [tools, prompts, resources, templates]) expect(names.length).toBeGreaterThan(ODD / 4)
    await client.close()
  })
})
