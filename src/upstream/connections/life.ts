/** How long tokens live, by our own clock alone: what an authorization server says is counted from the moment at which it was heard. */
import type { ConnectionRecord } from './model.ts'

/** Whatever is said beyond is a mistake, or means "for ever". */
const LONGEST_MS = 10 * 365 * 24 * 3_600_000

/** At four fifths of a life, a little more or less, so that what was made at once is not renewed at once. */
const RENEWED_AT = 0.8
const JITTER = 0.05

export interface Life {
  /** Milliseconds since 1970; null where it was not said. */
  expiresAt: number | null
  /** Null where it cannot be renewed, or its end is not known: then it is used until it is refused. */
  renewAt: number | null
}

/**
 * @param now milliseconds since 1970, when the answer came
 * @param expiresIn seconds; some say 0 for "never"
 * @param isRenewable whether it can be renewed without a person
 */
export function lifeOf(now: number, expiresIn: number | null, isRenewable: boolean): Life {
  if (expiresIn === null || !(expiresIn > 0)) return { expiresAt: null, renewAt: null }
  const ms = Math.min(Math.floor(expiresIn * 1000), LONGEST_MS)
  const share = RENEWED_AT + JITTER * (2 * Math.random() - 1)
  return { expiresAt: now + ms, renewAt: isRenewable ? now + Math.floor(ms * share) : null }
}

/** Whether the access token may still be sent. */
export function isAlive({ expiresAt }: Pick<ConnectionRecord, 'expiresAt'>, now: number): boolean {
  return expiresAt === null || now < expiresAt
}

/** From when on it is not sent before somebody looked after it. */
export function dueAtOf({ expiresAt, renewAt }: Pick<ConnectionRecord, 'expiresAt' | 'renewAt'>): number {
  return renewAt ?? expiresAt ?? Number.POSITIVE_INFINITY
}
