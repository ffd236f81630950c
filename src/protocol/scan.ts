/**
 * Proves that bytes from a server are exactly one JSON-RPC message, and says where its parts lie, without building it.
 * Answers travel through the portal as bytes, so this file is what stands between a hostile server and somebody else's
 * pending request (forged ids, two messages in one, a `"id":` inside a string).
 *
 * The grammar of brackets, commas, keys, numbers and literals is checked whole. The inside of a long string is only
 * searched for its end: a raw control character or a bad escape in there spoils that answer for its reader, but no
 * reader can see another structure in it. Nothing here may rest on a tail match or on the order of members.
 */
import { isUtf8 } from 'node:buffer'
import { BACKSLASH, foldCase, parse, QUOTE, skipSpace, skipString, skipValue } from './json-bytes.ts'
import type { Json, JsonObject, JsonRpcId, RawReply, ResultMembers, Span } from './model.ts'

const TOP_KEYS = ['jsonrpc', 'id', 'method', 'params', 'result', 'error'] as const
type TopKey = (typeof TOP_KEYS)[number]

const RESULT_KEYS = ['resultType', 'ttlMs', 'cacheScope', 'structuredContent', 'isError'] as const

/** What a stream transport received. */
export type StreamMessage =
  | { kind: 'response'; raw: RawReply }
  | { kind: 'request'; id: JsonRpcId; method: string; params: JsonObject }
  | { kind: 'notification'; method: string; params: JsonObject }

/**
 * The proof that `bytes` hold one JSON-RPC response and nothing else.
 *
 * @returns null for anything that is not one object with `jsonrpc` "2.0", one `id`, one of `result` and `error` (an
 * object), no `method`, no such key twice, nothing after it, at most 64 levels deep, in valid UTF-8
 */
export function scanReply(bytes: Buffer): RawReply | null {
  const top = scanTop(bytes)
  return top === null ? null : replyOf(bytes, top)
}

/** The id of a scanned reply, or null where the server could not read ours or sent what is no id. */
export function readId(raw: RawReply): JsonRpcId | null {
  const { from, to } = raw.id
  if (to - from > 1024) return null
  const number = readDigits(raw.bytes, from, to)
  return number !== -1 ? number : asId(parse(raw.bytes, raw.id))
}

/**
 * An id of ours as it stands there: spares text and a parse, 0.2 us a call. The walk has refused leading zeros.
 *
 * @returns -1 for anything but up to 15 digits
 */
function readDigits(bytes: Buffer, from: number, to: number): number {
  if (to - from > 15) return -1
  let number = 0
  for (let i = from; i < to; i++) {
    const digit = (bytes[i] as number) - 0x30
    if (digit < 0 || digit > 9) return -1
    number = number * 10 + digit
  }
  return number
}

/**
 * Tells apart what arrives on a stream (SSE, stdio). Requests and notifications are small and come parsed.
 *
 * @returns null for what is no JSON-RPC message
 */
export function classifyMessage(bytes: Buffer): StreamMessage | null {
  const top = scanTop(bytes)
  if (top === null) return null
  if (top.method === undefined) {
    const raw = replyOf(bytes, top)
    return raw === null ? null : { kind: 'response', raw }
  }
  if (top.result !== undefined || top.error !== undefined || !isVersion2(bytes, top.jsonrpc)) return null

  const method = parse(bytes, top.method)
  const params = top.params === undefined ? {} : parse(bytes, top.params)
  if (typeof method !== 'string' || !isObject(params)) return null
  if (top.id === undefined) return { kind: 'notification', method, params }

  const id = asId(parse(bytes, top.id))
  return id === null ? null : { kind: 'request', id, method, params }
}

function replyOf(bytes: Buffer, found: Found): RawReply | null {
  const { id, result, error, has } = found
  const body = result ?? error
  if (id === undefined || body === undefined || (result !== undefined && error !== undefined)) return null
  if (found.method !== undefined || !isVersion2(bytes, found.jsonrpc)) return null
  if (bytes[body.from] !== 0x7b || !looksLikeId(bytes, id)) return null

  const outcome = result === undefined ? 'error' : 'result'
  if (outcome === 'error') has.any = bytes[skipSpace(bytes, body.from + 1)] !== 0x7d
  return { kind: 'raw', bytes, id, body, outcome, has }
}

/** What one walk over a message found: the spans of the top level's known members, and what the result object has. */
type Found = Partial<Record<TopKey, Span>> & { has: ResultMembers }

/** Walks the whole message once. */
function scanTop(bytes: Buffer): Found | null {
  // An invalid sequence could swallow a quote in a careless decoder, and so show it another structure.
  if (!isUtf8(bytes)) return null
  const start = skipSpace(bytes, 0)
  if (bytes[start] !== 0x7b) return null
  const has: ResultMembers = {
    resultType: null,
    ttl: null,
    scope: null,
    structured: null,
    isError: false,
    any: false,
  }
  const found: Found = { has }
  const end = members(bytes, start, (keyFrom, keyTo, from) => {
    const name = nameOf(bytes, keyFrom, keyTo, TOP_KEYS)
    if (name === null) return skipValue(bytes, from, 1)
    if (name === false || found[name] !== undefined) return -1
    const inResult = name === 'result' && bytes[from] === 0x7b
    const to = inResult ? scanResult(bytes, from, has) : skipValue(bytes, from, 1)
    found[name] = { from, to }
    return to
  })
  return end !== -1 && skipSpace(bytes, end) === bytes.length ? found : null
}

