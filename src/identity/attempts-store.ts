/**
 * How often somebody tried, at rest, so that all replicas count together. A try is taken before it is made: whoever sends a hundred at
 * once gets no more of them than one after the other. Keys are digests, since a name that somebody typed is nobody's business.
 */
import { digest } from '../base/secret.ts'
import type { Store, Trx } from '../store/open.ts'

/** How much is free, and what waiting costs then. Milliseconds. */
export interface Budget {
  /** Names the counter: two budgets never share one. */
  name: string
  /** So many tries, then each next one after a wait. */
  free: number
  /** The first wait; each further one is twice as long. */
  firstWait: number
  mostWait: number
  /** After so long without a try all is forgotten. */
  forgetAfter: number
}

export interface Counted {
  budget: Budget
  /** Whose tries: an address, a network. */
  of: string
}

const LONGEST_MEMORY = 24 * 3_600_000

/**
 * Takes one try of each. Where one has none left, none is taken of the others.
 *
 * @returns false where it must wait
 */
export async function takeTry(store: Store, wanted: readonly Counted[]): Promise<boolean> {
  const now = store.clock.now()
  // In one order for everybody: two that wait for each other's rows would stand for ever.
  const counters = wanted
    .map((one) => ({ key: keyOf(one), budget: one.budget }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
  const noneLeft = new Error('no try is left')
  try {
    await store.write(async (trx) => {
      for (const { key, budget } of counters) if (!(await takeOne(trx, key, budget, now))) throw noneLeft
    })
    return true
  } catch (error) {
    if (error === noneLeft) return false
    throw error
  }
}

async function takeOne(trx: Trx, key: string, budget: Budget, now: number): Promise<boolean> {
  const forgotten = now - budget.forgetAfter
  const row = await trx
    .insertInto('attempt_counters')
    .values({ key, count: 1, last_at: now, locked_until: null })
    .onConflict((conflict) =>
      conflict
        .column('key')
        .doUpdateSet((eb) => ({
          count: eb
            .case()
            .when('attempt_counters.last_at', '<=', forgotten)
            .then(1)
            .else(eb('attempt_counters.count', '+', 1))
            .end(),
          last_at: now,
          locked_until: null,
        }))
        .where((eb) =>
          eb.or([eb('attempt_counters.locked_until', 'is', null), eb('attempt_counters.locked_until', '<=', now)]),
        ),
    )
    .returning('count')
    .executeTakeFirst()
  if (row === undefined) return false
  const beyond = Number(row.count) - budget.free
  if (beyond < 0) return true
  const wait = Math.min(budget.mostWait, budget.firstWait * 2 ** Math.min(beyond, 30))
  await trx
    .updateTable('attempt_counters')
    .set({ locked_until: now + wait })
    .where('key', '=', key)
    .execute()
  return true
}

/** Forgets what somebody tried who has now proved who they are. */
export async function clearTries(trx: Trx, counted: Counted): Promise<void> {
  await trx.deleteFrom('attempt_counters').where('key', '=', keyOf(counted)).execute()
}

/** Gives back the one try that was a good one; the bad ones of others at the same place stay. */
export async function giveBackTry(trx: Trx, counted: Counted): Promise<void> {
  await trx
    .updateTable('attempt_counters')
    .set((eb) => ({ count: eb('count', '-', 1), locked_until: null }))
    .where('key', '=', keyOf(counted))
    .where('count', '>', 0)
    .execute()
}

/** Deletes what is too old to count. */
export async function forgetTries(store: Store): Promise<void> {
  const now = store.clock.now()
  await store.db
    .deleteFrom('attempt_counters')
    .where('last_at', '<', now - LONGEST_MEMORY)
    .where((eb) => eb.or([eb('locked_until', 'is', null), eb('locked_until', '<', now)]))
    .execute()
}

function keyOf({ budget, of }: Counted): string {
  return `${budget.name}:${digest(of)}`
}
