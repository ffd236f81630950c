/**
 * Approvals at rest: what somebody asked for, who has to agree, who did, and whether it was used. Whether one is still open, whether
 * it was used already, and how many a caller has: each is settled here, in one transaction, for all replicas.
 */
import type { GrantId, PolicyId, PortalUid, ServerUid } from '../base/ids.ts'
import type { Sealer } from '../base/secret.ts'
import { LIMITS } from '../config/limits.ts'
import type { Db, Store, Trx } from '../store/open.ts'
import type { ApprovalRow } from '../store/tables-policy.ts'

/** What an approver is shown, as it was when it was asked for. */
export interface ApprovalAbout {
  portal: string
  server: { id: string; name: string }
  kind: string
  /** The server's own name of it. */
  name: string
  /** JSON text of all that the server would get. */
  sent: string
  /** What the client calls itself. */
  client: string | null
  purposes: readonly string[]
}

/** Who asked, as accounts, so that nobody agrees to their own. */
export interface Requester {
  kind: 'user' | 'service' | 'anonymous'
  id: string
  label: string
  email: string | null
  issuer: string | null
  subject: string | null
}

export interface Need {
  needed: number
  /** In lower case, in order. */
  emails: readonly string[]
}

export interface Agreement {
  user: string
  issuer: string
  subject: string
  email: string
  /** Milliseconds since 1970. */
  at: number
}

/** What one of those who decide said. */
export interface SpokenWord {
  word: 'approve' | 'reject'
  email: string
  /** Milliseconds since 1970. */
  at: number
  /** In their own words; null where they gave none. */
  reason: string | null
}

export interface ApprovalRecord {
  id: string
  binding: string
  principal: string
  grant: GrantId
  portalUid: PortalUid
  serverUid: ServerUid
  policy: PolicyId
  /** Null where it does not open with the keys at hand. */
  about: ApprovalAbout | null
  requester: Requester
  needs: readonly Need[]
  given: readonly Agreement[]
  /** In the order in which they came. */
  words: readonly SpokenWord[]
  state: ApprovalRow['state']
  createdAt: number
  expiresAt: number
  decidedAt: number | null
}

export interface NewApproval
  extends Pick<
    ApprovalRecord,
    'binding' | 'principal' | 'grant' | 'portalUid' | 'serverUid' | 'policy' | 'requester' | 'needs'
  > {
  id: string
  about: ApprovalAbout
}

export type Requested = { kind: 'made' | 'known'; id: string } | { kind: 'too-many'; which: 'open' | 'hour' }

const LIFE_MS = LIMITS.approval.value
const MOST_OPEN = LIMITS.approvals_open.value
const MOST_AN_HOUR = LIMITS.approvals_an_hour.value
const HOUR_MS = 3_600_000
/** How long one that is over can still be looked at. */
const KEPT_MS = 30 * 86_400_000

/**
 * Writes down that somebody asks; an identical request that is open, or decided and not used, is the same one.
 *
 * @returns `too-many` where this caller has as many open, or has asked as often within the hour, as it may
 */
export async function requestApproval(store: Store, trx: Trx, made: NewApproval, sealer: Sealer): Promise<Requested> {
  // First of all: it lets one through at a time, so that of two who ask for the same the second finds what the first made.
  await store.versions.bump(trx, 'approvals')
  const now = store.clock.now()
  await trx
    .deleteFrom('approvals')
    .where('created_at', '<=', now - KEPT_MS)
    .execute()
  const live = await findRow(trx, made.binding, now)
  if (live !== undefined) return { kind: 'known', id: live.id }
  const recent = await trx
    .selectFrom('approvals')
    .select(['state', 'expires_at'])
    .where('principal', '=', made.principal)
    .where('created_at', '>', now - HOUR_MS)
    .execute()
  const open = recent.filter(({ state, expires_at }) => state === 'open' && expires_at > now)
  if (open.length >= MOST_OPEN) return { kind: 'too-many', which: 'open' }
  if (recent.length >= MOST_AN_HOUR) return { kind: 'too-many', which: 'hour' }
  await trx
    .insertInto('approvals')
    .values({
      ...{ id: made.id, binding: made.binding, principal: made.principal, grant_id: made.grant },
      ...{ portal_uid: made.portalUid, server_uid: made.serverUid, policy_id: made.policy },
      about_sealed: sealer.seal(JSON.stringify(made.about), whereOf(made.id, 'about')),
      ...{ requester: JSON.stringify(made.requester), needs: JSON.stringify(made.needs), given: '[]' },
      words_sealed: null,
      ...{ state: 'open' as const, version: 1, created_at: now, expires_at: now + LIFE_MS },
      ...{ decided_at: null, used_at: null },
    })
    .execute()
  return { kind: 'made', id: made.id }
}

/** @returns the one that stands for this binding: open, agreed to or turned down, and neither used nor over */
export async function findApproval({ db, clock }: Store, binding: string, sealer: Sealer) {
  const row = await findRow(db, binding, clock.now())
  return row && toRecord(row, sealer)
}

function findRow(db: Db, binding: string, now: number): Promise<ApprovalRow | undefined> {
  return db
    .selectFrom('approvals')
    .selectAll()
    .where('binding', '=', binding)
    .where('state', '!=', 'used')
    .where('expires_at', '>', now)
    .orderBy('created_at', 'desc')
    .executeTakeFirst()
}

export async function readApproval(db: Db, id: string, sealer: Sealer): Promise<ApprovalRecord | undefined> {
  const row = await db.selectFrom('approvals').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toRecord(row, sealer)
}

