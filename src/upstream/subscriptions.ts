/**
 * Hearing that a server's lists changed, outside of any call: by `subscriptions/listen` (2026-07-28) or by a GET stream
 * (2025). Both break and are opened again with growing pauses; whatever happened in the gap counts as "everything changed".
 */
import type { Clock } from '../base/clock.ts'
import type { JsonObject, Notification } from '../protocol/model.ts'
import { Exchange } from './exchange.ts'
import { asObject, ownRequest } from './handshake.ts'

const FIRST_PAUSE_MS = 1000
const LAST_PAUSE_MS = 60_000
/** A stream that lived this long was healthy, so the next pause is short again. */
const HEALTHY_MS = 30_000

/** Not a method of MCP: says that a stream of notifications had a gap. */
export const GAP: Notification = { method: 'portico/gap', params: {} }

export interface Listening {
  clock: Clock
  isOpen(): boolean
  /** Opens the stream and resolves when it ends; false when the server offers none, which ends the listening. */
  run(): Promise<boolean>
  onNotification(notification: Notification): void
  /** Milliseconds after which the stream that ended can be taken up where it was; null where it cannot, and begins anew. */
  resumesIn?(): number | null
}

/** Never rejects: a stream that cannot be had is no fault of any caller. */
export async function keepListening(listening: Listening): Promise<void> {
  let pause = FIRST_PAUSE_MS
  for (let hasGap = false; listening.isOpen(); ) {
    if (hasGap) listening.onNotification(GAP)
    const started = listening.clock.elapsed()
    const offered = await listening.run().catch(() => true)
    if (!offered) return
    const resumesIn = listening.resumesIn?.() ?? null
    hasGap = resumesIn === null
    if (resumesIn !== null) {
      // However often the server ends it: what it says meanwhile is not lost.
      await pauseFor(Math.max(resumesIn, FIRST_PAUSE_MS))
      continue
    }
    pause = listening.clock.elapsed() - started > HEALTHY_MS ? FIRST_PAUSE_MS : Math.min(pause * 2, LAST_PAUSE_MS)
    await pauseFor(pause * (0.75 + Math.random() / 2))
  }
}

function pauseFor(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}

/** @returns the filter of `subscriptions/listen` for what the server declared, or null where it declared no changes */
export function listenFilter(capabilities: JsonObject): JsonObject | null {
  const filter: Record<string, boolean> = {}
  for (const kind of ['tools', 'prompts', 'resources']) {
    if (asObject(capabilities[kind] ?? null)?.listChanged === true) filter[`${kind}ListChanged`] = true
  }
  return Object.keys(filter).length === 0 ? null : filter
}

/** The request of `subscriptions/listen`: it has no time limit, and its answer is its end. */
export function listenExchange(filter: JsonObject, onNotification: (notification: Notification) => void): Exchange {
  const out = ownRequest('subscriptions/listen', { notifications: filter })
  return new Exchange({ ...out, report: onNotification }, true)
}
