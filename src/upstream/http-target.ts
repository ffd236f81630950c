/**
 * Where an HTTP server is and what is sent with every request to it. Headers come from a list made here; nothing of a
 * caller's request can get into it.
 */
import { type buildConnector, Pool } from 'undici'
import type { Clock } from '../base/clock.ts'
import { LIMITS } from '../config/limits.ts'
import type { LiveCredential } from './connections/model.ts'
import { NOBODYS_KEY } from './credentials.ts'
import type { Message, PortalInfo } from './encode.ts'
import type { Exchange, Limits, Watch } from './exchange.ts'
import type { IdentityHeader } from './identity-header.ts'
import type { Asking } from './questions.ts'
import { Trouble } from './trouble.ts'

/** Sockets to one server for one credential. */
const SOCKETS = LIMITS.upstream_connections.value

export interface HttpTarget {
  pool: Pool
  /** Path and query. */
  path: string
  origin: string
  /** What goes with every request: who we are, and the credential as it is now. */
  own: OwnHeaders
  credential: LiveCredential
  /** Said with every request to a server that asks who calls; null for the others. */
  identity: IdentityHeader | null
  /** What a server of the old handshakes may ask. */
  asking: Asking
  portal: PortalInfo
  clock: Clock
  limits: Limits
  watch: Watch
}

/**
 * One undici pool a connection, so that no socket ever serves two credentials.
 *
 * @param connect judges where each new socket leads (`base/egress`); there is no other way to open one
 */
export function openSocketPool(url: URL, connect: buildConnector.connector): Pool {
  return new Pool(url.origin, {
    connections: SOCKETS,
    pipelining: 1,
    allowH2: false,
    connect,
    headersTimeout: 0,
    bodyTimeout: 0,
  })
}

export interface OwnHeaders {
  /** Names and values in turn. */
  readonly current: readonly string[]
}

/**
 * A credential is renewed while its connection lives; the array is made anew only then. One that has ended meanwhile stops what would go
 * on without it: a server that serves strangers too would do for nobody what somebody asked for.
 */
export function openHeaders(portal: PortalInfo, credential: LiveCredential): OwnHeaders {
  const base = ['accept-encoding', 'identity', 'user-agent', `${portal.name}/${portal.version}`]
  let of: readonly string[] | null = null
  let whole: readonly string[] = base
  return {
    get current() {
      const { headers, poolKey } = credential
      if (headers !== of) {
        const isMeantToBeBare = poolKey === '' || poolKey === NOBODYS_KEY
        if (headers.length === 0 && !isMeantToBeBare) throw new Trouble('unsent', 'the credential has ended')
        of = headers
        whole = [...base, ...headers]
      }
      return whole
    },
  }
}

/** Everything that a POST carries: what goes with every request, and what this message says of itself. */
export function requestHeaders(target: HttpTarget, message: Message): string[] {
  const headers = target.own.current.slice()
  for (const name in message.headers) headers.push(name, message.headers[name] ?? '')
  return headers
}

/** The same, and who is calling where the server asks. */
export async function statedHeaders(target: HttpTarget, message: Message, exchange: Exchange): Promise<string[]> {
  const headers = requestHeaders(target, message)
  const { identity } = target
  if (identity !== null) headers.push(identity.name, await identity.valueFor(exchange))
  return headers
}

/** What goes with every request, and who the connection belongs to where the server asks. For what no call brings, so it sees to its own renewal. */
export async function ownHeaders(target: HttpTarget): Promise<string[]> {
  const { identity, credential, own } = target
  if (!credential.isFresh) await credential.freshen()
  return identity === null ? own.current.slice() : [...own.current, identity.name, await identity.ownValue()]
}

export async function streamHeaders(target: HttpTarget): Promise<string[]> {
  return [...STREAM, ...(await ownHeaders(target))]
}

/** The same for the rest of a call's own stream. */
export async function resumeHeaders(target: HttpTarget, exchange: Exchange): Promise<string[]> {
  const { identity, credential, own } = target
  if (!credential.isFresh) await credential.freshen(exchange)
  const headers = [...STREAM, ...own.current]
  if (identity !== null) headers.push(identity.name, await identity.valueFor(exchange))
  return headers
}

const STREAM: readonly string[] = ['accept', 'text/event-stream', 'cache-control', 'no-store']

/** The same server at another path. */
export function atUrl(target: HttpTarget, url: URL): HttpTarget {
  return { ...target, path: url.pathname + url.search }
}
