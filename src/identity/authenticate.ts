/**
 * Who is calling the portal over MCP: a person's access token, or a bot's service token. Known credentials are answered
 * from memory, keyed by the full SHA-256 of what was shown (never a prefix); any change of tokens empties the memory.
 * It says who, not whether they may: that is policy's.
 */
import type { Clock } from '../base/clock.ts'
import type { GrantId, PortalUid, ServiceTokenId } from '../base/ids.ts'
import type { Principal } from '../base/principal.ts'
import { digest, looksLikeSecret, sameSecret } from '../base/secret.ts'
import type { Store } from '../store/open.ts'
import { type AccessTokenRecord, findAccessToken } from './access-token-store.ts'
import { readServiceToken, type ShownToken } from './read-service-token.ts'
import { findServiceToken, noteServiceTokenSeen, type ServiceTokenRecord } from './service-token-store.ts'
import { openStanding } from './standing.ts'

/** What a request showed. All values come from headers that stood there exactly once. */
export interface Shown {
  authorization: string | undefined
  clientId: string | undefined
  clientSecret: string | undefined
  /** A whole service token as JSON, from the one header in which this portal reads them; then `authorization` is not that header. */
  serviceToken: string | undefined
}

/** A service token that is known, and did not open anything. */
export interface FailedServiceToken {
  id: ServiceTokenId
  name: string
  why: 'bad-secret' | 'expired' | 'disabled'
}

export interface Authenticated {
  principal: Principal
  /** The one portal that the token is good for; null for a service token, whose portals the policies name. */
  audience: PortalUid | null
}

export interface Authenticator {
  /** @returns null for anything that is not one good credential; why is nobody's business outside */
  authenticate(shown: Shown): Authenticated | null | Promise<Authenticated | null>
  /** Whose credential was tried in vain, where it is known; for the audit alone. @param shown the very object that was refused */
  failed(shown: Shown): FailedServiceToken | undefined
  /**
   * Whether what was shown has not been withdrawn since. Unlike `authenticate` it looks past the end of a client's access token, which
   * lives for minutes while its grant stands: for streams that were opened with one.
   */
  stands(shown: Shown): Promise<boolean>
  /** After tokens were made, changed or revoked, here or on another replica. */
  onChange(listener: () => void): void
}

interface Known {
  who: Authenticated
  expiresAt: number
}

const KEPT = 60_000
/** How coarse "last seen" is: fine enough to find tokens that nobody uses. So long, and no longer, one is known without a look. */
const SEEN_MS = 3_600_000
const CLIENT_ID = /^[0-9a-f]{32}\.access$/
const BEARER = /^Bearer +([\x21-\x7e]+)$/i

