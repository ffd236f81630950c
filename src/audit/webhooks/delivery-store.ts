/**
 * Deliveries at rest: an outbox. What waits has a `next_at`. Whoever sends one first moves its `next_at` on, under the condition that it
 * stands where it was read, so that of several replicas one sends it; where that one dies, it is due again when the time is over. So
 * a delivery is made at least once, and its id says where it came twice.
 */
import { newId } from '../../base/ids.ts'
import type { DeliveryError } from '../../contract/webhook.ts'
import type { Db, Store, Trx } from '../../store/open.ts'
import type { WebhookDeliveryRow } from '../../store/tables-connections.ts'
import { listWebhooks } from './webhook-store.ts'

export interface Delivery {
  id: string
  webhook: string
  type: string
  /** The body, exactly as it is signed and sent. */
  payload: string
  createdAt: number
  tries: number
  /** Null once it was delivered or given up. */
  nextAt: number | null
  lastStatus: number | null
  lastError: string | null
  deliveredAt: number | null
}

/** What is to be told; `at` in milliseconds since 1970. */
export interface Told {
  type: string
  at: number
  data: object
}

/** More than a try can last. */
export const TAKEN_MS = 30_000
/** What waits for one webhook at the most. */
export const MOST_WAITING = 1000
const KEPT_MS = 30 * 24 * 3_600_000

/** For every webhook that is on and wants it. @returns how many older ones were given up for want of room */
export async function enqueue(store: Store, trx: Trx, told: Told): Promise<number> {
  const wanting = (await listWebhooks(trx)).filter(
    ({ enabled, events }) => enabled && (events.length === 0 || events.includes(told.type)),
  )
  let crowded = 0
  for (const { id } of wanting) {
    await insertDelivery(store, trx, { webhook: id, told, nextAt: store.clock.now(), tries: 0 })
    crowded += await giveUpOldest(trx, id)
  }
  if (wanting.length > 0) await store.versions.bump(trx, 'webhooks')
  return crowded
}

/** Already taken by whoever inserts it. */
export async function insertTaken(store: Store, trx: Trx, webhook: string, told: Told): Promise<Delivery> {
  return insertDelivery(store, trx, { webhook, told, nextAt: store.clock.now() + TAKEN_MS, tries: 1 })
}

async function insertDelivery(
  store: Store,
  trx: Trx,
  { webhook, told, nextAt, tries }: { webhook: string; told: Told; nextAt: number; tries: number },
): Promise<Delivery> {
  const now = store.clock.now()
  const id = newId<string>(now)
  const { type, at, data } = told
  const row: WebhookDeliveryRow = {
    id,
    webhook_id: webhook,
    event: type,
    payload: JSON.stringify({ id, type, created_at: new Date(at).toISOString(), data }),
    created_at: now,
    tries,
    next_at: nextAt,
    last_status: null,
    last_error: null,
    delivered_at: null,
  }
  await trx.insertInto('webhook_deliveries').values(row).execute()
  return toDelivery(row)
}

async function giveUpOldest(trx: Trx, webhook: string): Promise<number> {
  const over = await trx
    .selectFrom('webhook_deliveries')
    .select('id')
    .where('webhook_id', '=', webhook)
    .where('next_at', 'is not', null)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .offset(MOST_WAITING)
    .limit(MOST_WAITING)
    .execute()
  const ids = over.map(({ id }) => id)
  if (ids.length === 0) return 0
  await trx
    .updateTable('webhook_deliveries')
    .set({ next_at: null, last_error: 'crowded' satisfies DeliveryError })
    .where('id', 'in', ids)
    .execute()
  return ids.length
}

/** @returns the webhooks for which something is due */
export async function listDueWebhooks(db: Db, now: number): Promise<string[]> {
  const rows = await db
    .selectFrom('webhook_deliveries')
    .select('webhook_id')
    .distinct()
    .where('next_at', '<=', now)
    .execute()
  return rows.map(({ webhook_id }) => webhook_id)
}

/** @returns when the next one is due, in milliseconds since 1970, and how many wait */
export async function readWaiting(db: Db): Promise<{ nextAt: number | null; count: number }> {
  const row = await db
    .selectFrom('webhook_deliveries')
    .select((eb) => [eb.fn.min('next_at').as('next'), eb.fn.countAll().as('count')])
    .where('next_at', 'is not', null)
    .executeTakeFirstOrThrow()
  return { nextAt: row.next === null ? null : Number(row.next), count: Number(row.count) }
}

