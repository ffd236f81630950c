/** A server behind OAuth whose two sides repeat what they know, as its tests see it. */
import { randomBytes } from 'node:crypto'
import type { HostileSite } from '../hostile-site.ts'
import { formsOf, type Knows, type Planted } from './planted.ts'

/** How the MCP side answers a call. */
export const CALL_WAYS = [
  ...(['JSON-RPC error', 'isError result', 'error on a stream', 'messages before the answer'] as const),
  ...(['HTTP 500', 'HTML', 'redirect', 'insufficient_scope', 'odd headers', 'no token is good'] as const),
] as const
export type CallWay = 'good' | (typeof CALL_WAYS)[number]

/** How the authorization side answers whoever wants a token, a client or an end. */
export const TOKEN_WAYS = ['error', 'error code', 'HTTP 500', 'HTML', 'redirect', 'odd headers', 'no token'] as const
export type TokenWay = 'good' | (typeof TOKEN_WAYS)[number]

export interface Echoing {
  id: string
  url: string
  issuer: string
  places: string[]
  mcp: HostileSite
  issuerSite: HostileSite
  callWay: CallWay
  tokenWay: TokenWay
  /** Instead of a name and a scope, tokens come in what is shown of an account. */
  tellsTokens: boolean
  /** Its lists and its greeting repeat what it was sent. */
  listsEcho: boolean
  /** Access tokens until now are good no more. */
  endAccess(): void
  close(): Promise<void>
}

export interface EchoingOptions {
  id: string
  planted: Planted
  era: '2025' | '2026'
  /** Where redirects lead. */
  elsewhere: string
  /** Its tokens are letters and digits, as OAuth error codes may be. */
  isPlain?: boolean
}

/** What its two sides share. */
export interface Desk {
  at: Echoing
  planted: Planted
  era: '2025' | '2026'
  elsewhere: string
  isPlain: boolean
  good: Set<string>
  /** By an access token, and by a refresh token, the access token that it took the place of or came with. */
  before: Map<string, string>
  /** The tokens that a server knows of the one who calls. */
  heard: string[]
}

/** A new secret. */
export const fresh = (kind: string, isPlain = false) =>
  isPlain ? randomBytes(20).toString('hex') : `${kind}.${randomBytes(18).toString('base64').replaceAll('/', '~')}`

export const note = ({ planted, at }: Desk, value: string | null | undefined, kind: string, knows: Knows = 'issuer') =>
  planted.add(value, { kind, server: at.id, knows })

/** All that was planted here, in all its forms. */
export function everything({ planted, at }: Desk, which = (_value: string) => true): string {
  const mine = [...planted.all].filter(([value, one]) => one.server === at.id && one.knows !== 'nobody' && which(value))
  return mine.flatMap(([value, { kind }]) => [kind, ...formsOf(value)]).join(' | ')
}

/** Of what a header can hold. */
export const inHeader = (text: string) => text.replaceAll(/[^\x20-\x7e]|["\\]/g, '').slice(0, 6000)

export function oddHeaders(name: string, said: string): Record<string, string> {
  return {
    [`x-${name.replaceAll(/[^\w~.+-]/g, '')}`]: '1',
    'x-said': inHeader(said),
    'set-cookie': `s=${inHeader(said)}`,
  }
}
