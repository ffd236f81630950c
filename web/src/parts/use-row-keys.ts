/** One row of a table is come to by Tab; arrow keys, Page keys, Home and End lead from there, also to rows that are not drawn yet. */
import { type KeyboardEvent, type RefObject, useEffect, useRef, useState } from 'react'

/** How far each key leads. */
const STEPS: Readonly<Record<string, number>> = {
  ...{ ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 },
  ...{ End: Number.POSITIVE_INFINITY, Home: Number.NEGATIVE_INFINITY },
}

export interface RowKeys {
  /** The row that Tab comes to. */
  here: number
  stand(at: number): void
  /** @param show brings a row into sight */
  move(event: KeyboardEvent, show: (at: number) => void): void
}

/** @param first the row that was left just now and has the focus again, or -1 */
export function useRowKeys(scroller: RefObject<HTMLElement | null>, count: number, first: number): RowKeys {
  const [at, stand] = useState(Math.max(first, 0))
  const isWanted = useRef(first >= 0)
  const here = Math.min(at, count - 1)
  // Each time: a row that was far away is drawn a moment later.
  useEffect(() => {
    if (!isWanted.current) return
    const row = scroller.current?.querySelector<HTMLElement>(`[data-index="${here}"] .row-link`)
    isWanted.current = row == null
    row?.focus()
  })
  const move: RowKeys['move'] = (event, show) => {
    const step = STEPS[event.key]
    // A field within a row has these keys for itself.
    if (step === undefined || !(event.target as Element).matches('.row-link')) return
    event.preventDefault()
    const to = Math.min(Math.max(here + step, 0), count - 1)
    if (to === here) return
    isWanted.current = true
    stand(to)
    show(to)
  }
  return { here, stand, move }
}
