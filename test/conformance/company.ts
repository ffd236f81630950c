/**
 * A company whose identity provider is the suite's. That one has no authorization endpoint, so its sign-in is written down as completing one
 * would: the same account, ID token and browser session. All else is real: the grant of the MCP client, and what the portal asks the provider.
 */
import { randomBytes } from 'node:crypto'
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { openSealer } from '../../src/base/secret.ts'
import { parseKeys } from '../../src/config/keys.ts'
import type { Config } from '../../src/config.ts'
import { openBrowserSessions } from '../../src/identity/browser-session-store.ts'
import { saveSignIn, type Vouched } from '../../src/identity/identity-store.ts'
import { claimsIn } from '../../src/identity/providers/claims-in.ts'
import { openStore } from '../../src/store/open.ts'
import { freshPostgres } from '../databases.ts'
import { letIn, registerClient } from '../oauth-client.ts'
import type { Person } from '../person.ts'
import type { TestPortal } from '../portal.ts'

export interface Company {
  /** For the portal: its database is shared with whoever writes the sign-in. */
  databaseUrl: string
  config: Partial<Config>
  /** Signs the one employee in. @returns an access token of their MCP client, for what is at that URL */
  signIn(portal: TestPortal, person: Person, resource: string): Promise<string>
  close(): Promise<void>
}

const HOUR_MS = 3_600_000
/** Whoever is signed in is not asked for it. */
const NO_PASSWORD = { email: '', password: '' }

/** @param context what the suite tells its client */
export async function openCompany(context: Readonly<Record<string, string>>): Promise<Company> {
  const database = await freshPostgres(process.env.PORTICO_TEST_TEMPLATE)
  const keys = parseKeys(randomBytes(32).toString('base64'), 'the test')
  return {
    databaseUrl: database.url,
    config: { keys },
    async signIn(portal, person, resource) {
      const provider = await addProvider(portal, context)
      const where = { dir: portal.data, databaseUrl: database.url, clock: systemClock, log: silentLog }
      const store = await openStore(where)
      const sealer = openSealer(keys, 'store')
      const browsers = openBrowserSessions(store, () => portal.url)
      try {
        const setCookie = await store.write(async (trx) => {
          const who = await saveSignIn(store, trx, vouchedFor(provider, context), sealer)
          if (who === 'disabled') throw new Error('nobody switched this user off')
          const from = { clientIp: '127.0.0.1', userAgent: 'conformance', lifetime: HOUR_MS }
          return (await browsers.open(trx, { ...who, ...from })).setCookie
        })
        person.keep(portal.url, setCookie)
      } finally {
        await store.close()
      }
      const client = await registerClient(portal.url)
      return (await letIn(person, client, NO_PASSWORD, { resource })).tokens.access_token
    },
    close: () => database.drop(),
  }
}

async function addProvider(portal: TestPortal, context: Readonly<Record<string, string>>): Promise<string> {
  const { idp_issuer: issuer = '', idp_client_id: client_id } = context
  const { body } = await portal.api<{ id: string }>('POST', '/access/identity_providers', {
    ...{ name: 'Suite', type: 'oidc' },
    config: { issuer, client_id, client_secret: 'it looks at none', allow_private: [new URL(issuer).host] },
  })
  if (!body.success) throw new Error(`no identity provider: ${JSON.stringify(body.errors)}`)
  return body.result.id
}

function vouchedFor(provider: string, { idp_id_token: idToken = '' }: Readonly<Record<string, string>>): Vouched {
  const { iss, sub, email } = claimsIn(idToken)
  return {
    ...{ provider, issuer: String(iss), subject: String(sub), email: String(email), name: null },
    ...{ groups: null, amr: [], claims: {}, idToken, refreshToken: null },
  }
}
