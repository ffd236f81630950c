/**
 * A Refusal is an expected no: a value, not an exception. Outside, every reason looks alike; inside, the audit keeps them
 * apart.
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
} as const satisfies Readonly<Record<string, { when: string; answer: string }>>

export type RefusalReason = keyof typeof REFUSALS

export interface Refusal {
  kind: 'refused'
  reason: RefusalReason
  /** The rule that decided, where one did; for the audit only. */
  rule: string | null
}

export function refused(reason: RefusalReason, rule: string | null = null): Refusal {
  return { kind: 'refused', reason, rule }
}
