/** One `subscriptions/listen` (2026-07-28) for a set of resources: from its request to its end, which is its answer. */
import type { JsonObject, Notification } from '../protocol/model.ts'
import type { Connection } from './connection.ts'
import { asObject } from './handshake.ts'
import { listenExchange } from './subscriptions.ts'
import { Trouble } from './trouble.ts'

export interface ListenLine {
  readonly uris: readonly string[]
  readonly isOpen: boolean
  /** Resolves with those that the server said it tells of. @throws Trouble where it ends first, or says nothing in so many milliseconds */
  honoured(ms: number): Promise<readonly string[]>
  /** @param params of `notifications/subscriptions/acknowledged`; of another subscription on the same pipe too */
  acknowledged(params: JsonObject): void
  end(): void
}

export interface LineEnds {
  heard(notification: Notification): void
  /** It was open, and ended by itself. */
  ended(): void
}

export function openListenLine(connection: Connection, uris: readonly string[], ends: LineEnds): ListenLine {
  const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>()
  // It may fail before anybody asks.
  promise.catch(() => {})
  let isOpen = true
  let isAcknowledged = false
  const exchange = listenExchange({ resourceSubscriptions: [...uris] }, (notification) => {
    if (!isOpen) return
    if (notification.method === 'notifications/subscriptions/acknowledged') acknowledged(notification.params)
    else ends.heard(notification)
  })
  const over = (error: Error) => {
    reject(error)
    const wasOpen = isOpen
    isOpen = false
    if (wasOpen && isAcknowledged) ends.ended()
  }

  function acknowledged({ notifications }: JsonObject): void {
    const honoured = asObject(notifications ?? null)?.resourceSubscriptions
    // The one for changes of lists goes over the same pipe.
    if (!Array.isArray(honoured) || isAcknowledged) return
    isAcknowledged = true
    resolve(honoured.filter((uri) => typeof uri === 'string'))
  }

  connection.request(exchange).then(
    ({ outcome }) => {
      // What it says no to is not asked again on this connection.
      if (outcome === 'error' && !isAcknowledged) {
        isOpen = false
        resolve([])
      } else over(new Trouble('lost', 'the subscription ended'))
    },
    (error: unknown) => over(error instanceof Error ? error : new Trouble('lost', 'the subscription ended')),
  )

  return {
    uris,
    get isOpen() {
      return isOpen
    },
    acknowledged,
    async honoured(ms) {
      const timer = setTimeout(() => reject(new Trouble('timeout', 'the subscription was not acknowledged')), ms)
      try {
        return await promise
      } finally {
        clearTimeout(timer)
      }
    },
    end() {
      isOpen = false
      exchange.stop(new Trouble('cancelled', 'nobody listens any more'))
    },
  }
}
