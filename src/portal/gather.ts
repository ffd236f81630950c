/**
 * What a server lists at this moment, page by page, for lists that are not kept: within a time, a number of entries and of bytes, because
 * somebody waits for it.
 */
import { LIMITS } from '../config/limits.ts'
import { parse } from '../protocol/json-bytes.ts'
import type { Json, JsonObject } from '../protocol/model.ts'
import type { Performed } from './checkpoint.ts'
import { isObject } from './read-params.ts'

const MOST_ITEMS = LIMITS.skills.value
const MOST_BYTES = LIMITS.skills_bytes.value
/** One an entry would be a server that is slow on purpose. */
const MOST_PAGES = 50

export interface Gathered {
  items: readonly Json[]
  /** How long the server says that it holds, in milliseconds; 0 where it says nothing. */
  ttlMs: number
  /** Of its last page. */
  done: Performed
}

/** The server answered something else than a list: with an error, or what cannot be understood (`odd`). */
export interface Ungathered {
  failed: Performed
  odd: boolean
}

/** @param member of the result, which holds the entries @param ask performs one request; what it throws is thrown */
export async function gather(
  member: string,
  ask: (params: JsonObject) => Promise<Performed>,
): Promise<Gathered | Ungathered> {
  const items: Json[] = []
  const cursors = new Set<string>()
  let params: JsonObject = {}
  let bytes = 0
  let ttlMs = Number.POSITIVE_INFINITY
  let upstreamMs = 0
  for (;;) {
    const done = await ask(params)
    const result = resultOf(done)
    upstreamMs += done.upstreamMs
    if (result === null) return { failed: { ...done, upstreamMs }, odd: !isError(done) }
    const page = result[member]
    if (!Array.isArray(page)) return { failed: { ...done, upstreamMs }, odd: true }
    bytes += sizeOf(done)
    if (bytes <= MOST_BYTES) items.push(...page.slice(0, MOST_ITEMS - items.length))
    ttlMs = Math.min(ttlMs, ttlOf(result))
    const cursor = result.nextCursor
    const isLast = typeof cursor !== 'string' || cursors.has(cursor) || cursors.size === MOST_PAGES - 1
    if (isLast || bytes > MOST_BYTES || items.length === MOST_ITEMS)
      return { items, ttlMs, done: { ...done, upstreamMs } }
    cursors.add(cursor)
    params = { cursor }
  }
}

/** @returns null for an error, and for what is no complete result */
export function resultOf({ reply }: Performed): JsonObject | null {
  if (reply.kind !== 'raw' || reply.outcome === 'error' || (reply.has.resultType ?? 'complete') !== 'complete')
    return null
  const result = parse(reply.bytes, reply.body)
  return isObject(result) ? result : null
}

function isError({ reply }: Performed): boolean {
  return reply.kind === 'error' || (reply.kind === 'raw' && reply.outcome === 'error')
}

function sizeOf({ reply }: Performed): number {
  return reply.kind === 'raw' ? reply.body.to - reply.body.from : 0
}

/** @returns milliseconds; 0 for what is no such number */
export function ttlOf({ ttlMs }: JsonObject): number {
  return typeof ttlMs === 'number' && Number.isSafeInteger(ttlMs) && ttlMs > 0 ? ttlMs : 0
}
