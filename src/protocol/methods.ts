/**
 * The methods that a client may call, one row each. An era that lacks a method is not in its row, and a method without
 * a row does not exist: that is the whole of "method not found".
 */
import type { Era } from './model.ts'

export interface MethodRow {
  eras: readonly Era[]
  /** 2026: a complete result must carry `ttlMs` and `cacheScope` (SEP-2549). */
  cacheable: boolean
  /** 2026: the member of `params` that the `Mcp-Name` header must repeat (SEP-2243, SEP-2663). */
  nameParam: 'name' | 'uri' | 'taskId' | null
}

const BOTH: readonly Era[] = ['2025', '2026']
const OLD: readonly Era[] = ['2025']
const NEW: readonly Era[] = ['2026']

function row(eras: readonly Era[], cacheable = false, nameParam: MethodRow['nameParam'] = null): MethodRow {
  return { eras, cacheable, nameParam }
}

export const METHODS: ReadonlyMap<string, MethodRow> = new Map([
  ['initialize', row(OLD)],
  ['ping', row(OLD)],
  ['logging/setLevel', row(OLD)],
  ['resources/subscribe', row(OLD)],
  ['resources/unsubscribe', row(OLD)],
  ['server/discover', row(NEW, true)],
  ['subscriptions/listen', row(NEW)],
  ['tools/list', row(BOTH, true)],
  ['tools/call', row(BOTH, false, 'name')],
  ['prompts/list', row(BOTH, true)],
  ['prompts/get', row(BOTH, false, 'name')],
  ['resources/list', row(BOTH, true)],
  ['resources/templates/list', row(BOTH, true)],
  ['resources/read', row(BOTH, true, 'uri')],
  ['completion/complete', row(BOTH)],
  // SEP-2640. Its methods name their URI in the body alone.
  ['skills/list', row(BOTH, true)],
  ['skills/get', row(BOTH, true)],
  ['resources/directory/read', row(BOTH, true)],
  // In 2025 they are of its last revision alone, see `portal/tasks.ts`.
  ['tasks/get', row(BOTH, false, 'taskId')],
  ['tasks/cancel', row(BOTH, false, 'taskId')],
  ['tasks/result', row(OLD)],
  ['tasks/update', row(NEW, false, 'taskId')],
])

/** @returns the row of a method in an era, or undefined where that era has no such method */
export function methodIn(era: Era, method: string): MethodRow | undefined {
  const found = METHODS.get(method)
  return found?.eras.includes(era) ? found : undefined
}

/** Revisions with an envelope in each request, newest first. */
export const MODERN_VERSIONS: readonly string[] = ['2026-07-28']
/** Revisions with a handshake, newest first. */
export const LEGACY_VERSIONS: readonly string[] = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05']
/** What `server/discover` and a version error name. */
export const SUPPORTED_VERSIONS: readonly string[] = [...MODERN_VERSIONS, ...LEGACY_VERSIONS]
export const LATEST_LEGACY_VERSION = '2025-11-25'

/** Revision names are dates, so they order as text; a later one than we know is of the new era too. */
export function isModernVersion(version: string): boolean {
  return version >= '2026-07-28'
}
