/** The audit, as the REST API has it: pages of rows by filters, and the rows of one deed. */
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import type { LogField, LogInfo, LogRow, LogValue } from '../../../src/contract/log.ts'
import { ask, type Query } from './ask.ts'

const LOGS = '/access/ai-controls/mcp/logs'
const PAGE = 100

/** What is asked by, each a word of the address. */
export const FILTERS = [
  'actor',
  'server',
  'portal',
  'capability',
  'client',
  'outcome',
  'error',
  'plane',
  'decision',
  'method',
] as const
export type FilterName = (typeof FILTERS)[number]

export interface LogPage {
  rows: readonly LogRow[]
  /** Where older rows begin; null where there are none. */
  before: string | null
  newest: string | null
}

export const logQuery = (filters: Query) =>
  infiniteQueryOptions({
    queryKey: ['logs', 'rows', filters],
    initialPageParam: '',
    queryFn: async ({ pageParam, signal }): Promise<LogPage> => {
      const query = { ...filters, limit: PAGE, partial: true, before: pageParam }
      const { result, info } = await ask<LogRow[], LogInfo>('GET', LOGS, { query, signal })
      const isEnd = info.whole && result.length < PAGE
      return { rows: result, before: isEnd ? null : info.cursors.before, newest: info.newest }
    },
    getNextPageParam: ({ before }) => before,
    // New rows come by themselves or by a button; what is being read stays where it is.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  })

/** What the newest rows can be filtered by. @param find part of it */
export const valuesQuery = (of: LogField, find: string) =>
  queryOptions({
    queryKey: ['logs', 'values', of, find],
    queryFn: async ({ signal }) => {
      const { result } = await ask<LogValue[]>('GET', `${LOGS}/values`, { query: { of, find }, signal })
      return result
    },
    placeholderData: keepPreviousData,
  })

/** A deed's own rows, and the rows of what it did itself. */
export const deedQuery = (deed: string) =>
  queryOptions({
    queryKey: ['logs', 'deed', deed],
    queryFn: async ({ signal }) => {
      const { result: rows } = await ask<LogRow[]>('GET', LOGS, { query: { deed, limit: 10 }, signal })
      const begun = rows.find(({ phase }) => phase === 'begun')
      const ended = rows.find(({ phase }) => phase === 'ended')
      if (begun === undefined || begun.plane !== 'mcp') return { begun, ended, children: [] }
      const query = { q: deed, phase: 'ended', since: begun.at, until: ended?.at, limit: 200 }
      const { result: about } = await ask<LogRow[]>('GET', LOGS, { query, signal })
      return { begun, ended, children: about.filter(({ parent }) => parent === deed).toReversed() }
    },
    refetchInterval: ({ state }) => (state.data !== undefined && state.data.ended === undefined ? 2000 : false),
  })
