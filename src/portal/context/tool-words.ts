/** The words of one tool, as a search weighs them: those of its name most, of its title next, then what it says of itself and its parameters. */
import type { Entry } from '../catalog.ts'
import { wordsIn } from './words.ts'

export interface ToolWords {
  /** By word: how often it stands there, and what it counts where it does. */
  weights: ReadonlyMap<string, number>
  /** The sum of them. */
  length: number
}

const IN_NAME = 4
const IN_TITLE = 2
const IN_DESCRIPTION = 1
const IN_PARAMETER = 1
const IN_WORDS_ON_PARAMETER = 0.5

export function toolWords({ publicName, listed }: Pick<Entry, 'publicName' | 'listed'>): ToolWords {
  const weights = new Map<string, number>()
  let length = 0
  const count = (text: unknown, weight: number) => {
    for (const word of typeof text === 'string' ? wordsIn(text) : []) {
      weights.set(word, (weights.get(word) ?? 0) + weight)
      length += weight
    }
  }
  const { title, description, inputSchema } = JSON.parse(listed)
  count(publicName, IN_NAME)
  count(title, IN_TITLE)
  count(description, IN_DESCRIPTION)
  for (const [name, schema] of Object.entries<{ description?: unknown } | null>(inputSchema?.properties ?? {})) {
    count(name, IN_PARAMETER)
    count(schema?.description, IN_WORDS_ON_PARAMETER)
  }
  return { weights, length }
}
