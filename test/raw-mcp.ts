/** MCP as bytes, for journeys that compare answers to the letter or send what no client library would. */

export interface RawAnswer {
  status: number
  headers: Headers
  /** The body exactly as it came. */
  text: string
}

export interface RawCaller {
  /** Headers that say who calls. */
  credentials: Record<string, string>
}

const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}

const ACCEPT = 'application/json, text/event-stream'

export function bearer(token: string): RawCaller {
  return { credentials: { authorization: `Bearer ${token}` } }
}

/** The body of a request of 2026-07-28. */
export function request2026(method: string, params: Record<string, unknown>, id: string | number = 1) {
  return { jsonrpc: '2.0', id, method, params: { ...params, _meta: { ...ENVELOPE, ...(params._meta ?? {}) } } }
}

/** One request of 2026-07-28. */
export async function ask2026(
  url: string,
  caller: RawCaller,
  method: string,
  params: Record<string, unknown> = {},
  id: string | number = 1,
  signal?: AbortSignal,
): Promise<RawAnswer> {
  const name = params.name ?? params.uri ?? params.taskId
  const body = request2026(method, params, id)
  const headers = {
    ...caller.credentials,
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...(typeof name === 'string' ? { 'mcp-name': inHeader(name) } : {}),
  }
  return send(url, body, headers, signal)
}

/** What a header cannot hold as it is goes as base64 (SEP-2243). */
function inHeader(name: string): string {
  return /^[\x20-\x7e]*$/.test(name) ? name : `=?base64?${Buffer.from(name).toString('base64')}?=`
}

/** A session of 2025. @returns a function that asks within it */
export async function open2025(url: string, caller: RawCaller, version = '2025-06-18') {
  const params = { protocolVersion: version, capabilities: {}, clientInfo: { name: 'raw', version: '1' } }
  const opened = await send(url, { jsonrpc: '2.0', id: 0, method: 'initialize', params }, caller.credentials)
  const session = opened.headers.get('mcp-session-id') ?? ''
  const headers = { ...caller.credentials, 'mcp-session-id': session, 'mcp-protocol-version': version }
  return {
    opened,
    session,
    headers,
    ask: (method: string, params: Record<string, unknown> = {}, id: string | number = 1) =>
      send(url, { jsonrpc: '2.0', id, method, params }, headers),
    notify: (method: string, params: Record<string, unknown> = {}) =>
      send(url, { jsonrpc: '2.0', method, params }, headers),
  }
}

export async function send(
  url: string,
  body: unknown,
  headers: Record<string, string>,
  signal?: AbortSignal,
): Promise<RawAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    ...(signal === undefined ? {} : { signal }),
    headers: { 'content-type': 'application/json', accept: ACCEPT, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

/** The JSON-RPC message in an answer, whether it came as JSON or as the last event of a stream. */
export function messageOf(answer: RawAnswer): {
  result?: Record<string, unknown>
  error?: { code: number; message: string }
} {
  const last = answer.text.split('\n').findLast((line) => line.startsWith('data:'))
  return JSON.parse(last === undefined ? answer.text : last.slice(5))
}
