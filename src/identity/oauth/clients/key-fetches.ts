/**
 * Keys of clients that sign who they are, from their `jwks_uri`. Anybody may register with an address of their choice, and each token request
 * in that client's name has the library fetch it, over and over where what came was no key. So an address is fetched once a minute at most,
 * whatever came and whoever asks, and there is an end to how many addresses. In this process only, as with documents.
 */
import { networkOf } from '../../../audit/refusals.ts'
import type { Clock } from '../../../base/clock.ts'
import type { SafeFetch } from '../../../base/safe-fetch.ts'

export interface KeyFetchRooms {
  clock: Clock
  /** Opened with `DOCUMENT_LIMITS`. */
  fetch: SafeFetch
  /** Who asks, or the empty string. */
  clientIp(): string
}

/** The library looks for new keys as often at most. */
const KEPT_MS = 60_000
const WINDOW_MS = 10 * 60_000
/** Fetches within ten minutes. */
const MOST = { perAddress: 20, inAll: 400 } as const

interface Kept {
  until: number
  came: Promise<{ status: number; headers: Headers; body: Buffer }>
}

export function openKeyFetches(rooms: KeyFetchRooms): SafeFetch {
  const { clock, clientIp } = rooms
  const kept = new Map<string, Kept>()
  let spent = new Map<string, number>()
  let began = clock.now()

  function spend(now: number): void {
    if (now - began >= WINDOW_MS) [spent, began] = [new Map(), now]
    const asker = networkOf(clientIp())
    const [own, all] = [spent.get(asker) ?? 0, spent.get('all') ?? 0]
    if (own >= MOST.perAddress || all >= MOST.inAll) throw new Error('too many keys of clients were asked for')
    spent.set(asker, own + 1).set('all', all + 1)
  }

  async function read(url: string, init: RequestInit | undefined) {
    const response = await rooms.fetch(url, init)
    return { status: response.status, headers: response.headers, body: Buffer.from(await response.arrayBuffer()) }
  }

  return async (input, init) => {
    const url = input instanceof Request ? input.url : String(input)
    const now = clock.now()
    let found = kept.get(url)
    if (found === undefined || found.until <= now) {
      spend(now)
      for (const [old, { until }] of kept) if (until <= now) kept.delete(old)
      found = { until: now + KEPT_MS, came: read(url, init) }
      kept.set(url, found)
    }
    const { status, headers, body } = await found.came
    return new Response(new Uint8Array(body), { status, headers })
  }
}
