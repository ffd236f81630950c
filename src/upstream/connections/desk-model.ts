/**
 * Where people connect accounts: the way out to an authorization server, the way back, and the person's word that it is the right
 * account. Pages show it; nothing here knows a page. Whatever is asked twice, by somebody else, or too late, stores nothing.
 */
import type { ServerUid, UserId } from '../../base/ids.ts'
import type { ConnectionKind, ConnectionRecord, Owner } from './model.ts'

/** Only people make these; the portal makes its own. */
export type PersonsOwner = Extract<Owner, 'admin' | `user:${string}`>

/** Who is at the desk: checked by the page, compared here with what the attempt began with. */
export interface AtDesk {
  owner: PersonsOwner
  /** SHA-256 of the browser's binding cookie. */
  binding: string
  /** For the audit, and `created_by`. */
  by: string
}

/** Why nothing was begun or made, as pages and the audit name it. */
export const DESK_REFUSALS = [
  /** The server is not there, or takes no connection of this kind. */
  'not-offered',
  /** The authorization server does not answer, or not with what it should. */
  'unreachable',
  /** It cannot be trusted with a code: no PKCE, another issuer, another resource, an insecure or foreign endpoint. */
  'unsafe-server',
  /** It knows no such client as the portal, and registers none. An admin has to write one down. */
  'no-registration',
  /** The way back is used, too old, or not of this browser, person and server. */
  'not-yours',
  /** The answer names another issuer, or none where it should. */
  'wrong-issuer',
  /** The person, or the server, said no. */
  'denied',
  /** The code was not good, or what came for it is no token. */
  'no-token',
  /** A pasted token that no header can carry. */
  'bad-token',
] as const
export type DeskRefusal = (typeof DESK_REFUSALS)[number]

export type Begun = { kind: 'leave'; location: string } | { kind: 'refused'; reason: DeskRefusal }

/** What came back, waiting for the person's word. */
export interface Arrival {
  /** Names it in the form that confirms it; worth nothing in another browser, or to another person. */
  attempt: string
  server: ServerUid
  owner: PersonsOwner
  /** What the server's side calls the account; null where it does not say. */
  account: string | null
  issuer: string
  /** Granted; null where that was not said. */
  scope: string | null
  /** Scopes that the connection in place does not have; empty for a first one. */
  added: readonly string[]
  /** Scopes that were asked for and not granted. */
  withheld: readonly string[]
  /** The account of the connection in place, where there is one and it is another. */
  replaces: string | null
  returnTo: string
}

export type CameBack =
  | { kind: 'confirm'; arrival: Arrival }
  | { kind: 'refused'; reason: DeskRefusal; returnTo: string | null }

export interface ConnectDesk {
  /** How this server takes connections of people: `oauth` by a browser, `token` pasted, or none at all. */
  offers(server: ServerUid, owner: PersonsOwner): Extract<ConnectionKind, 'oauth' | 'token'> | null
  /**
   * What would be asked for, for the page before leaving: the scopes and how far they go beyond what the connection has.
   *
   * @param wanted all scopes that a call found missing, or null
   */
  preview(
    server: ServerUid,
    owner: PersonsOwner,
    wanted: string | null,
  ): Promise<
    | { kind: 'preview'; issuer: string; scope: string | null; added: readonly string[] }
    | { kind: 'refused'; reason: DeskRefusal }
  >
  /**
   * @param wanted as above; what is asked for is that and what the connection has
   * @param returnTo a path of our own, checked by whoever read it
   */
  begin(server: ServerUid, at: AtDesk, wish: { wanted: string | null; returnTo: string }): Promise<Begun>
  /**
   * The browser is back. Whoever shows a `state` uses it up, right or wrong.
   *
   * @param serverId the one that the path named, or null on the shared path
   * @param owners who the browser may be acting as: the signed-in person, and `admin` where it holds that way's cookie
   */
  comeBack(
    query: URLSearchParams,
    path: string,
    at: Pick<AtDesk, 'binding'> & { user: UserId | null },
  ): Promise<CameBack>
  /** What waits for this person's word; undefined where nothing does. */
  waiting(attempt: string, at: Pick<AtDesk, 'binding'> & { user: UserId | null }): Promise<Arrival | undefined>
  /** It becomes live now, and what was there before is revoked. @returns undefined where nothing waits */
  confirm(
    attempt: string,
    at: Pick<AtDesk, 'binding'> & { user: UserId | null; by: string },
  ): Promise<ConnectionRecord | undefined>
  /** It is thrown away, and revoked at the server's side. */
  decline(attempt: string, at: Pick<AtDesk, 'binding'> & { user: UserId | null }): Promise<boolean>
  /** A token that the person has made at the server's side and pasted. */
  paste(
    server: ServerUid,
    at: AtDesk,
    token: string,
  ): Promise<{ kind: 'made'; connection: ConnectionRecord } | { kind: 'refused'; reason: DeskRefusal }>
  /** Ends connections here and, as well as it goes, at the server's side. @returns how many */
  disconnect(which: { server?: ServerUid; owner?: Owner; user?: UserId }): Promise<number>
  /** Resolves when nothing is being revoked at any server's side; each revocation has its deadline. */
  settled(): Promise<void>
  /** Deletes ways that are over, and revokes what came back and was never confirmed. */
  forget(): Promise<void>
}
