/**
 * Tools by words, ranked by BM25 (Robertson and Zaragoza, 2009). How rare a word is, and how long tools usually are, is counted among what
 * the caller sees, so that nothing of the rest can be told from an order. Nothing but the words of each tool is kept: to walk over those of
 * ten thousand takes a few milliseconds, and an index of its own for each set of tools that somebody sees would fill the memory.
 */
import type { Pace } from './pace.ts'
import type { ToolWords } from './tool-words.ts'
import { wordsIn } from './words.ts'

/** BM25's usual constants. */
const K1 = 1.2
const B = 0.75
const MOST_QUERY_WORDS = 16
/** Shorter ones begin too many words to mean any of them. */
const SHORTEST_BEGINNING = 3
/** Tools that are looked at before others may have their turn. */
const AT_ONCE = 256

/**
 * @param tools what the caller sees, and nothing else
 * @returns the places of those that have any of the words, best first; a word that stands nowhere stands for those that it begins
 * @throws TooLong
 */
export async function rankTools(query: string, tools: readonly ToolWords[], pace: Pace): Promise<number[]> {
  const average = tools.reduce((sum, { length }) => sum + length, 0) / tools.length
  const scores = new Float64Array(tools.length)
  for (const word of new Set(wordsIn(query).slice(0, MOST_QUERY_WORDS))) {
    const { weights, count } = await weigh(word, tools, pace)
    const rarity = Math.log(1 + (tools.length - count + 0.5) / (count + 0.5))
    tools.forEach(({ length }, at) => {
      const weight = weights[at] ?? 0
      if (weight > 0) scores[at] = (scores[at] ?? 0) + rarity * saturated(weight, length / average)
    })
  }
  const found = [...scores.keys()].filter((at) => (scores[at] ?? 0) > 0)
  return found.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b)
}

/** What stands there twice says less than twice as much, and less in a long text. */
function saturated(weight: number, relativeLength: number): number {
  return (weight * (K1 + 1)) / (weight + K1 * (1 - B + B * relativeLength))
}

interface Weighed {
  /** By place. */
  weights: Float64Array
  /** Of the tools that have it. */
  count: number
}

async function weigh(word: string, tools: readonly ToolWords[], pace: Pace): Promise<Weighed> {
  const exact = await weighEach(tools, pace, ({ weights }) => weights.get(word) ?? 0)
  if (exact.count > 0 || word.length < SHORTEST_BEGINNING) return exact
  return weighEach(tools, pace, ({ weights }) => weightBegunBy(word, weights) / 2)
}

async function weighEach(
  tools: readonly ToolWords[],
  pace: Pace,
  weightOf: (words: ToolWords) => number,
): Promise<Weighed> {
  const weights = new Float64Array(tools.length)
  let count = 0
  for (const [at, words] of tools.entries()) {
    if (at % AT_ONCE === 0) await pace.breathe()
    const weight = weightOf(words)
    weights[at] = weight
    if (weight > 0) count++
  }
  return { weights, count }
}

function weightBegunBy(word: string, weights: ReadonlyMap<string, number>): number {
  let most = 0
  for (const [longer, weight] of weights) if (weight > most && longer.startsWith(word)) most = weight
  return most
}
