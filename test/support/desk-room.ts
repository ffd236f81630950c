/** The desk and the ways of the OAuth client alone, on a real store, without a portal in front. */
import { randomBytes } from 'node:crypto'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { parsePlace } from '../../src/base/destination.ts'
import { type Egress, type EgressOptions, openEgress } from '../../src/base/egress.ts'
import { newId, type ServerId, type ServerUid, type UserId } from '../../src/base/ids.ts'
import { silentLog } from '../../src/base/log.ts'
import { digest, openSealer, type Sealer } from '../../src/base/secret.ts'
import { parseWrittenOauth } from '../../src/contract/credentials.ts'
import type { Store } from '../../src/store/open.ts'
import type { AtDesk, ConnectDesk, PersonsOwner } from '../../src/upstream/connections/desk-model.ts'
import { openConnectDesk } from '../../src/upstream/oauth/desk.ts'
import type { OauthTarget, OauthWays } from '../../src/upstream/oauth/model.ts'
import { type CodeWays, openOauthWays } from '../../src/upstream/oauth/ways.ts'
import { deleteServer, insertServer, listServers, readServerSecrets } from '../../src/upstream/server-store.ts'
import { type DatabaseKind, freshStore } from '../databases.ts'
import { TEST_KEYS } from '../keys.ts'

export const PORTAL = 'http://127.0.0.1:8787'

/** One browser, with the person who is signed in there. */
export interface AtBrowser extends AtDesk {
  owner: PersonsOwner
  user: UserId | null
}

export interface DeskRoom {
  store: Store
  sealer: Sealer
  clock: Clock & { move(ms: number): void }
  ways: OauthWays & CodeWays
  desk: ConnectDesk & { close(): Promise<void> }
  /** `server owner` of each connection that went live. */
  connected: string[]
  addServer(made: NewServer): Promise<ServerUid>
  removeServer(uid: ServerUid): Promise<void>
  addUser(name: string): Promise<UserId>
  target(uid: ServerUid): Promise<OauthTarget>
  close(): Promise<void>
}

export interface NewServer {
  id?: string
  url: string
  authType?: 'oauth' | 'bearer' | 'unauthenticated'
  /** As the API takes it. */
  credentials?: string
  clientSecret?: string
  allowed?: readonly string[]
}

export function testEgress(more: Partial<EgressOptions> = {}): Egress {
  const quiet = { port: () => null, isOwnName: () => false, proxy: null, noProxy: [] }
  return openEgress({ host: '127.0.0.1', publicUrl: null, ...quiet, ...more })
}

export function browserOf(user: UserId | null, owner: PersonsOwner = `user:${user as UserId}`): AtBrowser {
  return { owner, user, binding: digest(randomBytes(16).toString('hex')), by: 'person@acme.test' }
}

export async function openDeskRoom(
  kind: DatabaseKind = 'sqlite',
  options: { issuer?: string; egress?: Egress } = {},
): Promise<DeskRoom> {
  let moved = 0
  const clock = {
    now: () => systemClock.now() + moved,
    elapsed: systemClock.elapsed,
    move(ms: number) {
      moved += ms
    },
  }
  const fresh = await freshStore(kind, clock)
  const { store } = fresh
  const sealer = openSealer(TEST_KEYS, 'store')
  const egress = options.egress ?? testEgress()
  const ways = openOauthWays({ store, sealer, clock, egress, issuer: () => options.issuer ?? PORTAL })
  const records = new Map<ServerUid, Awaited<ReturnType<typeof listServers>>[number]>()
  const reload = async () => {
    records.clear()
    for (const record of await listServers(store.db)) records.set(record.uid, record)
  }
  const targetOf = async (uid: ServerUid): Promise<OauthTarget | undefined> => {
    const record = records.get(uid)
    const secrets = await readServerSecrets(store.db, sealer, uid)
    if (record === undefined || secrets === undefined) return undefined
    const written = secrets.authCredentials === null ? null : parseWrittenOauth(secrets.authCredentials)
    return {
      ...{ uid, id: record.id, name: record.name, url: new URL(record.hostname), clientSecret: secrets.clientSecret },
      allowed: record.allowPrivate.flatMap((text) => parsePlace(text) ?? []),
      written: typeof written === 'string' ? null : written,
      sharedCallback: record.sharedOauthCallback,
    }
  }
  const connected: string[] = []
  const serverOf = (uid: ServerUid) => records.get(uid)
  const onConnected = (server: ServerUid, owner: PersonsOwner) => void connected.push(`${server} ${owner}`)
  const desk = openConnectDesk({ store, sealer, log: silentLog, ways, targetOf, serverOf, onConnected })
  return {
    ...{ store, sealer, clock, ways, desk, connected },
    async addServer({ id = 'notes', url, authType = 'oauth', credentials, clientSecret, allowed = [] }) {
      const uid = await store.write((trx) =>
        insertServer(
          store,
          trx,
          {
            identity: { id: id as ServerId, hostname: url, authType, transport: null },
            content: CONTENT(id, allowed),
            secrets: { authCredentials: credentials ?? null, clientSecret: clientSecret ?? null, env: {} },
            authenticationStatus: 'required',
          },
          { author: { label: 'test', origin: 'api' }, sealer },
        ),
      )
      await reload()
      return uid
    },
    async removeServer(uid) {
      await store.write((trx) => deleteServer(store, trx, uid))
      await reload()
    },
    async addUser(name) {
      const id = newId<UserId>(clock.now())
      const user = { id, email: `${name}@acme.test`, name, created_at: clock.now(), last_seen_at: null }
      await store.db.insertInto('users').values(user).execute()
      return id
    },
    async target(uid) {
      const target = await targetOf(uid)
      if (target === undefined) throw new Error('no such server')
      return target
    },
    async close() {
      await desk.close()
      await egress.close()
      await fresh.end()
    },
  }
}

const CONTENT = (name: string, allowPrivate: readonly string[]) => ({
  ...{ name, description: null, isolation: 'per_credential' as const, allowPrivate, deadlines: null },
  ...{ updatedTools: null, updatedPrompts: null, policies: null, definitions: 'auto' as const },
  ...{ instructions: 'off' as const, identityWish: null, sharedOauthCallback: false, secureWebGateway: false },
})
