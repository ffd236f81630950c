/**
 * The portal as a 2026 client: one request to a server. The envelope is the portal's own; of the caller's only what is
 * handed over here field by field can travel.
 */
import { type Askable, capabilitiesFor, fingerprintOf, NOTHING_ASKABLE } from '../asked.ts'
import { methodIn } from '../methods.ts'
import type { JsonObject, JsonRpcId, LogLevel } from '../model.ts'
import { HOP_KEY } from '../portal-chain.ts'
import { CLIENT_CAPABILITIES_KEY, CLIENT_INFO_KEY, LOG_LEVEL_KEY, PROTOCOL_VERSION_KEY } from './envelope.ts'
import { encodeHeaderValue } from './header-value.ts'

/** What an upstream request has in either era. */
export interface OutgoingRequest {
  /** The portal's own, unique on the connection. */
  id: JsonRpcId
  method: string
  /** Without `_meta`, in the server's own names. */
  params: JsonObject
  /** The portal's own. */
  progressToken?: JsonRpcId
  traceparent?: string
  tracestate?: string
  /** How many portals it went through, this one included. */
  hop?: number
  /** Unreserved keys of other vendors. */
  vendor?: JsonObject
}

/** Who speaks on one connection, made once: the part of `_meta` that is the same in each of its requests. */
export interface Speaker2026 extends Envelope2026 {
  version: string
  clientInfo: JsonObject
  /** The same for callers that can be asked something, by what that is: some twenty sets at most, made when first needed. */
  forAsked: Map<string, Envelope2026>
}

export interface Envelope2026 {
  envelope: JsonObject
  /** The envelope as JSON text, with the mark of a first hop. */
  json: string
}

/** @param capabilities no more than the caller declared and the portal can relay */
export function speaker2026(version: string, clientInfo: JsonObject, capabilities: JsonObject): Speaker2026 {
  return { version, clientInfo, forAsked: new Map(), ...envelopeOf(version, clientInfo, capabilities) }
}

function envelopeOf(version: string, clientInfo: JsonObject, capabilities: JsonObject): Envelope2026 {
  const envelope = {
    [PROTOCOL_VERSION_KEY]: version,
    [CLIENT_CAPABILITIES_KEY]: capabilities,
    [CLIENT_INFO_KEY]: clientInfo,
  }
  return { envelope, json: JSON.stringify({ ...envelope, [HOP_KEY]: 1 }) }
}

/** What goes with the requests of a caller that can be asked this, in the place of what was declared for all. */
function envelopeFor(speaker: Speaker2026, askable: Askable): Envelope2026 {
  const fingerprint = fingerprintOf(askable)
  if (fingerprint === '') return speaker
  const known = speaker.forAsked.get(fingerprint)
  if (known !== undefined) return known
  const made = envelopeOf(speaker.version, speaker.clientInfo, capabilitiesFor(askable))
  speaker.forAsked.set(fingerprint, made)
  return made
}

export interface Outgoing2026 extends OutgoingRequest {
  logLevel?: LogLevel
  /** What the server may ask this caller; left out: what the speaker declares for all. */
  askable?: Askable
  /** Extensions that the caller declared on this very request. */
  extensions?: JsonObject
}

export interface BuiltRequest {
  body: Buffer
  /** Names in lower case. `Mcp-Param-*` come from `buildParamHeaders`. */
  headers: Record<string, string>
}

/** A request with its envelope, and the headers that must repeat parts of it. */
export function buildRequest2026(out: Outgoing2026, speaker: Speaker2026): BuiltRequest {
  const { method, params } = out
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': speaker.version,
    'mcp-method': method,
  }
  const nameParam = methodIn('2026', method)?.nameParam ?? null
  const name = nameParam === null ? undefined : params[nameParam]
  if (typeof name === 'string') headers['mcp-name'] = encodeHeaderValue(name)
  return { body: requestBody(out, metaText(out, speaker)), headers }
}

/**
 * Joined from texts, because what is the same in each call need not be written anew: 0.2 us.
 *
 * @param meta `_meta` as JSON text, or null for none
 */
export function requestBody({ id, method, params }: OutgoingRequest, meta: string | null): Buffer {
  // A second `_meta` could be the one that a server reads.
  const bare = JSON.stringify(params._meta === undefined ? params : { ...params, _meta: undefined })
  const head = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":${JSON.stringify(method)},"params":`
  return Buffer.from(`${head}${meta === null ? bare : withMeta(bare, meta)}}`)
}

/** @param params an object without `_meta`, as JSON text */
function withMeta(params: string, meta: string): string {
  return params === '{}' ? `{"_meta":${meta}}` : `${params.slice(0, -1)},"_meta":${meta}}`
}

function metaText(out: Outgoing2026, speaker: Speaker2026): string {
  // The envelope comes last, so that no key of the caller's can stand in its place.
  const { envelope, json } = out.extensions === undefined ? commonEnvelope(out, speaker) : extended(out, speaker)
  return isFirstHop(out) && out.logLevel === undefined
    ? json
    : JSON.stringify({ ...travellingMeta(out), ...envelope, [LOG_LEVEL_KEY]: out.logLevel })
}

function commonEnvelope({ askable }: Outgoing2026, speaker: Speaker2026): Envelope2026 {
  return askable === undefined ? speaker : envelopeFor(speaker, askable)
}

/** Settings are the caller's own words, so this is made for each request. */
function extended(out: Outgoing2026, speaker: Speaker2026): Envelope2026 {
  const { askable = NOTHING_ASKABLE, extensions = {} } = out
  return envelopeOf(speaker.version, speaker.clientInfo, { ...capabilitiesFor(askable), extensions })
}

/** Whether there is nothing to say of a request but that it comes from one portal. */
export function isFirstHop({ progressToken, traceparent, tracestate, vendor, hop = 1 }: OutgoingRequest): boolean {
  return hop === 1 && (progressToken ?? traceparent ?? tracestate ?? vendor) === undefined
}

/** The part of `_meta` that both eras have. */
export function travellingMeta(out: OutgoingRequest): JsonObject {
  const { progressToken, traceparent, tracestate, vendor, hop } = out
  return {
    ...vendor,
    ...(hop === undefined ? {} : { [HOP_KEY]: hop }),
    ...(progressToken === undefined ? {} : { progressToken }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(tracestate === undefined ? {} : { tracestate }),
  }
}
