/**
 * What a rule says of the arguments of a call. Each condition is true, false or unknown, and unknown counts against the caller
 * in an allow and in a deny alike. So:
 *
 * - A value that is not there makes `present` and `absent` certain and everything else unknown: the server may have a default.
 *   Who means that a missing value is harmless says `absent` in an entry of its own, or `present` beside.
 * - A value of another type than the rule speaks of is unknown: the server may read `"1"` as 1 and `["/etc"]` as `/etc`.
 * - A text with hidden characters, or not composed, is unknown unless it is the very text (`plain-text.ts`).
 */
import type { z } from 'zod'
import type { argumentCondition } from '../contract/reach.ts'
import { type Found, follow, parsePointer } from './json-pointer.ts'
import type { Truth } from './model.ts'
import { isPlainPath, isUnder } from './path-under.ts'
import { preparePattern } from './patterns.ts'
import { isPlainText } from './plain-text.ts'
import { isExact, isSameJson, typeOf } from './same-json.ts'

export type ArgumentCondition = z.infer<typeof argumentCondition>

export interface PreparedArgument {
  judge(input: Readonly<Record<string, unknown>>): Truth
}

type See = (value: unknown) => Truth

/** @param condition as the contract's schema has it @returns in words what is wrong with it, where something is */
export function prepareArgument(condition: ArgumentCondition): PreparedArgument | string {
  const parts = parsePointer(condition.pointer)
  if (parts === null) return `"${condition.pointer}" is no JSON pointer`
  const find = (input: unknown): Found => follow(parts, input)
  if (condition.present === true) return { judge: (input) => find(input).found }
  if (condition.absent === true) return { judge: (input) => !find(input).found }
  const see = prepareSee(condition)
  if (typeof see === 'string') return see
  return {
    judge(input) {
      const found = find(input)
      return found.found ? see(found.value) : 'unknown'
    },
  }
}

function prepareSee(condition: ArgumentCondition): See | string {
  if (Object.hasOwn(condition, 'equals')) return (value) => isSameJson(condition.equals, value)
  if (condition.one_of !== undefined) return isOneOf(condition.one_of)
  if (condition.matches !== undefined) return prepareMatch(condition.matches)
  if (condition.under !== undefined) return prepareUnder(condition.under)
  if (condition.range !== undefined) return isWithin(condition.range)
  return 'it says nothing of the value'
}

/** Another type than one of these is only unknown where none of these has the value's type. */
function isOneOf(wanted: readonly unknown[]): See {
  return (value) => {
    const type = typeOf(value)
    const comparable = wanted.filter((one) => typeOf(one) === type)
    if (comparable.length === 0) return 'unknown'
    const truths = comparable.map((one) => isSameJson(one, value))
    return truths.includes(true) || (truths.includes('unknown') && 'unknown')
  }
}

function prepareMatch(source: string): See | string {
  const pattern = preparePattern(source)
  if (typeof pattern === 'string') return pattern
  return (value) => (typeof value === 'string' && isPlainText(value) ? pattern.matches(value) : 'unknown')
}

function prepareUnder(directory: string): See | string {
  const base = directory === '/' ? directory : directory.replace(/\/$/, '')
  if (!isPlainPath(base)) return `"${directory}" is no plain absolute path`
  return (value) => (typeof value === 'string' ? isUnder(base, value) : 'unknown')
}

function isWithin({ min, max }: { min?: number | undefined; max?: number | undefined }): See {
  return (value) => {
    if (typeof value !== 'number' || !isExact(value)) return 'unknown'
    return (min === undefined || value >= min) && (max === undefined || value <= max)
  }
}
