/**
 * The rows of one view: pages towards the past as they are reached, and new ones on top while somebody listens. What is being read never
 * moves: new rows wait until they are asked for, unless the top itself is being looked at.
 */
import { type InfiniteData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import type { LogRow } from '../../../../src/contract/log.ts'
import type { Query } from '../../api/ask.ts'
import { type LogPage, logQuery } from '../../api/logs.ts'
import { meQuery } from '../../api/me.ts'
import { listenToLogs } from '../../api/tail.ts'

/** What is kept in the page; older rows are read anew when they are scrolled to. */
const KEPT_MOST = 5000
const WAITING_MOST = 2000
/** Pages without enough rows are followed by themselves, so many times. */
const LOOKS_MOST = 20
const ENOUGH = 30

export interface LogView {
  rows: readonly LogRow[]
  isPending: boolean
  isLooking: boolean
  hasOlder: boolean
  error: unknown
  older(): void
  again(): void
  /** New rows that wait to be shown, and whether there are even more. */
  waiting: { count: number; isMore: boolean }
  show(): void
  isHearing: boolean
  /** It heard, and hears no longer. */
  isLost: boolean
}

type Data = InfiniteData<LogPage, string>

/** @param holds whether new rows wait rather than go on top */
export function useLog(filters: Query, { isLive, holds }: { isLive: boolean; holds: boolean }): LogView {
  const queries = useQueryClient()
  const options = useMemo(() => logQuery(filters), [filters])
  const read = useInfiniteQuery(options)
  const pages = read.data?.pages
  const rows = useMemo(() => pages?.flatMap((page) => page.rows) ?? [], [pages])
  const { hasNextPage, isFetchingNextPage, fetchNextPage, refetch, error } = read

  const looks = useRef(0)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another view counts anew
  useEffect(() => {
    looks.current = 0
  }, [options])
  useEffect(() => {
    if (!hasNextPage || isFetchingNextPage || error !== null || rows.length >= ENOUGH || looks.current >= LOOKS_MOST)
      return
    looks.current++
    void fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, error, rows.length, fetchNextPage])

  const again = useCallback(
    () => void queries.resetQueries({ queryKey: options.queryKey, exact: true }),
    [queries, options],
  )
  const live = useLive({
    options,
    filters,
    isLive: isLive && pages !== undefined && !read.isPlaceholderData,
    holds,
    again,
  })
  return {
    ...live,
    rows,
    isPending: read.isPending,
    isLooking: isFetchingNextPage,
    hasOlder: hasNextPage,
    error,
    older: useCallback(() => {
      if (hasNextPage && !isFetchingNextPage) void fetchNextPage()
    }, [hasNextPage, isFetchingNextPage, fetchNextPage]),
    again: error === null ? again : () => void refetch(),
  }
}

interface Live {
  options: ReturnType<typeof logQuery>
  filters: Query
  isLive: boolean
  holds: boolean
  again(): void
}

function useLive({
  options,
  filters,
  isLive,
  holds,
  again,
}: Live): Pick<LogView, 'waiting' | 'show' | 'isHearing' | 'isLost'> {
  const queries = useQueryClient()
  const held = useRef<LogRow[]>([])
  const isMore = useRef(false)
  const isHolding = useRef(holds)
  isHolding.current = holds
  const [count, setCount] = useState(0)
  const [isHearing, setHearing] = useState(false)
  const [isLost, setLost] = useState(false)

  const show = useCallback(() => {
    const fresh = held.current
    held.current = []
    setCount(0)
    if (isMore.current) {
      isMore.current = false
      again()
    } else if (fresh.length > 0) queries.setQueryData<Data>(options.queryKey, (data) => data && withFresh(data, fresh))
  }, [queries, options, again])

  useEffect(() => {
    if (!isLive) return
    const stop = new AbortController()
    const after = queries.getQueryData<Data>(options.queryKey)?.pages[0]?.newest ?? null
    const listener = {
      rows: (rows: readonly LogRow[]) => {
        held.current.push(...rows)
        if (held.current.length > WAITING_MOST) {
          held.current = held.current.slice(-WAITING_MOST)
          isMore.current = true
        }
        if (isHolding.current) setCount(held.current.length)
        else show()
      },
      gap: () => {
        isMore.current = true
        if (!isHolding.current) show()
      },
      hears: (isHearing: boolean) => {
        setHearing(isHearing)
        setLost(!isHearing)
      },
      refused: () => {
        setHearing(false)
        // Whoever was signed out is told so by the question who they are.
        void queries.invalidateQueries({ queryKey: meQuery.queryKey })
      },
    }
    void listenToLogs({ filters, after }, listener, stop.signal)
    return () => {
      stop.abort()
      setHearing(false)
      setLost(false)
      held.current = []
      isMore.current = false
      setCount(0)
    }
  }, [isLive, filters, options, queries, show])

  useEffect(() => {
    if (!holds) show()
  }, [holds, show])
  return { waiting: { count, isMore: isMore.current }, show, isHearing, isLost }
}

/** @param fresh oldest first; what is there already is left out */
function withFresh(data: Data, fresh: readonly LogRow[]): Data {
  const [first, ...others] = data.pages
  if (first === undefined) return data
  const newest = first.rows[0]?.seq ?? Number(first.newest ?? 0)
  const added = fresh.filter(({ seq }) => seq > newest).reverse()
  const last = added[0]?.seq
  const top = { ...first, rows: [...added, ...first.rows], newest: last === undefined ? first.newest : String(last) }
  const count = top.rows.length + others.reduce((sum, { rows }) => sum + rows.length, 0)
  if (count <= KEPT_MOST) return { ...data, pages: [top, ...others] }
  const kept = top.rows.slice(0, KEPT_MOST / 2)
  return { pages: [{ ...top, rows: kept, before: String(kept.at(-1)?.seq ?? 0) }], pageParams: [''] }
}
