/**
 * Answers that last: the live log and exports. They are counted by who asked and in all; each ends with the session, token or role of who
 * asked, and with the program. Pieces are made when the reader asks for them, so none pile up; a reader that takes nothing is cut off
 * where its connection is (`http/rest.ts`).
 */
import type { Operator } from '../base/principal.ts'
import { LIMITS } from '../config/limits.ts'

const MOST = LIMITS.live_logs.value
const MOST_PER_OPERATOR = LIMITS.live_logs_per_operator.value
const CHECK_MS = 3000

export type WhyOver = 'access' | 'closing' | 'gone'

/** Aborted once the answer is to end; its reason is a `WhyOver`. */
export type Pieces = (over: AbortSignal) => AsyncGenerator<string, void, void>

export interface Asking {
  operator: Operator
  /** Whether who asked would still be answered. */
  stillMay(): Promise<boolean>
}

export class HeldAnswers {
  readonly #byOperator = new Map<string, number>()
  readonly #open = new Set<AbortController>()
  #closed = false

  /** How many are open now. */
  get open(): number {
    return this.#open.size
  }

  /** @returns the body, or null where there are too many already */
  hold({ operator, stillMay }: Asking, pieces: Pieces): ReadableStream<Uint8Array> | null {
    const key = `${operator.kind}:${operator.id}`
    const own = this.#byOperator.get(key) ?? 0
    if (this.#closed || own >= MOST_PER_OPERATOR || this.#open.size >= MOST) return null
    const over = new AbortController()
    this.#byOperator.set(key, own + 1)
    this.#open.add(over)
    let isLeft = false
    const timer = setInterval(() => {
      // Who cannot be asked about is not let in either.
      void stillMay().then(
        (may) => may || over.abort('access' satisfies WhyOver),
        () => over.abort('access' satisfies WhyOver),
      )
    }, CHECK_MS)
    timer.unref()
    const letGo = (): void => {
      clearInterval(timer)
      if (!this.#open.delete(over)) return
      const left = (this.#byOperator.get(key) ?? 1) - 1
      if (left === 0) this.#byOperator.delete(key)
      else this.#byOperator.set(key, left)
    }
    const source = pieces(over.signal)
    const encoder = new TextEncoder()
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          try {
            const { value, done } = await source.next()
            if (isLeft) return
            if (done === true) {
              letGo()
              controller.close()
            } else controller.enqueue(encoder.encode(value))
          } catch (error) {
            letGo()
            throw error
          }
        },
        cancel: async () => {
          isLeft = true
          over.abort('gone' satisfies WhyOver)
          letGo()
          // What it reads at this moment is its last; what it waits for is waited for no longer.
          await source.return()
        },
      },
      { highWaterMark: 0 },
    )
  }

  /** Ends all, and begins no other. */
  close(): void {
    this.#closed = true
    for (const over of this.#open) over.abort('closing' satisfies WhyOver)
  }
}
