/**
 * How many children may run at once, over all servers. At the limit, the child that was idle longest makes room.
 */
import type { Connection } from './connection.ts'
import { Trouble } from './trouble.ts'

export class ChildSlots {
  readonly #max: number
  /** In order of last start. */
  readonly #running = new Set<Connection>()
  #starting = 0

  constructor(max: number) {
    this.#max = max
  }

  /**
   * @param start starts the child; its connection holds the slot until it is closed
   * @param makesRoom whether an idle child may be ended for it
   * @throws Trouble `busy` when all children have calls in flight, or none may be ended
   */
  async take(start: () => Promise<Connection>, { makesRoom }: { makesRoom: boolean }): Promise<Connection> {
    for (const one of this.#running) if (!one.isOpen) this.#running.delete(one)
    if (this.#running.size + this.#starting >= this.#max) await this.#makeRoom(makesRoom)
    this.#starting++
    try {
      const connection = await start()
      this.#running.add(connection)
      return connection
    } finally {
      this.#starting--
    }
  }

  async #makeRoom(mayEnd: boolean): Promise<void> {
    for (const one of mayEnd ? this.#running : []) {
      if (one.inFlight > 0) continue
      this.#running.delete(one)
      await one.close()
      return
    }
    throw new Trouble('busy', 'as many children run as are allowed')
  }
}
