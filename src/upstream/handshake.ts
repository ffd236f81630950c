/**
 * Finding out how a server wants to be spoken to: `server/discover` in the modern form, and `initialize` where that is
 * not understood. Whether silence or an end counts as "old" is the transport's business, not decided here.
 */
import { TASKS_VERSION } from '../protocol/era-2025/task.ts'
import { SERVER_INFO_KEY } from '../protocol/era-2026/envelope.ts'
import { relayedExtensions } from '../protocol/extensions.ts'
import { parse } from '../protocol/json-bytes.ts'
import { LATEST_LEGACY_VERSION, LEGACY_VERSIONS, MODERN_VERSIONS } from '../protocol/methods.ts'
import type { Era, JsonObject, RawReply } from '../protocol/model.ts'
import { encodeRequest, type Message, modernPeer, type Peer, type PortalInfo, type ServerInfo } from './encode.ts'
import { NEVER, type Outgoing } from './exchange.ts'
import { Trouble } from './trouble.ts'

/** Errors that only a server of 2026-07-28 or later gives. */
const MODERN_ERRORS = [-32020, -32021, -32022]
const UNSUPPORTED_VERSION = -32022

/** The revision that a server is asked in first. */
export const MODERN_VERSION = '2026-07-28'

/** A request of the portal's own. */
export function ownRequest(method: string, params: JsonObject = {}): Outgoing {
  return { principal: null, client: null, method, params, progress: false, cancel: NEVER, report: () => {} }
}

export function encodeDiscover(id: number, portal: PortalInfo, version: string): Message {
  return encodeRequest(modernPeer(version, {}, portal), id, ownRequest('server/discover'))
}

type Settled = { era: '2026'; peer: Peer } | { era: '2025' }
export type Verdict = Settled | { era: 'again'; version: string }

/**
 * Asks in our newest revision, and once more in what the server names where it refuses that. It may name the same one: then this try
 * found it out of step with itself, as it is while several of it are being replaced.
 *
 * @param ask null: no answer of a modern server
 * @throws Trouble when the server refuses what it named itself
 */
export async function discover(ask: (version: string) => Promise<Verdict | null>): Promise<Settled | null> {
  const first = await ask(MODERN_VERSION)
  if (first?.era !== 'again') return first
  const second = await ask(first.version)
  if (second?.era !== 'again') return second
  throw new Trouble('bad-answer', 'it refuses the protocol version that it names', { rpcCode: UNSUPPORTED_VERSION })
}

/**
 * What the answer to `server/discover` proves.
 *
 * @returns the modern peer; or another version to ask in; or that this is no modern server
 * @throws Trouble when the server is modern and nothing in common remains
 */
export function readDiscover(raw: RawReply, portal: PortalInfo): Verdict {
  const body = bodyOf(raw)
  if (raw.outcome === 'error') return readDiscoverError(body)
  const versions = strings(body.supportedVersions)
  const capabilities = asObject(body.capabilities)
  if (versions === null || capabilities === null) return { era: '2025' }
  const version = commonVersion(versions)
  if (version === null) return { era: '2025' }
  return {
    era: '2026',
    peer: {
      ...modernPeer(version, capabilitiesIn(capabilities, '2026'), portal),
      ...instructionsIn(body),
      ...infoIn(asObject(body._meta ?? null)?.[SERVER_INFO_KEY]),
    },
  }
}

function readDiscoverError(error: JsonObject): Verdict {
  if (typeof error.code !== 'number' || !MODERN_ERRORS.includes(error.code)) return { era: '2025' }
  if (error.code !== UNSUPPORTED_VERSION) {
    throw new Trouble('bad-answer', 'a modern server refused server/discover', { rpcCode: error.code })
  }
  const supported = strings(asObject(error.data ?? null)?.supported) ?? []
  const version = commonVersion(supported)
  if (version !== null) return { era: 'again', version }
  if (supported.some((one) => LEGACY_VERSIONS.includes(one))) return { era: '2025' }
  throw new Trouble('bad-answer', 'no protocol version in common', { rpcCode: error.code })
}

/**
 * @returns the peer that `initialize` negotiated
 * @throws Trouble when it is refused, or chooses a version the portal does not speak
 */
export function readInitialize(raw: RawReply): Peer {
  const body = bodyOf(raw)
  if (raw.outcome === 'error') {
    const rpcCode = typeof body.code === 'number' ? { rpcCode: body.code } : {}
    throw new Trouble('bad-answer', 'initialize was refused', rpcCode)
  }
  const version = body.protocolVersion
  if (typeof version !== 'string' || version > LATEST_LEGACY_VERSION) {
    throw new Trouble('bad-answer', 'initialize chose an unknown protocol version')
  }
  const declared = asObject(body.capabilities ?? null) ?? {}
  const tasks = version === TASKS_VERSION ? tasksIn(declared) : {}
  return {
    era: '2025',
    version,
    capabilities: { ...capabilitiesIn(declared, '2025'), ...tasks },
    ...instructionsIn(body),
    ...infoIn(body.serverInfo),
  }
}

const CAPABILITIES = ['tools', 'prompts', 'resources', 'completions', 'logging']
const FLAGS = ['listChanged', 'subscribe']

/** What somebody here may ask for: it is kept, and gone through whenever a client introduces itself. */
function capabilitiesIn(declared: JsonObject, era: Era): JsonObject {
  const kept: Record<string, JsonObject> = {}
  for (const name of CAPABILITIES) {
    const one = asObject(declared[name] ?? null)
    if (one === null) continue
    kept[name] = Object.fromEntries(FLAGS.filter((flag) => one[flag] === true).map((flag) => [flag, true]))
  }
  const extensions = relayedExtensions(declared, era)
  if (extensions !== null) kept.extensions = extensions
  return kept
}

/** Tasks of calls of tools (2025-11-25); there are no others that the portal relays. */
function tasksIn({ tasks }: JsonObject): JsonObject {
  const requests = asObject(asObject(tasks)?.requests)
  if (asObject(asObject(requests?.tools)?.call) === null) return {}
  const cancel = asObject(asObject(tasks)?.cancel) === null ? {} : { cancel: {} }
  return { tasks: { ...cancel, requests: { tools: { call: {} } } } }
}

/** More is never shown, and is not kept as long as the connection lives. */
const MOST_INSTRUCTIONS = 8192

function instructionsIn({ instructions }: JsonObject): { instructions?: string } {
  if (typeof instructions !== 'string') return {}
  if (instructions.length <= MOST_INSTRUCTIONS) return { instructions }
  // Copied: a slice would keep the whole text alive.
  return { instructions: Buffer.from(instructions.slice(0, MOST_INSTRUCTIONS)).toString() }
}

const MOST_INFO = 200

function infoIn(value: unknown): { info?: ServerInfo } {
  const { name, version } = asObject(value) ?? {}
  if (typeof name !== 'string') return {}
  const short = (text: string): string => Buffer.from(text.slice(0, MOST_INFO)).toString()
  return { info: { name: short(name), version: typeof version === 'string' ? short(version) : '' } }
}

/** @returns the parsed `result` or `error` object */
export function bodyOf(raw: RawReply): JsonObject {
  const body = asObject(parse(raw.bytes, raw.body))
  if (body !== null) return body
  throw new Trouble('bad-answer', 'the answer is no object')
}

export function asObject(value: unknown): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null
}

function strings(value: unknown): string[] | null {
  return Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : null
}

function commonVersion(theirs: readonly string[]): string | null {
  return MODERN_VERSIONS.find((version) => theirs.includes(version)) ?? null
}
