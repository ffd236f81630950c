/**
 * Forbidden and unknown are the same bytes for whatever shape a request has: no check that reads a tool's definition comes
 * before the policy spoke.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { bearer, open2025, type RawAnswer, send } from '../raw-mcp.ts'
import { json, modern, result, type ScriptedServer, startScripted } from '../scripted-server.ts'

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}
/** A tool that wants one of its arguments in a header, and takes few others. */
const WANTING = {
  name: 'wanting',
  inputSchema: {
    type: 'object',
    properties: { region: { type: 'string', enum: ['a'], 'x-mcp-header': 'Region' }, count: { type: 'integer' } },
    required: ['region'],
    additionalProperties: false,
  },
}

let portal: TestPortal
let secret: ScriptedServer
let token: string

beforeAll(async () => {
  portal = await startTestPortal()
  const server = modern((seen, response) => json(response, result(seen, { resultType: 'complete', content: [] })))
  secret = await startScripted((seen, response, request) => {
    if (seen.body.method !== 'tools/list') return server(seen, response, request)
    json(response, result(seen, { resultType: 'complete', tools: [WANTING], ttlMs: 0, cacheScope: 'public' }))
  })
  await portal.furnish([{ id: 'secret', url: `${secret.origin}/mcp` }])
  token = await portal.userToken('ada@acme.test')
  const nobody = { name: 'Only Eve', decision: 'allow', include: [{ email: { email: 'eve@acme.test' } }] }
  const { body } = await portal.api<{ id: string }>('POST', '/access/policies', nobody)
  await portal.api('PUT', '/access/ai-controls/mcp/servers/secret', { policies: [body.result.id] })
})
afterAll(async () => {
  await portal?.close()
  await secret?.close()
})

type Params = Record<string, unknown>
interface Shape {
  what: string
  method?: string
  params?: Params
  meta?: Params
  headers?: Record<string, string>
}

const CALL = 'tools/call'
const SHAPES: Shape[] = [
  { what: 'a good call', params: { arguments: { region: 'a' } }, headers: { 'mcp-param-region': 'a' } },
  { what: 'an argument that is not in its header', params: { arguments: { region: 'a' } } },
  {
    what: 'a header that says another value',
    params: { arguments: { region: 'a' } },
    headers: { 'mcp-param-region': 'b' },
  },
  {
    what: 'a header in bad base64',
    params: { arguments: { region: 'a' } },
    headers: { 'mcp-param-region': '=?base64?!?=' },
  },
  { what: 'a header of no argument', params: { arguments: {} }, headers: { 'mcp-param-other': 'x' } },
  { what: 'no arguments at all' },
  { what: 'arguments that the schema refuses', params: { arguments: { region: 7, more: true } } },
  { what: 'arguments that are a list', params: { arguments: [] } },
  { what: 'arguments that are text', params: { arguments: 'x' } },
  { what: 'arguments that are null', params: { arguments: null } },
  { what: 'a progress token that is none', meta: { progressToken: { a: 1 } } },
  { what: 'a log level that is none', meta: { 'io.modelcontextprotocol/logLevel': 'loud' } },
  { what: 'a task', params: { arguments: {}, task: { ttl: 1 } } },
  {
    what: 'answers to questions that nobody asked',
    params: { arguments: {}, inputResponses: { a: {} }, requestState: 'x' },
  },
  { what: 'a completion', method: 'completion/complete', params: { argument: { name: 'a', value: '' } } },
  { what: 'a prompt of that name', method: 'prompts/get' },
  { what: 'a prompt with arguments that are none', method: 'prompts/get', params: { arguments: 7 } },
]

/** What of an answer depends on neither the name that was asked for nor the clock. */
function shapeOf(answer: RawAnswer, name: string): string {
  const headers = [...answer.headers].filter(([key]) => key !== 'date' && key !== 'content-length')
  return JSON.stringify([answer.status, headers, answer.text.replaceAll(name, 'NAME')])
}

function paramsOf({ method, params, meta }: Shape, name: string): Params {
  const named = method === 'completion/complete' ? { ref: { type: 'ref/prompt', name } } : { name }
  return { ...named, ...params, ...(meta === undefined ? {} : { _meta: meta }) }
}

const eras = {
  2026: (shape: Shape, name: string) => {
    const { method = CALL, headers, meta } = shape
    const params = { ...paramsOf(shape, name), _meta: { ...META, ...meta } }
    return send(
      `${portal.url}/mcp`,
      { jsonrpc: '2.0', id: 1, method, params },
      {
        ...bearer(token).credentials,
        ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': method },
        ...(method === 'completion/complete' ? {} : { 'mcp-name': name }),
        ...headers,
      },
    )
  },
  2025: async (shape: Shape, name: string) => {
    const session = await open2025(`${portal.url}/mcp`, bearer(token))
    const message = { jsonrpc: '2.0', id: 1, method: shape.method ?? CALL, params: paramsOf(shape, name) }
    return send(`${portal.url}/mcp`, message, { ...session.headers, ...shape.headers })
  },
}

for (const era of ['2026', '2025'] as const) {
  describe(`to a client of ${era}`, () => {
    for (const shape of SHAPES) {
      test(`${shape.what}: forbidden and unknown are the same bytes`, async () => {
        const before = secret.seen.length
        const forbidden = await eras[era](shape, 'secret_wanting')
        const unknown = await eras[era](shape, 'secret_unknown')
        expect(shapeOf(forbidden, 'secret_wanting')).toBe(shapeOf(unknown, 'secret_unknown'))
        expect(secret.seen.length).toBe(before)
      })
    }
  })
}

test('who may use the tool is told what is wrong with the same requests', async () => {
  const eve = await portal.userToken('eve@acme.test')
  const kept = token
  token = eve
  const told = await Promise.all(SHAPES.slice(0, 4).map((shape) => eras[2026](shape, 'secret_wanting')))
  token = kept
  expect(told.map(({ status }) => status)).toEqual([200, 400, 400, 400])
})
