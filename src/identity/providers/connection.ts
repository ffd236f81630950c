/**
 * One provider as it was found: its metadata and keys, kept for a while, refreshed, and asked for once however many wait. For each
 * sign-in it makes a configuration of openid-client in which the rules are set that are not to be left to what comes over the wire.
 */
import {
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  clockTolerance,
  customFetch,
  enableNonRepudiationChecks,
  type JWKS,
  None,
  type ServerMetadata,
  setJwksCache,
} from 'openid-client'
import type { Clock } from '../../base/clock.ts'
import { discover, type ProviderMetadata } from './discover.ts'
import type { Net } from './net.ts'
import { type ProviderProblem, problemOf } from './problem.ts'
import type { ProviderSettings } from './settings.ts'

export interface ConnectionLimits {
  /** How long metadata is used before it is asked for again. */
  freshMs: number
  /** How long it is used where nobody answers when it is. */
  staleMs: number
  /** How long after a failure nobody is asked. */
  failedMs: number
  /** How long keys are used. */
  keysMs: number
  /** How soon keys are fetched again because a token names one that is not among them. */
  rotatedMs: number
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  freshMs: 3_600_000,
  staleMs: 24 * 3_600_000,
  failedMs: 5000,
  keysMs: 5 * 60_000,
  rotatedMs: 10_000,
}

export interface Connection {
  /** @throws ProviderProblem */
  metadata(): Promise<ProviderMetadata>
  /** For one exchange. @throws ProviderProblem */
  configuration(): Promise<Configuration>
}

/** Seconds; clocks differ (OIDC Core 3.1.3.7). */
const SKEW = 60
const EXCHANGE_SECONDS = 30
const USER_AGENT = 'portico'

interface Kept {
  metadata: ProviderMetadata
  at: number
}

export function openConnection(
  settings: ProviderSettings,
  net: Net,
  { clock, limits }: { clock: Clock; limits: ConnectionLimits },
): Connection {
  let kept: Kept | null = null
  let failed: { problem: ProviderProblem; at: number } | null = null
  let asking: Promise<ProviderMetadata> | null = null
  const keys = openKeys(net, clock, limits)

  async function ask(): Promise<ProviderMetadata> {
    const at = clock.now()
    try {
      const metadata = await discover(settings, net)
      kept = { metadata, at }
      failed = null
      return metadata
    } catch (error) {
      failed = { problem: problemOf(error), at }
      if (kept !== null && at - kept.at < limits.staleMs) return kept.metadata
      throw failed.problem
    }
  }

  async function metadata(): Promise<ProviderMetadata> {
    const now = clock.now()
    if (kept !== null && now - kept.at < limits.freshMs) return kept.metadata
    if (failed !== null && now - failed.at < limits.failedMs) {
      if (kept !== null && now - kept.at < limits.staleMs) return kept.metadata
      throw failed.problem
    }
    asking ??= ask().finally(() => {
      asking = null
    })
    return asking
  }

  return {
    metadata,
    async configuration() {
      const found = await metadata()
      const configuration = new Configuration(
        pinned(found, settings.algorithms),
        settings.clientId,
        { [clockTolerance]: SKEW },
        authOf(settings, found),
      )
      configuration.timeout = EXCHANGE_SECONDS
      // Without it the library believes an ID token because of where it came from.
      enableNonRepudiationChecks(configuration)
      // Only what the guard lets through in clear text, it lets through: a provider on this machine.
      if (settings.allowed.length > 0) allowInsecureRequests(configuration)
      keys.lend(configuration, found.jwks_uri)
      return configuration
    },
  }
}

/** The algorithms are ours; what the provider offers can only take away, and what a token's header says is compared with both. */
function pinned(found: ProviderMetadata, algorithms: readonly string[]): ServerMetadata {
  const offered = found.id_token_signing_alg_values_supported
  const both = algorithms.filter((one) => offered === undefined || offered.includes(one))
  const used = both.length === 0 ? [...algorithms] : both
  const rules = { id_token_signing_alg_values_supported: used, userinfo_signing_alg_values_supported: used }
  return { ...found, ...rules } as ServerMetadata
}

function authOf({ clientSecret, authMethod }: ProviderSettings, found: ProviderMetadata): ClientAuth {
  if (clientSecret === null) return None()
  // RFC 8414, section 2: where nothing is said, it is basic.
  const offered = found.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
  const chosen = authMethod ?? (offered.includes('client_secret_basic') ? 'client_secret_basic' : 'client_secret_post')
  return chosen === 'client_secret_basic' ? ClientSecretBasic(clientSecret) : ClientSecretPost(clientSecret)
}

/** The provider's keys, over many sign-ins. */
function openKeys({ send }: Net, clock: Clock, limits: ConnectionLimits) {
  let kept: { jwks: JWKS; at: number } | null = null

  async function fetched(url: string, init: RequestInit): Promise<Response> {
    const now = clock.now()
    // A token may name any key it likes: whoever forges them must not make us fetch keys at their pace.
    if (kept !== null && now - kept.at < limits.rotatedMs) return Response.json(kept.jwks)
    const response = await send(url, init)
    const jwks: unknown = await response
      .clone()
      .json()
      .catch(() => null)
    if (response.status === 200 && isKeySet(jwks)) kept = { jwks, at: now }
    return response
  }

  return {
    /** Gives a configuration what is known, and the way to what is new. */
    lend(configuration: Configuration, jwksUri: string): void {
      configuration[customFetch] = (url, options) => {
        const init = { ...options, headers: { ...options.headers, 'user-agent': USER_AGENT } } as RequestInit
        return url === URL.parse(jwksUri)?.href ? fetched(url, init) : send(url, init)
      }
      if (kept === null || clock.now() - kept.at >= limits.keysMs) return
      // The library asks again for a key that it does not find only where its set is older than a minute, and drops sets of five minutes.
      // Both are decided above, by our own measure: so it is told an age between the two.
      setJwksCache(configuration, { jwks: kept.jwks, uat: Math.floor(clock.now() / 1000) - 150 })
    },
  }
}

function isKeySet(value: unknown): value is JWKS {
  return typeof value === 'object' && value !== null && 'keys' in value && Array.isArray(value.keys)
}
