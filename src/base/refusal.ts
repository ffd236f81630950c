/**
 * A Refusal is an expected no: a value, not an exception. Outside, every reason looks alike; inside, the audit keeps them
 * apart.
 */
export type RefusalReason =
  /** No such capability in this portal, or its owner is hidden from this caller. */
  | 'not-offered'
  /** It is not, or not yet, as an admin approved it. */
  | 'held'
  /** The portal or server has it, and the caller switched the server off. */
  | 'switched-off'
  /** A policy said no, or none said yes. */
  | 'not-allowed'

export interface Refusal {
  kind: 'refused'
  reason: RefusalReason
  /** The rule that decided, where one did; for the audit only. */
  rule: string | null
}

export function refused(reason: RefusalReason, rule: string | null = null): Refusal {
  return { kind: 'refused', reason, rule }
}
