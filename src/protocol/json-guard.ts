/**
 * The gate before JSON.parse of what a client sent. It refuses what two parsers could read in two ways (a key twice, a
 * key that differs by case only where the protocol has names, numbers that a double cannot hold), what would touch
 * prototypes, and what is shaped to exhaust memory or a stack. Only the value that comes out of here is judged, and only
 * its re-serialised form is sent on.
 */
import { isUtf8 } from 'node:buffer'
import { LIMITS } from '../config/limits.ts'
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
export const MAX_MEMBERS = LIMITS.members.value

const FORBIDDEN = ['__proto__', 'constructor', 'prototype']

/** A list this short is searched faster than a set is built. */
const FEW_KEYS = 16

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
  const salt = Math.floor(Math.random() * 0x3fffffff) * 2 + 1
  const walk: Walk = { bytes, problem: null, salt, hash: 0, isOdd: false, hashes: [], top: 0 }
  walkValue(walk, skipSpace(bytes, 0), 0, 0)
  return walk.problem
}

interface Walk {
  bytes: Buffer
  problem: string | null
  /** Odd and unforeseeable, so that nobody can send keys that were made to collide. */
  salt: number
  /** Of the key that was walked last: equal for keys that a reader could take for one another. */
  hash: number
  /** It has escapes, or more than ASCII. */
  isOdd: boolean
  /**
   * The hashed keys of all objects that are open, the innermost last: one list a message instead of one an object
   * saves 800 bytes a call. What stands from `top` on is of objects that were closed.
   */
  hashes: number[]
  top: number
}

/**
 * @param depth levels that are open around this value
 * @param objects objects that are open around it
 * @returns the index behind the value at `i`, or -1 for a finding or for what is no JSON
 */
function walkValue(walk: Walk, i: number, depth: number, objects: number): number {
  const { bytes } = walk
  const c = bytes[i]
  if (c === QUOTE) return skipString(bytes, i + 1)
  if (c === 0x7b || c === 0x5b) {
    if (depth >= MAX_DEPTH) return stop(walk, `nesting is deeper than ${MAX_DEPTH} levels`)
    return c === 0x7b ? walkObject(walk, i + 1, depth + 1, objects + 1) : walkArray(walk, i + 1, depth + 1, objects)
  }
  if (c === 0x2d || (c !== undefined && c >= 0x30 && c <= 0x39)) return walkNumber(walk, i)
  return skipValue(bytes, i, depth)
}

function walkArray(walk: Walk, start: number, depth: number, objects: number): number {
  const { bytes } = walk
  let i = skipSpace(bytes, start)
  if (bytes[i] === 0x5d) return i + 1
  for (;;) {
    i = walkValue(walk, i, depth, objects)
    if (i === -1) return -1
    i = skipSpace(bytes, i)
    if (bytes[i] === 0x5d) return i + 1
    if (bytes[i] !== 0x2c) return -1
    i = skipSpace(bytes, i + 1)
  }
}

function walkObject(walk: Walk, start: number, depth: number, objects: number): number {
  const { bytes, top: base } = walk
  const named = objects <= NAMED_LEVELS
  let many: Set<number> | null = null
  let count = 0
  let i = skipSpace(bytes, start)
  if (bytes[i] === 0x7d) return i + 1
  for (;;) {
    if (bytes[i] !== QUOTE) return -1
    const end = walkKey(walk, i, named)
    if (end === -1) return -1
    const { hash } = walk
    if (isForbidden(walk, i, end)) return stop(walk, `the key ${keyAt(bytes, i, end)} is not accepted`)
    if (++count > MAX_MEMBERS) return stop(walk, `an object has more than ${MAX_MEMBERS} members`)
    const known: boolean = many === null ? isHeld(walk, base, hash) : many.has(hash)
    // A hash that is there already is nearly always the key; only then is it worth looking at all keys as text.
    if (known && isThereBefore(bytes, start, i, named)) {
      return stop(walk, `the key ${keyAt(bytes, i, end)} is there twice`)
    }
    if (many !== null) many.add(hash)
    else if (hold(walk, hash) - base > FEW_KEYS) many = new Set(walk.hashes.slice(base, walk.top))
    i = skipSpace(bytes, end)
    if (bytes[i] !== 0x3a) return -1
    i = walkValue(walk, skipSpace(bytes, i + 1), depth, objects)
    if (i === -1) return -1
    i = skipSpace(bytes, i)
    if (bytes[i] === 0x7d) {
      walk.top = base
      return i + 1
    }
    if (bytes[i] !== 0x2c) return -1
    i = skipSpace(bytes, i + 1)
  }
}

