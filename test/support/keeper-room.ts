/** The keeper on a real store, with the real OAuth client and a real authorization server, and a clock that can be moved. */
import { systemClock } from '../../src/base/clock.ts'
import type { AssertionFor } from '../../src/base/identity-assertion.ts'
import type { GrantId, ServerId, ServerUid, UserId } from '../../src/base/ids.ts'
import { silentLog } from '../../src/base/log.ts'
import type { ServicePrincipal, UserPrincipal } from '../../src/base/principal.ts'
import { keyRing, openSealer } from '../../src/base/secret.ts'
import type { WrittenOauth } from '../../src/contract/credentials.ts'
import type { Store } from '../../src/store/open.ts'
import { openConnectionRow, saveConnection } from '../../src/upstream/connections/connection-store.ts'
import { type Keeper, openKeeper } from '../../src/upstream/connections/keeper.ts'
import { lifeOf } from '../../src/upstream/connections/life.ts'
import type { ConnectionEvent, ConnectionRecord, Owner } from '../../src/upstream/connections/model.ts'
import type { KeptServer } from '../../src/upstream/connections/resolve.ts'
import type { OauthTarget } from '../../src/upstream/oauth/model.ts'
import { openOauthWays } from '../../src/upstream/oauth/ways.ts'
import { insertServer } from '../../src/upstream/server-store.ts'
import { Trouble } from '../../src/upstream/trouble.ts'
import { type DatabaseKind, freshStore, type TestStore } from '../databases.ts'
import { localEgress } from '../upstream-room.ts'
import { startTokenServer, type TokenServer } from './token-server.ts'

export const SEALER = openSealer(keyRing([Buffer.alloc(32, 7)]), 'store')
const author = { label: 'test', origin: 'api' as const }

export interface Replica {
  store: Store
  keeper: Keeper
  events: ConnectionEvent[]
}

export interface KeeperRoom extends Replica {
  at: TestStore
  clock: { now(): number; elapsed(): number; move(ms: number): void }
  server: TokenServer
  /** Another process on the same database; only PostgreSQL has several. */
  replica(): Promise<Replica>
  /** A server behind the portal, whose tokens come from `server`. */
  add(id: string, mode: KeptServer['mode'], written?: WrittenOauth): Promise<KeptServer>
  person(name: string): Promise<UserPrincipal>
  /** As if the owner had connected in a browser. */
  connect(
    setup: KeptServer,
    owner: Owner,
    more?: { refresh?: boolean; seconds?: number | null },
  ): Promise<ConnectionRecord>
  row(setup: KeptServer, owner: Owner): ReturnType<typeof openConnectionRow>
  /** Whose token a header is, as the server sees it. */
  ownerOf(credential: { headers: readonly string[] }): string | null
  authenticationStatus(setup: KeptServer): Promise<string | undefined>
  end(): Promise<void>
}

export interface KeeperRoomOptions {
  assertionFor?: AssertionFor | null
}

export const BOT = { kind: 'service', id: 's', name: 'bot', clientId: 'c', grant: 'g' } as unknown as ServicePrincipal

