/** A change that a link brings along: one person more in a part of a rule, and the page to go back to. It is shown, and saved by hand. */
import type { Part } from '../../rules/draft.ts'

export interface Prefill {
  part: Part
  email: string
  /** What stands behind the `?` of the explanation that led here. */
  back: string | null
}

type Search = Readonly<Record<string, string | undefined>>

/** @returns null where the address brings nothing */
export function openPrefill({ include, exclude, back }: Search): Prefill | null {
  const [part, email] = include === undefined ? (['exclude', exclude] as const) : (['include', include] as const)
  return email === undefined || email === '' ? null : { part, email, back: back ?? null }
}

/** @param back as `openPrefill` has it @returns the search of the access explorer */
export function searchOfBack(back: string): Search {
  return Object.fromEntries(new URLSearchParams(back))
}
