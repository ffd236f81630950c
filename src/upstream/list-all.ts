/**
 * Everything that a server lists, page by page, for the capabilities it declared.
 */
import { LIMITS } from '../config/limits.ts'
import { parse } from '../protocol/json-bytes.ts'
import type { Json, JsonObject, RawReply } from '../protocol/model.ts'
import { countOf, DEPTH_KEY } from '../protocol/portal-chain.ts'
import { readRawError } from '../protocol/raw-error.ts'
import { MAX_DEFINITIONS } from './definitions.ts'
import { Exchange } from './exchange.ts'
import { asObject, ownRequest } from './handshake.ts'
import type { CapabilityKind } from './model.ts'
import { Trouble } from './trouble.ts'

const METHOD_NOT_FOUND = -32601
/** A server that gives one item a page, or the same cursor for ever, must come to an end. */
const MAX_PAGES = 1000
/** Of all pages of one kind together, or a thousand full ones would fill the memory. */
const MAX_BYTES = LIMITS.list_bytes.value
const TOO_LONG = `{server} lists more than ${MAX_BYTES / 1024 / 1024} MiB of one kind. What it listed before stays; make it list less.`

interface Source {
  capability: string
  method: string
  member: string
}

const SOURCES: Record<CapabilityKind, Source> = {
  tool: { capability: 'tools', method: 'tools/list', member: 'tools' },
  prompt: { capability: 'prompts', method: 'prompts/list', member: 'prompts' },
  resource: { capability: 'resources', method: 'resources/list', member: 'resources' },
  template: { capability: 'resources', method: 'resources/templates/list', member: 'resourceTemplates' },
}

export const KINDS: readonly CapabilityKind[] = ['tool', 'prompt', 'resource', 'template']

/**
 * @param ask performs one request
 * @param onDepth hears how many portals a page came through, where the server is one
 * @returns the items as they came, at most 10,000; none where the server did not declare them or does not know the method
 * @throws Trouble
 */
export async function listAll(
  kind: CapabilityKind,
  capabilities: JsonObject,
  ask: (exchange: Exchange) => Promise<RawReply>,
  onDepth: (depth: number) => void = () => {},
): Promise<Json[]> {
  const { capability, method, member } = SOURCES[kind]
  if (asObject(capabilities[capability] ?? null) === null) return []
  const items: Json[] = []
  const cursors = new Set<string>()
  let params: JsonObject = {}
  let bytes = 0
  while (cursors.size < MAX_PAGES && items.length < MAX_DEFINITIONS) {
    const raw = await ask(new Exchange(ownRequest(method, params)))
    if (raw.outcome === 'error') {
      const { code } = readRawError(raw)
      if (code === METHOD_NOT_FOUND) return []
      throw new Trouble('bad-answer', `${method} was answered with an error`, { rpcCode: code })
    }
    bytes += raw.body.to - raw.body.from
    if (bytes > MAX_BYTES)
      throw new Trouble('not-ready', `${method} was answered at too great a length`, { hint: TOO_LONG })
    const result = asObject(parse(raw.bytes, raw.body))
    const page = result?.[member]
    if (!Array.isArray(page)) throw new Trouble('bad-answer', `${method} was answered without a list`)
    for (const item of page.slice(0, MAX_DEFINITIONS - items.length)) items.push(item)
    const depth = asObject(result?._meta ?? null)?.[DEPTH_KEY]
    if (depth !== undefined) onDepth(countOf(depth))
    // The empty string is a cursor like any other.
    const cursor = result?.nextCursor
    if (typeof cursor !== 'string' || cursors.has(cursor)) break
    cursors.add(cursor)
    params = { cursor }
  }
  return items
}
