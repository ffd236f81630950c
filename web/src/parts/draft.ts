/**
 * What somebody types over something that others may change meanwhile. What was typed stays until its writer saves it or lets it go: a
 * change from elsewhere (another tab, a script, a background read) is told, and waits for a choice.
 */
import { useMemo, useReducer } from 'react'
import { begin, differing, isSame, step } from './draft-steps.ts'

export interface Draft<Values extends object> {
  values: Values
  /** Its own: what saving would change. */
  changed: readonly (keyof Values)[]
  /** What differs from what it was begun upon, by somebody else's doing; empty where nothing does. */
  elsewhere: readonly (keyof Values)[]
  type(part: Partial<Values>): void
  send(): void
  saved(kept?: Values): void
  failed(): void
  /** Goes on with what was typed, over what is there now. */
  keep(): void
  /** Lets go what was typed. */
  drop(): void
}

/** @param stored as it was read last; what has the same members and values is the same, however often it is read */
export function useDraft<Values extends object>(stored: Values): Draft<Values> {
  const [state, go] = useReducer(step<Values>, stored, begin<Values>)
  // While it is drawn, so that no old value is ever shown in between.
  if (!isSame(state.stored, stored)) go({ kind: 'read', stored })
  const ways = useMemo(
    () => ({
      type: (part: Partial<Values>) => go({ kind: 'type', part }),
      send: () => go({ kind: 'send' }),
      saved: (kept?: Values) => go({ kind: 'saved', ...(kept === undefined ? {} : { kept }) }),
      failed: () => go({ kind: 'failed' }),
      keep: () => go({ kind: 'keep' }),
      drop: () => go({ kind: 'drop' }),
    }),
    [],
  )
  const { base, values } = state
  return {
    ...ways,
    values,
    changed: differing(base, values),
    elsewhere: state.sent === null && !state.isBehind ? differing(base, state.stored) : [],
  }
}
