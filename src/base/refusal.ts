/**
 * A Refusal is an expected no: a value, not an exception. Outside, `not-offered` and every `policy` reason look alike;
 * inside, the audit keeps them apart.
 */
export type RefusalReason =
  /** No such capability in this portal, or its owner is hidden from this caller. */
  | 'not-offered'
  /** The portal or server has it, and the caller switched the server off. */
  | 'switched-off'
  /** A policy said no, or none said yes. */
  | 'not-allowed'
  /** The caller's own limits. */
  | 'limited'
  /** What was sent is not what the method takes. */
  | 'bad-input'

export interface Refusal {
  kind: 'refused'
  reason: RefusalReason
  /** The rule that decided, where one did; for the audit only. */
  rule: string | null
  /** For `bad-input` and `limited` only: a public sentence. The other reasons have one fixed answer. */
  message?: string
}

export function refused(reason: RefusalReason, rule: string | null = null, message?: string): Refusal {
  return message === undefined ? { kind: 'refused', reason, rule } : { kind: 'refused', reason, rule, message }
}
