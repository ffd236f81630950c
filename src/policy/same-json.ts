/** Whether two values are the same JSON: types count, the order of members does not. */
import type { Truth } from './model.ts'
import { folded, isPlainText } from './plain-text.ts'

const DEEPEST = 64

export type JsonType = 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object'

export function typeOf(value: unknown): JsonType {
  if (value === null || value === undefined) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value as JsonType
}

/**
 * `unknown` where they differ and another program might still take them for the same: another type (`"1"` for `1`), a text
 * that is not plain or is the same but for composition and width, a number beyond what a double holds exactly.
 */
export function isSameJson(wanted: unknown, given: unknown, depth = 0): Truth {
  if (depth > DEEPEST) return 'unknown'
  const type = typeOf(given)
  if (typeOf(wanted) !== type) return 'unknown'
  switch (type) {
    case 'string':
      return isSameText(wanted as string, given as string)
    case 'number':
      return isExact(given as number) ? wanted === given : 'unknown'
    case 'array':
      return isSameArray(wanted as unknown[], given as unknown[], depth)
    case 'object':
      return isSameObject(wanted as Members, given as Members, depth)
    default:
      return wanted === given || type === 'null'
  }
}

/** Beyond 2^53 a program that reads more digits than we do reads another number. */
export function isExact(value: number): boolean {
  return Math.abs(value) <= Number.MAX_SAFE_INTEGER
}

type Members = Readonly<Record<string, unknown>>

function isSameText(wanted: string, given: string): Truth {
  if (wanted === given) return true
  if (!isPlainText(given)) return 'unknown'
  return wanted.normalize('NFKC') === given.normalize('NFKC') && 'unknown'
}

function isSameArray(wanted: readonly unknown[], given: readonly unknown[], depth: number): Truth {
  if (wanted.length !== given.length) return false
  return all(wanted.map((value, at) => () => isSameJson(value, given[at], depth + 1)))
}

function isSameObject(wanted: Members, given: Members, depth: number): Truth {
  const names = Object.keys(wanted)
  const own = Object.keys(given)
  if (names.length !== own.length || !names.every((name) => Object.hasOwn(given, name))) {
    // `{"Force":true}` may be `{"force":true}` to a program that reads without regard to case.
    const twins = new Set(names.map(folded))
    return own.every((name) => twins.has(folded(name))) && 'unknown'
  }
  return all(names.map((name) => () => isSameJson(wanted[name], given[name], depth + 1)))
}

/** False where one is false, though others are not known. */
function all(parts: readonly (() => Truth)[]): Truth {
  let truth: Truth = true
  for (const part of parts) {
    const one = part()
    if (one === false) return false
    if (one === 'unknown') truth = 'unknown'
  }
  return truth
}
