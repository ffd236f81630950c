/** What is looked for: at hand while somebody types, and behind the `?`, so that a link leads back to it. */
import { useDebouncedCallback } from '@mantine/hooks'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'

/** A new address draws the whole page anew, which with thousands of rows is not for each key. */
const SETTLED_MS = 250

/** The address follows a moment later; a field that showed what stands there would lose what is typed in between. */
export function useFind(): [find: string, type: (find: string) => void] {
  const { find = '' } = useSearch({ strict: false })
  const [typed, setTyped] = useState(find)
  const navigate = useNavigate()
  const keep = useDebouncedCallback(
    (wanted: string) => void navigate({ to: '.', search: (before) => ({ ...before, find: wanted }), replace: true }),
    SETTLED_MS,
  )
  return [
    typed,
    (wanted) => {
      setTyped(wanted)
      keep(wanted)
    },
  ]
}
