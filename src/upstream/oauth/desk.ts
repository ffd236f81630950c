/**
 * Where people connect accounts (`connections/desk-model.ts`): out to the authorization server, back, and live only by the person's word.
 * Every step asks the store anew who it is for; nothing is kept in memory between them, so that any replica may serve the next.
 */
import { randomBytes } from 'node:crypto'
import type { ServerUid, UserId } from '../../base/ids.ts'
import { digest } from '../../base/secret.ts'
import {
  deleteConnections,
  openConnectionRow,
  readConnection,
  saveConnection,
} from '../connections/connection-store.ts'
import type {
  Arrival,
  AtDesk,
  Begun,
  CameBack,
  ConnectDesk,
  DeskRefusal,
  PersonsOwner,
} from '../connections/desk-model.ts'
import { lifeOf } from '../connections/life.ts'
import type { ConnectionRecord, Owner } from '../connections/model.ts'
import {
  type Attempt,
  type Bearer,
  deleteAttempt,
  deleteOverAttempts,
  insertAttempt,
  isActiveUser,
  readNature,
  readWaiting,
} from './attempt-store.ts'
import { comeBack } from './coming-back.ts'
import { type ConnectDeskDeps, refusalOf } from './desk-deps.ts'
import type { AuthServer, OauthTarget } from './model.ts'
import { endingOf, endingOfAttempt, Revoking } from './revoking.ts'
import { ALWAYS_ASKED, addedScopes, chooseScope, unionScopes } from './scopes.ts'
import { isToken } from './token-answer.ts'

/** `close` waits for revocations that are under way. */
export function openConnectDesk(deps: ConnectDeskDeps): ConnectDesk & { close(): Promise<void> } {
  return new OpenConnectDesk(deps)
}

class OpenConnectDesk implements ConnectDesk {
  readonly #deps: ConnectDeskDeps
  readonly #revoking: Revoking

  constructor(deps: ConnectDeskDeps) {
    this.#deps = deps
    this.#revoking = new Revoking(deps)
  }

  offers(uid: ServerUid, owner: PersonsOwner): 'oauth' | 'token' | null {
    const server = this.#deps.serverOf(uid)
    if (server?.authType === 'oauth') return server.authMode === 'dcr' || server.authMode === 'manual' ? 'oauth' : null
    // The shared token is written with the server.
    return server?.authType === 'bearer' && owner !== 'admin' ? 'token' : null
  }

  async preview(uid: ServerUid, owner: PersonsOwner, wanted: string | null) {
    const wish = await this.#wishOf(uid, owner, wanted)
    if ('reason' in wish) return { kind: 'refused' as const, reason: wish.reason }
    const { server, scope, added } = wish
    return { kind: 'preview' as const, issuer: issuerOf(server), scope, added }
  }

