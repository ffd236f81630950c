/** Times as the API shows and takes them: RFC 3339 outside, milliseconds since 1970 inside. */
import type { Stamped } from '../store/columns.ts'
import { invalid } from './refusal.ts'

export function shownTime(at: number): string {
  return new Date(at).toISOString()
}

export function shownTimeOrNull(at: number | null): string | null {
  return at === null ? null : shownTime(at)
}

export function shownStamps(record: Stamped) {
  return {
    created_at: shownTime(record.createdAt),
    created_by: record.createdBy,
    modified_at: shownTime(record.modifiedAt),
    modified_by: record.modifiedBy,
    origin: record.origin,
  }
}

/** @throws ApiRefusal 400 for a time that has passed: what is made with it would be dead at birth */
export function futureTime(text: string | null | undefined, now: number, path: string): number | null {
  if (text === null || text === undefined) return null
  const at = Date.parse(text)
  if (at <= now) throw invalid(path, 'has passed; give a time in the future')
  return at
}
