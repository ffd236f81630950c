/** What is kept of what was read, and when it is read again. */
import { keepPreviousData, QueryClient } from '@tanstack/react-query'
import { Problem } from './ask.ts'

const FRESH_MS = 5000

export function openQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: FRESH_MS,
        // What was asked for before stays while a page or a filter changes: nothing jumps.
        placeholderData: keepPreviousData,
        retry: (count, error) => count < 2 && error instanceof Problem && (error.status === 0 || error.status >= 500),
      },
    },
  })
}