/** @returns how many keys are held now */
function hold(walk: Walk, hash: number): number {
  walk.hashes[walk.top] = hash
  return ++walk.top
}

/** Whether the object whose keys are held from `base` on has this one. */
function isHeld({ hashes, top }: Walk, base: number, hash: number): boolean {
  for (let i = base; i < top; i++) if (hashes[i] === hash) return true
  return false
}

function walkNumber(walk: Walk, from: number): number {
  const { bytes } = walk
  const to = skipNumber(bytes, from)
  if (to === -1) return -1
  let isInteger = true
  for (let i = from; i < to; i++) if (bytes[i] === 0x2e || bytes[i] === 0x65 || bytes[i] === 0x45) isInteger = false
  // Up to 15 digits every integer is exact in a double.
  if (isInteger && to - from <= 15) return to
  const value = Number(bytes.toString('latin1', from, to))
  if (!Number.isFinite(value) || (isInteger && !Number.isSafeInteger(value)))
    return stop(walk, 'a number is out of range; send it as a string')
  return to
}

/**
 * Walks over a key once, for its end and its hash.
 *
 * @param from the opening quote
 * @returns the index behind the closing quote, or -1
 */
function walkKey(walk: Walk, from: number, named: boolean): number {
  const { bytes, salt } = walk
  let hash = 0
  for (let i = from + 1; i < bytes.length; i++) {
    let c = bytes[i] as number
    if (c === QUOTE) {
      walk.hash = hash
      walk.isOdd = false
      return i + 1
    }
    if (c < 0x20) return -1
    if (c === BACKSLASH || c >= 0x80) return walkOddKey(walk, from, named)
    if (named && c >= 0x41 && c <= 0x5a) c |= 0x20
    hash = (Math.imul(hash, salt) + c) | 0
  }
  return -1
}

function walkOddKey(walk: Walk, from: number, named: boolean): number {
  const { bytes, salt } = walk
  const to = skipString(bytes, from + 1)
  if (to === -1) return -1
  let hash = 0
  for (const c of Buffer.from(keyText(bytes, from, to, named))) hash = (Math.imul(hash, salt) + c) | 0
  walk.hash = hash
  walk.isOdd = true
  return to
}

function keyText(bytes: Buffer, from: number, to: number, named: boolean): string {
  const key = parse(bytes, { from, to })
  const text = typeof key === 'string' ? key : ''
  return named ? foldCase(text) : text
}

/** Whether the key at `at` stands earlier in the object that begins at `start`; the walk has been over these bytes. */
function isThereBefore(bytes: Buffer, start: number, at: number, named: boolean): boolean {
  const key = keyText(bytes, at, skipString(bytes, at + 1), named)
  let i = skipSpace(bytes, start)
  while (i !== -1 && i < at) {
    const end = skipString(bytes, i + 1)
    if (keyText(bytes, i, end, named) === key) return true
    const value = skipSpace(bytes, skipSpace(bytes, end) + 1)
    const behind = skipValue(bytes, value, 0)
    i = behind === -1 ? -1 : skipSpace(bytes, skipSpace(bytes, behind) + 1)
  }
  return false
}

/** Length and first letter rule out nearly every key that is spelled without escapes. */
function isForbidden({ bytes, isOdd }: Walk, from: number, to: number): boolean {
  const length = to - from - 2
  if (!isOdd && length !== 9 && length !== 11) return false
  const first = bytes[from + 1]
  if (!isOdd && first !== 0x5f && first !== 0x63 && first !== 0x70) return false
  return FORBIDDEN.includes(keyText(bytes, from, to, false))
}

function keyAt(bytes: Buffer, from: number, to: number): string {
  return JSON.stringify(keyText(bytes, from, to, false).slice(0, 64))
}

function stop(walk: Walk, problem: string): -1 {
  walk.problem ??= problem
  return -1
}
