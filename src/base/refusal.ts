/**
 * A Refusal is an expected no: a value, not an exception. Outside, every reason looks alike, unless the caller sees the
 * capability in its own lists and only this call is refused: that is said. Inside, the audit keeps all of them apart.
 */

/** The closed list, in the words of the reference (Markdown): when it is given, and what the caller gets. */
export const REFUSALS = {
  'not-offered': {
    when: 'the portal has no such capability or does not show it, or there is no such portal',
    answer: '"Unknown tool", "Unknown prompt", "Resource not found"; for a portal 403',
  },
  held: {
    when: 'the definition is not, or not yet, as an admin approved it; see [definitions](../guides/definitions.md)',
    answer: 'the same',
  },
  'switched-off': { when: 'the caller switched that server off', answer: 'the same' },
  'not-allowed': {
    when: 'a policy said no, or none said yes',
    answer: 'the same; 403 where the portal itself is meant',
  },
  arguments: {
    when: 'a policy looks at the arguments, and does not allow these, or they are not exactly what the tool’s schema has',
    answer: 'a tool result with `isError`, which says so; for other methods an error',
  },
  flow: {
    when: 'this call would be the last of three: reading private data, reading untrusted text, sending out',
    answer: 'the same',
  },
  limited: {
    when: 'as many calls were made, or are under way, as a limit allows',
    answer: 'the same, with when to try again',
  },
  purpose: { when: 'a policy wants to know what for, and was not told', answer: 'the same' },
  'step-up': {
    when: 'a policy wants the person to sign in anew, or more strongly, and they did not',
    answer: 'the same',
  },
  approval: { when: 'a policy wants others to agree, and they have not, or said no', answer: 'the same' },
  'cannot-be-asked': {
    when: 'the server offers it only to clients that can be asked something, which this client did not declare or an admin does not let through; see [questions](../guides/questions.md)',
    answer: 'the same; to clients of 2026 that may declare it, -32021',
  },
} as const satisfies Readonly<Record<string, { when: string; answer: string }>>

export type RefusalReason = keyof typeof REFUSALS

export interface Refusal {
  kind: 'refused'
  reason: RefusalReason
  /** The rule that decided, where one did; for the audit only. */
  rule: string | null
  /** For a caller that sees the capability anyway: what happened and what to do; null where it must look like any unknown name. */
  told: string | null
  /** Capabilities that the client could declare, where that is what the call lacks. */
  lacks?: Readonly<Record<string, unknown>>
}

export function refused(reason: RefusalReason, rule: string | null = null, told: string | null = null): Refusal {
  return { kind: 'refused', reason, rule, told }
}

/** A refusal that comes up while a call is being carried out already: after a wait, what may be done is decided again. */
export class RefusedLater extends Error {
  readonly refusal: Refusal

  constructor(refusal: Refusal) {
    super(`refused: ${refusal.reason}`)
    this.name = 'RefusedLater'
    this.refusal = refusal
  }
}
