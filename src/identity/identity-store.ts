/** Accounts at identity providers, at rest: who a provider says somebody is, keyed by issuer and subject. */
import { newId, type UserId } from '../base/ids.ts'
import type { IdentityFacts } from '../base/principal.ts'
import type { Sealer } from '../base/secret.ts'
import type { Db, Store, Trx } from '../store/open.ts'
import type { IdentityRow } from '../store/tables-people.ts'
import { labelOf } from './label.ts'
import { endWhatCameThrough } from './providers/provider-store.ts'

/** Of mailed PINs. Whoever reads the mail has the address: it is its own subject, and proves nothing else. */
export const PIN_ISSUER = 'portico:onetimepin'

/** The columns that make facts; all null where there is no identity. */
export interface IdentityColumns {
  provider_id: string | null
  issuer: string | null
  subject: string | null
  groups: string | null
  amr: string | null
  claims: string | null
  /** Left out where nobody asks about it. */
  authenticated_at?: number | null
}

/** What a provider vouched for at one sign-in. */
export interface Vouched extends Omit<IdentityFacts, 'signedInAt'> {
  /** When the person proved who they are, in milliseconds since 1970; `now` where that was just now, left out where nobody says. */
  provenAt?: number | 'now'
  /** Lower case, domain as A-label; null unless the provider owns its domain and says that it is verified. */
  email: string | null
  /** For people to read: the name the provider gives, or the address that does not count. */
  name: string | null
  idToken: string | null
  refreshToken: string | null
}

export interface IdentityRecord extends Omit<IdentityFacts, 'signedInAt'> {
  id: string
  userId: UserId
  email: string | null
  signedInAt: number
  checkedAt: number
}

export interface SignedIn {
  userId: UserId
  identityId: string
  /** As `label.ts` has it. */
  label: string
  isNew: boolean
}

/** @returns null where the row has no identity joined to it */
export function factsOf(row: IdentityColumns): IdentityFacts | null {
  const { provider_id: provider, issuer, subject } = row
  if (provider === null || issuer === null || subject === null) return null
  return {
    provider,
    issuer,
    subject,
    groups: row.groups === null ? null : (JSON.parse(row.groups) as string[]),
    amr: JSON.parse(row.amr ?? '[]') as string[],
    claims: JSON.parse(row.claims ?? '{}') as Record<string, unknown>,
    ...(row.authenticated_at == null ? {} : { signedInAt: row.authenticated_at }),
  }
}

/**
 * Writes down who signed in. The account is found by issuer and subject alone. A new account joins the user of its address only
 * where that user has no account at the same provider yet: at one provider, a second subject with the same address is another person
 * (the address was given to somebody new), and the address goes over to them without anything that hung on it.
 *
 * @returns `disabled` for a user whom an admin switched off; nothing is written then
 */
export async function saveSignIn(
  store: Store,
  trx: Trx,
  vouched: Vouched,
  sealer: Sealer,
): Promise<SignedIn | 'disabled'> {
  // First of all, since what policies look at may change for grants that stand already, and because it lets one through at a time: of two
  // who come for the first time at once, the second finds what the first made; and who is switched off now is, before it is looked at.
  await store.versions.bump(trx, 'tokens')
  const now = store.clock.now()
  const known = await trx
    .selectFrom('identities')
    .selectAll()
    .where('issuer', '=', vouched.issuer)
    .where('subject', '=', vouched.subject)
    .executeTakeFirst()
  const userId = await userOf(trx, vouched, known, now)
  const user = await trx.selectFrom('users').select('disabled_at').where('id', '=', userId).executeTakeFirstOrThrow()
  if (user.disabled_at !== null) return 'disabled'
  // The address is another's now, and with it all that the mailbox alone had opened.
  if (known !== undefined && known.user_id !== userId) await endWhatCameThrough(store, trx, { identity: known.id })
  if (vouched.email !== null) await takeAddress(trx, vouched.email, userId)
  await trx
    .updateTable('users')
    .set({ last_seen_at: now, ...(vouched.email === null ? {} : { email: vouched.email }), name: vouched.name })
    .where('id', '=', userId)
    .execute()
  const identityId = known?.id ?? newId(now)
  const provenAt = lastProven(known?.authenticated_at ?? null, vouched, now)
  const row = { ...rowOf(identityId, vouched, sealer, now), user_id: userId, authenticated_at: provenAt }
  await trx
    .insertInto('identities')
    .values({ ...row, id: identityId })
    .onConflict((conflict) => conflict.columns(['issuer', 'subject']).doUpdateSet(row))
    .execute()
  if (vouched.email === null) await dropAddress(trx, userId)
  return { userId, identityId, label: labelOf(vouched.email, vouched.name, userId), isNew: known === undefined }
}

