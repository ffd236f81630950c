/** Words of a text, as a search compares them: letters and digits of any script, in lower case, without a plural's ending. */
import { LIMITS } from '../../config/limits.ts'

const MOST_WORDS = 400
const LONGEST_WORD = 40

/** `createPullRequest_v2` is `create pull request v2`. */
export function wordsIn(text: string): string[] {
  const parts = text
    .slice(0, LIMITS.search_text.value)
    .replace(/(\p{Ll}|\p{N})(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu)
  return (parts ?? []).slice(0, MOST_WORDS).map((word) => stem(word.slice(0, LONGEST_WORD)))
}

/** English plurals only: enough that `issues` finds `issue`, and nothing that a reader would wonder at. */
function stem(word: string): string {
  if (word.length > 4 && word.endsWith('ies')) return `${word.slice(0, -3)}y`
  if (word.length > 3 && word.endsWith('s') && !word.endsWith('ss') && !word.endsWith('us')) return word.slice(0, -1)
  return word
}
