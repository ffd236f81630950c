/**
 * What the calls of an owner have done with data, at rest: so that all replicas see it, and of two calls that each would be the
 * last of three, one comes after the other. All times are the database's.
 */
import type { DeedId } from '../base/ids.ts'
import type { Label } from '../contract/reach.ts'
import { databaseNow } from '../store/database-time.ts'
import type { Store } from '../store/open.ts'
import { takeTurn } from '../store/turn.ts'

export interface Legs {
  /** `grant:<id>` */
  owner: string
  deed: DeedId
  labels: readonly Label[]
}

export interface Seen {
  /** When these legs were written, in milliseconds since 1970. */
  now: number
  /** When other deeds of the owner last had which label; a label that none has is missing. */
  others: ReadonlyMap<Label, number>
}

/** A deed that was done: older legs of its labels say nothing that its own do not. */
export type Done = ReadonlyMap<Label, number>

/**
 * Writes the legs of a deed and reads those of the owner's other deeds, as one. A deed that enters again has legs once.
 *
 * @param done legs that stay, by which older ones are not needed any more
 */
export async function enterLegs(store: Store, { owner, deed, labels }: Legs, done: Done): Promise<Seen> {
  return store.write(async (trx) => {
    await takeTurn(store, trx, `flow_legs ${owner}`)
    const now = await databaseNow(store, trx)
    for (const [label, at] of done)
      await trx
        .deleteFrom('flow_legs')
        .where('owner', '=', owner)
        .where('label', '=', label)
        .where('at', '<', at)
        .execute()
    const rows = await trx
      .selectFrom('flow_legs')
      .select((eb) => ['label', eb.fn.max('at').as('at')])
      .where('owner', '=', owner)
      .where('deed', '!=', deed)
      .groupBy('label')
      .execute()
    for (const label of labels)
      await trx
        .insertInto('flow_legs')
        .values({ id: `${deed} ${label}`, owner, label, deed, at: now })
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ at: now }))
        .execute()
    return { now, others: new Map(rows.map(({ label, at }) => [label as Label, Number(at)])) }
  })
}

/** Takes back what a deed wrote that was not done after all. */
export async function deleteLegs(store: Store, { owner, deed }: Pick<Legs, 'owner' | 'deed'>): Promise<void> {
  await store.db.deleteFrom('flow_legs').where('owner', '=', owner).where('deed', '=', deed).execute()
}

/** Deletes what no window reaches any more. @param ms the longest window there can be */
export async function forgetLegs(store: Store, ms: number): Promise<void> {
  const now = await databaseNow(store, store.db)
  await store.db
    .deleteFrom('flow_legs')
    .where('at', '<=', now - ms)
    .execute()
}
