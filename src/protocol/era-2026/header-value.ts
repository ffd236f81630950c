/**
 * Values of `Mcp-Name` and `Mcp-Param-*` (SEP-2243). What a header cannot carry travels as base64 between sentinels; a
 * value that merely looks like a sentinel is encoded too, so that every value has exactly one reading.
 */

const PREFIX = '=?base64?'
const SUFFIX = '?='
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const PLAIN = /^[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?$/

/** @returns the value as a header may carry it */
export function encodeHeaderValue(value: string): string {
  const looksEncoded = value.startsWith(PREFIX) && value.endsWith(SUFFIX)
  if (value === '' || (PLAIN.test(value) && !looksEncoded)) return value
  return `${PREFIX}${Buffer.from(value).toString('base64')}${SUFFIX}`
}

/**
 * @param value as the header came; white space around it does not count
 * @returns the text that was meant, or undefined where the base64 is malformed
 */
export function decodeHeaderValue(value: string): string | undefined {
  const trimmed = trimOws(value)
  if (!trimmed.startsWith(PREFIX) || !trimmed.endsWith(SUFFIX)) return trimmed
  const encoded = trimmed.slice(PREFIX.length, -SUFFIX.length)
  if (!BASE64.test(encoded)) return undefined
  const text = Buffer.from(encoded, 'base64').toString()
  // Only canonical base64 of valid UTF-8 survives the way back.
  return Buffer.from(text).toString('base64') === encoded ? text : undefined
}

/** Takes off the optional white space of RFC 9110 section 5.6.3: space and tab, nothing else. */
export function trimOws(value: string): string {
  let from = 0
  let to = value.length
  while (from < to && isOws(value.charCodeAt(from))) from++
  while (to > from && isOws(value.charCodeAt(to - 1))) to--
  return from === 0 && to === value.length ? value : value.slice(from, to)
}

function isOws(code: number): boolean {
  return code === 0x20 || code === 0x09
}
