/** Which rows of the log the figures of the first page count. */
import type { OverviewShown } from '../../../../src/contract/overview.ts'
import type { AwaySearch } from './away.tsx'

/** Each figure of the first page, and the outcomes that the log has for it. */
export const OUTCOMES_OF = {
  answered: 'answered',
  tool_error: 'tool-error',
  refused: 'refused',
  failed: 'error,failed,cancelled,unknown',
} as const

/** A tool's own figures leave out what never reached it, and do not take what its caller broke off for a failure. */
export const REACHED = 'answered,tool-error,error,failed,cancelled,unknown'
export const WENT_WRONG = 'tool-error,error,failed'

export function callsIn({ since, until }: Pick<OverviewShown, 'since' | 'until'>): AwaySearch {
  return { plane: 'mcp', method: 'tools/call', since, until }
}
