/**
 * What journeys of real clients share: a portal as a process of its own on PostgreSQL, with two real servers and an owner who has a password,
 * a place on the web where clients publish documents, and a person at a browser.
 */
import { randomBytes } from 'node:crypto'
import { systemClock } from '../src/base/clock.ts'
import { silentLog } from '../src/base/log.ts'
import { openStore, type Store } from '../src/store/open.ts'
import { openBrowser, type Page } from './browser.ts'
import { freshPostgres } from './databases.ts'
import { type Landing, openLanding } from './page-journey.ts'
import { type Ledger, startLedger } from './peers/ledger.ts'
import { startEverythingHttp } from './peers/servers.ts'
import type { SignInPlan } from './peers/sign-in-plan.ts'
import { type PorticoProcess, startPorticoProcess } from './portico-process.ts'
import { ask2026, bearer } from './raw-mcp.ts'
import { type DocumentServer, serveDocuments } from './support/client-documents/serve.ts'

export const ADA = { email: 'ada@example.com', password: 'correct horse battery staple' }
const MCP = '/access/ai-controls/mcp'
/** A replica looks twice a second; a limit tells a hang. */
const PATIENCE_MS = 60_000

export interface SignInJourney {
  portal: PorticoProcess
  ledger: Ledger
  documents: DocumentServer
  /** The person's tab. */
  page: Page
  /** Another person's browser. */
  visitor(): Promise<Page>
  /** A place on loopback where a client waits, and what it registers for it. */
  redirectTo(host: '127.0.0.1' | 'localhost', path: string, registered?: string): Promise<Redirect>
  /** Ends every access token that there is, as time does, and waits until the portal knows. @returns how many grants have one */
  endTokens(): Promise<number>
  /** How many grants have an access token that is good. */
  renewedGrants(): Promise<number>
  close(): Promise<void>
}

export type Redirect = NonNullable<SignInPlan['redirect']>

export async function startSignInJourney(): Promise<SignInJourney> {
  const [database, documents, ledger, everything, browser] = await Promise.all([
    freshPostgres(process.env.PORTICO_TEST_TEMPLATE),
    serveDocuments(),
    startLedger(),
    startEverythingHttp(),
    openBrowser(),
  ])
  const portal = await startPorticoProcess({
    DATABASE_URL: database.url,
    PORTICO_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    PORTICO_BOOTSTRAP_ADMIN_EMAIL: ADA.email,
    PORTICO_BOOTSTRAP_ADMIN_PASSWORD: ADA.password,
    PORTICO_OAUTH_ALLOW_PRIVATE: documents.place,
    NODE_EXTRA_CA_CERTS: documents.ca,
  })
  await furnish(portal, { everything: everything.url, ledger: ledger.url })
  const store = await openStore({ dir: portal.data, databaseUrl: database.url, clock: systemClock, log: silentLog })
  const landings: Landing[] = []
  return {
    ...{ portal, ledger, documents, page: await browser.visitor(), visitor: browser.visitor },
    async redirectTo(host, path, registered) {
      const landing = await openLanding('127.0.0.1', path)
      landings.push(landing)
      const uri = landing.uri.replace('127.0.0.1', host)
      return { uri, registered: registered ?? uri, arrival: landing.arrival }
    },
    endTokens: () => endTokens(store, portal),
    renewedGrants: () => goodGrants(store),
    async close() {
      await Promise.all([browser.close(), store.close(), ...landings.map((landing) => landing.close())])
      await portal.end('SIGTERM')
      await portal.remove()
      await Promise.all([ledger.stop(), everything.stop(), documents.close()])
      await database.drop()
    },
  }
}

async function furnish(portal: PorticoProcess, servers: Readonly<Record<string, string>>): Promise<void> {
  for (const [id, hostname] of Object.entries(servers)) {
    await portal.api('POST', `${MCP}/servers`, { id, name: id, hostname, auth_type: 'unauthenticated' })
    await portal.api('POST', `${MCP}/servers/${id}/sync`)
  }
  const rows = Object.keys(servers).map((id) => ({ server_id: id }))
  await portal.api('PUT', `${MCP}/portals/default`, { servers: rows })
}

async function endTokens(store: Store, portal: PorticoProcess): Promise<number> {
  const grants = await goodGrants(store)
  // A token of nobody's client shows when the portal has followed: it looks at all of them anew at once.
  const probe = await portal.api<{ token: string }>('POST', '/tokens/access', { email: ADA.email, portal: 'default' })
  const isGood = async () => (await ask2026(`${portal.url}/mcp`, bearer(probe.token), 'tools/list')).status === 200
  if (!(await isGood())) throw new Error('a token that was just made is not taken')
  await store.write(async (trx) => {
    await trx.updateTable('access_tokens').set({ expires_at: systemClock.now() }).execute()
    await store.versions.bump(trx, 'tokens')
  })
  const deadline = Date.now() + PATIENCE_MS
  while (await isGood()) {
    if (Date.now() > deadline) throw new Error('the portal does not see that its tokens are over')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return grants
}

async function goodGrants({ db, clock }: Store): Promise<number> {
  const rows = await db
    .selectFrom('access_tokens')
    .select('grant_id')
    .distinct()
    .where('expires_at', '>', clock.now())
    .where('revoked_at', 'is', null)
    .execute()
  return rows.length
}
