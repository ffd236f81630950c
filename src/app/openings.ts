/** Rooms are closed in the reverse of the order in which they were opened, also when opening a later one fails. */
export class Openings {
  readonly #closers: (() => Promise<void> | void)[] = []
  #closing: Promise<void> | null = null

  add<T>(room: T, close: (room: T) => Promise<void> | void): T {
    this.#closers.push(() => close(room))
    return room
  }

  /** For a room that closes itself. */
  own<T extends { close(): Promise<void> | void }>(room: T): T {
    return this.add(room, (opened) => opened.close())
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll()
    return this.#closing
  }

  async #closeAll(): Promise<void> {
    for (const close of this.#closers.reverse()) await close()
  }
}