/** A provider that says nothing of when takes nothing back; and nobody has proven anything in the future, whatever its clock says. */
function lastProven(before: number | null, { provenAt }: Vouched, now: number): number | null {
  if (provenAt === undefined) return before
  return Math.max(before ?? 0, provenAt === 'now' ? now : Math.min(provenAt, now))
}

async function userOf(trx: Trx, vouched: Vouched, known: IdentityRow | undefined, now: number): Promise<UserId> {
  // An address is the one thing about a person that is handed on: who reads its mail now is not who read it then.
  if (known !== undefined && vouched.issuer !== PIN_ISSUER) return known.user_id as UserId
  return userFor(trx, vouched, now)
}

async function userFor(trx: Trx, { email, provider, issuer }: Vouched, now: number): Promise<UserId> {
  if (email !== null) {
    const holder = await trx.selectFrom('users').select('id').where('email', '=', email).executeTakeFirst()
    const isTheirs = holder !== undefined && (issuer === PIN_ISSUER || !(await hasAccountAt(trx, holder.id, provider)))
    if (isTheirs) return holder.id as UserId
  }
  const id = newId<UserId>(now)
  await trx.insertInto('users').values({ id, email: null, created_at: now, last_seen_at: now }).execute()
  return id
}

async function hasAccountAt(trx: Trx, userId: string, provider: string): Promise<boolean> {
  const row = await trx
    .selectFrom('identities')
    .select('id')
    .where('user_id', '=', userId)
    .where('provider_id', '=', provider)
    .executeTakeFirst()
  return row !== undefined
}

/** An address is one user's at a time. */
async function takeAddress(trx: Trx, email: string, userId: UserId): Promise<void> {
  await trx.updateTable('users').set({ email: null }).where('email', '=', email).where('id', '!=', userId).execute()
}

/** What a provider does not say any more does not count any more, unless another account of the person has the same address. */
async function dropAddress(trx: Trx, userId: UserId): Promise<void> {
  await trx
    .updateTable('users')
    .set({ email: null })
    .where('id', '=', userId)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('identities')
            .select('identities.id')
            .where('identities.user_id', '=', userId)
            .whereRef('identities.email', '=', 'users.email'),
        ),
      ),
    )
    .execute()
}

function rowOf(id: string, vouched: Vouched, sealer: Sealer, now: number) {
  const seal = (value: string | null, field: TokenField) =>
    value === null ? null : sealer.seal(value, whereOf(id, field))
  return {
    provider_id: vouched.provider,
    issuer: vouched.issuer,
    subject: vouched.subject,
    email: vouched.email,
    groups: vouched.groups === null ? null : JSON.stringify(vouched.groups),
    amr: JSON.stringify(vouched.amr),
    claims: JSON.stringify(vouched.claims),
    id_token_sealed: seal(vouched.idToken, 'id_token'),
    refresh_token_sealed: seal(vouched.refreshToken, 'refresh_token'),
    signed_in_at: now,
    checked_at: now,
  }
}

type TokenField = 'id_token' | 'refresh_token'

function whereOf(id: string, field: TokenField): string {
  return `identities/${id}/${field}`
}

/** What is asked of a provider again. */
export interface RecheckRecord {
  provider: string
  subject: string
  checkedAt: number
  /** Null where there is none, or no key at hand opens it. */
  refreshToken: string | null
}

export async function readForRecheck(db: Db, sealer: Sealer, id: string): Promise<RecheckRecord | undefined> {
  const row = await db.selectFrom('identities').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined) return undefined
  const { provider_id: provider, subject, checked_at: checkedAt, refresh_token_sealed: sealed } = row
  const refreshToken = sealed === null ? null : (sealer.open(sealed, whereOf(id, 'refresh_token')) ?? null)
  return { provider, subject, checkedAt, refreshToken }
}