export async function openKeeperRoom(kind: DatabaseKind, options: KeeperRoomOptions = {}): Promise<KeeperRoom> {
  let ahead = 0
  const clock = {
    now: () => systemClock.now() + ahead,
    elapsed: () => systemClock.elapsed(),
    move: (ms: number) => {
      ahead += ms
    },
  }
  const at = await freshStore(kind, clock)
  const server = await startTokenServer()
  const egress = localEgress()
  const targets = new Map<ServerUid, OauthTarget>()
  const ends: (() => Promise<void>)[] = []

  function replicaOn(store: Store): Replica {
    const events: ConnectionEvent[] = []
    const ways = openOauthWays({ store, sealer: SEALER, clock, egress, issuer: () => 'http://127.0.0.1:8787' })
    const keeper = openKeeper({
      ...{ store, sealer: SEALER, clock, log: silentLog, ways, assertionFor: options.assertionFor ?? null },
      targetOf: (uid) => targets.get(uid),
      notify: (event) => void events.push(event),
    })
    ends.unshift(() => keeper.close())
    return { store, keeper, events }
  }

  const first = replicaOn(at.store)
  const { store } = first
  const ways = openOauthWays({ store, sealer: SEALER, clock, egress, issuer: () => 'http://127.0.0.1:8787' })

  const room: KeeperRoom = {
    ...{ ...first, at, clock, server },
    async replica() {
      const second = await at.again()
      ends.unshift(() => second.close())
      return replicaOn(second)
    },
    async add(id, mode, written) {
      const authType = mode === 'none' ? 'unauthenticated' : mode === 'fixed' ? 'bearer' : 'oauth'
      const authCredentials = written === undefined ? null : JSON.stringify(written)
      const identity = { id: id as ServerId, hostname: server.url.href, authType, transport: null } as const
      const content = {
        ...({ name: id, description: null, isolation: 'per_credential', definitions: 'hold_changed' } as const),
        ...({ instructions: 'off', allowPrivate: [server.place], deadlines: null, updatedTools: null } as const),
        ...{
          updatedPrompts: null,
          policies: null,
          identityWish: null,
          sharedOauthCallback: false,
          secureWebGateway: false,
        },
      }
      const clientSecret = written === undefined ? null : 'a secret of the client'
      const uid = await store.write((trx) =>
        insertServer(
          store,
          trx,
          { identity, content, secrets: { authCredentials, clientSecret, env: {} }, authenticationStatus: 'required' },
          { author, sealer: SEALER },
        ),
      )
      const target: OauthTarget = {
        ...{ uid, id: identity.id, name: id, url: server.url, clientSecret, written: written ?? null },
        allowed: [placeOf(server.place)],
        sharedCallback: false,
      }
      if (authType === 'oauth') targets.set(uid, target)
      const fixed = new Trouble('not-ready', 'nothing fixed', { hint: 'nothing fixed' })
      return { record: { uid, id: identity.id, name: id }, mode, fixed, target: authType === 'oauth' ? target : null }
    },
    async person(name) {
      const id = `u-${name}` as UserId
      await store.db.insertInto('users').values({ id, email: null, created_at: 1, last_seen_at: 1 }).execute()
      const identity = { provider: 'p', issuer: 'https://idp.test', subject: name, groups: null, amr: [], claims: {} }
      return { kind: 'user', id, email: null, label: name, grant: `g-${name}` as GrantId, identity }
    },
    async connect({ record: { uid }, target }, owner, { refresh = true, seconds = 3600 } = {}) {
      const content = { account: null, scope: 'read' }
      if (target === null) {
        const token = { access: `pasted by ${owner}`.replaceAll(' ', '-'), type: 'Bearer', refresh: null }
        const pasted = { kind: 'token' as const, issuer: null, resource: null, clientId: null, tokens: token }
        const life = { expiresAt: null, renewAt: null }
        const made = { ...content, ...pasted, ...life, serverUid: uid, owner, createdBy: 'test' }
        return store.write((trx) => saveConnection(store, trx, SEALER, made))
      }
      const found = await ways.discover(target)
      const client = await ways.clientOf(target, found)
      const given = server.grant(owner, client.id)
      const made = {
        ...{ ...content, kind: 'oauth' as const, issuer: found.issuer, resource: found.resource, clientId: client.id },
        tokens: { access: given.access, type: 'Bearer', refresh: refresh ? given.refresh : null },
        ...lifeOf(clock.now(), seconds, refresh),
        ...{ serverUid: uid, owner, createdBy: 'test' },
      }
      return store.write((trx) => saveConnection(store, trx, SEALER, made))
    },
    row: ({ record: { uid } }, owner) => openConnectionRow(store.db, SEALER, uid, owner),
    ownerOf: ({ headers }) => server.ownerOf(headers[1]),
    async authenticationStatus({ record: { uid } }) {
      const row = await store.db.selectFrom('servers').selectAll().where('uid', '=', uid).executeTakeFirst()
      return row?.authentication_status
    },
    async end() {
      for (const end of ends) await end()
      await egress.close()
      await server.close()
      await at.end()
    },
  }
  return room
}

function placeOf(text: string) {
  const [host = '', port] = text.split(':')
  return { host, port: Number(port) }
}
