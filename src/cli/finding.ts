/**
 * What `doctor` found, one thing at a time. A group of checks is one function in a `doctor-*.ts` file that returns its findings, and
 * one line in the tables of `doctor.ts`. It looks and changes nothing, and it never prints a secret.
 *
 * Whatever is not well names what to type next.
 */
import type { Settings } from '../config.ts'
import type { Context } from './context.ts'

export type Verdict = Finding['verdict']

export type Finding =
  | { check: string; verdict: 'ok'; text: string; hint: string | null }
  /** `warning` works today and may hurt tomorrow; with a `problem` the exit code is 1. */
  | { check: string; verdict: 'warning' | 'problem'; text: string; hint: string }

/** A group of checks. One that throws becomes a finding of its own, and the others are looked at all the same. */
export type Checks = (place: Place) => Promise<Finding[]> | Finding[]

/** What is looked at: the settings as `portico start` would read them, here and now. */
export interface Place {
  context: Context
  settings: Settings
}

export function fine(check: string, text: string, hint: string | null = null): Finding {
  return { check, verdict: 'ok', text, hint }
}

/** @param mend what to type or do next */
export function warning(check: string, text: string, mend: string): Finding {
  return { check, verdict: 'warning', text, hint: mend }
}

/** @param mend what to type or do next */
export function problem(check: string, text: string, mend: string): Finding {
  return { check, verdict: 'problem', text, hint: mend }
}
