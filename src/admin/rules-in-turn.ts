/**
 * Rules name one another, so those who write them take turns: of two that would each be right alone, and close a circle or leave
 * a name without its group together, the second sees what the first did. The counter's row is what they queue at.
 */
import type { Store, Trx } from '../store/open.ts'

/** Like `Store.write`, and no other such work is under way meanwhile, on any replica. */
export function writeInTurn<T>(store: Store, work: (trx: Trx) => Promise<T>): Promise<T> {
  return store.write(async (trx) => {
    await store.versions.bump(trx, 'policies')
    return work(trx)
  })
}

/** For what attaches policies where its body names some: of these none is taken away meanwhile. */
export function writeAttaching<T>(
  store: Store,
  { policies }: { policies?: unknown },
  work: (trx: Trx) => Promise<T>,
): Promise<T> {
  return policies === undefined ? store.write(work) : writeInTurn(store, work)
}
