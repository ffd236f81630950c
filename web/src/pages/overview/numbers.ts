/** Numbers as people read them. */

const WHOLE = new Intl.NumberFormat('en')
const SHORT = new Intl.NumberFormat('en', { maximumSignificantDigits: 2 })
const SHARE = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 })

export function number(value: number): string {
  return WHOLE.format(value)
}

export function percent(part: number, whole: number): string {
  return SHARE.format(part / whole)
}

/** @param ms null where there are none */
export function milliseconds(ms: number | null): string {
  if (ms === null) return '–'
  return ms < 1000 ? `${SHORT.format(ms)} ms` : `${SHORT.format(ms / 1000)} s`
}

const CLOCK: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', hour12: false }
const HOUR = new Intl.DateTimeFormat('en', CLOCK)
const WEEKDAY = new Intl.DateTimeFormat('en', { weekday: 'short', ...CLOCK })
const DAY = new Intl.DateTimeFormat('en', { month: 'short', day: 'numeric', ...CLOCK })

/** As short as is unmistakable within a stretch of time. @param at ISO 8601 */
export function slotName(at: string, hours: number): string {
  const format = hours <= 1 ? HOUR : hours <= 24 ? WEEKDAY : DAY
  return format.format(new Date(at))
}
