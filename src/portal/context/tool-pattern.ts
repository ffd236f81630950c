/**
 * Tools by a regular expression of the caller's, over name, description or schema. RE2: linear in what is looked at; and in short
 * pieces with an end, because linear in ten thousand schemas is long too.
 */
import { RE2JS } from 're2js'
import { LIMITS } from '../../config/limits.ts'
import type { Entry } from '../catalog.ts'
import type { Pace } from './pace.ts'

const LONGEST_PATTERN = LIMITS.search_pattern.value
const LARGEST_PROGRAM = LIMITS.search_program.value
const LONGEST_TEXT = LIMITS.search_text.value

export interface ToolPattern {
  /** In the order given. @throws TooLong */
  select(entries: readonly Entry[], most: number, pace: Pace): Promise<Entry[]>
}

/** Case does not matter, as in most searches; `(?-i)` makes it matter. @returns in words what is wrong with it, where it is no pattern */
export function toolPattern(source: string): ToolPattern | string {
  if (source.length > LONGEST_PATTERN) return `"regex" has at most ${LONGEST_PATTERN} characters.`
  let compiled: RE2JS
  try {
    compiled = RE2JS.compile(source, RE2JS.CASE_INSENSITIVE)
  } catch (error) {
    return `"regex" is no RE2 pattern: ${error instanceof Error ? error.message : String(error)}. It knows neither look-around nor back references.`
  }
  if (compiled.programSize() > LARGEST_PROGRAM) return '"regex" is too large: repeat less.'
  const isIn = (text: unknown) => typeof text === 'string' && compiled.test(text.slice(0, LONGEST_TEXT))
  return {
    async select(entries, most, pace) {
      const found: Entry[] = []
      for (const entry of entries) {
        if (found.length >= most) break
        if (isIn(entry.publicName) || isInDefinition(entry, isIn)) found.push(entry)
        await pace.breathe()
      }
      return found
    },
  }
}

function isInDefinition({ listed }: Entry, isIn: (text: unknown) => boolean): boolean {
  const { title, description, inputSchema } = JSON.parse(listed)
  return isIn(title) || isIn(description) || isIn(JSON.stringify(inputSchema ?? {}))
}
