/**
 * Walking JSON as bytes: where a value ends, without building it. Everything is linear in the input and goes no deeper
 * than `MAX_DEPTH`, so no message can exhaust the stack. The inside of a long string is only searched for its end; who
 * needs more must parse.
 */
import { LIMITS } from '../config/limits.ts'
import type { Json, Span } from './model.ts'

/** Levels of nesting that are accepted, the message itself being the first. */
export const MAX_DEPTH = LIMITS.depth.value

/** Up to here a string is walked byte by byte; beyond, a native search for the quote is cheaper. */
const SHORT_STRING = 48
/** A search that ended nearer than this was not worth its call. */
const FAR = 256

export const QUOTE = 0x22
export const BACKSLASH = 0x5c

/** @param depth levels already open @returns the index behind the value at `i`, or -1 */
export function skipValue(bytes: Buffer, i: number, depth: number): number {
  switch (bytes[i]) {
    case QUOTE:
      return skipString(bytes, i + 1)
    case 0x7b:
      return depth < MAX_DEPTH ? skipObject(bytes, i + 1, depth + 1) : -1
    case 0x5b:
      return depth < MAX_DEPTH ? skipArray(bytes, i + 1, depth + 1) : -1
    case 0x74:
      return bytes[i + 1] === 0x72 && bytes[i + 2] === 0x75 && bytes[i + 3] === 0x65 ? i + 4 : -1
    case 0x66:
      return bytes[i + 1] === 0x61 && bytes[i + 2] === 0x6c && bytes[i + 3] === 0x73 && bytes[i + 4] === 0x65
        ? i + 5
        : -1
    case 0x6e:
      return bytes[i + 1] === 0x75 && bytes[i + 2] === 0x6c && bytes[i + 3] === 0x6c ? i + 4 : -1
    default:
      return skipNumber(bytes, i)
  }
}

function skipObject(bytes: Buffer, start: number, depth: number): number {
  let i = skipSpace(bytes, start)
  if (bytes[i] === 0x7d) return i + 1
  for (;;) {
    if (bytes[i] !== QUOTE) return -1
    i = skipString(bytes, i + 1)
    if (i === -1) return -1
    i = skipSpace(bytes, i)
    if (bytes[i] !== 0x3a) return -1
    i = skipValue(bytes, skipSpace(bytes, i + 1), depth)
    if (i === -1) return -1
    i = skipSpace(bytes, i)
    if (bytes[i] === 0x7d) return i + 1
    if (bytes[i] !== 0x2c) return -1
    i = skipSpace(bytes, i + 1)
  }
}

function skipArray(bytes: Buffer, start: number, depth: number): number {
  let i = skipSpace(bytes, start)
  if (bytes[i] === 0x5d) return i + 1
  for (;;) {
    i = skipValue(bytes, i, depth)
    if (i === -1) return -1
    i = skipSpace(bytes, i)
    if (bytes[i] === 0x5d) return i + 1
    if (bytes[i] !== 0x2c) return -1
    i = skipSpace(bytes, i + 1)
  }
}

/** @param start the index behind the opening quote @returns the index behind the closing one, or -1 */
export function skipString(bytes: Buffer, start: number): number {
  const { length } = bytes
  let i = start
  let walk = SHORT_STRING
  for (;;) {
    const near = Math.min(i + walk, length)
    while (i < near) {
      const c = bytes[i] as number
      if (c === QUOTE) return i + 1
      if (c < 0x20) return -1
      i += c === BACKSLASH ? 2 : 1
    }
    if (i >= length) return -1
    const quote = bytes.indexOf(QUOTE, i)
    if (quote === -1) return -1
    let run = quote
    while (run > i && bytes[run - 1] === BACKSLASH) run--
    if ((quote - run) % 2 === 0) return quote + 1
    // JSON inside a string has a quote every few bytes: there the search costs more than the walk.
    if (quote - i < FAR) walk *= 4
    i = quote + 1
  }
}

/** @returns the index behind the number at `i`, or -1 */
export function skipNumber(bytes: Buffer, i: number): number {
  let at = bytes[i] === 0x2d ? i + 1 : i
  const first = at
  at = skipDigits(bytes, at)
  // A leading zero stands alone.
  if (at === first || (bytes[first] === 0x30 && at > first + 1)) return -1
  if (bytes[at] === 0x2e) {
    const fraction = at + 1
    at = skipDigits(bytes, fraction)
    if (at === fraction) return -1
  }
  if (bytes[at] === 0x65 || bytes[at] === 0x45) {
    const sign = bytes[at + 1]
    const exponent = sign === 0x2b || sign === 0x2d ? at + 2 : at + 1
    at = skipDigits(bytes, exponent)
    if (at === exponent) return -1
  }
  return at
}

function skipDigits(bytes: Buffer, start: number): number {
  let i = start
  while (i < bytes.length && (bytes[i] as number) >= 0x30 && (bytes[i] as number) <= 0x39) i++
  return i
}

export function skipSpace(bytes: Buffer, start: number): number {
  let i = start
  while (i < bytes.length) {
    const c = bytes[i]
    if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) break
    i++
  }
  return i
}

/** Case folding as careless readers do it: U+017F counts as `s` and U+212A as `k`. */
export function foldCase(text: string): string {
  return text.toUpperCase().toLowerCase()
}

/** The value in a span, or undefined where it is none: the walk does not look inside long strings. */
export function parse(bytes: Buffer, span: Span): Json | undefined {
  try {
    return JSON.parse(bytes.toString('utf8', span.from, span.to)) as Json
  } catch {
    // Expected of hostile bytes, and the caller has its own answer to them.
    return undefined
  }
}
