/**
 * The definitions of one server, each held in memory once, however many people's own lists have it: a thousand accounts that see the
 * same cost little more than one. What nobody's list holds any more is forgotten.
 */
import { digest } from '../base/secret.ts'
import type { Definition } from './model.ts'

/** Lists taken between two looks for what is gone. */
const SWEEP_AFTER = 256

export class Interned {
  readonly #definitions = new Map<string, WeakRef<Definition>>()
  readonly #lists = new Map<string, WeakRef<readonly Definition[]>>()
  #taken = 0

  /** @returns the same list, made of what is known already; the same object where a list is known with the same in the same order */
  list(given: readonly Definition[]): readonly Definition[] {
    if (++this.#taken % SWEEP_AFTER === 0) this.#sweep()
    const key = digest(given.map(keyOf).join())
    const known = this.#lists.get(key)?.deref()
    if (known !== undefined) return known
    const list = given.map((one) => this.#definition(one))
    this.#lists.set(key, new WeakRef(list))
    return list
  }

  /** The hash is over the canonical form: two that differ in nothing but the order of members are one. */
  #definition(given: Definition): Definition {
    const key = keyOf(given)
    const known = this.#definitions.get(key)?.deref()
    if (known !== undefined) return known
    this.#definitions.set(key, new WeakRef(given))
    return given
  }

  #sweep(): void {
    for (const map of [this.#definitions, this.#lists]) {
      for (const [key, ref] of map) if (ref.deref() === undefined) map.delete(key)
    }
  }
}

/** One text may be a resource here and a template there, under another name; and be listed to all here and to some there. */
function keyOf({ name, hash, needs = [] }: Definition): string {
  return `${hash}/${needs.join('.')}/${name}`
}
