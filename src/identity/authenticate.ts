/**
 * Who is calling the portal over MCP: a person's access token, or a bot's service token. Known credentials are answered
 * from memory, keyed by the full SHA-256 of what was shown (never a prefix); any change of tokens empties the memory.
 * It says who, not whether they may: that is policy's.
 */
import type { Clock } from '../base/clock.ts'
import type { GrantId, PortalUid } from '../base/ids.ts'
import type { Principal } from '../base/principal.ts'
import { digest, looksLikeSecret, sameSecret } from '../base/secret.ts'
import type { Store } from '../store/open.ts'
import { type AccessTokenRecord, findAccessToken } from './access-token-store.ts'
import { findServiceToken, noteServiceTokenSeen, type ServiceTokenRecord } from './service-token-store.ts'

/** What a request showed. All values come from headers that stood there exactly once. */
export interface Shown {
  authorization: string | undefined
  clientId: string | undefined
  clientSecret: string | undefined
}

export interface Authenticated {
  principal: Principal
  /** The one portal that the token is good for; null for a service token, whose portals the policies name. */
  audience: PortalUid | null
}

export interface Authenticator {
  /** @returns null for anything that is not one good credential; why is nobody's business outside */
  authenticate(shown: Shown): Authenticated | null | Promise<Authenticated | null>
  /** After tokens were made, changed or revoked, here or on another replica. */
  onChange(listener: () => void): void
}

interface Known {
  who: Authenticated
  expiresAt: number
}

const KEPT = 60_000
/** How coarse "last seen" is: fine enough to find tokens that nobody uses. */
const SEEN_MS = 3_600_000
const BEARER = /^Bearer +([\x21-\x7e]+)$/i

export function openAuthenticator(store: Store, clock: Clock): Authenticator {
  const known = new Map<string, Known>()
  const listeners: (() => void)[] = []
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

  async function serviceToken(key: string, clientId: string, secret: string): Promise<Authenticated | null> {
    const readAt = epoch
    const record = await findServiceToken(store.db, clientId)
    const expiresAt = record && goodUntil(record, digest(secret), clock.now())
    if (!record || expiresAt === undefined) return null
    const now = clock.now()
    if (now - (record.lastSeenAt ?? 0) > SEEN_MS) await noteServiceTokenSeen(store.db, record.id, now)
    return keep(key, { who: fromServiceToken(record), expiresAt }, readAt)
  }

  return {
    onChange: (listener) => void listeners.push(listener),
    authenticate({ authorization, clientId, clientSecret }) {
      const bot = clientId !== undefined || clientSecret !== undefined
      // Two kinds at once: which one was meant must not be guessed (strict service-token authentication).
      if (bot === (authorization !== undefined)) return null
      if (bot) {
        if (clientId === undefined || clientSecret === undefined) return null
        const key = digest(`${clientId}\0${clientSecret}`)
        return fresh(known.get(key), clock) ?? serviceToken(key, clientId, clientSecret)
      }
      const token = BEARER.exec(authorization ?? '')?.[1]
      if (token === undefined) return null
      const key = digest(token)
      // The checksum turns noise away before it costs a database read.
      return fresh(known.get(key), clock) ?? (looksLikeSecret(token, 'ptat') ? accessToken(key) : null)
    },
  }
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

/** @returns until when this secret is good, in milliseconds since 1970, or undefined if it is not */
function goodUntil(record: ServiceTokenRecord, shown: string, now: number): number | undefined {
  const { enabled, secretDigest, previousSecretDigest, previousExpiresAt } = record
  const expiresAt = record.expiresAt ?? Number.POSITIVE_INFINITY
  if (!enabled || expiresAt <= now) return undefined
  if (sameSecret(shown, secretDigest)) return expiresAt
  if (previousSecretDigest === null || !sameSecret(shown, previousSecretDigest)) return undefined
  const graceEnds = Math.min(expiresAt, previousExpiresAt ?? 0)
  return graceEnds > now ? graceEnds : undefined
}
