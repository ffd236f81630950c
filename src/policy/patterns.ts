/**
 * Patterns of admins, over the whole of a name or a value. RE2: linear in what is looked at, whatever the pattern; and still
 * bounded, because linear in a long text times a large pattern is long too.
 */
import { RE2JS } from 're2js'
import { MOST_PATTERN } from '../contract/reach.ts'
import type { Truth } from './model.ts'

export interface Pattern {
  /** Of the whole text. `unknown` where it would take too long to tell. */
  matches(text: string): Truth
}

/** Instructions of a compiled pattern. */
const LARGEST_PROGRAM = 2000
/** Instructions times characters: some ten milliseconds at worst. */
const MOST_STEPS = 2_000_000

/** @returns in words what is wrong with it, where it is no pattern */
export function preparePattern(source: string): Pattern | string {
  if (source.length > MOST_PATTERN) return `a pattern has at most ${MOST_PATTERN} characters`
  const plain = prepareGlob(source)
  if (plain !== null) return plain
  try {
    const compiled = RE2JS.compile(source)
    const size = compiled.programSize()
    if (size > LARGEST_PROGRAM) return 'the pattern is too large: repeat less'
    return { matches: (text) => (text.length * size > MOST_STEPS ? 'unknown' : compiled.testExact(text)) }
  } catch (error) {
    return `it is no RE2 pattern: ${error instanceof Error ? error.message : String(error)}`
  }
}

/** Letters and the like, and `.*` between them: the patterns that nearly everybody writes, without a machine. */
const GLOB = /^(?:[A-Za-z0-9_/:-]|\.\*)*$/

function prepareGlob(source: string): Pattern | null {
  if (!GLOB.test(source)) return null
  const [first = '', ...rest] = source.split('.*')
  const last = rest.pop()
  if (last === undefined) return { matches: (text) => text === first }
  // A dot is any character but the end of a line.
  return {
    matches(text) {
      if (text.length < first.length + last.length) return false
      if (!text.startsWith(first) || !text.endsWith(last)) return false
      let at = first.length
      const end = text.length - last.length
      for (const part of rest) {
        const found = text.indexOf(part, at)
        if (found === -1 || found + part.length > end) return false
        at = found + part.length
      }
      return !text.includes('\n')
    },
  }
}
