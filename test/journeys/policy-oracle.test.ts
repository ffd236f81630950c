/**
 * A capability that a policy denies, inside a server that the caller uses every day, is the same bytes as one that is not there: for each
 * method, in both eras, whatever else is wrong with the request, and also where a limit or a rule about arguments would have had its say.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/protocol/model.ts'
import { open2025, type RawAnswer, request2026, send } from '../raw-mcp.ts'
import type { Rule } from '../support/naive-policy.ts'
import { openPolicyRoom, type PolicyRoom, type TestCaller } from '../support/policy-room.ts'
import { mountOf, WHOLE } from '../support/surfaces.ts'

const rule = (decision: Rule['decision'], capabilities: Rule['capabilities'] = null): Rule => ({
  ...{ decision, include: [{ everyone: {} }], require: [], exclude: [], capabilities },
})
const MCP = '/access/ai-controls/mcp'

let room: PolicyRoom
let ada: TestCaller
let session: Record<string, string>
let mounted: Record<string, string>
beforeAll(async () => {
  room = await openPolicyRoom()
  ada = await room.caller('ada@acme.test')
  // Two calls a minute of each of these: the forbidden ones count for nothing.
  const limits = [{ per: 'principal', calls: 2, window: '1m', tools: ['write', 'wipe'] }]
  const limited = await room.portal.api('PUT', `${MCP}/servers/alpha`, { limits })
  expect(limited.status).toBe(200)
  const denied = [
    { names: ['write', 'report', 'beta://closed/one', 'beta://closed/two', 'beta://closed/{name}'] },
    { names: ['wipe'], kinds: ['tool'], servers: ['alpha'] },
  ]
  // Where it is not denied, a rule looks at what it is called with.
  const looks = [{ names: ['write'], arguments: [{ pointer: '/path', equals: '/safe' }] }]
  await room.rewrite({ portal: [rule('deny', denied), rule('allow', looks), rule('allow')], servers: {} })
  session = (await open2025(room.portal.url + WHOLE, ada.raw)).headers
  mounted = (await open2025(room.portal.url + mountOf('alpha'), ada.raw)).headers
})
afterAll(async () => room?.close())

interface Pair {
  what: string
  at: string
  method: string
  forbidden: string
  unknown: string
  params(name: string): JsonObject
}

const named = (name: string) => ({ name })
const ofUri = (uri: string) => ({ uri })
const promptRef = (name: string) => ({ ref: { type: 'ref/prompt', name }, argument: { name: 'about', value: '' } })
const uriRef = (uri: string) => ({ ref: { type: 'ref/resource', uri }, argument: { name: 'name', value: '' } })
const [CALL, GET, READ, COMPLETE] = ['tools/call', 'prompts/get', 'resources/read', 'completion/complete']
const PAIRS: Pair[] = [
  { what: 'a tool', at: WHOLE, method: CALL, forbidden: 'alpha_write', unknown: 'alpha_wrong', params: named },
  { what: 'a tool by its bare name', at: WHOLE, method: CALL, forbidden: 'wipe', unknown: 'wide', params: named },
  { what: 'a tool by its alias', at: WHOLE, method: CALL, forbidden: 'beta_put', unknown: 'beta_pot', params: named },
  {
    what: 'a tool on its mount',
    at: mountOf('alpha'),
    method: CALL,
    forbidden: 'write',
    unknown: 'wrong',
    params: named,
  },
  { what: 'a prompt', at: WHOLE, method: GET, forbidden: 'alpha_report', unknown: 'alpha_reform', params: named },
  {
    ...{ what: 'a resource', at: WHOLE, method: READ, params: ofUri },
    ...{ forbidden: 'beta://closed/one', unknown: 'beta://closer/one' },
  },
  {
    ...{ what: 'a resource of a template', at: WHOLE, method: READ, params: ofUri },
    ...{ forbidden: 'beta://closed/two', unknown: 'beta://closer/two' },
  },
  {
    ...{ what: 'a completion for a prompt', at: WHOLE, method: COMPLETE, params: promptRef },
    ...{ forbidden: 'alpha_report', unknown: 'alpha_reform' },
  },
  {
    ...{ what: 'a completion for a template', at: WHOLE, method: COMPLETE, params: uriRef },
    ...{ forbidden: 'beta://closed/{name}', unknown: 'beta://closer/{name}' },
  },
  {
    ...{ what: 'a completion for a resource', at: WHOLE, method: COMPLETE, params: uriRef },
    ...{ forbidden: 'beta://closed/two', unknown: 'beta://closer/two' },
  },
]

interface Shape {
  what: string
  params?: JsonObject
  meta?: JsonObject
  headers?: Record<string, string>
}
const SHAPES: Shape[] = [
  { what: 'a good request', params: { arguments: { path: '/safe' } } },
  { what: 'arguments that a rule refuses', params: { arguments: { path: '/etc' } } },
  { what: 'arguments of a wrong type', params: { arguments: { path: 7 } } },
  { what: 'arguments that nobody knows', params: { arguments: { path: '/safe', more: {} } } },
  { what: 'arguments that are a list', params: { arguments: [] } },
  { what: 'arguments that are text', params: { arguments: 'x' } },
  { what: 'arguments that are null', params: { arguments: null } },
  { what: 'no arguments' },
  { what: 'an argument to complete that is none', params: { argument: 'x' } },
  { what: 'a context that is none', params: { context: 7 } },
  { what: 'a header of no argument', params: { arguments: {} }, headers: { 'mcp-param-other': 'x' } },
  { what: 'a header in bad base64', params: { arguments: {} }, headers: { 'mcp-param-path': '=?base64?!?=' } },
  { what: 'a cursor', params: { cursor: 'bzEwMDA' } },
  { what: 'a progress token', meta: { progressToken: 'p' } },
  { what: 'a progress token that is none', meta: { progressToken: { a: 1 } } },
  { what: 'a log level that is none', meta: { 'io.modelcontextprotocol/logLevel': 'loud' } },
  { what: 'a task', params: { task: { ttl: 1 } } },
  { what: 'a state that nobody gave', params: { requestState: 'v1.00000000.AAAA.AAAA' } },
  { what: 'answers without a state', params: { inputResponses: { servers: { action: 'accept' } } } },
  { what: 'answers that are none', params: { inputResponses: 7, requestState: 7 } },
]

function shapeOf(answer: RawAnswer, name: string): string {
  const headers = [...answer.headers].filter(([key]) => key !== 'date' && key !== 'content-length')
  return JSON.stringify([answer.status, headers, answer.text.replaceAll(name, 'NAME')])
}

const eras = {
  2026({ at, method, params }: Pair, { params: more, meta, headers }: Shape, name: string) {
    const body = request2026(method, { ...params(name), ...more, _meta: { ...meta } })
    return send(room.portal.url + at, body, {
      ...{ ...ada.raw.credentials, 'mcp-protocol-version': '2026-07-28', 'mcp-method': method },
      ...(method === COMPLETE ? {} : { 'mcp-name': name }),
      ...headers,
    })
  },
  2025({ at, method, params }: Pair, { params: more, meta, headers }: Shape, name: string) {
    const asked = { ...params(name), ...more, ...(meta === undefined ? {} : { _meta: meta }) }
    const body = { jsonrpc: '2.0', id: 1, method, params: asked }
    return send(room.portal.url + at, body, { ...(at === WHOLE ? session : mounted), ...headers })
  },
}

describe.each(['2026', '2025'] as const)('to a client of %s', (era) => {
  // [SURFACE-2]
  test.each(PAIRS)(
    '$what that is forbidden and one that is unknown are the same bytes, whatever else is wrong',
    async (pair) => {
      room.taken()
      for (const shape of SHAPES) {
        const forbidden = await eras[era](pair, shape, pair.forbidden)
        const unknown = await eras[era](pair, shape, pair.unknown)
        expect(shapeOf(forbidden, pair.forbidden), shape.what).toBe(shapeOf(unknown, pair.unknown))
      }
      expect(room.taken()).toEqual([])
    },
  )
})

// [SURFACE-2]
test('what is not forbidden says what is wrong with such requests', async () => {
  const [pair] = PAIRS
  if (pair === undefined) throw new Error('there are no pairs')
  const read = { ...pair, forbidden: 'alpha_read' }
  const seen = new Set<string>()
  for (const shape of SHAPES) seen.add(shapeOf(await eras[2026](read, shape, 'alpha_read'), 'alpha_read'))
  expect(seen.size).toBeGreaterThan(3)
})
