/** How a provider goes wrong, and what it is told by its test. */
import type { Account } from './people.ts'

/** In what it puts into an ID token. */
export const TOKEN_MODES = [
  ...(['wrong-nonce', 'no-nonce', 'wrong-issuer', 'wrong-audience', 'audiences', 'wrong-party', 'expired'] as const),
  ...([
    'alg-none',
    'hs-secret',
    'hs-public',
    'foreign-key',
    'unknown-kid',
    'no-kid-hs',
    'no-subject',
    'no-token',
  ] as const),
] as const
/** In how it answers. */
export const ANSWER_MODES = [
  ...(['down', 'token-error', 'token-html', 'token-redirect', 'userinfo-down', 'userinfo-other', 'keys-down'] as const),
  ...(['no-iss', 'wrong-iss', 'denied', 'discovery-other', 'endpoints-elsewhere', 'refresh-down', 'no-word'] as const),
] as const
export type Mode = 'good' | (typeof TOKEN_MODES)[number] | (typeof ANSWER_MODES)[number]

export interface Client {
  client_id: string
  client_secret?: string
  redirect_uris: readonly string[]
  /** Laid over the metadata. */
  more?: Record<string, unknown>
}

export type Order =
  | { kind: 'mode'; mode: Mode }
  | { kind: 'client'; client: Client }
  /** The names that nobody signs in under any more, and whose refresh tokens are dead. */
  | { kind: 'gone'; names: readonly string[] }
  | { kind: 'account'; name: string; account: Account }
  /** A new key; the old one is dropped. */
  | { kind: 'rotate' }
  /** It stands below this path, as Entra's tenants do; empty for the root. */
  | { kind: 'tenant'; path: string }
  | { kind: 'count' }

export interface Options {
  /** Claims stand at userinfo only. */
  thin?: boolean
  /** How its ID tokens are signed. */
  alg?: 'RS256' | 'ES256'
}

/** How often each path was asked for. */
export type Counts = Readonly<Record<string, number>>
