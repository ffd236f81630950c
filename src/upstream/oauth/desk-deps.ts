/** What the desk is opened with, and how it says to people what went wrong. */
import { DestinationDenied } from '../../base/egress.ts'
import type { ServerUid } from '../../base/ids.ts'
import type { Log } from '../../base/log.ts'
import type { Sealer } from '../../base/secret.ts'
import type { Store } from '../../store/open.ts'
import type { DeskRefusal, PersonsOwner } from '../connections/desk-model.ts'
import type { ServerRecord } from '../model.ts'
import { type OauthTarget, OauthTrouble, type OauthWays } from './model.ts'
import type { CodeWays } from './ways.ts'

export interface ConnectDeskDeps {
  store: Store
  /** Of purpose `store`. */
  sealer: Sealer
  log: Log
  /** From `openOauthWays`. */
  ways: OauthWays & CodeWays
  /** The server with its secrets in the clear, as it is now; undefined where there is none. */
  targetOf(uid: ServerUid): OauthTarget | undefined | Promise<OauthTarget | undefined>
  /** The same server as its record says. Never waits. */
  serverOf(uid: ServerUid): Pick<ServerRecord, 'authType' | 'authMode'> | undefined
  /** A connection is live: its lists may be read. Called after the commit; must not throw. */
  onConnected(server: ServerUid, owner: PersonsOwner): void
}

/**
 * What pages may know of a trouble; the log has the rest. A place where the portal may not go is told like one that does not answer.
 *
 * @param otherwise for an answer that cannot be used
 */
export function refusalOf(
  log: Log,
  server: ServerUid,
  error: unknown,
  otherwise: 'unreachable' | 'no-token',
): DeskRefusal {
  if (!(error instanceof OauthTrouble)) throw error
  const { kind, code, message } = error
  log.warn({ server, kind, code, detail: message }, 'an account could not be connected')
  if (error.cause instanceof DestinationDenied) return 'unreachable'
  switch (kind) {
    case 'unreachable':
    case 'not-found':
      return 'unreachable'
    case 'no-registration':
      return 'no-registration'
    case 'resource-mismatch':
    case 'issuer-mismatch':
    case 'no-pkce':
    case 'insecure':
    case 'foreign-endpoint':
    case 'moved':
      return 'unsafe-server'
    case 'invalid_grant':
    case 'invalid_client':
    case 'refused':
    case 'bad-answer':
      return otherwise
  }
}
