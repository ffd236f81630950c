/** JSON pointers (RFC 6901) into the arguments of a call, by own members alone: `/constructor` finds nothing. */

export type Found = { found: true; value: unknown } | { found: false }

const NOTHING: Found = { found: false }
const MOST_PARTS = 64

/** @returns null for what is no pointer */
export function parsePointer(text: string): readonly string[] | null {
  if (text === '') return []
  if (!/^(?:\/(?:[^~/]|~[01])*)+$/.test(text)) return null
  const parts = text
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  return parts.length > MOST_PARTS ? null : parts
}

export function follow(parts: readonly string[], value: unknown): Found {
  let at = value
  for (const part of parts) {
    if (typeof at !== 'object' || at === null) return NOTHING
    // An array has elements, and a `length` that is not JSON.
    if (Array.isArray(at) && !/^(?:0|[1-9]\d{0,8})$/.test(part)) return NOTHING
    if (!Object.hasOwn(at, part)) return NOTHING
    at = (at as Readonly<Record<string, unknown>>)[part]
  }
  return at === undefined ? NOTHING : { found: true, value: at }
}
