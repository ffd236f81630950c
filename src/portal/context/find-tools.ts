/** What a model asks a search for, and what it finds: tools that its caller may use, and no other. */
import { LIMITS } from '../../config/limits.ts'
import type { JsonObject } from '../../protocol/model.ts'
import type { Entry } from '../catalog.ts'
import type { Scene } from '../scene.ts'
import { TooLong } from './pace.ts'
import { toolPattern } from './tool-pattern.ts'

export interface Sought {
  query: string | null
  regex: string | null
  detail: 'compact' | 'full'
  limit: number
}

export interface FoundTools {
  entries: readonly Entry[]
  /** Tools that the caller has in all. */
  among: number
}

const MOST_FOUND = LIMITS.search_found.value
const LONGEST_QUERY = LIMITS.search_query.value
const USUALLY_FOUND = 10

export const SEARCH_INPUT = {
  type: 'object',
  properties: {
    query: { type: 'string', description: 'Plain words.' },
    regex: { type: 'string', description: 'Or RE2, over name, description or schema.' },
    detail: { type: 'string', enum: ['compact', 'full'] },
    limit: { type: 'integer', maximum: MOST_FOUND },
  },
  additionalProperties: false,
} as const

/** @returns in words for the model what is wrong with it, where something is */
export function readSought({ query, regex, detail = 'compact', limit = USUALLY_FOUND }: JsonObject): Sought | string {
  if (query !== undefined && typeof query !== 'string') return '"query" must be text.'
  if (regex !== undefined && typeof regex !== 'string') return '"regex" must be text.'
  if (query !== undefined && regex !== undefined) return 'Give either "query" or "regex", not both.'
  if ((query ?? regex ?? '').length > LONGEST_QUERY) return `The search has at most ${LONGEST_QUERY} characters.`
  if (detail !== 'compact' && detail !== 'full') return '"detail" must be "compact" or "full".'
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1 || limit > MOST_FOUND)
    return `"limit" must be a whole number from 1 to ${MOST_FOUND}.`
  return { query: query ?? null, regex: regex ?? null, detail, limit }
}

/** @returns in words for the model why nothing could be sought */
export async function findTools(
  { query, regex, limit }: Sought,
  { visit, rooms }: Pick<Scene, 'visit' | 'rooms'>,
): Promise<FoundTools | string> {
  const seen = rooms.toolViews.of(visit)
  const among = seen.entries.length
  const pace = rooms.toolViews.pace()
  try {
    if (regex !== null) {
      const pattern = toolPattern(regex)
      if (typeof pattern === 'string') return pattern
      return { entries: await pattern.select(seen.entries, limit, pace), among }
    }
    if (query === null || query.trim() === '') return { entries: seen.entries.slice(0, limit), among }
    const found = await seen.search(query, pace)
    return { entries: found.slice(0, limit), among }
  } catch (error) {
    if (error instanceof TooLong) return 'The search took too long. Use a simpler pattern, or plain words in "query".'
    throw error
  }
}
