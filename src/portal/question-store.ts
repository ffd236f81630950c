/** Questions at rest: pages that wait for their person, answers on their way between replicas, and answers that were used. */
import type { PortalUid } from '../base/ids.ts'
import { digest } from '../base/secret.ts'
import type { Store, Trx } from '../store/open.ts'
import type { QuestionRow } from '../store/tables-people.ts'

export interface QuestionRecord {
  /** `user:<id>`: only this person may answer. */
  principal: string
  /** `grant:<id>` or `session:<id>`: what the answer hangs on. */
  owner: string
  portalUid: PortalUid
  kind: string
  /** JSON text of what is asked. */
  subject: string
}

/** Pages of one kind that one person may have waiting; the oldest goes. */
const MOST_WAITING = 32

/** @param id as the link has it; only its SHA-256 is kept @param life milliseconds */
export async function insertQuestion(store: Store, id: string, asked: QuestionRecord, life: number): Promise<void> {
  const now = store.clock.now()
  await store.write(async (trx) => {
    await forget(trx, now)
    await trx
      .insertInto('questions')
      .values(rowOf(id, asked, { now, life }))
      .execute()
    const old = await trx
      .selectFrom('questions')
      .select('id')
      .where('principal', '=', asked.principal)
      .where('kind', '=', asked.kind)
      .orderBy('created_at', 'desc')
      .orderBy('id')
      .offset(MOST_WAITING)
      .limit(1000)
      .execute()
    if (old.length === 0) return
    await trx
      .deleteFrom('questions')
      .where(
        'id',
        'in',
        old.map((row) => row.id),
      )
      .execute()
  })
}

/**
 * Marks an answer as used, for good.
 *
 * @returns false where it was used before
 */
export async function useOnce(store: Store, id: string, asked: QuestionRecord, life: number): Promise<boolean> {
  const now = store.clock.now()
  return store.write(async (trx) => {
    await forget(trx, now)
    const made = await trx
      .insertInto('questions')
      .values({ ...rowOf(id, asked, { now, life }), answered_at: now })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .returning('id')
      .execute()
    return made.length === 1
  })
}

/** @returns undefined for one that is over, or never was; also where its owner has ended meanwhile */
export async function readQuestion(store: Store, id: string, kind: string): Promise<QuestionRecord | undefined> {
  const row = await store.db
    .selectFrom('questions')
    .selectAll()
    .where('id', '=', digest(id))
    .where('kind', '=', kind)
    .where('expires_at', '>', store.clock.now())
    .executeTakeFirst()
  if (row === undefined || (await hasEnded(store, row.owner))) return undefined
  const { principal, owner, portal_uid, subject } = row
  return { principal, owner, portalUid: portal_uid as PortalUid, kind, subject }
}

/** What hangs on an owner that has ended would be written for nobody. */
async function hasEnded({ db }: Store, owner: string): Promise<boolean> {
  const at = owner.indexOf(':')
  const id = owner.slice(at + 1)
  if (owner.slice(0, at) === 'session') {
    const row = await db.selectFrom('sessions').select('ended_at').where('id', '=', id).executeTakeFirst()
    return row !== undefined && row.ended_at !== null
  }
  const row = await db.selectFrom('grants').select('revoked_at').where('id', '=', id).executeTakeFirst()
  return row !== undefined && row.revoked_at !== null
}

/** @param owner whoever answers must be who was asked @returns false where nobody waits for it */
export async function handAnswer(store: Store, id: string, owner: string, answer: string): Promise<boolean> {
  return store.write(async (trx) => {
    const handed = await trx
      .updateTable('questions')
      .set({ answered_at: store.clock.now(), answer })
      .where('id', '=', digest(id))
      .where('owner', '=', owner)
      .where('answered_at', 'is', null)
      .returning('id')
      .execute()
    if (handed.length > 0) await store.versions.bump(trx, 'questions')
    return handed.length > 0
  })
}

/** @returns by id what was handed over; those that have no answer yet are missing */
export async function readAnswers(store: Store, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const byDigest = new Map(ids.map((id) => [digest(id), id]))
  const rows = await store.db
    .selectFrom('questions')
    .select(['id', 'answer'])
    .where('id', 'in', [...byDigest.keys()])
    .where('answer', 'is not', null)
    .execute()
  return new Map(rows.map((row) => [byDigest.get(row.id) ?? '', row.answer ?? '']))
}

export async function deleteQuestion(store: Store, id: string): Promise<void> {
  await store.db.deleteFrom('questions').where('id', '=', digest(id)).execute()
}

/** Nobody can answer what has expired, and nothing has to be known of it. */
async function forget(trx: Trx, now: number): Promise<void> {
  await trx.deleteFrom('questions').where('expires_at', '<=', now).execute()
}

function rowOf(id: string, asked: QuestionRecord, { now, life }: { now: number; life: number }): QuestionRow {
  const { principal, owner, portalUid, kind, subject } = asked
  const times = { created_at: now, expires_at: now + life, answered_at: null, answer: null }
  return { id: digest(id), principal, owner, portal_uid: portalUid, kind, subject, ...times }
}
