/** The room of identity providers with everything behind it for real: store, audit, browser sessions, and providers to sign in at. */
import type { Audit, AuditRow } from '../../../src/audit/event.ts'
import { openAudit } from '../../../src/audit/log.ts'
import { type Clock, systemClock } from '../../../src/base/clock.ts'
import { type Log, silentLog } from '../../../src/base/log.ts'
import { digest, keyRing, openSealer, type Sealer } from '../../../src/base/secret.ts'
import type { ProviderConfig, ProviderType } from '../../../src/contract/identity-provider.ts'
import {
  type BrowserSession,
  type BrowserSessions,
  openBrowserSessions,
} from '../../../src/identity/browser-session-store.ts'
import { openOrganization } from '../../../src/identity/organization.ts'
import type { ConnectionLimits } from '../../../src/identity/providers/connection.ts'
import { insertProvider } from '../../../src/identity/providers/provider-store.ts'
import { type Came, openProviders, type Providers } from '../../../src/identity/providers/providers.ts'
import type { Store } from '../../../src/store/open.ts'
import { type DatabaseKind, freshStore, type TestStore } from '../../databases.ts'
import { TEST_KEYS } from '../../keys.ts'
import { localEgress } from '../../upstream-room.ts'
import { passThrough, type RunningProvider } from './start.ts'

export const ISSUER = 'http://127.0.0.1:8787'
export const CLIENT_ID = 'portico at the company'
export const CLIENT_SECRET = 'the secret of this client: a+b/c%20'

/** One browser: what the portal knows of it is its binding. */
export interface Jar {
  binding: string
}
export const newJar = (name: string): Jar => ({ binding: digest(name) })

export interface ProviderRoom {
  at: TestStore
  store: Store
  sealer: Sealer
  audit: Audit
  browsers: BrowserSessions
  providers: Providers
  clock: Clock & { move(ms: number): void }
  /** @returns the id */
  add(config: ProviderConfig, more?: { type?: ProviderType; secret?: string | null; name?: string }): Promise<string>
  /** Adds an `oidc` provider that stands at a running one, and its client there. */
  connect(at: RunningProvider, more?: ProviderConfig): Promise<string>
  /** To the provider, through it, and back. */
  signIn(providerId: string, user: string, jar?: Jar): Promise<Came>
  start(providerId: string, jar?: Jar): Promise<string>
  /** @param at another replica's */
  come(providerId: string, answer: URL, jar?: Jar, at?: Providers): Promise<Came>
  /** Another process on the same database; only PostgreSQL has several. */
  replica(): Promise<{ providers: Providers; end(): Promise<void> }>
  /** Who is signed in after that. */
  who(came: Came): Promise<BrowserSession>
  /** The last deed of plane `sign-in` that ended, and how many sessions there are. */
  lastDeed(): Promise<AuditRow | undefined>
  sessions(): Promise<number>
  /** What the log was told of the sign-ins that were refused. */
  details: readonly string[]
  end(): Promise<void>
}

export async function openProviderRoom(
  kind: DatabaseKind = 'sqlite',
  limits: Partial<ConnectionLimits> = {},
): Promise<ProviderRoom> {
  let ahead = 0
  const clock = {
    ...systemClock,
    now: () => systemClock.now() + ahead,
    move: (ms: number) => {
      ahead += ms
    },
  }
  const at = await freshStore(kind, clock)
  const { store, dir, databaseUrl } = at
  const details: string[] = []
  const warn = (bindings: { detail?: string }): void => void details.push(bindings.detail ?? '')
  const log: Log = { ...silentLog, warn: warn as Log['warn'], child: () => log }
  const audit = await openAudit({
    ...{ dir, databaseUrl, durability: 'process', retentionDays: 90, keys: TEST_KEYS, clock, log },
  })
  const sealer = openSealer(keyRing([Buffer.alloc(32, 9)]), 'store')
  const browsers = openBrowserSessions(store, () => ISSUER)
  const organization = await openOrganization(store, log)
  const egress = localEgress()
  const rooms = { store, sealer, audit, clock, browsers, organization, egress, log, issuer: () => ISSUER, limits }
  const providers = await openProviders(rooms)
  const jarOfOne = newJar('the only browser')
  const author = { label: 'test', origin: 'api' as const }

  const room: ProviderRoom = {
    ...{ at, store, sealer, audit, browsers, providers, clock, details },
    add: (config, { type = 'oidc', secret = CLIENT_SECRET, name = type } = {}) =>
      store.write((trx) =>
        insertProvider({ store, trx, sealer, author }, type, { name, config, clientSecret: secret }),
      ),
    async connect(running, more = {}) {
      const id = await room.add({
        ...{ client_id: CLIENT_ID, issuer: running.issuer, allow_private: [running.place] },
        email_domains: ['acme.test', 'xn--bcher-kva.test'],
        ...more,
      })
      await running.addClient({
        ...{ client_id: CLIENT_ID, client_secret: CLIENT_SECRET },
        redirect_uris: [`${ISSUER}/sign-in/to/${id}/callback`],
      })
      return id
    },
    async start(providerId, jar = jarOfOne) {
      const from = { clientIp: '192.0.2.7' }
      const started = await providers.start(providerId, { binding: jar.binding, returnTo: '/authorize?a=b', from })
      if ('refused' in started) throw new Error(`refused: ${started.refused}`)
      return started.location
    },
    come: (providerId, answer, jar = jarOfOne, replica = providers) =>
      replica.callback(providerId, answer, {
        binding: jar.binding,
        from: { clientIp: '192.0.2.7', userAgent: 'Browser of a test', previous: null },
      }),
    async replica() {
      const second = await at.again()
      const same = { ...rooms, store: second, browsers: openBrowserSessions(second, () => ISSUER) }
      const its = await openProviders(same)
      return {
        providers: its,
        async end() {
          its.close()
          await second.close()
        },
      }
    },
    async signIn(providerId, user, jar = jarOfOne) {
      return room.come(providerId, await passThrough(await room.start(providerId, jar), user), jar)
    },
    async who(came) {
      if (came.kind !== 'signed-in') throw new Error(`refused: ${came.kind}`)
      const { session } = await browsers.look(came.setCookie.split(';')[0] ?? '')
      if (session === null) throw new Error('there is no session')
      return session
    },
    lastDeed: async () => (await audit.query({ plane: 'sign-in', phase: 'ended', limit: 1 }))[0],
    async sessions() {
      const { count } = await store.db
        .selectFrom('browser_sessions')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow()
      return Number(count)
    },
    async end() {
      providers.close()
      organization.close()
      await egress.close()
      await audit.close()
      await at.end()
    },
  }
  return room
}