export function openAuthenticator(store: Store, clock: Clock): Authenticator {
  const known = new Map<string, Known>()
  const failures = new WeakMap<Shown, FailedServiceToken>()
  const listeners: (() => void)[] = []
  const standing = openStanding(store, clock)
  let epoch = 0
  store.versions.changed('tokens', () => {
    epoch++
    known.clear()
    for (const listener of listeners) listener()
  })

  function keep(key: string, found: Known, readAt: number): Authenticated {
    // What was read before a revocation must not be kept after it.
    if (readAt === epoch) {
      if (known.size >= KEPT) known.delete(known.keys().next().value ?? '')
      known.set(key, found)
    }
    return found.who
  }

  async function accessToken(key: string): Promise<Authenticated | null> {
    const readAt = epoch
    const record = await findAccessToken(store.db, key)
    if (!record || record.revokedAt !== null || record.isStopped) return null
    const expiresAt = record.expiresAt ?? Number.POSITIVE_INFINITY
    if (expiresAt <= clock.now()) return null
    return keep(key, { who: fromAccessToken(record), expiresAt }, readAt)
  }

  async function serviceToken(key: string, shown: Shown, token: ShownToken): Promise<Authenticated | null> {
    // What cannot be an id of ours costs no look.
    if (!CLIENT_ID.test(token.clientId)) return null
    const readAt = epoch
    const record = await findServiceToken(store.db, token.clientId)
    if (!record) return null
    const now = clock.now()
    const good = goodUntil(record, token.clientSecret, now)
    if (typeof good === 'string') {
      failures.set(shown, { id: record.id, name: record.name, why: good })
      return null
    }
    if (now - (record.lastSeenAt ?? 0) >= SEEN_MS) await noteServiceTokenSeen(store.db, record.id, now)
    // Looked at again each hour, or a bot that never rests would look like one that is gone.
    return keep(key, { who: fromServiceToken(record), expiresAt: Math.min(good, now + SEEN_MS) }, readAt)
  }

  const authenticator: Authenticator = {
    onChange: (listener) => void listeners.push(listener),
    async stands(shown) {
      const token = shown.clientId === undefined ? bearerIn(shown.authorization) : undefined
      // A bot's credential is its own grant.
      return token === undefined ? (await authenticator.authenticate(shown)) !== null : standing(digest(token))
    },
    failed: (shown) => failures.get(shown),
    authenticate(shown) {
      const { authorization, clientId, clientSecret } = shown
      const bot = clientId !== undefined || clientSecret !== undefined
      if (shown.serviceToken !== undefined) {
        if (bot || authorization !== undefined) return null
        // No header has a NUL, so no bearer token and no pair of headers finds what is kept under it.
        const key = digest(`\0json\0${shown.serviceToken}`)
        const who = fresh(known.get(key), clock)
        if (who !== undefined) return who
        const token = readServiceToken(shown.serviceToken)
        return token === null ? null : serviceToken(key, shown, token)
      }
      // Two kinds at once: which one was meant must not be guessed (strict service-token authentication).
      if (bot === (authorization !== undefined)) return null
      if (bot) {
        if (clientId === undefined || clientSecret === undefined) return null
        const key = digest(`${clientId}\0${clientSecret}`)
        return fresh(known.get(key), clock) ?? serviceToken(key, shown, { clientId, clientSecret })
      }
      const token = bearerIn(authorization)
      if (token === undefined) return null
      const key = digest(token)
      // The checksum turns noise away before it costs a database read.
      return fresh(known.get(key), clock) ?? (looksLikeSecret(token, 'ptat') ? accessToken(key) : null)
    },
  }
  return authenticator
}

function bearerIn(authorization: string | undefined): string | undefined {
  return BEARER.exec(authorization ?? '')?.[1]
}

function fresh(entry: Known | undefined, clock: Clock): Authenticated | undefined {
  return entry !== undefined && entry.expiresAt > clock.now() ? entry.who : undefined
}

function fromAccessToken(record: AccessTokenRecord): Authenticated {
  const { userId, email, label, grantId, identity, portalUid } = record
  return { principal: { kind: 'user', id: userId, email, label, grant: grantId, identity }, audience: portalUid }
}

function fromServiceToken({ id, name, clientId }: ServiceTokenRecord): Authenticated {
  return { principal: { kind: 'service', id, name, clientId, grant: id as string as GrantId }, audience: null }
}

/** @returns until when this secret is good, in milliseconds since 1970, or why it is not */
function goodUntil(record: ServiceTokenRecord, secret: string, now: number): number | FailedServiceToken['why'] {
  const { enabled, secretDigest, previousSecretDigest, previousExpiresAt } = record
  const shown = looksLikeSecret(secret, 'ptst') ? digest(secret) : ''
  const isCurrent = sameSecret(shown, secretDigest)
  const isPrevious = previousSecretDigest !== null && sameSecret(shown, previousSecretDigest)
  if (!isCurrent && !isPrevious) return 'bad-secret'
  if (!enabled) return 'disabled'
  const expiresAt = record.expiresAt ?? Number.POSITIVE_INFINITY
  const until = isCurrent ? expiresAt : Math.min(expiresAt, previousExpiresAt ?? 0)
  return until > now ? until : 'expired'
}
