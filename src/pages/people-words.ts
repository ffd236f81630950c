/** Small words for people: how many, how long ago, which browser. */

/** `1 browser`, `3 browsers`, `no browser`. */
export function counted(count: number, noun: string): string {
  return count === 0 ? `no ${noun}` : count === 1 ? `1 ${noun}` : `${count} ${noun}s`
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** @param ms milliseconds that have passed */
export function ago(ms: number): string {
  if (ms < 2 * MINUTE) return 'just now'
  if (ms < 2 * HOUR) return `${Math.floor(ms / MINUTE)} minutes ago`
  if (ms < 2 * DAY) return `${Math.floor(ms / HOUR)} hours ago`
  return `${Math.floor(ms / DAY)} days ago`
}

/** @param ms milliseconds that will pass */
export function ahead(ms: number): string {
  if (ms < 2 * MINUTE) return 'in a moment'
  if (ms < 2 * HOUR) return `in ${Math.floor(ms / MINUTE)} minutes`
  if (ms < 2 * DAY) return `in ${Math.floor(ms / HOUR)} hours`
  return `in ${Math.floor(ms / DAY)} days`
}

const BROWSERS = [
  ['Edg/', 'Edge'],
  ['OPR/', 'Opera'],
  ['Firefox/', 'Firefox'],
  ['Chrome/', 'Chrome'],
  ['Safari/', 'Safari'],
] as const

const SYSTEMS = [
  ['iPhone', 'iPhone'],
  ['iPad', 'iPad'],
  ['Android', 'Android'],
  ['Mac OS X', 'macOS'],
  ['Windows', 'Windows'],
  ['CrOS', 'ChromeOS'],
  ['Linux', 'Linux'],
] as const

/** `Firefox on Linux`, from a User-Agent header; never its own text, which anybody may have written. */
export function browserName(userAgent: string): string {
  const named = (names: readonly (readonly [string, string])[]) => names.find(([mark]) => userAgent.includes(mark))?.[1]
  const browser = named(BROWSERS) ?? 'A browser'
  const system = named(SYSTEMS)
  return system === undefined ? browser : `${browser} on ${system}`
}
