/** Requests of both eras: honest ones from the table of methods, and what can be made of them. */
import { METHODS } from '../../src/protocol/methods.ts'
import type { Chance } from './chance.ts'
import { bytesOf, garble, mutate, type Tree, treeOf } from './tree.ts'

export interface Sent {
  httpMethod: string
  /** In lower case, one value each; for the wire, `wire` may say more. */
  headers: Record<string, string>
  body: Buffer
  /** Nothing was changed about it. */
  isHonest: boolean
  /** The trace that its rows can be found by. */
  trace: string
}

const VERSIONS_2025 = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const

const PARAMS: Record<string, readonly object[]> = {
  initialize: [
    { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'fuzz', version: '1' } },
    {
      protocolVersion: '2024-11-05',
      capabilities: { roots: { listChanged: true }, sampling: {} },
      clientInfo: { name: 'f', version: '' },
    },
  ],
  'logging/setLevel': [{ level: 'debug' }, { level: 'error' }],
  'resources/subscribe': [{ uri: 'test://x' }],
  'resources/unsubscribe': [{ uri: 'test://x' }],
  'subscriptions/listen': [{ notifications: { toolsListChanged: true } }],
  'tools/call': [
    { name: 'plain_echo', arguments: { message: 'hi', list: [1, 2.5, null, { a: 'b' }], flag: true } },
    { name: 'echo', arguments: {} },
    { name: 'portal_list_servers', arguments: {} },
    { name: 'nobody_echo', arguments: {} },
  ],
  'prompts/get': [{ name: 'plain_greet', arguments: { who: 'x' } }],
  'resources/read': [{ uri: 'test://x' }],
  'tools/list': [{}, { cursor: '' }],
  'completion/complete': [{ ref: { type: 'ref/prompt', name: 'plain_greet' }, argument: { name: 'who', value: 'a' } }],
  'tasks/get': [{ taskId: 't' }],
  'tasks/cancel': [{ taskId: 't' }],
  'tasks/update': [{ taskId: 't', inputResponses: {} }],
}

const NAMES = [...METHODS.keys()]
const IDS = [1, 0, -1, 'a', '', '\u2028', 2 ** 53 - 1, '__proto__']

let traces = 0

/** @param session the value of `Mcp-Session-Id` for a version */
export function makeRequest(chance: Chance, session: (version: string) => string): Sent {
  const trace = (++traces).toString(16).padStart(32, 'f')
  const method = chance.pick(NAMES)
  const eras = METHODS.get(method)?.eras ?? []
  const isNew = eras.includes('2026') && (!eras.includes('2025') || chance.oneIn(2))
  const params = { ...(chance.pick(PARAMS[method] ?? [{}]) as Record<string, unknown>) }
  const _meta: Record<string, unknown> = { traceparent: `00-${trace}-00000000000000ff-01` }
  if (chance.oneIn(4)) _meta.progressToken = chance.pick([1, 'p'])
  if (chance.oneIn(6)) _meta['com.example/own'] = { a: [1] }
  const version = isNew ? '2026-07-28' : chance.pick(VERSIONS_2025)
  if (isNew) Object.assign(_meta, method.startsWith('tasks/') ? WITH_TASKS : ENVELOPE)
  const message = { jsonrpc: '2.0', id: chance.pick(IDS), method, params: { ...params, _meta } }
  const headers = headersOf(message, isNew, version, session)
  const sent: Sent = { httpMethod: 'POST', headers, body: Buffer.alloc(0), isHonest: true, trace }
  return change(chance, sent, treeOf(message))
}

const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'fuzz', version: '1' },
}

/** Who asks after tasks without declaring them is refused with 400. */
const WITH_TASKS = {
  ...ENVELOPE,
  'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } },
}

interface Message {
  method: string
  params: Record<string, unknown>
}

function headersOf(
  { method, params }: Message,
  isNew: boolean,
  version: string,
  session: (version: string) => string,
): Record<string, string> {
  const common = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  if (!isNew) {
    if (method === 'initialize') return common
    return { ...common, 'mcp-protocol-version': version, 'mcp-session-id': session(version) }
  }
  const member = METHODS.get(method)?.nameParam
  const name = member ? params[member] : undefined
  return {
    ...common,
    'mcp-protocol-version': version,
    'mcp-method': method,
    ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
  }
}

/** One in five stays as it is: what is honest must pass. */
function change(chance: Chance, sent: Sent, tree: Tree): Sent {
  if (chance.oneIn(5)) return { ...sent, body: bytesOf(chance, tree) }
  const changed = { ...sent, isHonest: false }
  let whole = tree
  for (let turns = chance.below(3); turns >= 0; turns--) mutate(chance, whole)
  if (chance.oneIn(12))
    whole = {
      kind: 'array',
      items: Array.from({ length: chance.pick([0, 1, 2, 20, 21]) }, () => structuredClone(tree)),
    }
  changed.body = bytesOf(chance, whole)
  if (chance.oneIn(4)) changed.body = garble(chance, changed.body)
  if (chance.oneIn(3)) changed.headers = mutateHeaders(chance, changed.headers)
  if (chance.oneIn(30)) changed.httpMethod = chance.pick(['GET', 'DELETE', 'PUT', 'OPTIONS', 'PATCH'])
  // Not the session that the next thousand requests need.
  if (changed.httpMethod === 'DELETE') changed.headers['mcp-session-id'] = 'another'
  return changed
}

const HEADER_VALUES = [
  '',
  ' ',
  'x',
  '2026-07-28',
  '2025-06-18',
  '1999-01-01',
  '2099-12-31',
  'tools/call',
  'TOOLS/CALL',
  '=?base64?ZWNobw==?=',
  '=?base64?!?=',
  '\u00ff',
  'a, b',
  '__proto__',
  'text/plain',
  'application/json; charset=utf-16',
  'gzip',
  'a'.repeat(500),
]
const HEADER_NAMES = [
  'mcp-protocol-version',
  'mcp-method',
  'mcp-name',
  'mcp-session-id',
  'content-type',
  'accept',
  'content-encoding',
  'mcp-param-x',
  'last-event-id',
  'origin',
  '__proto__',
  'constructor',
  'cf-access-client-id',
]

function mutateHeaders(chance: Chance, headers: Record<string, string>): Record<string, string> {
  const names = Object.keys(headers)
  const next = { ...headers }
  const name = chance.oneIn(2) ? chance.pick(HEADER_NAMES) : chance.pick(names)
  if (chance.oneIn(3)) delete next[name]
  else
    Object.defineProperty(next, name, {
      value: chance.pick(HEADER_VALUES),
      enumerable: true,
      configurable: true,
      writable: true,
    })
  return next
}