  async begin(
    uid: ServerUid,
    at: AtDesk,
    { wanted, returnTo }: { wanted: string | null; returnTo: string },
  ): Promise<Begun> {
    const { store, ways, log } = this.#deps
    const wish = await this.#wishOf(uid, at.owner, wanted)
    if ('reason' in wish) return { kind: 'refused', reason: wish.reason }
    const { target, server, scope } = wish
    const nature = await readNature(store.db, uid)
    if (nature === undefined) return { kind: 'refused', reason: 'not-offered' }
    const state = randomBytes(32).toString('base64url')
    try {
      const client = await ways.clientOf(target, server)
      const redirectUri = ways.redirectUriOf(target, server)
      const { location, verifier } = await ways.leave(target, { server, client, redirectUri, state, scope })
      const { issuer, hasIss, resource, authorizationEndpoint, tokenEndpoint } = server
      const endpoints = { issuer, hasIss, resource, authorizationEndpoint, tokenEndpoint }
      const secrets = { verifier, clientId: client.id, nature, ...endpoints }
      const made = { id: digest(state), server: uid, at, redirectUri, scope, returnTo, secrets }
      const isKept = await insertAttempt(this.#deps, made)
      return isKept ? { kind: 'leave', location } : { kind: 'refused', reason: 'not-offered' }
    } catch (error) {
      return { kind: 'refused', reason: refusalOf(log, uid, error, 'unreachable') }
    }
  }

  async comeBack(query: URLSearchParams, path: string, at: Bearer): Promise<CameBack> {
    const returned = await comeBack(this.#deps, query, { ...at, path })
    if (returned.kind === 'arrived') return { kind: 'confirm', arrival: await this.#arrivalOf(returned.attempt) }
    if (returned.unwanted !== undefined) this.#revoking.end(endingOfAttempt(returned.unwanted))
    return { kind: 'refused', reason: returned.reason, returnTo: returned.returnTo }
  }

  async waiting(id: string, at: Bearer): Promise<Arrival | undefined> {
    const attempt = await readWaiting(this.#deps.store.db, this.#deps, id, at)
    return attempt && this.#arrivalOf(attempt)
  }

  async confirm(id: string, at: Bearer & { by: string }): Promise<ConnectionRecord | undefined> {
    const { store, sealer, onConnected } = this.#deps
    const done = await store.write(async (trx) => {
      const attempt = await readWaiting(trx, this.#deps, id, at)
      // Of two at once, one deletes it.
      if (attempt === undefined || !(await deleteAttempt(trx, id))) return undefined
      // Two ways of one owner that are confirmed at once: one after the other, or the second would find the first one's row.
      await store.versions.bump(trx, 'connections')
      const { server: serverUid, owner, secrets, result, account, scope } = attempt
      const isSame = (await readNature(trx, serverUid)) === secrets.nature && (await isOwnerThere(trx, owner))
      if (!isSame || result === null) return { attempt, old: undefined, made: undefined }
      const old = await openConnectionRow(trx, sealer, serverUid, owner)
      const { access, type, refresh, expiresIn } = result.tokens
      const made = await saveConnection(store, trx, sealer, {
        ...{ serverUid, owner, createdBy: at.by, kind: 'oauth', account, scope },
        ...{ issuer: secrets.issuer, resource: secrets.resource, clientId: secrets.clientId },
        ...{ tokens: { access, type, refresh }, ...lifeOf(result.at, expiresIn, refresh !== null) },
      })
      return { attempt, old, made }
    })
    if (done === undefined) return undefined
    if (done.made === undefined) this.#revoking.end(endingOfAttempt(done.attempt))
    else {
      if (done.old !== undefined) this.#revoking.end(endingOf(done.old))
      onConnected(done.attempt.server, done.attempt.owner)
    }
    return done.made
  }

  async decline(id: string, at: Bearer): Promise<boolean> {
    const attempt = await this.#deps.store.write(async (trx) => {
      const waiting = await readWaiting(trx, this.#deps, id, at)
      return waiting !== undefined && (await deleteAttempt(trx, id)) ? waiting : undefined
    })
    if (attempt !== undefined) this.#revoking.end(endingOfAttempt(attempt))
    return attempt !== undefined
  }

  async paste(uid: ServerUid, at: AtDesk, text: string) {
    const { store, sealer, onConnected } = this.#deps
    const access = text.trim()
    const refused = (reason: DeskRefusal) => ({ kind: 'refused' as const, reason })
    if (this.offers(uid, at.owner) !== 'token') return refused('not-offered')
    if (!isToken(access)) return refused('bad-token')
    const connection = await store.write(async (trx) => {
      // One after the other, as above.
      await store.versions.bump(trx, 'connections')
      const nature = await readNature(trx, uid)
      if (nature === undefined || !nature.startsWith('["bearer"') || !(await isOwnerThere(trx, at.owner)))
        return undefined
      return saveConnection(store, trx, sealer, {
        ...{ serverUid: uid, owner: at.owner, createdBy: at.by, kind: 'token', account: null, scope: null },
        ...{ issuer: null, resource: null, clientId: null, expiresAt: null, renewAt: null },
        tokens: { access, type: 'Bearer', refresh: null },
      })
    })
    if (connection === undefined) return refused('not-offered')
    onConnected(uid, at.owner)
    return { kind: 'made' as const, connection }
  }

  async disconnect(which: { server?: ServerUid; owner?: Owner; user?: UserId }): Promise<number> {
    const { store, sealer } = this.#deps
    const ended = await store.write((trx) => deleteConnections(store, trx, sealer, which))
    this.#revoking.end(ended.flatMap(endingOf))
    return ended.length
  }

  async forget(): Promise<void> {
    this.#revoking.end((await deleteOverAttempts(this.#deps)).flatMap(endingOfAttempt))
  }

  settled(): Promise<void> {
    return this.#revoking.settled()
  }

  close(): Promise<void> {
    return this.#revoking.settled()
  }

  /** What would be asked for: all that the connection has, so that a wider one is never a narrower one, and what is wanted besides. */
  async #wishOf(
    uid: ServerUid,
    owner: PersonsOwner,
    wanted: string | null,
  ): Promise<
    { reason: DeskRefusal } | { target: OauthTarget; server: AuthServer; scope: string | null; added: string[] }
  > {
    const { store, ways, targetOf, log } = this.#deps
    const target = this.offers(uid, owner) === 'oauth' ? await targetOf(uid) : undefined
    if (target === undefined) return { reason: 'not-offered' }
    try {
      const server = await ways.discover(target)
      const held = await readConnection(store.db, uid, owner)
      const has = held?.issuer === server.issuer ? (held?.scope ?? null) : null
      const scope = unionScopes(has, chooseScope(server, wanted))
      return {
        target,
        server,
        scope,
        added: held === undefined ? [] : addedScopes(scope, unionScopes(has, ALWAYS_ASKED.join(' '))),
      }
    } catch (error) {
      return { reason: refusalOf(log, uid, error, 'unreachable') }
    }
  }

  async #arrivalOf({ id, server, owner, secrets, account, asked, scope, returnTo }: Attempt): Promise<Arrival> {
    const held = await readConnection(this.#deps.store.db, server, owner)
    const isOther = held !== undefined && held.account !== null && held.account !== account
    return {
      attempt: id,
      server,
      owner,
      account,
      issuer: issuerOf(secrets),
      scope,
      added: held === undefined ? [] : addedScopes(scope, held.scope),
      withheld: addedScopes(asked, unionScopes(scope, ALWAYS_ASKED.join(' '))),
      replaces: isOther ? held.account : null,
      returnTo,
    }
  }
}

/** For people: who it is that is asked. */
function issuerOf({ issuer, authorizationEndpoint }: Pick<AuthServer, 'issuer' | 'authorizationEndpoint'>): string {
  return issuer ?? new URL(authorizationEndpoint).origin
}

async function isOwnerThere(db: Parameters<typeof isActiveUser>[0], owner: PersonsOwner): Promise<boolean> {
  return owner === 'admin' || isActiveUser(db, owner.slice('user:'.length) as UserId)
}
