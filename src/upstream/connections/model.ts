/**
 * The credentials that the portal holds at servers, as the rest of the room knows them. Whose a call's credential is, is decided by one
 * resolver (`resolve.ts`) for every method; nothing here ever falls back from one owner to another.
 */
import { Fault, type FaultCode } from '../../base/fault.ts'
import type { ServerId, ServerUid, UserId } from '../../base/ids.ts'

/** `admin`: the shared credential, made by an admin in a browser. `machine`: the portal's own, by client credentials. Else one person's. */
export type Owner = 'admin' | 'machine' | `user:${UserId}`

export type ConnectionKind = 'oauth' | 'token' | 'machine' | 'enterprise'
export type ConnectionStatus = 'ready' | 'needs_reauth' | 'error'

/**
 * Why a connection is not ready, as the audit, the API and pages name it:
 *
 * - `revoked`: its authorization server does not know the refresh token any more
 * - `expired`: it ended, and cannot be renewed without a person
 * - `refused`: the server does not take a token that should be good
 * - `moved`: the server names another authorization server than the one that it was made at
 * - `client-gone`: the authorization server does not know the portal any more, and registering anew did not help
 * - `unsealed`: what is stored does not open with the keys at hand, or is of another row
 * - `scope`: the server wants more rights than it has
 * - `unreachable`: the authorization server does not answer; it may mend itself
 * - `identity`: the person's identity provider does not vouch for them at this server
 * - `restored`: a backup was restored since it was made
 */
export const CONNECTION_REASONS = [
  ...(['revoked', 'expired', 'refused', 'moved', 'client-gone', 'unsealed', 'scope', 'unreachable'] as const),
  ...(['identity', 'restored'] as const),
] as const
export type ConnectionReason = (typeof CONNECTION_REASONS)[number]

/** A connection with everything that may be shown of it. No secret is in it. */
export interface ConnectionRecord {
  id: string
  serverUid: ServerUid
  owner: Owner
  userId: UserId | null
  kind: ConnectionKind
  status: ConnectionStatus
  reason: ConnectionReason | null
  issuer: string | null
  resource: string | null
  clientId: string | null
  /** Granted, separated by spaces; null where the server's side did not say. */
  scope: string | null
  /** What the server's side calls the account. */
  account: string | null
  hasRefreshToken: boolean
  /** Of the access token, in milliseconds since 1970. */
  expiresAt: number | null
  renewAt: number | null
  refreshedAt: number | null
  version: number
  warnedAt: number | null
  createdAt: number
  createdBy: string
}

/** In the clear, on the way in or out of the seal. */
export interface Tokens {
  access: string
  /** As the server's side said it, usually `Bearer`. */
  type: string
  refresh: string | null
}

/** Tokens as an authorization server gave them. */
export interface GrantedTokens extends Tokens {
  /** Seconds from now; null where it did not say. */
  expiresIn: number | null
  /** Null where it did not say: then it is what was asked for. */
  scope: string | null
  /** The ID token, where one came: for the name of the account, and for nothing else. */
  idToken: string | null
}

/** `retry-after` and the like do not matter here: what a server's 401 or 403 asks for (RFC 6750 section 3, RFC 9728 section 5.1). */
export interface Challenge {
  status: 401 | 403
  /** `insufficient_scope`, `invalid_token`. */
  error: string | null
  /** All that this operation needs. */
  scope: string | null
  resourceMetadata: string | null
}

/**
 * A call cannot be made for want of the caller's own connection: the portal may ask the person and try again. Nothing was performed.
 * Only ever thrown for a credential of the caller's own; trouble with a shared one is no caller's business.
 */
export class ConnectionNeeded extends Fault {
  readonly need: 'connect' | 'reconnect' | 'more-scope'
  readonly server: { uid: ServerUid; id: ServerId; name: string }
  /** For `more-scope`: all that is to be asked for. */
  readonly scope: string | null

  constructor(need: ConnectionNeeded['need'], server: ConnectionNeeded['server'], scope: string | null = null) {
    super(CODES[need], sentenceOf(need, server.name))
    this.name = 'ConnectionNeeded'
    this.need = need
    this.server = server
    this.scope = scope
  }
}

const CODES: Readonly<Record<ConnectionNeeded['need'], FaultCode>> = {
  connect: 'upstream-not-connected',
  reconnect: 'upstream-reconnect',
  'more-scope': 'upstream-more-scope',
}

function sentenceOf(need: ConnectionNeeded['need'], name: string): string {
  switch (need) {
    case 'connect':
      return `${name} works with your own account there, and you have not connected one yet.`
    case 'reconnect':
      return `Your connection to ${name} has ended. Connect it again.`
    case 'more-scope':
      return `${name} wants more rights for this than your connection has.`
  }
}

/**
 * A credential in use, for as long as its connection to the server lives. Its tokens change under it; whose it is never does. Two that
 * differ in `poolKey` never share a connection.
 */
export interface LiveCredential {
  /** Of the connection at the server; part of the pool's key. Empty for what is configured with the server. */
  readonly poolKey: string
  /** Whose lists these are: `admin` for every shared credential, `user:<id>` for a person's own. */
  readonly inventory: string
  /**
   * `none`, `bearer:admin`, `oauth:admin:<id>:<state>`, `oauth:user:<id>:<state>`, `machine:<id>:<state>`, `enterprise:user:<id>:<state>`,
   * `token:user:<id>:<state>`. Never `renewed`, which is said of a call and not of what many calls carry: see `Witness`.
   */
  readonly name: string
  /** Names and values in turn, as they are now. */
  readonly headers: readonly string[]
  /** What must not be shown of it, now and of late. */
  readonly secrets: readonly string[]
  /** What is sent of them now, as it is looked for in every result: made once (`redact.ts`). */
  readonly needles: readonly Buffer[]
  /** Whether `headers` may be sent as they are. */
  readonly isFresh: boolean
  /** Renews what is due; at once where nothing is. @throws ConnectionNeeded, Trouble */
  freshen(witness?: Witness): Promise<void>
  /**
   * The server did not take it. One renewal is tried, by one of however many ask.
   *
   * @param sent the headers that were refused: where others are in use by now, they are tried first
   * @returns where another attempt may succeed
   * @throws ConnectionNeeded, Trouble
   */
  refused(challenge: Challenge, sent: readonly string[], witness?: Witness): Promise<void>
}

/** A call, as far as it is told what was done for it. */
export interface Witness {
  /** It caused a renewal that succeeded, or waited for one. */
  isRenewed: boolean
}

/** What happened to a shared credential that admins should know of. */
export interface ConnectionEvent {
  /** `expiring`: it will end, and nobody can renew it without a person. `failing`: its renewal fails, and it will end. */
  type: 'connection.expiring' | 'connection.failing' | 'connection.needs_reauth' | 'connection.ready'
  server: { uid: ServerUid; id: ServerId; name: string }
  connection: string
  owner: 'admin' | 'machine' | 'user'
  reason: ConnectionReason | null
  /** When it ends, or ended; milliseconds since 1970. */
  expiresAt: number | null
}