/** What another authorization server is told of somebody with. */
export interface SubjectRecord extends RecheckRecord {
  id: string
  /** Null where there is none, or no key at hand opens it. */
  idToken: string | null
}

/** @returns undefined where it is not this person's (any more) */
export async function readSubject(
  db: Db,
  sealer: Sealer,
  { userId, issuer, subject }: { userId: UserId; issuer: string; subject: string },
): Promise<SubjectRecord | undefined> {
  const row = await db
    .selectFrom('identities')
    .select(['id', 'id_token_sealed'])
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .where('user_id', '=', userId)
    .executeTakeFirst()
  const record = row && (await readForRecheck(db, sealer, row.id))
  if (row === undefined || record === undefined) return undefined
  const { id, id_token_sealed: sealed } = row
  return { ...record, id, idToken: sealed === null ? null : (sealer.open(sealed, whereOf(id, 'id_token')) ?? null) }
}

/** One of many who want to ask at once may. @returns when it was taken, or null for all others */
export async function takeRecheck(store: Store, trx: Trx, id: string, before: number): Promise<number | null> {
  const at = store.clock.now()
  const taken = await trx
    .updateTable('identities')
    .set({ checked_at: at })
    .where('id', '=', id)
    .where('checked_at', '=', before)
    .executeTakeFirst()
  return Number(taken.numUpdatedRows) === 1 ? at : null
}

/** What a provider says anew of somebody; what it does not speak of stays as it was. */
export interface NewFacts {
  groups: readonly string[] | null | 'unsaid'
  amr: readonly string[] | null
  claims: Readonly<Record<string, unknown>> | null
  idToken: string | null
  refreshToken: string | null
}

/**
 * Nothing is written where the person signed in since: that is newer. Caches are emptied only where policies would see a difference.
 *
 * @param which the identity, and when its check was taken
 */
export async function updateFacts(
  { store, trx, sealer }: { store: Store; trx: Trx; sealer: Sealer },
  { id, at }: { id: string; at: number },
  facts: NewFacts,
): Promise<void> {
  const row = await trx.selectFrom('identities').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined || row.checked_at !== at) return
  const { groups, amr, claims, idToken, refreshToken } = facts
  const next = {
    groups: groups === 'unsaid' ? row.groups : groups === null ? null : JSON.stringify(groups),
    amr: amr === null ? row.amr : JSON.stringify(amr),
    claims: claims === null ? row.claims : JSON.stringify(claims),
  }
  await trx
    .updateTable('identities')
    .set({
      ...next,
      ...(idToken === null ? {} : { id_token_sealed: sealer.seal(idToken, whereOf(id, 'id_token')) }),
      ...(refreshToken === null
        ? {}
        : { refresh_token_sealed: sealer.seal(refreshToken, whereOf(id, 'refresh_token')) }),
    })
    .where('id', '=', id)
    .execute()
  const isChanged = next.groups !== row.groups || next.amr !== row.amr || next.claims !== row.claims
  if (isChanged) await store.versions.bump(trx, 'tokens')
}

export async function readIdentity(db: Db, id: string): Promise<IdentityRecord | undefined> {
  const row = await db.selectFrom('identities').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toRecord(row)
}

/** Of several people at once, the last signed in first. */
export async function listIdentitiesOf(db: Db, userIds: readonly string[]): Promise<IdentityRecord[]> {
  if (userIds.length === 0) return []
  const rows = await db
    .selectFrom('identities')
    .selectAll()
    .where('user_id', 'in', [...userIds])
    .orderBy('signed_in_at', 'desc')
    .execute()
  return rows.map(toRecord)
}

export async function listIdentities(db: Db, userId: string): Promise<IdentityRecord[]> {
  const rows = await db
    .selectFrom('identities')
    .selectAll()
    .where('user_id', '=', userId)
    .orderBy('signed_in_at', 'desc')
    .execute()
  return rows.map(toRecord)
}

function toRecord(row: IdentityRow): IdentityRecord {
  const facts = factsOf(row)
  if (facts === null) throw new Error('an identity has neither issuer nor subject')
  return {
    ...facts,
    id: row.id,
    userId: row.user_id as UserId,
    email: row.email,
    signedInAt: row.signed_in_at,
    checkedAt: row.checked_at,
  }
}
