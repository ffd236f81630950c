/**
 * The neutral model between the eras: what was asked, by what kind of client, and what came back. Exact codecs stand
 * at the rim (`era-2025/`, `era-2026/`); nothing inside asks which era it is, except to choose a codec.
 */

/** `2025`: the handshake revisions, 2024-11-05 to 2025-11-25. `2026`: the stateless revisions, 2026-07-28 on. */
export type Era = '2025' | '2026'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
export type JsonObject = { readonly [key: string]: Json }
export type JsonRpcId = string | number

export type LogLevel = 'debug' | 'info' | 'notice' | 'warning' | 'error' | 'critical' | 'alert' | 'emergency'
export const LOG_LEVELS: readonly LogLevel[] = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
]

/** What a client says of itself: in each request (2026) or once in `initialize` (2025). Unverified. */
export interface ClientFacts {
  era: Era
  /** As negotiated, e.g. `2025-06-18`. */
  version: string
  name: string | null
  clientVersion: string | null
  capabilities: JsonObject
}

/** One request, whatever its era. `params` is without `_meta`; what `_meta` held and may travel is in `meta`. */
export interface Request {
  id: JsonRpcId
  method: string
  params: JsonObject
  meta: RequestMeta
}

export interface RequestMeta {
  /** The caller's own token; never sent upstream. */
  progressToken?: JsonRpcId
  /** From the 2026 envelope, or from the 2025 session's `logging/setLevel`. */
  logLevel?: LogLevel
  traceparent?: string
  tracestate?: string
  /** How many portals this request went through before it came here. */
  hop?: number
  /** Unreserved keys of other vendors, forwarded as they came. */
  vendor?: JsonObject
}

export interface Notification {
  method: string
  params: JsonObject
}

/** An error as JSON-RPC names it. */
export interface RpcError {
  code: number
  message: string
  data?: Json
}

/**
 * An upstream's answer as bytes, proven by a structural scan to be one JSON-RPC response object with one id and nothing
 * after it. `from`/`to` are byte offsets into `bytes`.
 */
export interface RawReply {
  kind: 'raw'
  bytes: Buffer
  /** The span of the value of the top-level `id`. */
  id: Span
  /** The span of the value of the top-level `result` or `error`. */
  body: Span
  outcome: 'result' | 'error'
  /** Which members the result object itself has, as far as the codecs care. */
  has: ResultMembers
  /** A result about a task whose id is the portal's by now, so that a client may see it. */
  isOwnTask?: true
  /** Of a tool whose structured results older clients are shown in an object. */
  isWrapped?: true
  /** Who may keep a copy of what was read, where that is not its caller alone: everybody, if its server says so, or nobody. */
  keepers?: 'everybody' | 'nobody'
}

export interface Span {
  from: number
  to: number
}

export interface ResultMembers {
  /** The value of `resultType` where it is there and a string. */
  resultType: string | null
  /** The spans of the values of `ttlMs` and `cacheScope`, where they are there. */
  ttl: Span | null
  scope: Span | null
  /** The same of `structuredContent`. */
  structured: Span | null
  /** `isError` is there and true. */
  isError: boolean
  /** Whether the result object has any member at all; decides whether a spliced-in member needs a comma. */
  any: boolean
}

/** What goes back to the caller: an upstream's bytes, a result of the portal's own (an object, or its JSON already made and kept), or an error. */
export type Reply =
  | RawReply
  | { kind: 'result'; result: JsonObject }
  | { kind: 'bytes'; bytes: Buffer }
  | { kind: 'error'; error: RpcError }

/** A whole body: in one piece, or in several where copying a large kept one would cost more than it saves. */
export type Body = Buffer | readonly Buffer[]
