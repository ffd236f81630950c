/**
 * What was made of something, for as long as it is asked for with the very same things. Lists, definitions and configuration
 * are replaced and never altered, so what is the same object says the same.
 */
export class Remembered<Key, Made> {
  #before = new Map<Key, Known<Made>>()
  #now = new Map<Key, Known<Made>>()

  /** From here on everything is asked for once more; what is not, is forgotten at the next beginning. */
  begin(): void {
    this.#before = this.#now
    this.#now = new Map()
  }

  /** @param from all that it is made of */
  of(key: Key, from: readonly unknown[], make: () => Made): Made {
    const known = this.#before.get(key)
    const kept = known !== undefined && areSame(known.from, from) ? known : { from, made: make() }
    this.#now.set(key, kept)
    return kept.made
  }
}

interface Known<Made> {
  from: readonly unknown[]
  made: Made
}

/** Whether both lists hold the same objects in the same order. */
export function areSame(some: readonly unknown[], others: readonly unknown[]): boolean {
  return some.length === others.length && some.every((one, at) => one === others[at])
}
