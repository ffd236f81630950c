/**
 * What goes back to a 2026 client. A server's result stays bytes: the caller's id and the members that this era demands
 * are spliced in. Errors are small, so they are read, and their codes made fit for this era.
 */
import { LIMITS } from '../../config/limits.ts'
import { ErrorCode, errorBody, isReservedCode, statusOfOwnError } from '../errors.ts'
import { parse } from '../json-bytes.ts'
import { methodIn } from '../methods.ts'
import type { Body, Json, JsonObject, JsonRpcId, RawReply, Reply, RpcError } from '../model.ts'
import { readRawError, unreadableReply } from '../raw-error.ts'
import { type Edit, spliceReply } from '../splice.ts'
import { SERVER_INFO_KEY } from './envelope.ts'

export interface Encoded {
  status: number
  body: Body
}

/** Who the portal says it is, in each result of its own. */
export interface Identity {
  info: JsonObject
  /** `"_meta":{…}` as JSON text, made once. */
  meta: string
}

/** @param info name and version, and what else `Implementation` has */
export function identity(info: JsonObject): Identity {
  return { info, meta: `"_meta":${JSON.stringify({ [SERVER_INFO_KEY]: info })}` }
}

export interface Answer2026 {
  reply: Reply
  /** The caller's own. */
  id: JsonRpcId
  method: string
  identity: Identity
  /** How long a cacheable result of the portal's own may be kept, in milliseconds; 0 unless given. */
  ttlMs?: number
}

/**
 * The whole HTTP answer, or the frame that ends a stream.
 *
 * A reply of kind `bytes` must be an object with members, without `resultType`, `ttlMs`, `cacheScope` and `_meta`: they
 * are put in here.
 */
export function encode2026(answer: Answer2026): Encoded {
  const { reply, id } = answer
  switch (reply.kind) {
    case 'raw':
      return reply.outcome === 'result' ? encodeRawResult(reply, answer) : encodeRawError(reply, id)
    case 'result':
      return { status: 200, body: encodeResult(reply.result, answer) }
    case 'bytes':
      return { status: 200, body: encodeBytes(reply.bytes, answer) }
    case 'error':
      return { status: statusOfOwnError(reply.error.code), body: errorBody(fitError(reply.error), id) }
  }
}

function encodeRawResult(raw: RawReply, { id, method }: Answer2026): Encoded {
  const { has } = raw
  // Anything but a complete result holds the server's own state or task id: it must have been taken apart before.
  if (has.resultType !== null && has.resultType !== 'complete' && raw.isOwnTask !== true) {
    return { status: 200, body: errorBody(unreadableReply(), id) }
  }
  let front = has.resultType === null ? '"resultType":"complete"' : ''
  if (!methodIn('2026', method)?.cacheable) return { status: 200, body: spliceReply(raw, id, front) }
  if (has.ttl === null) front = join(front, '"ttlMs":0')
  if (has.scope === null) front = join(front, PRIVATE)
  return { status: 200, body: spliceReply(raw, id, front, cacheEdits(raw)) }
}

/**
 * What a server says of how long and by whom its answer may be kept, as far as it may be said on. Who may read it was decided
 * for this caller alone, so it is nobody else's to keep, unless it was read as anybody may read it.
 */
function cacheEdits(raw: RawReply): readonly Edit[] {
  const { ttl, scope } = raw.has
  const edits: Edit[] = []
  if (ttl !== null) {
    const told = parse(raw.bytes, ttl)
    const kept = raw.keepers === 'nobody' ? 0 : keptFor(told)
    if (kept !== told) edits.push({ ...ttl, text: String(kept) })
  }
  const isOpen = raw.keepers === 'everybody' && scope !== null && parse(raw.bytes, scope) === 'public'
  if (scope !== null && !isOpen) edits.push({ ...scope, text: '"private"' })
  return edits
}

/** Milliseconds (SEP-2549): a whole number from 0 up. What is none lets nothing be kept. */
function keptFor(told: Json | undefined): number {
  if (typeof told !== 'number' || !(told > 0)) return 0
  return Math.min(Math.floor(told), LIMITS.kept_copy.value)
}

const PRIVATE = '"cacheScope":"private"'

function join(front: string, member: string): string {
  return front === '' ? member : `${front},${member}`
}

function encodeRawError(raw: RawReply, id: JsonRpcId): Encoded {
  const error = fitRelayedError(readRawError(raw))
  // The one error of a server that the specification ties to a status: the caller can mend it.
  const status = error.code === ErrorCode.MissingClientCapability ? 400 : 200
  return { status, body: errorBody(error, id) }
}

function encodeResult(result: JsonObject, { id, method, identity, ttlMs = 0 }: Answer2026): Buffer {
  const meta = { ...(result._meta as JsonObject | undefined), [SERVER_INFO_KEY]: identity.info }
  const cache = isCacheable(method, result) ? { ttlMs, cacheScope: 'private' } : {}
  const whole = { resultType: 'complete', ...cache, ...result, _meta: meta }
  return Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, result: whole }))
}

function isCacheable(method: string, result: JsonObject): boolean {
  const isComplete = result.resultType === undefined || result.resultType === 'complete'
  return isComplete && methodIn('2026', method)?.cacheable === true
}

function encodeBytes(bytes: Buffer, { id, method, identity, ttlMs = 0 }: Answer2026): Body {
  const cache = methodIn('2026', method)?.cacheable ? `"ttlMs":${ttlMs},${PRIVATE},` : ''
  const head = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"resultType":"complete",${cache}${identity.meta},`
  return [Buffer.from(head), bytes.subarray(1), CLOSE]
}

const CLOSE = Buffer.from('}')

/** 1. Codes that this revision removed. 2. Codes of the reserved range that it does not have. */
function fitError(error: RpcError): RpcError {
  if (error.code === ErrorCode.ResourceNotFound) return { ...error, code: ErrorCode.InvalidParams }
  if (!isReservedCode(error.code) || OWN_CODES.includes(error.code)) return error
  return { ...error, code: ErrorCode.InternalError }
}

const OWN_CODES: readonly number[] = [
  ErrorCode.HeaderMismatch,
  ErrorCode.MissingClientCapability,
  ErrorCode.UnsupportedVersion,
]

/** A server's complaint about headers or version is about the portal's request; the caller's was fine. */
function fitRelayedError(error: RpcError): RpcError {
  if (error.code === ErrorCode.HeaderMismatch || error.code === ErrorCode.UnsupportedVersion) {
    return { code: ErrorCode.InternalError, message: error.message }
  }
  return fitError(error)
}
