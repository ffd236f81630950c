/** One word of the state that stands behind the `?`, so that a link leads back to it. */
import { useNavigate, useSearch } from '@tanstack/react-router'
import type { Search } from '../../router.tsx'

export function useSearchText(name: string): [value: string, change: (value: string) => void] {
  const search: Search = useSearch({ strict: false })
  const navigate = useNavigate()
  const change = (value: string): void => {
    const next = { ...search, [name]: value === '' ? undefined : value }
    void navigate({ to: '.', search: next, replace: true })
  }
  return [search[name] ?? '', change]
}