/** How many wait for each webhook; one for which nothing waits is not in it. */
export async function countWaiting(db: Db): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .selectFrom('webhook_deliveries')
    .select((eb) => ['webhook_id', eb.fn.countAll().as('count')])
    .where('next_at', 'is not', null)
    .groupBy('webhook_id')
    .execute()
  return new Map(rows.map(({ webhook_id, count }) => [webhook_id, Number(count)]))
}

/** @returns those that are due and that nobody else took, the longest due first; each counts as tried from now on */
export async function takeDue({ db, clock }: Store, webhook: string, most: number): Promise<Delivery[]> {
  const now = clock.now()
  const due = await db
    .selectFrom('webhook_deliveries')
    .selectAll()
    .where('webhook_id', '=', webhook)
    .where('next_at', '<=', now)
    .orderBy('next_at')
    .orderBy('id')
    .limit(most)
    .execute()
  const taken: Delivery[] = []
  for (const { id, next_at } of due) {
    const row = await db
      .updateTable('webhook_deliveries')
      .set((eb) => ({ next_at: now + TAKEN_MS, tries: eb('tries', '+', 1) }))
      .where('id', '=', id)
      .where('next_at', '=', next_at)
      .returningAll()
      .executeTakeFirst()
    if (row !== undefined) taken.push(toDelivery(row))
  }
  return taken
}

/** Whatever anybody else makes of it: it is done. @returns it as it stands now */
export async function markDelivered({ db, clock }: Store, { id }: Delivery, status: number): Promise<void> {
  await db
    .updateTable('webhook_deliveries')
    .set({ next_at: null, delivered_at: clock.now(), last_status: status, last_error: null })
    .where('id', '=', id)
    .where('delivered_at', 'is', null)
    .execute()
}

/**
 * @param taken as it was taken; where somebody else has it by now, or it was given up, it stays as it is
 * @param nextAt null gives it up
 */
export async function markFailed(
  db: Db,
  taken: Delivery,
  { nextAt, status, error }: { nextAt: number | null; status: number | null; error: DeliveryError },
): Promise<void> {
  await db
    .updateTable('webhook_deliveries')
    .set({ next_at: nextAt, last_status: status, last_error: error })
    .where('id', '=', taken.id)
    .where('next_at', '=', taken.nextAt)
    .execute()
}

/** Gives it back untried, to be sent at once by whoever comes. */
export async function putBack({ db, clock }: Store, taken: Delivery): Promise<void> {
  await db
    .updateTable('webhook_deliveries')
    .set({ next_at: clock.now(), tries: taken.tries - 1 })
    .where('id', '=', taken.id)
    .where('next_at', '=', taken.nextAt)
    .execute()
}

export async function giveUpWaiting(trx: Trx, webhook: string, error: DeliveryError): Promise<void> {
  await trx
    .updateTable('webhook_deliveries')
    .set({ next_at: null, last_error: error })
    .where('webhook_id', '=', webhook)
    .where('next_at', 'is not', null)
    .execute()
}

/** The newest first. */
export async function listDeliveries(
  db: Db,
  webhook: string,
  { offset, limit }: { offset: number; limit: number },
): Promise<{ deliveries: Delivery[]; total: number }> {
  const rows = await db
    .selectFrom('webhook_deliveries')
    .selectAll()
    .where('webhook_id', '=', webhook)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .offset(offset)
    .limit(limit)
    .execute()
  const { count } = await db
    .selectFrom('webhook_deliveries')
    .select((eb) => eb.fn.countAll().as('count'))
    .where('webhook_id', '=', webhook)
    .executeTakeFirstOrThrow()
  return { deliveries: rows.map(toDelivery), total: Number(count) }
}

/** @returns undefined where it is gone */
export async function readDelivery(db: Db, id: string): Promise<Delivery | undefined> {
  const row = await db.selectFrom('webhook_deliveries').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toDelivery(row)
}

/** Retries are over long before. @returns how many were deleted */
export async function forgetDeliveries({ db, clock }: Store): Promise<number> {
  const done = await db
    .deleteFrom('webhook_deliveries')
    .where('created_at', '<', clock.now() - KEPT_MS)
    .executeTakeFirst()
  return Number(done.numDeletedRows)
}

function toDelivery(row: WebhookDeliveryRow): Delivery {
  return {
    id: row.id,
    webhook: row.webhook_id,
    type: row.event,
    payload: row.payload,
    createdAt: row.created_at,
    tries: row.tries,
    nextAt: row.next_at,
    lastStatus: row.last_status,
    lastError: row.last_error,
    deliveredAt: row.delivered_at,
  }
}
