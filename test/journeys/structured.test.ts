/**
 * Structured results between the eras: a server of 2026 may answer with a list or a number, for clients of 2025 each is an object. Real
 * clients list, call and check results against schemas by themselves.
 */
import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2 } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/protocol/model.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, open2025 } from '../raw-mcp.ts'
import { json, legacy, modern, result, type Script, type ScriptedServer, startScripted } from '../scripted-server.ts'

const input = { type: 'object' }
const row = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] }
const ROWS = { $defs: { row }, type: 'array', items: { $ref: '#/$defs/row' } }
const EITHER = { anyOf: [row, { type: 'string', default: '#' }] }
const TREE = { type: 'array', items: { $ref: '#' } }
const SCHEMAS: Record<string, JsonObject> = { rows: ROWS, either: EITHER, tree: TREE, one: row }
/** What each answers with; a text of its own where it says so. */
const ANSWERS: Record<string, JsonObject> = {
  rows: { structuredContent: [{ n: 1 }, { n: 2 }], content: [] },
  either: { structuredContent: { n: 3 }, content: [{ type: 'text', text: 'three' }] },
  tree: { content: [{ type: 'image', data: 'AA==', mimeType: 'image/png' }], structuredContent: [[], [[]]] },
  one: { structuredContent: { n: 4 }, content: [] },
  // Says nothing of it in its definition.
  loose: { structuredContent: 7, content: [{ type: 'text', text: 'seven' }] },
}

const script: Script = (seen, response, request) => {
  if (seen.body.method === 'tools/list') {
    const tools = Object.keys(ANSWERS).map((name) => ({
      ...{ name, inputSchema: input, ...(name in SCHEMAS ? { outputSchema: SCHEMAS[name] as JsonObject } : {}) },
    }))
    return json(response, result(seen, { resultType: 'complete', tools, ttlMs: 0, cacheScope: 'private' }))
  }
  return modern((call, answer) => {
    const name = String(call.body.params?.name)
    json(answer, result(call, { resultType: 'complete', ...(ANSWERS[name] ?? {}) }))
  })(seen, response, request)
}
/** Of 2025, which knows objects alone. */
const older: Script = legacy((seen, response) =>
  json(response, result(seen, { content: [{ type: 'text', text: 'x' }], structuredContent: { result: [1.0] } })),
)

let portal: TestPortal
const servers: ScriptedServer[] = []
let token: string
let url: string

beforeAll(async () => {
  portal = await startTestPortal()
  servers.push(await startScripted(script), await startScripted(older))
  await portal.furnish([
    { id: 'new', url: `${servers[0]?.origin}/mcp` },
    { id: 'old', url: `${servers[1]?.origin}/mcp` },
  ])
  token = await portal.userToken('ada@acme.test')
  url = `${portal.url}/mcp`
})
afterAll(async () => {
  await portal?.close()
  for (const server of servers) await server.close()
})

/** A client that checks what it gets against what was listed. */
async function v1(): Promise<ClientV1> {
  const client = new ClientV1({ name: 'structured-v1', version: '1' })
  const requestInit = { headers: { Authorization: `Bearer ${token}` } }
  await client.connect(new TransportV1(new URL(url), { requestInit }) as Transport)
  return client
}

async function v2(): Promise<ClientV2> {
  const client = new ClientV2(
    { name: 'structured-v2', version: '1' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  )
  const requestInit = { headers: { Authorization: `Bearer ${token}` } }
  await client.connect(new TransportV2(new URL(url), { requestInit }))
  return client
}

type Called = { structuredContent?: unknown; content: { type: string; text?: string }[] }

describe('a client of 2025', () => {
  // [STRUCTURED-1]
  test('reads the whole list, and results that keep what it says, whatever is at their root', async () => {
    const client = await v1()
    const { tools } = await client.listTools()
    const schemas = Object.fromEntries(tools.map(({ name, outputSchema }) => [name, outputSchema]))
    const inObject = (schema: JsonObject) => ({ type: 'object', properties: { result: schema }, required: ['result'] })
    expect(schemas).toMatchObject({
      new_rows: inObject({ ...ROWS, items: { $ref: '#/properties/result/$defs/row' } }),
      new_either: inObject(EITHER),
      new_tree: inObject({ type: 'array', items: { $ref: '#/properties/result' } }),
      new_one: row,
    })
    const call = async (name: string) => (await client.callTool({ name, arguments: {} })) as Called
    expect(await call('new_rows')).toMatchObject({
      structuredContent: { result: [{ n: 1 }, { n: 2 }] },
      content: [{ type: 'text', text: '[{"n":1},{"n":2}]' }],
    })
    expect(await call('new_either')).toMatchObject({
      structuredContent: { result: { n: 3 } },
      content: [{ type: 'text', text: 'three' }],
    })
    const tree = await call('new_tree')
    expect(tree.structuredContent).toEqual({ result: [[], [[]]] })
    expect(tree.content.map(({ type }) => type)).toEqual(['image', 'text'])
    expect((await call('new_one')).structuredContent).toEqual({ n: 4 })
    expect(await call('new_loose')).toMatchObject({ structuredContent: { result: 7 }, content: [{ text: 'seven' }] })
    await client.close()
  })

  test('gets what a server of its own era says to the byte', async () => {
    const session = await open2025(url, bearer(token))
    const { text } = await session.ask('tools/call', { name: 'old_echo', arguments: {} })
    expect(text).toContain('"structuredContent":{"result":[1]}')
    expect(messageOf({ text } as never).result?.content).toEqual([{ type: 'text', text: 'x' }])
  })
})

describe('a client of 2026', () => {
  // [STRUCTURED-1]
  test('reads schemas and results as their server wrote them, and those of older servers as they are', async () => {
    const client = await v2()
    const { tools } = await client.listTools()
    const schemas = Object.fromEntries(tools.map(({ name, outputSchema }) => [name, outputSchema]))
    expect(schemas).toMatchObject({ new_rows: ROWS, new_either: EITHER, new_tree: TREE, new_one: row })
    const called = (await client.callTool({ name: 'new_rows', arguments: {} })) as Called
    expect(called.structuredContent).toEqual([{ n: 1 }, { n: 2 }])
    await client.close()
    const raw = messageOf(await ask2026(url, bearer(token), 'tools/call', { name: 'new_loose', arguments: {} }))
    expect(raw.result).toMatchObject({ structuredContent: 7, content: [{ type: 'text', text: 'seven' }] })
    const old = messageOf(await ask2026(url, bearer(token), 'tools/call', { name: 'old_echo', arguments: {} }))
    expect(old.result?.structuredContent).toEqual({ result: [1] })
  })
})
