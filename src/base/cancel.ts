/** Cancellation that costs one small object until it is used: an AbortController a call is too dear on the hot path. */
export class Cancellation {
  #reason: string | null = null
  #listener: ((reason: string) => void) | null = null

  get cancelled(): boolean {
    return this.#reason !== null
  }

  /** At most one listener: whoever performs the work. Called at once if already cancelled. */
  listen(listener: (reason: string) => void): void {
    this.#listener = listener
    if (this.#reason !== null) listener(this.#reason)
  }

  /** Only the first call counts. @param reason for the log and the upstream; never shown to another caller */
  cancel(reason: string): void {
    if (this.#reason !== null) return
    this.#reason = reason
    this.#listener?.(reason)
  }
}
