/**
 * The gate before JSON.parse of what a client sent. It refuses what two parsers could read in two ways (a key twice, a
 * key that differs by case only where the protocol has names, numbers that a double cannot hold), what would touch
 * prototypes, and what is shaped to exhaust memory or a stack. Only the value that comes out of here is judged, and only
 * its re-serialised form is sent on.
 */
import { isUtf8 } from 'node:buffer'
import { ErrorCode } from './errors.ts'
import {
  BACKSLASH,
  foldCase,
  MAX_DEPTH,
  parse,
  QUOTE,
  skipNumber,
  skipSpace,
  skipString,
  skipValue,
} from './json-bytes.ts'
import type { RpcError } from './model.ts'

/** Members that one object may have. */
export const MAX_MEMBERS = 10_000

const FORBIDDEN = ['__proto__', 'constructor', 'prototype']

/** A list this short is searched faster than a set is built. */
const FEW_KEYS = 12

/** Object levels whose keys belong to the protocol: the envelope and `params`. */
const NAMED_LEVELS = 2

export type Inbound = { kind: 'json'; value: unknown } | { kind: 'error'; status: 400; error: RpcError }

/** Parses a request body that has passed the guard; the error is what the client shall see. */
export function parseInbound(bytes: Buffer): Inbound {
  const problem = guardJson(bytes)
  if (problem !== null) return invalid(ErrorCode.InvalidRequest, `Invalid request: ${problem}`)
  try {
    return { kind: 'json', value: JSON.parse(bytes.toString()) }
  } catch {
    return invalid(ErrorCode.ParseError, 'Parse error: the body is not valid JSON')
  }
}

function invalid(code: number, message: string): Inbound {
  return { kind: 'error', status: 400, error: { code, message } }
}

/**
 * Looks for what must not reach JSON.parse.
 *
 * @returns what is wrong in words for the client, or null. Null does not mean valid: bytes that are no JSON may pass,
 * since the parser will say so
 */
export function guardJson(bytes: Buffer): string | null {
  if (!isUtf8(bytes)) return 'the body is not valid UTF-8'
  const finding: Finding = { problem: null }
  walk(bytes, skipSpace(bytes, 0), { depth: 0, objects: 0, finding })
  return finding.problem
}

/** Where the walk leaves what it found; the walk itself says only "stop". */
interface Finding {
  problem: string | null
}

interface Place {
  depth: number
  /** Objects that are open around this value. */
  objects: number
  finding: Finding
}

/** @returns the index behind the value at `i`, or -1 for a finding or for what is no JSON */
function walk(bytes: Buffer, i: number, place: Place): number {
  const c = bytes[i]
  if (c === 0x7b || c === 0x5b) {
    if (place.depth >= MAX_DEPTH) return stop(place, `nesting is deeper than ${MAX_DEPTH} levels`)
    return c === 0x7b ? walkObject(bytes, i + 1, place) : walkArray(bytes, i + 1, place)
  }
  if (c === 0x2d || (c !== undefined && c >= 0x30 && c <= 0x39)) return walkNumber(bytes, i, place)
  return skipValue(bytes, i, place.depth)
}

function walkArray(bytes: Buffer, start: number, place: Place): number {
  let i = skipSpace(bytes, start)
  if (bytes[i] === 0x5d) return i + 1
  const inner = { ...place, depth: place.depth + 1 }
  for (;;) {
    i = walk(bytes, i, inner)
    if (i === -1) return -1
    i = skipSpace(bytes, i)
    if (bytes[i] === 0x5d) return i + 1
    if (bytes[i] !== 0x2c) return -1
    i = skipSpace(bytes, i + 1)
  }
}

function walkObject(bytes: Buffer, start: number, place: Place): number {
  let i = skipSpace(bytes, start)
  if (bytes[i] === 0x7d) return i + 1
  const inner = { depth: place.depth + 1, objects: place.objects + 1, finding: place.finding }
  const keys = openKeys()
  for (;;) {
    if (bytes[i] !== QUOTE) return -1
    const end = skipString(bytes, i + 1)
    if (end === -1) return -1
    const problem = keys.add(readKey(bytes, i, end), inner.objects <= NAMED_LEVELS)
    if (problem !== null) return stop(place, problem)
    i = skipSpace(bytes, end)
    if (bytes[i] !== 0x3a) return -1
    i = walk(bytes, skipSpace(bytes, i + 1), inner)
    if (i === -1) return -1
    i = skipSpace(bytes, i)
    if (bytes[i] === 0x7d) return i + 1
    if (bytes[i] !== 0x2c) return -1
    i = skipSpace(bytes, i + 1)
  }
}

function walkNumber(bytes: Buffer, from: number, place: Place): number {
  const to = skipNumber(bytes, from)
  if (to === -1) return -1
  let isInteger = true
  for (let i = from; i < to; i++) if (bytes[i] === 0x2e || bytes[i] === 0x65 || bytes[i] === 0x45) isInteger = false
  // Up to 15 digits every integer is exact in a double.
  if (isInteger && to - from <= 15) return to
  const value = Number(bytes.toString('latin1', from, to))
  if (!Number.isFinite(value) || (isInteger && !Number.isSafeInteger(value)))
    return stop(place, 'a number is out of range; send it as a string')
  return to
}

function readKey(bytes: Buffer, from: number, to: number): string | undefined {
  for (let i = from + 1; i < to - 1; i++) {
    const c = bytes[i] as number
    if (c !== BACKSLASH && c < 0x80) continue
    const decoded = parse(bytes, { from, to })
    return typeof decoded === 'string' ? decoded : undefined
  }
  return bytes.toString('latin1', from + 1, to - 1)
}

/** The keys of one object so far. */
function openKeys() {
  const few: string[] = []
  let many: Set<string> | null = null

  function seen(key: string): boolean {
    if (many !== null) {
      const { size } = many
      return many.add(key).size === size
    }
    if (few.includes(key)) return true
    few.push(key)
    if (few.length > FEW_KEYS) many = new Set(few)
    return false
  }

  return {
    /** @param named whether the protocol has names here, so that keys which differ by case only are one key */
    add(key: string | undefined, named: boolean): string | null {
      if (key === undefined) return null
      if (FORBIDDEN.includes(key)) return `the key ${JSON.stringify(key)} is not accepted`
      if (seen(named ? foldCase(key) : key)) return `the key ${JSON.stringify(key.slice(0, 64))} is there twice`
      return many !== null && many.size > MAX_MEMBERS ? `an object has more than ${MAX_MEMBERS} members` : null
    },
  }
}

function stop(place: Place, problem: string): -1 {
  place.finding.problem ??= problem
  return -1
}
