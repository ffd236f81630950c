/** What differs between two JSON values, by JSON pointer (RFC 6901), so that a person can judge a change. Pure. */
import type { Json } from '../protocol/model.ts'

export interface Difference {
  pointer: string
  /** Absent where the member is new. */
  before?: Json
  /** Absent where the member is gone. */
  after?: Json
}

/** More would be read by nobody; the whole definitions stand beside it. */
export const MOST_DIFFERENCES = 200

export function diffJson(before: Json, after: Json): Difference[] {
  return [...differences(before, after, '')].slice(0, MOST_DIFFERENCES)
}

function* differences(before: Json, after: Json, pointer: string): Iterable<Difference> {
  const [old, now] = [membersOf(before), membersOf(after)]
  if (old === null || now === null || Array.isArray(before) !== Array.isArray(after)) {
    if (JSON.stringify(before) !== JSON.stringify(after)) yield { pointer, before, after }
    return
  }
  for (const key of new Set([...old.keys(), ...now.keys()])) {
    const at = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
    const [was, is] = [old.get(key), now.get(key)]
    if (was === undefined) yield { pointer: at, after: is as Json }
    else if (is === undefined) yield { pointer: at, before: was }
    else yield* differences(was, is, at)
  }
}

/** A map, because a key may be `__proto__`. */
function membersOf(value: Json): Map<string, Json> | null {
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : null
}
