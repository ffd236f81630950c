/** Pages with the rooms that they write to, for what a journey cannot bring about. Who is signed in is ada. */
import type { Audit } from '../src/audit/event.ts'
import { openAudit } from '../src/audit/log.ts'
import { type Log, silentLog } from '../src/base/log.ts'
import { openSealer } from '../src/base/secret.ts'
import { openBrowserSessions } from '../src/identity/browser-session-store.ts'
import { openOrganization } from '../src/identity/organization.ts'
import type { PageDeps, PageRoute } from '../src/pages/deps.ts'
import { createPages } from '../src/pages/index.ts'
import { freshStore } from './databases.ts'
import { TEST_KEYS } from './keys.ts'
import { signIn } from './support/people.ts'

const ISSUER = 'https://portal.acme.test'
const CALLER = { clientIp: '192.0.2.7', loopback: false, hostname: 'portal.acme.test', origin: ISSUER }

type More = Partial<PageDeps>

export interface PageRoom {
  audit: Audit
  /** Messages of errors that were logged. */
  logged: readonly string[]
  signIn(): Promise<void>
  isSignedIn(): Promise<boolean>
  open(routes: readonly PageRoute[], path: string, more?: More): Promise<Response>
  /** Opens a page and sends its form back, with these fields. */
  send(routes: readonly PageRoute[], path: string, fields?: Record<string, string>, more?: More): Promise<Response>
  end(): Promise<void>
}

export async function openPageRoom(): Promise<PageRoom> {
  const at = await freshStore('sqlite')
  const { store, dir, databaseUrl } = at
  const { clock } = store
  const audit = await openAudit({
    ...{ dir, databaseUrl, durability: 'process', retentionDays: 90, keys: TEST_KEYS, clock, log: silentLog },
  })
  const logged: string[] = []
  const note = ({ err }: { err?: unknown }): void => void logged.push(err instanceof Error ? err.message : '')
  const log: Log = { ...silentLog, warn: note as Log['warn'], error: note as Log['error'], child: () => log }
  const organization = await openOrganization(store, silentLog)
  const browsers = openBrowserSessions(store, () => ISSUER)
  const sealer = openSealer(TEST_KEYS, 'store')
  let cookie = ''
  const deps = { store, audit, clock, log, browsers, organization, issuer: () => ISSUER }
  const fetch = (routes: readonly PageRoute[], request: Request, more: More) =>
    // What the routes of a test do not ask for is not there.
    createPages({ ...deps, ...more } as unknown as PageDeps, routes).fetch(request, CALLER)
  const room: PageRoom = {
    ...{ audit, logged },
    signIn: async () => {
      cookie = (await signIn({ store, sealer, browsers }, 'ada@acme.test')).cookie
    },
    isSignedIn: async () => (await browsers.look(cookie)).session !== null,
    open: (routes, path, more = {}) => fetch(routes, new Request(`${ISSUER}${path}`, { headers: { cookie } }), more),
    async send(routes, path, fields = {}, more = {}) {
      const page = await (await room.open(routes, path, more)).text()
      const form_token = /name="form_token" value="([^"]+)"/.exec(page)?.[1] ?? ''
      const body = new URLSearchParams({ form_token, ...fields })
      return fetch(routes, new Request(`${ISSUER}${path}`, { method: 'POST', headers: { cookie }, body }), more)
    },
    async end() {
      organization.close()
      await audit.close()
      await at.end()
    },
  }
  await room.signIn()
  return room
}
