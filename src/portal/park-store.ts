/**
 * Parked calls at rest: a call that waits in one process for answers which its client may bring to another. What they hand each other they
 * seal with the store's own sealer, at `sealedAt`: a change of the key seals these columns anew. Nothing here opens them.
 */
import type { PortalUid } from '../base/ids.ts'
import type { Store } from '../store/open.ts'

export interface Park {
  id: string
  /** `user:<id>` or `service:<id>`: only this one may answer. */
  principal: string
  /** `grant:<id>` or `session:<id>`: what the answers hang on. */
  owner: string
  portalUid: PortalUid
  /** The process that holds the call. */
  node: string
}

/** What a seal of a parked call is bound to. */
export function sealedAt(id: string, what: 'answers' | 'reply'): string {
  return `parked/${id}/${what}`
}

/** @param life milliseconds until nobody waits for it any more */
export async function openPark(store: Store, { portalUid, ...park }: Park, life: number): Promise<void> {
  const now = store.clock.now()
  await store.write(async (trx) => {
    await trx.deleteFrom('parked').where('expires_at', '<=', now).execute()
    await trx
      .insertInto('parked')
      .values({
        ...park,
        portal_uid: portalUid,
        answers_sealed: null,
        taken_at: null,
        reply_sealed: null,
        created_at: now,
        expires_at: now + life,
      })
      .execute()
  })
}

/** A round that waits, and who alone may answer. */
type Asked = Pick<Park, 'id' | 'principal' | 'owner'>

/**
 * The first answers count, and they come from whoever was asked.
 *
 * @returns false where nobody waits for these
 */
export async function handAnswers(store: Store, { id, principal, owner }: Asked, sealed: string): Promise<boolean> {
  const now = store.clock.now()
  return store.write(async (trx) => {
    const handed = await trx
      .updateTable('parked')
      // What is waited for now is the reply, for as long again.
      .set((eb) => ({
        answers_sealed: sealed,
        expires_at: eb('expires_at', '+', eb(eb.val(now), '-', eb.ref('created_at'))),
      }))
      .where('id', '=', id)
      .where('principal', '=', principal)
      .where('owner', '=', owner)
      .where('expires_at', '>', now)
      .where('answers_sealed', 'is', null)
      .where('taken_at', 'is', null)
      // A call that ended while its question was open has its reply and needs no answer.
      .where('reply_sealed', 'is', null)
      .returning('id')
      .execute()
    if (handed.length > 0) await store.versions.bump(trx, 'parked')
    return handed.length > 0
  })
}

/** Whoever brought answers waits no more: it is told by the same way, which is open until there is a reply. */
export async function giveBack(store: Store, { id, principal, owner }: Asked, sealed: string): Promise<void> {
  await store.write(async (trx) => {
    await trx
      .updateTable('parked')
      .set({ answers_sealed: sealed })
      .where('id', '=', id)
      .where('principal', '=', principal)
      .where('owner', '=', owner)
      .where('reply_sealed', 'is', null)
      .execute()
    await store.versions.bump(trx, 'parked')
  })
}

/**
 * Each once: what was taken is not kept, only that it was, which keeps other answers out. (Nothing but a seal may stand in a column of
 * seals: a change of the key opens them all.)
 *
 * @param ids of calls that the asking process holds
 * @returns by id; those that have no answers yet are missing
 */
export async function takeAnswers(store: Store, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map()
  const rows = await store.db
    .selectFrom('parked')
    .select(['id', 'answers_sealed as sealed'])
    .where('id', 'in', [...ids])
    .where('answers_sealed', 'is not', null)
    .execute()
  const found = new Map(rows.flatMap(({ id, sealed }) => (sealed === null ? [] : [[id, sealed] as const])))
  if (found.size > 0)
    await store.db
      .updateTable('parked')
      .set({ answers_sealed: null, taken_at: store.clock.now() })
      .where('id', 'in', [...found.keys()])
      .execute()
  return found
}

/** Whether the process that holds a call has seen its answers: one that has ended never does. */
export async function isTaken(store: Store, id: string): Promise<boolean> {
  const row = await store.db.selectFrom('parked').select('taken_at').where('id', '=', id).executeTakeFirst()
  return row !== undefined && row.taken_at !== null
}

/**
 * What the call came to, or what it asks next, for the process that brought the answers. The first counts.
 *
 * @returns false where nobody waits for it
 */
export async function putReply(store: Store, id: string, sealed: string): Promise<boolean> {
  const now = store.clock.now()
  return store.write(async (trx) => {
    const put = await trx
      .updateTable('parked')
      .set({ reply_sealed: sealed })
      .where('id', '=', id)
      .where('expires_at', '>', now)
      .where('reply_sealed', 'is', null)
      .returning('id')
      .execute()
    if (put.length > 0) await store.versions.bump(trx, 'parked')
    return put.length > 0
  })
}

/** Ends the parking: whoever takes the reply is the only one that has it. @returns undefined where there is none yet, or none any more */
export async function takeReply(store: Store, id: string): Promise<string | undefined> {
  const [row] = await store.db
    .deleteFrom('parked')
    .where('id', '=', id)
    .where('reply_sealed', 'is not', null)
    .where('expires_at', '>', store.clock.now())
    .returning('reply_sealed as sealed')
    .execute()
  return row?.sealed ?? undefined
}

/** @param before in milliseconds since 1970: what nobody waits for since then, or longer, is forgotten */
export async function dropParks(store: Store, before: number): Promise<void> {
  await store.db.deleteFrom('parked').where('expires_at', '<=', before).execute()
}
