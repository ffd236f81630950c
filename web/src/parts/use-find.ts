/** What is looked for: at hand while somebody types, and behind the `?`, so that a link leads back to it. */
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'

/** The address follows a moment later; a field that showed what stands there would lose what is typed in between. */
export function useFind(): [find: string, type: (find: string) => void] {
  const { find = '' } = useSearch({ strict: false })
  const [typed, setTyped] = useState(find)
  const navigate = useNavigate()
  return [
    typed,
    (wanted) => {
      setTyped(wanted)
      void navigate({ to: '.', search: (before) => ({ ...before, find: wanted }), replace: true })
    },
  ]
}
