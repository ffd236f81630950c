/** What the server does not take is said at fields: the first of them gets the focus, so that it is heard and can be mended at once. */
import { type RefObject, useEffect, useRef } from 'react'

/** @param error what was thrown, or null @returns for the form */
export function useWrong(error: unknown): RefObject<HTMLFormElement | null> {
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => {
    if (error !== null) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }, [error])
  return form
}