/**
 * Where members of the result object of a scanned reply have their values.
 *
 * @returns null where one stands there twice, or is spelled so that a reader could take it for one
 */
export function spansIn<Name extends string>(
  { bytes, body }: Pick<RawReply, 'bytes' | 'body'>,
  names: readonly Name[],
): Partial<Record<Name, Span>> | null {
  const spans: Partial<Record<Name, Span>> = {}
  const end = members(bytes, body.from, (keyFrom, keyTo, from) => {
    const name = nameOf(bytes, keyFrom, keyTo, names)
    const to = skipValue(bytes, from, 2)
    if (name === null || to === -1) return to
    if (name === false || spans[name] !== undefined) return -1
    spans[name] = { from, to }
    return to
  })
  return end === -1 ? null : spans
}

/** Walks the result object and notes what it has. @returns the index behind it, or -1 */
function scanResult(bytes: Buffer, open: number, has: ResultMembers): number {
  let seen = 0
  return members(bytes, open, (keyFrom, keyTo, from) => {
    has.any = true
    const name = nameOf(bytes, keyFrom, keyTo, RESULT_KEYS)
    const to = skipValue(bytes, from, 2)
    if (name === null || to === -1) return to
    const bit = name === false ? seen : 1 << RESULT_KEYS.indexOf(name)
    if ((seen & bit) !== 0 || name === false) return -1
    seen |= bit
    if (name === 'isError') has.isError = bytes[from] === 0x74
    else if (name === 'resultType') {
      const type = isComplete(bytes, from, to) ? 'complete' : parse(bytes, { from, to })
      // Only a string can be a result type; a number there must not read as "absent, so complete".
      if (typeof type !== 'string') return -1
      has.resultType = type
    } else if (name === 'ttlMs') has.ttl = { from, to }
    else if (name === 'structuredContent') has.structured = { from, to }
    else has.scope = { from, to }
    return to
  })
}

/** The value that nearly every result has, spelled without escapes. */
function isComplete(bytes: Buffer, from: number, to: number): boolean {
  return to - from === 10 && bytes[from] === QUOTE && matchAscii(bytes, from + 1, 'complete') === true
}

/**
 * Which of `names` a key is. `null`: none of them. `false`: it is not spelled like one, but a reader that folds case
 * would take it for one, so the message must be refused.
 */
function nameOf<Name extends string>(
  bytes: Buffer,
  from: number,
  to: number,
  names: readonly Name[],
): Name | null | false {
  const length = to - from - 2
  // The longest escaped spelling of a known name has six bytes a character.
  if (length > 64) return null
  for (let i = from + 1; i < to - 1; i++) {
    const c = bytes[i] as number
    if (c === BACKSLASH || c >= 0x80) return oddNameOf(parse(bytes, { from, to }), names)
  }
  for (const name of names) {
    if (name.length !== length) continue
    const match = matchAscii(bytes, from + 1, name)
    if (match !== null) return match ? name : false
  }
  return null
}

/** @returns true for the same bytes, false for the same but for case, null for another word */
function matchAscii(bytes: Buffer, from: number, name: string): boolean | null {
  let same = true
  for (let i = 0; i < name.length; i++) {
    const a = bytes[from + i] as number
    const b = name.charCodeAt(i)
    if (a === b) continue
    if ((a | 0x20) !== (b | 0x20)) return null
    same = false
  }
  return same
}

function oddNameOf<Name extends string>(key: Json | undefined, names: readonly Name[]): Name | null | false {
  if (typeof key !== 'string') return false
  const exact = names.find((name) => name === key)
  if (exact !== undefined) return exact
  const folded = foldCase(key)
  return names.some((name) => foldCase(name) === folded) ? false : null
}

/** Gets the span of a key with its quotes and where its value begins. @returns the index behind the value, or -1 */
type OnMember = (keyFrom: number, keyTo: number, valueFrom: number) => number

/** Walks the object that opens at `open` and hands over each member. @returns the index behind it, or -1 */
export function members(bytes: Buffer, open: number, onMember: OnMember): number {
  let i = skipSpace(bytes, open + 1)
  if (bytes[i] === 0x7d) return i + 1
  for (;;) {
    if (bytes[i] !== QUOTE) return -1
    const keyTo = skipString(bytes, i + 1)
    if (keyTo === -1) return -1
    const colon = skipSpace(bytes, keyTo)
    if (bytes[colon] !== 0x3a) return -1
    const end = onMember(i, keyTo, skipSpace(bytes, colon + 1))
    if (end === -1) return -1
    i = skipSpace(bytes, end)
    if (bytes[i] === 0x7d) return i + 1
    if (bytes[i] !== 0x2c) return -1
    i = skipSpace(bytes, i + 1)
  }
}

function isVersion2(bytes: Buffer, span: Span | undefined): boolean {
  if (span === undefined) return false
  const { from, to } = span
  if (to - from !== 5) return parse(bytes, span) === '2.0'
  return bytes[from] === QUOTE && bytes[from + 1] === 0x32 && bytes[from + 2] === 0x2e && bytes[from + 3] === 0x30
}

function looksLikeId(bytes: Buffer, span: Span): boolean {
  const c = bytes[span.from] as number
  return c === QUOTE || c === 0x2d || c === 0x6e || (c >= 0x30 && c <= 0x39)
}

function asId(value: Json | undefined): JsonRpcId | null {
  return typeof value === 'string' || (typeof value === 'number' && Number.isSafeInteger(value)) ? value : null
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
