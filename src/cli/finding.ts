/** What `doctor` found, one thing at a time. */
export type Verdict = 'ok' | 'warning' | 'problem'

export interface Finding {
  check: string
  verdict: Verdict
  text: string
  /** What to do, or null. */
  hint: string | null
}

/** One finding. */
export function found(check: string, verdict: Verdict, text: string, hint: string | null = null): Finding {
  return { check, verdict, text, hint }
}
