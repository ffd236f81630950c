/**
 * The request headers that anything here looks at, as single values under lower-case names. Node joins or silently drops
 * repeated headers, and a proxy in front may have judged the other one; where a header decides anything, two of it are
 * refused. Headers that nobody looks at are not even kept.
 */
import type { HeaderMap } from '../protocol/classify.ts'

/** May stand only once. */
const SINGLE = [
  'authorization',
  'host',
  'origin',
  'content-type',
  'content-length',
  'content-encoding',
  'transfer-encoding',
  'x-forwarded-proto',
  'x-forwarded-host',
  'sec-fetch-site',
]
/** Each proxy on the way may add a line of its own; together they are one list, in order (RFC 9110, section 5.3). */
const LIST = 'x-forwarded-for'
const LOOKED_AT = new Set([...SINGLE, LIST, 'accept', 'forwarded'])

/** Spellings of clients are few; what does not fit is worked out anew each time. */
const KEPT_SPELLINGS = 1000

export type HeaderReader = (raw: readonly string[]) => { headers: HeaderMap; repeated: string | null }

/**
 * @returns a reader of `IncomingMessage.rawHeaders` (names and values by turns), which tells the headers, and the name of
 * one that may stand only once and stood twice
 */
export function makeHeaderReader(): HeaderReader {
  // As a name is spelled, to the lower-case name, or null for a header that nobody looks at.
  const spellings = new Map<string, string | null>()

  function nameOf(spelled: string): string | null {
    const known = spellings.get(spelled)
    if (known !== undefined) return known
    const lower = spelled.toLowerCase()
    const name = LOOKED_AT.has(lower) || isFamily(lower) ? lower : null
    if (spellings.size < KEPT_SPELLINGS) spellings.set(spelled, name)
    return name
  }

  return (raw) => {
    // Without a prototype, a header named `constructor` is a header and nothing else.
    const headers: Record<string, string> = Object.create(null)
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const name = nameOf(raw[i] as string)
      if (name === null) continue
      const before = headers[name]
      if (before !== undefined && (SINGLE.includes(name) || isFamily(name))) return { headers, repeated: name }
      const value = raw[i + 1] as string
      headers[name] = before !== undefined && name === LIST ? `${before},${value}` : value
    }
    return { headers, repeated: null }
  }
}

function isFamily(name: string): boolean {
  return name.startsWith('mcp-') || name.startsWith('cf-access-') || name === 'last-event-id'
}
