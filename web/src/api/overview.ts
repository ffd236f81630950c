/** What the first page shows, as the REST API has it. */
import { queryOptions } from '@tanstack/react-query'
import type { OverviewShown } from '../../../src/contract/overview.ts'
import { ask } from './ask.ts'

const AGAIN_MS = 15_000

export const overviewQuery = (hours: number) =>
  queryOptions({
    queryKey: ['overview', hours],
    queryFn: async ({ signal }) =>
      (await ask<OverviewShown>('GET', '/access/ai-controls/mcp/overview', { signal, query: { hours } })).result,
    refetchInterval: AGAIN_MS,
  })
