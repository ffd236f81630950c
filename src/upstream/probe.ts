/**
 * Looks what an address is before it is a server: how it wants to be spoken to, whether it lets us in, what it lists. Nothing of it is
 * kept. Whoever asks may not learn from it what stands in the network inside: what the guard refuses, what is dead, what is silent and
 * what talks something else than HTTP come to one answer, and none of them sooner than the others.
 */
import type { Clock } from '../base/clock.ts'
import { originOf } from '../base/destination.ts'
import type { Egress } from '../base/egress.ts'
import type { ServerId, ServerUid } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { LiveCredential } from './connections/model.ts'
import { bearerCredential, NO_CREDENTIAL } from './credentials.ts'
import type { UpstreamsDeps } from './deps.ts'
import { detect, type Found } from './detect.ts'
import type { Limits, Watch } from './exchange.ts'
import { openHeaders, openSocketPool } from './http-target.ts'
import { listAll } from './list-all.ts'
import type { Probed, ProbeWish } from './model.ts'
import { discoverServer } from './oauth/discover.ts'
import { OauthTrouble } from './oauth/model.ts'
import { ASKS_NOBODY } from './questions.ts'
import { type Trouble, troubleOf } from './trouble.ts'

export interface ProbeDeps extends Pick<UpstreamsDeps, 'portalInfo'> {
  clock: Clock
  log: Log
  egress: Egress
  /** `refusedMs` is how long an answer of `unreachable` takes. */
  limits: Limits
  watch: Watch
}

/** Of the patience that a probe has: what runs into its end is over a little later. */
const FLOOR = 1.25
/** Until the first page of a list has come. */
const LISTS_MS = 10_000

/** @throws Trouble `not-ready` for a credential that nobody can send */
export async function probe(deps: ProbeDeps, wish: ProbeWish, who: string): Promise<Probed> {
  const { clock, log, limits } = deps
  const startedAt = clock.elapsed()
  const credential = wish.credential === null ? NO_CREDENTIAL : bearerCredential(wish.credential)
  try {
    return await lookAt(deps, wish, credential)
  } catch (error) {
    const trouble = troubleOf(error)
    if (trouble.isCredential) return closedBy(deps, wish, trouble)
    if (trouble.kind === 'status' || trouble.kind === 'bad-answer') return { kind: 'other', status: trouble.status }
    log.info(
      { who, address: originOf(wish.hostname), reason: trouble.message, err: trouble.cause },
      'nothing was found at an address',
    )
    await pause(startedAt + limits.refusedMs * FLOOR - clock.elapsed())
    return { kind: 'unreachable' }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)))
}

async function lookAt(
  deps: ProbeDeps,
  { hostname, allowed, credential: given }: ProbeWish,
  credential: LiveCredential,
): Promise<Probed> {
  const { clock, egress, portalInfo: portal, watch } = deps
  const url = new URL(hostname)
  // Who accepts a connection and says nothing must not be told from who does not accept it.
  const patience = deps.limits.refusedMs || deps.limits.connectMs
  const limits = { ...deps.limits, openingMs: Math.min(deps.limits.openingMs, patience) }
  const timeoutMs = Math.min(limits.connectMs, patience)
  const pool = openSocketPool(url, egress.connector({ allowed, timeoutMs }))
  const own = openHeaders(portal, credential)
  const at = { pool, path: url.pathname, origin: url.origin, own, credential, identity: null }
  try {
    const found = await detect({ ...at, asking: ASKS_NOBODY, portal, clock, limits, watch }, url, () => [])
    return { ...shapeOf(found, url, hostname), hadCredential: given !== null, counts: await countLists(deps, found) }
  } finally {
    await pool.destroy()
  }
}

function shapeOf({ connection, verdict: { transport, url, era } }: Found, given: URL, hostname: string) {
  const at = { hostname: url.href === given.href ? hostname : url.href, path: url.pathname }
  return { kind: 'open' as const, transport, ...at, era, info: connection.info }
}

/** A server that opens and does not list says so at its first sync; here it is no reason to know nothing of it. */
async function countLists(
  { watch }: ProbeDeps,
  { connection }: Found,
): Promise<{ tool: number; prompt: number } | null> {
  const count = async (kind: 'tool' | 'prompt'): Promise<number> => {
    const items = await listAll(kind, connection.capabilities, (exchange) => {
      watch.limit(exchange, LISTS_MS)
      return connection.request(exchange)
    })
    return items.length
  }
  try {
    return { tool: await count('tool'), prompt: await count('prompt') }
  } catch (error) {
    troubleOf(error)
    return null
  } finally {
    await connection.close()
  }
}

/** Whether people can sign in there, or somebody has to bring a token. */
async function closedBy({ egress, log }: ProbeDeps, wish: ProbeWish, trouble: Trouble): Promise<Probed> {
  const { hostname, allowed, credential } = wish
  const url = new URL(hostname)
  const closed = { kind: 'closed' as const, status: trouble.status ?? 401, hadCredential: credential !== null }
  const nobody = { uid: '' as ServerUid, id: '' as ServerId, name: url.host }
  const target = { ...nobody, url, allowed, written: null, clientSecret: null, sharedCallback: false }
  try {
    const { issuer } = await discoverServer(egress, target, trouble.challenge?.resourceMetadata ?? null)
    return { ...closed, auth: 'oauth', issuer }
  } catch (error) {
    if (!(error instanceof OauthTrouble)) throw error
    log.info({ address: originOf(hostname), reason: error.message }, 'no authorization server was found at an address')
    return { ...closed, auth: 'bearer', issuer: null }
  }
}
