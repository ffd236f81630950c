/** What becomes of a draft, step by step: typed, read anew meanwhile, saved, kept over what somebody else wrote, or let go. */

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

export const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)

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
