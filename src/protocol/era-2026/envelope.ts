/**
 * The envelope that each 2026 request carries in `params._meta`: which revision, what the client can do, who it says it
 * is. Nothing of it is inferred from an earlier request or from the connection.
 */
import {
  type ClientFacts,
  type Json,
  type JsonObject,
  LOG_LEVELS,
  type Notification,
  type RequestMeta,
} from '../model.ts'
import { countOf, HOP_KEY } from '../portal-chain.ts'
import { isPortalKey } from '../portal-mark.ts'

export const PROTOCOL_VERSION_KEY = 'io.modelcontextprotocol/protocolVersion'
export const CLIENT_CAPABILITIES_KEY = 'io.modelcontextprotocol/clientCapabilities'
export const CLIENT_INFO_KEY = 'io.modelcontextprotocol/clientInfo'
export const LOG_LEVEL_KEY = 'io.modelcontextprotocol/logLevel'
export const SERVER_INFO_KEY = 'io.modelcontextprotocol/serverInfo'
export const SUBSCRIPTION_ID_KEY = 'io.modelcontextprotocol/subscriptionId'

/** W3C Trace Context, version 00 and its successors. */
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/
const MAX_TRACESTATE = 512

/** `params._meta` where it is an object. */
export function envelopeOf(params: JsonObject): JsonObject | null {
  return asObject(params._meta)
}

/** Whether a message claims the envelope at all: the key of the version is there, whatever stands behind it. */
export function hasEnvelope(params: JsonObject): boolean {
  const meta = envelopeOf(params)
  return meta !== null && Object.hasOwn(meta, PROTOCOL_VERSION_KEY)
}

/** Whether a message has a whole envelope that names a revision of this era. */
export function isValidEnvelope(params: JsonObject): boolean {
  const meta = envelopeOf(params)
  if (meta === null) return false
  const version = meta[PROTOCOL_VERSION_KEY]
  return typeof version === 'string' && version >= '2026-07-28' && envelopeProblem(meta) === null
}

/** @returns the first thing that is wrong, in words that name the key, or null. Missing keys come first. */
export function envelopeProblem(meta: JsonObject): string | null {
  const version = meta[PROTOCOL_VERSION_KEY]
  const capabilities = meta[CLIENT_CAPABILITIES_KEY]
  if (version === undefined) return `${PROTOCOL_VERSION_KEY} is missing`
  if (capabilities === undefined) return `${CLIENT_CAPABILITIES_KEY} is missing`
  if (typeof version !== 'string') return `${PROTOCOL_VERSION_KEY} must be a string`
  if (!areCapabilities(capabilities)) return `${CLIENT_CAPABILITIES_KEY} is malformed`
  const info = meta[CLIENT_INFO_KEY]
  if (info !== undefined && !isImplementation(info)) return `${CLIENT_INFO_KEY} is malformed`
  const level = meta[LOG_LEVEL_KEY]
  if (level !== undefined && !isLogLevel(level)) return `${LOG_LEVEL_KEY} is no log level`
  return null
}

/** Reads who is asking; the envelope has been found whole. */
export function clientOf(meta: JsonObject, version: string): ClientFacts {
  const info = asObject(meta[CLIENT_INFO_KEY])
  return {
    era: '2026',
    version,
    name: typeof info?.name === 'string' ? info.name : null,
    clientVersion: typeof info?.version === 'string' ? info.version : null,
    capabilities: asObject(meta[CLIENT_CAPABILITIES_KEY]) ?? {},
  }
}

/**
 * What of a `_meta` may travel, in either era. Reserved keys belong to the hop and stay here; `baggage` may hold what
 * the caller's other systems know about it and is nobody's business upstream.
 */
export function metaOf(meta: JsonObject): RequestMeta {
  const read: RequestMeta = {}
  let vendor: Record<string, Json> | null = null
  for (const key in meta) {
    const value = meta[key] as Json
    switch (key) {
      case 'progressToken':
        if (typeof value === 'string' || typeof value === 'number') read.progressToken = value
        break
      case LOG_LEVEL_KEY:
        if (isLogLevel(value)) read.logLevel = value
        break
      case 'traceparent':
        if (typeof value === 'string' && TRACEPARENT.test(value)) read.traceparent = value
        break
      case 'tracestate':
        if (typeof value === 'string' && value.length <= MAX_TRACESTATE) read.tracestate = value
        break
      case 'baggage':
        break
      case HOP_KEY:
        read.hop = countOf(value)
        break
      default:
        if (isReservedKey(key) || isPortalKey(key)) break
        vendor ??= {}
        vendor[key] = value
    }
  }
  // A state without its parent belongs to no trace.
  if (read.tracestate !== undefined && read.traceparent === undefined) delete read.tracestate
  if (vendor !== null) read.vendor = vendor
  return read
}

/** Nearly every reserved key there is; the rest of the rule is for names that only look like ours. */
const OWN_PREFIX = 'io.modelcontextprotocol/'

/**
 * Whether the specification keeps a `_meta` key for itself: the second label of the prefix is `modelcontextprotocol` or
 * `mcp`. So `io.modelcontextprotocol/x` and `com.mcp.tools/x` are reserved, `com.example.mcp/x` is free.
 */
export function isReservedKey(key: string): boolean {
  if (key.startsWith(OWN_PREFIX)) return true
  const slash = key.indexOf('/')
  if (slash === -1) return false
  const second = key.slice(0, slash).toLowerCase().split('.')[1]
  return second === 'modelcontextprotocol' || second === 'mcp'
}

/** What a server says on the way to its answer, without the keys of the hop: to the caller they would say something of its own. */
export function withoutHopKeys(notification: Notification): Notification {
  const meta = asObject(notification.params._meta)
  if (meta === null) return notification
  const kept = Object.entries(meta).filter(([key]) => !isReservedKey(key))
  return { ...notification, params: { ...notification.params, _meta: Object.fromEntries(kept) } }
}

function areCapabilities(value: Json): boolean {
  const all = asObject(value)
  if (all === null) return false
  for (const name of ['experimental', 'extensions', 'sampling', 'elicitation', 'roots'] as const) {
    const one = all[name]
    if (one === undefined) continue
    const members = asObject(one)
    if (members === null) return false
    const holdsObjects = name === 'experimental' || name === 'extensions'
    const inner = holdsObjects ? Object.keys(members) : (SUB_CAPABILITIES[name] ?? [])
    for (const key of inner) if (members[key] !== undefined && asObject(members[key]) === null) return false
  }
  return true
}

const SUB_CAPABILITIES: Readonly<Record<string, readonly string[]>> = {
  sampling: ['context', 'tools'],
  elicitation: ['form', 'url'],
}

function isImplementation(value: Json): boolean {
  const info = asObject(value)
  return info !== null && typeof info.name === 'string' && typeof info.version === 'string'
}

function isLogLevel(value: Json): value is (typeof LOG_LEVELS)[number] {
  return (LOG_LEVELS as readonly Json[]).includes(value)
}

function asObject(value: Json | undefined): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null
}