/** The newest first. @param open only those that still wait for somebody */
export async function listApprovals(
  { db, clock }: Pick<Store, 'db' | 'clock'>,
  sealer: Sealer,
  { open }: { open: boolean },
): Promise<ApprovalRecord[]> {
  const all = db.selectFrom('approvals').selectAll().orderBy('created_at', 'desc').orderBy('id')
  const rows = await (open ? all.where('state', '=', 'open').where('expires_at', '>', clock.now()) : all)
    .limit(MOST_LISTED)
    .execute()
  return rows.map((row) => toRecord(row, sealer))
}

const MOST_LISTED = 1000

/**
 * Uses them up, all or none.
 *
 * @returns false where one of them is not agreed to any more, over, or used by somebody else a moment ago
 */
export async function useApprovals(store: Store, ids: readonly string[]): Promise<boolean> {
  const now = store.clock.now()
  return store.write(async (trx) => {
    await store.versions.bump(trx, 'approvals')
    const good = await trx
      .selectFrom('approvals')
      .select('id')
      .where('id', 'in', ids)
      .where('state', '=', 'approved')
      .where('expires_at', '>', now)
      .execute()
    if (good.length !== ids.length) return false
    await trx.updateTable('approvals').set({ state: 'used', used_at: now }).where('id', 'in', ids).execute()
    return true
  })
}

/** For a call that ended before anything was sent: it may be made once still, in the time that it had. */
export async function giveBackApprovals(store: Store, ids: readonly string[]): Promise<void> {
  await store.write(async (trx) => {
    await store.versions.bump(trx, 'approvals')
    await trx
      .updateTable('approvals')
      .set({ state: 'approved', used_at: null })
      .where('id', 'in', ids)
      .where('state', '=', 'used')
      .execute()
  })
}

/** Whoever asked does not want it any more. One that somebody decided stays decided. */
export async function withdrawApproval(store: Store, id: string): Promise<void> {
  const now = store.clock.now()
  await store.write(async (trx) => {
    await store.versions.bump(trx, 'approvals')
    await trx
      .updateTable('approvals')
      .set({ expires_at: now })
      .where('id', '=', id)
      .where('state', '=', 'open')
      .execute()
  })
}

export interface GivenWord {
  kind: SpokenWord['word']
  by: Agreement
  reason: string | null
}

/**
 * Writes one person's word. The caller has found that they may give it, within this transaction.
 *
 * @param approval as it was read in this transaction
 * @returns how it stands now
 */
export async function writeWord(
  { store, trx, sealer }: { store: Store; trx: Trx; sealer: Sealer },
  approval: ApprovalRecord,
  word: GivenWord,
): Promise<'open' | 'approved' | 'rejected'> {
  const { email, at } = word.by
  const words: SpokenWord[] = [...approval.words, { word: word.kind, email, at, reason: word.reason }]
  const now = store.clock.now()
  const given = word.kind === 'approve' ? [...approval.given, word.by] : approval.given
  const state = word.kind === 'reject' ? 'rejected' : isEnough(approval.needs, given) ? 'approved' : 'open'
  const decided = state === 'open' ? {} : { decided_at: now }
  // Who waited a quarter of an hour for the word has as long to make the call.
  const extended = state === 'approved' ? { expires_at: now + LIFE_MS } : {}
  await trx
    .updateTable('approvals')
    .set((eb) => ({
      ...{ state, given: JSON.stringify(given), version: eb('version', '+', 1), ...decided, ...extended },
      words_sealed: sealer.seal(JSON.stringify(words), whereOf(approval.id, 'words')),
    }))
    .where('id', '=', approval.id)
    .execute()
  return state
}

/** Whether of each group as many different people agreed as it takes. */
export function isEnough(needs: readonly Need[], given: readonly Agreement[]): boolean {
  return needs.every(({ needed, emails }) => agreedOf({ emails }, given) >= needed)
}

/** People, not accounts: one who agreed by two accounts is one. */
export function agreedOf({ emails }: Pick<Need, 'emails'>, given: readonly Agreement[]): number {
  return new Set(given.filter(({ email }) => emails.includes(email)).map(({ user }) => user)).size
}

function whereOf(id: string, what: 'about' | 'words'): string {
  return `approvals/${id}/${what}`
}

/** Where they do not open, or are older than that they are kept: who agreed is known still, and nothing of why. */
function wordsOf({ id, words_sealed: sealed }: ApprovalRow, given: readonly Agreement[], sealer: Sealer) {
  const words = sealed === null ? undefined : sealer.open(sealed, whereOf(id, 'words'))
  if (words !== undefined) return JSON.parse(words) as SpokenWord[]
  return given.map(({ email, at }): SpokenWord => ({ word: 'approve', email, at, reason: null }))
}

function toRecord(row: ApprovalRow, sealer: Sealer): ApprovalRecord {
  const about = sealer.open(row.about_sealed, whereOf(row.id, 'about'))
  const given = JSON.parse(row.given) as Agreement[]
  return {
    id: row.id,
    binding: row.binding,
    principal: row.principal,
    grant: row.grant_id as GrantId,
    portalUid: row.portal_uid as PortalUid,
    serverUid: row.server_uid as ServerUid,
    policy: row.policy_id as PolicyId,
    about: about === undefined ? null : (JSON.parse(about) as ApprovalAbout),
    requester: JSON.parse(row.requester) as Requester,
    needs: JSON.parse(row.needs) as Need[],
    given,
    words: wordsOf(row, given, sealer),
    state: row.state,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    decidedAt: row.decided_at,
  }
}
