/**
 * What somebody types over something that others may change meanwhile. What was typed stays until its writer saves it or lets it go: a
 * change from elsewhere (another tab, a script, a background read) is told, and waits for a choice.
 */
import { useMemo, useReducer } from 'react'

/** The steps of a draft are plain, so that a table of cases can go through them. */
export interface DraftState<Values extends object> {
  /** As it was last read. */
  stored: Values
  /** What the draft was begun upon. */
  base: Values
  values: Values
  /** While it is being saved: what was sent, and what was stored then. */
  sent: { values: Values; over: Values } | null
  /** What was saved is not read yet: `stored` is from before, and no news. */
  isBehind: boolean
}

export type DraftStep<Values extends object> =
  | { kind: 'read'; stored: Values }
  | { kind: 'type'; part: Partial<Values> }
  | { kind: 'send' }
  /** `kept` is what is believed to be stored now, until it is read. */
  | { kind: 'saved'; kept?: Values }
  | { kind: 'failed' }
  | { kind: 'keep' }
  | { kind: 'drop' }

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)

/** @returns the names of what differs */
export function differing<Values extends object>(one: Values, other: Values): (keyof Values)[] {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]) as Set<keyof Values>
  return [...names].filter((name) => !isSame(one[name], other[name]))
}

export function begin<Values extends object>(stored: Values): DraftState<Values> {
  return { stored, base: stored, values: stored, sent: null, isBehind: false }
}

/** What was typed, over something else than it was typed over. */
function over<Values extends object>(target: Values, typedOver: Values, values: Values): Values {
  const own = differing(typedOver, values).map((name) => [name, values[name]] as const)
  return { ...target, ...(Object.fromEntries(own) as Partial<Values>) }
}

/** Takes over what is stored wherever nothing is lost by that. */
function settle<Values extends object>(state: DraftState<Values>): DraftState<Values> {
  const { stored, base, values, sent, isBehind } = state
  if (sent !== null || isBehind) return state
  return isSame(values, base) || isSame(values, stored) ? begin(stored) : state
}

export function step<Values extends object>(state: DraftState<Values>, next: DraftStep<Values>): DraftState<Values> {
  const { stored, base, values, sent } = state
  switch (next.kind) {
    case 'read':
      return settle({ ...state, stored: next.stored, isBehind: false })
    case 'type':
      return { ...state, values: { ...values, ...next.part } }
    case 'send':
      return { ...state, sent: { values, over: stored } }
    case 'failed':
      return settle({ ...state, sent: null })
    case 'saved': {
      if (sent === null) return state
      // What was typed while it was on its way is nobody's yet, and stays.
      const isRead = !isSame(stored, sent.over)
      const now = isRead ? stored : (next.kept ?? sent.values)
      return { stored, base: now, values: over(now, sent.values, values), sent: null, isBehind: !isRead }
    }
    case 'keep':
      return { ...state, base: stored, values: over(stored, base, values) }
    case 'drop':
      return begin(stored)
  }
}

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
