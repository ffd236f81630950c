/** Where on a page somebody is: what stands behind the `?`, read and changed. */
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useCallback } from 'react'
import type { Search } from '../router.tsx'
import type { RowLink } from './rows.tsx'

export interface Spot {
  search: Search
  /** Changes some of it; undefined takes away. `replace` leaves no step to go back to. */
  go(changes: Search, options?: { replace?: boolean }): void
}

/** A link to the same page with some of what stands behind the `?` changed. */
export function beside(changes: Search): RowLink {
  return { to: '.', search: (was: Search) => ({ ...was, ...changes }) }
}

export function useSpot(): Spot {
  const search = useSearch({ strict: false }) as Search
  const navigate = useNavigate()
  const go = useCallback<Spot['go']>(
    (changes, { replace = false } = {}) =>
      void navigate({ to: '.', search: (was: Search) => ({ ...was, ...changes }), replace, resetScroll: false }),
    [navigate],
  )
  return { search, go }
}
