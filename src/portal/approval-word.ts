/**
 * A person's word on a request for approval, whether they give it on a page or by the REST API: whether it is theirs to give is looked at
 * in the transaction that writes it, and the session that gives it is held until it is written.
 */
import type { DeedEnd } from '../audit/event.ts'
import type { Sealer } from '../base/secret.ts'
import { visible } from '../base/visible.ts'
import { LIMITS } from '../config/limits.ts'
import { type BrowserSession, holdBrowserSession } from '../identity/browser-session-store.ts'
import type { Store } from '../store/open.ts'
import { type ApprovalRecord, readApproval, writeWord } from './approval-store.ts'
import { standingOf } from './approvals.ts'

export type Word = 'approve' | 'reject'

export interface Wish {
  /** Of the request. */
  id: string
  word: Word
  /** Why, in their own words; null where they say nothing. */
  reason: string | null
}

/** @returns what was written about why, as one line; null for nothing, `too-much` where nobody would read on */
export function readReason(text: string): string | null | 'too-much' {
  const read = text.trim().replaceAll(/\s+/g, ' ')
  if (read.length > LIMITS.approval_reason.value) return 'too-much'
  return read === '' ? null : read
}

export type Given =
  | { kind: 'given'; state: 'open' | 'approved' | 'rejected'; approval: ApprovalRecord }
  /** There is no such request, it is none of theirs, or their own. */
  | { kind: 'not-theirs'; approval: ApprovalRecord | null }
  /** They gave it before. */
  | { kind: 'again'; approval: ApprovalRecord }
  /** Somebody decided it, or nobody did in time. */
  | { kind: 'over'; approval: ApprovalRecord }
  /** Their session ended meanwhile. */
  | { kind: 'signed-out' }

type Giver = Pick<BrowserSession, 'id' | 'userId' | 'email' | 'identity'>

export function giveWord(
  { store, sealer }: { store: Store; sealer: Sealer },
  session: Giver,
  { id, word, reason }: Wish,
): Promise<Given> {
  return store.write(async (trx): Promise<Given> => {
    // First of all: it lets one through at a time, so that of two words that come at once each sees the other.
    await store.versions.bump(trx, 'approvals')
    if (!(await holdBrowserSession(store, trx, session.id))) return { kind: 'signed-out' }
    const approval = await readApproval(trx, id, sealer)
    if (approval === undefined) return { kind: 'not-theirs', approval: null }
    const standing = standingOf(approval, session)
    if (standing === 'agreed') return { kind: 'again', approval }
    if (standing !== 'approver') return { kind: 'not-theirs', approval }
    if (!isOpen(approval, store.clock.now())) return { kind: 'over', approval }
    const { userId: user, email, identity } = session
    const by = { user, issuer: identity.issuer, subject: identity.subject, email: email ?? '', at: store.clock.now() }
    const state = await writeWord({ store, trx, sealer }, approval, { kind: word, by, reason })
    return { kind: 'given', state, approval }
  })
}

export function isOpen({ state, expiresAt }: Pick<ApprovalRecord, 'state' | 'expiresAt'>, now: number): boolean {
  return state === 'open' && expiresAt > now
}

/** The deed as the audit has it, from a page or by the REST API. */
export function endOf(given: Given, { id, word, reason }: Wish): DeedEnd {
  if (given.kind === 'given')
    return {
      outcome: 'answered',
      decision: 'allow',
      rule: given.approval.policy,
      change: { object: 'approval', id, fields: [word === 'approve' ? 'agreed' : 'turned down', given.state] },
      ...(reason === null ? {} : { purpose: visible(reason) }),
    }
  return { outcome: 'refused', decision: 'deny', error: given.kind }
}
