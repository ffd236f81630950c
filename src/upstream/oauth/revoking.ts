/**
 * Ends tokens at the server's side when nobody uses them here any more, as well as it goes and behind the answer. Many authorization
 * servers end everything that one account gave one client when they are told of one token, so nothing is revoked that a living
 * connection may hang on.
 */
import type { ServerUid } from '../../base/ids.ts'
import type { Log } from '../../base/log.ts'
import type { Store } from '../../store/open.ts'
import { listConnections, type OpenedConnection } from '../connections/connection-store.ts'
import type { ConnectionRecord, Owner, Tokens } from '../connections/model.ts'
import type { Attempt } from './attempt-store.ts'
import { type OauthTarget, OauthTrouble, type OauthWays } from './model.ts'

/** Tokens that are in no connection any more. */
export interface Ending {
  server: ServerUid
  owner: Owner
  issuer: string | null
  clientId: string | null
  account: string | null
  tokens: Pick<Tokens, 'access' | 'refresh'>
}

export interface RevokingDeps {
  store: Store
  log: Log
  ways: OauthWays
  targetOf(uid: ServerUid): OauthTarget | undefined | Promise<OauthTarget | undefined>
}

export class Revoking {
  readonly #deps: RevokingDeps
  readonly #running = new Set<Promise<void>>()

  constructor(deps: RevokingDeps) {
    this.#deps = deps
  }

  /** Returns at once. */
  end(endings: readonly Ending[]): void {
    for (const ending of endings) {
      const work = this.#end(ending)
        .catch((error: unknown) => {
          if (error instanceof OauthTrouble) this.#deps.log.debug({ kind: error.kind }, 'a token could not be revoked')
          else this.#deps.log.warn({ err: error }, 'a token could not be revoked')
        })
        .finally(() => this.#running.delete(work))
      this.#running.add(work)
    }
  }

  /** Waits for what is under way; each has its deadline. */
  async settled(): Promise<void> {
    await Promise.all(this.#running)
  }

  async #end(ending: Ending): Promise<void> {
    const { store, ways, targetOf } = this.#deps
    const living = await listConnections(store.db, { server: ending.server })
    if (living.some((one) => mayHang(one, ending))) return
    const target = await targetOf(ending.server)
    if (target === undefined) return
    const server = await ways.discover(target)
    // Tokens go only to whom they came from.
    if (server.issuer !== ending.issuer || server.revocationEndpoint === null) return
    const client = await ways.clientOf(target, server, { holder: ending.clientId })
    if (client.id !== ending.clientId) return
    const { access, refresh } = ending.tokens
    const hint = refresh === null ? 'access_token' : 'refresh_token'
    await ways.revoke(target, { server, client, token: refresh ?? access, hint })
  }
}

/** Whether a connection may be of the same grant. Two people without a name are taken for two; one person without a name is one. */
function mayHang(one: ConnectionRecord, { issuer, clientId, owner, account }: Ending): boolean {
  if (one.issuer !== issuer || one.clientId !== clientId) return false
  if (one.owner !== owner) return one.account !== null && one.account === account
  return one.account === null || account === null || one.account === account
}

/** Of a connection that was deleted. None for what no authorization server gave. */
export function endingOf({ record, tokens }: OpenedConnection): Ending[] {
  if (tokens === null || record.kind === 'token') return []
  const { serverUid: server, owner, issuer, clientId, account } = record
  return [{ server, owner, issuer, clientId, account, tokens }]
}

/** Of what came back and is not wanted. */
export function endingOfAttempt({ server, owner, secrets, account, result }: Attempt): Ending[] {
  if (result === null) return []
  return [{ server, owner, issuer: secrets.issuer, clientId: secrets.clientId, account, tokens: result.tokens }]
}
