/**
 * Who is revoked at one replica is out at the other: what they have open there ends, and what others have open goes on, also where the
 * token that opened it has expired meanwhile.
 */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { PortalUid } from '../../src/base/ids.ts'
import { silentLog } from '../../src/base/log.ts'
import { keyRing, openSealer } from '../../src/base/secret.ts'
import { openBrowserSessions } from '../../src/identity/browser-session-store.ts'
import { readPortal } from '../../src/portal/portal-store.ts'
import { openStore, type Store } from '../../src/store/open.ts'
import { type FreshPostgres, freshPostgres } from '../databases.ts'
import { beforeItIsOver } from '../enough-time.ts'
import { openEventStream } from '../event-stream.ts'
import { type Ledger, startLedger } from '../peers/ledger.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'
import { ask2026, bearer, open2025, request2026 } from '../raw-mcp.ts'
import { openRaw } from '../raw-socket.ts'
import { letClientIn, type SignedInPerson, signIn } from '../support/people.ts'

const MCP = '/access/ai-controls/mcp'
const HOUR = 3_600_000
/** A replica looks twice a second. */
const PATIENCE_MS = 60_000

let database: FreshPostgres
let ledger: Ledger
let first: PorticoProcess
let second: PorticoProcess
let store: Store
let portal: PortalUid

beforeAll(async () => {
  database = await freshPostgres(process.env.PORTICO_TEST_TEMPLATE)
  ledger = await startLedger()
  const settings = { DATABASE_URL: database.url, PORTICO_ENCRYPTION_KEY: randomBytes(32).toString('base64') }
  first = await startPorticoProcess(settings)
  second = await startPorticoProcess(settings)
  const server = { id: 'ledger', name: 'Ledger', hostname: ledger.url, auth_type: 'unauthenticated' }
  await first.api('POST', `${MCP}/servers`, server)
  await first.api('PUT', `${MCP}/portals/default`, { servers: [{ server_id: 'ledger' }] })
  store = await openStore({ dir: first.data, databaseUrl: database.url, clock: systemClock, log: silentLog })
  const found = await readPortal(store.db, 'default')
  if (found === undefined) throw new Error('there is no default portal')
  portal = found.uid
})
afterAll(async () => {
  await store?.close()
  for (const replica of [first, second]) {
    await replica?.end('SIGTERM')
    await replica?.remove()
  }
  await ledger?.stop()
  await database?.drop()
})

function come(email: string): Promise<SignedInPerson> {
  const sealer = openSealer(keyRing([randomBytes(32)]), 'store')
  return signIn({ store, sealer, browsers: openBrowserSessions(store, () => first.url) }, email)
}

/** Waits for the thing; a replica follows within about a second. */
async function eventually(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the other replica did not follow')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const status = async (replica: PorticoProcess, token: string) =>
  (await ask2026(`${replica.url}/mcp`, bearer(token), 'tools/list')).status

function listen(replica: PorticoProcess, token: string) {
  return openEventStream(`${replica.url}/mcp`, {
    method: 'POST',
    headers: {
      ...{ authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'text/event-stream' },
      ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'subscriptions/listen' },
    },
    body: JSON.stringify(request2026('subscriptions/listen', { notifications: { toolsListChanged: true } })),
  })
}

// [REVOKE-1]
test('who is revoked at one replica loses streams of both eras at the other; whose token only expired keeps theirs', async () => {
  const ada = await come('ada@acme.test')
  const eve = await come('eve@acme.test')
  const adaClient = await letClientIn(store, ada, portal, Date.now() + HOUR)
  const { id, token: minted } = await first.api<{ id: string; token: string }>('POST', '/tokens/access', {
    email: 'ada@acme.test',
    portal: 'default',
  })
  for (const token of [adaClient.token, minted]) await eventually(async () => (await status(second, token)) === 200)

  const adaListens = await listen(second, adaClient.token)
  const session = await open2025(`${second.url}/mcp`, bearer(minted))
  const adaReads = await openEventStream(`${second.url}/mcp`, {
    headers: { ...session.headers, accept: 'text/event-stream' },
  })
  const { eveClient, eveListens } = await beforeItIsOver(3, async (endsAt) => {
    const eveClient = await letClientIn(store, eve, portal, endsAt)
    expect(await status(second, eveClient.token)).toBe(200)
    return { eveClient, eveListens: await listen(second, eveClient.token) }
  })
  for (const stream of [adaListens, adaReads, eveListens]) expect(stream.status).toBe(200)
  await eventually(async () => (await status(second, eveClient.token)) === 401)

  expect(await first.api('POST', '/access/organizations/revoke_user', { email: 'ada@acme.test' })).toBe(true)
  await Promise.all([adaListens.ended, adaReads.ended])
  for (const replica of [first, second]) {
    for (const token of [adaClient.token, minted]) expect(await status(replica, token)).toBe(401)
  }
  expect(await first.api<object>('GET', `/tokens/access/${id}`)).toMatchObject({ revoked_at: expect.any(String) })

  // Eve's stream is not only open: it still tells her what changes.
  await first.api('PUT', `${MCP}/portals/default`, { servers: [] })
  await eveListens.until((messages) => messages.some(({ method }) => method === 'notifications/tools/list_changed'))
  eveListens.close()
})

test('a stream that is asked for while its token is being revoked does not stay open', async () => {
  const finn = await come('finn@acme.test')
  const { token } = await letClientIn(store, finn, portal, Date.now() + HOUR)
  await eventually(async () => (await status(second, token)) === 200)
  const body = JSON.stringify(request2026('subscriptions/listen', { notifications: { toolsListChanged: true } }))
  const raw = openRaw(second.url)
  const head = [
    ...['POST /mcp HTTP/1.1', `host: ${new URL(second.url).host}`, `authorization: Bearer ${token}`],
    ...['content-type: application/json', 'accept: text/event-stream', 'mcp-protocol-version: 2026-07-28'],
    ...['mcp-method: subscriptions/listen', `content-length: ${body.length}`, 'expect: 100-continue'],
    ...['connection: close', '', ''],
  ]
  raw.write(head.join('\r\n'))
  // The door knows who asks before it has read what is asked.
  await raw.until(/100 Continue/)
  await first.api('POST', '/access/organizations/revoke_user', { user_uid: finn.userId })
  await eventually(async () => (await status(second, token)) === 401)
  raw.write(body)
  expect(await raw.closed).toMatch(/^HTTP\/1\.1 200 /m)
})
