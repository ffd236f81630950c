/** The registration endpoint over real HTTP, on both databases, with a real audit and oidc-provider's own schema. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS, type DatabaseKind, freshStore } from '../../../../test/databases.ts'
import { TEST_KEYS } from '../../../../test/keys.ts'
import { CLIENT_DOCUMENTS } from '../../../../test/support/client-documents/index.ts'
import type { AuditRow } from '../../../audit/event.ts'
import { openAudit } from '../../../audit/log.ts'
import { systemClock } from '../../../base/clock.ts'
import { silentLog } from '../../../base/log.ts'
import { digest } from '../../../base/secret.ts'
import type { Store } from '../../../store/open.ts'
import { Provider } from '../library.ts'
import {
  clientAdapter,
  forgetClients,
  IDLE_MS,
  isClientSecret,
  noteClientUse,
  readClient,
  UNUSED_MS,
} from './client-store.ts'
import type { ClientPolicy } from './policy.ts'
import { AUTH_METHODS } from './registration.ts'
import { handleRegistration } from './registration-desk.ts'
import { REGISTRATION_LIMITS, type RegistrationLimits } from './registration-limits.ts'

const endings: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

interface Desk {
  store: Store
  again(): Promise<Store>
  /** Moves the clock of store and desk. */
  move(ms: number): void
  policy: ClientPolicy | null
  /** Whom the next requests come from. */
  from: string
  ask(
    method: string,
    path: string,
    options?: { body?: unknown; token?: string | undefined; type?: string },
  ): Promise<Reply>
  deeds(method: string): Promise<AuditRow[]>
  /** What was counted, which is written when the audit is closed. */
  counted(): Promise<AuditRow[]>
}

interface Reply {
  status: number
  headers: Headers
  body: Record<string, unknown>
}

async function openDesk(kind: DatabaseKind, limits: RegistrationLimits = REGISTRATION_LIMITS): Promise<Desk> {
  let ahead = 0
  const clock = { now: () => systemClock.now() + ahead, elapsed: () => systemClock.elapsed() }
  const { store, dir, databaseUrl, again, end } = await freshStore(kind, clock)
  endings.push(end)
  const open = () =>
    openAudit({
      ...{ dir, databaseUrl, durability: 'process', retentionDays: 90, keys: TEST_KEYS, clock, log: silentLog },
    })
  const audit = await open()
  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= audit.close()
    return closing
  }
  endings.push(close)
  const provider = new Provider('https://portal.example', {
    clientAuthMethods: [...AUTH_METHODS],
    responseTypes: ['code'],
    features: { devInteractions: { enabled: false }, deviceFlow: { enabled: true } },
  })
  const desk = { store, policy: null, from: '192.0.2.7', again } as Desk
  const server = createServer((request, response) => {
    void handleRegistration(request, response, desk.from, {
      ...{ store, audit, clock, limits, policy: () => desk.policy, url: 'https://portal.example/oauth/register' },
      validate: async (metadata) => void new provider.Client(metadata),
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  endings.push(() => new Promise((resolve) => server.close(resolve)))
  const { port } = server.address() as AddressInfo
  desk.move = (ms) => {
    ahead += ms
  }
  desk.ask = async (method, path, { body, token, type = 'application/json' } = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}/oauth/register${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': type }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) }
  }
  desk.counted = async () => {
    await close()
    const again = await open()
    endings.push(() => again.close())
    return again.query({ limit: 50, plane: 'door', phase: 'ended' })
  }
  desk.deeds = async (method) => audit.query({ limit: 50, method, phase: 'ended' })
  return desk
}

const PUBLIC = {
  client_name: 'Agent',
  redirect_uris: ['http://127.0.0.1:3000/callback'],
  token_endpoint_auth_method: 'none',
}
const SECRET = { client_name: 'Server agent', redirect_uris: ['https://agent.example/cb'] }

describe.each(DATABASE_KINDS)('on %s', (kind) => {
  test('a client registers, reads, changes and deletes its own registration (RFC 7591, RFC 7592)', async () => {
    const desk = await openDesk(kind)
    const made = await desk.ask('POST', '', { body: PUBLIC })
    expect(made.status).toBe(201)
    expect(made.headers.get('cache-control')).toBe('no-store')
    expect(made.headers.get('access-control-allow-origin')).toBe('*')
    const { client_id: id, registration_access_token: token, ...rest } = made.body as Record<string, string>
    expect(rest).toEqual({
      client_id_issued_at: expect.any(Number),
      client_name: 'Agent',
      redirect_uris: PUBLIC.redirect_uris,
      application_type: 'native',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      registration_client_uri: `https://portal.example/oauth/register/${id}`,
    })
    const read = await desk.ask('GET', `/${id}`, { token })
    expect([read.status, read.body]).toEqual([200, made.body])

    const changed = { ...PUBLIC, client_id: id, client_name: 'Agent 2', redirect_uris: ['https://agent.example/cb'] }
    const put = await desk.ask('PUT', `/${id}`, { token, body: changed })
    expect([put.status, put.body.client_name, put.body.application_type]).toEqual([200, 'Agent 2', 'web'])
    expect(await clientAdapter(desk.store).find(id ?? '')).toMatchObject({ client_id: id, client_name: 'Agent 2' })

    const gone = await desk.ask('DELETE', `/${id}`, { token })
    expect([gone.status, gone.body]).toEqual([204, {}])
    expect((await desk.ask('GET', `/${id}`, { token })).status).toBe(401)
    expect(await clientAdapter(desk.store).find(id ?? '')).toBeUndefined()

    for (const method of ['register client', 'change client', 'delete client']) {
      const [row, ...more] = await desk.deeds(method)
      expect(more).toEqual([])
      expect(row).toMatchObject({ plane: 'sign-in', outcome: 'answered', change: { object: 'oauth_client', id } })
      expect(row?.clientIp).toBe('192.0.2.7')
      expect(JSON.stringify(row)).not.toContain(token)
    }
  })

  test('a secret is given once, kept as its SHA-256, and good to compare with', async () => {
    const desk = await openDesk(kind)
    const { body } = await desk.ask('POST', '', { body: SECRET })
    const {
      client_id: id = '',
      client_secret: secret = '',
      registration_access_token: token,
    } = body as Record<string, string>
    expect(body).toMatchObject({ client_secret_expires_at: 0, token_endpoint_auth_method: 'client_secret_basic' })
    const row = await desk.store.db.selectFrom('oauth_clients').selectAll().executeTakeFirstOrThrow()
    expect(JSON.stringify(row)).not.toContain(secret)
    expect(JSON.stringify(row)).not.toContain(token)
    const found = await clientAdapter(desk.store).find(id)
    expect(found).toMatchObject({ client_secret: digest(secret) })
    expect(found).not.toHaveProperty('registration_access_token')
    expect([isClientSecret(digest(secret), secret), isClientSecret(digest(secret), digest(secret))]).toEqual([
      true,
      false,
    ])
    expect((await desk.ask('GET', `/${id}`, { token })).body).not.toHaveProperty('client_secret')

    const kept = await desk.ask('PUT', `/${id}`, { token, body: { ...SECRET, client_id: id, client_secret: secret } })
    expect([kept.status, kept.body.client_secret]).toEqual([200, undefined])
    expect((await readClient(desk.store, desk.store.db, id))?.metadata.client_secret).toBe(digest(secret))
    const forged = { ...SECRET, client_id: id, client_secret: digest(secret) }
    expect((await desk.ask('PUT', `/${id}`, { token, body: forged })).status).toBe(400)
    const open = await desk.ask('PUT', `/${id}`, { token, body: { ...PUBLIC, client_id: id } })
    expect(open.status).toBe(200)
    expect((await readClient(desk.store, desk.store.db, id))?.metadata).not.toHaveProperty('client_secret')
  })

  test("nobody manages another's registration, and a wrong token is told like an unknown client", async () => {
    const desk = await openDesk(kind)
    const one = (await desk.ask('POST', '', { body: PUBLIC })).body as Record<string, string>
    const two = (await desk.ask('POST', '', { body: PUBLIC })).body as Record<string, string>
    const wrong = await desk.ask('GET', `/${one.client_id}`, { token: two.registration_access_token ?? '' })
    const unknown = await desk.ask('GET', '/00000000-0000-4000-8000-000000000000', { token: 'x' })
    const none = await desk.ask('DELETE', `/${one.client_id}`)
    for (const { status, body } of [wrong, unknown, none]) expect([status, body]).toEqual([401, unknown.body])
    const body = { ...PUBLIC, client_id: two.client_id }
    expect(
      (await desk.ask('PUT', `/${one.client_id}`, { token: one.registration_access_token ?? '', body })).status,
    ).toBe(400)
    expect(await readClient(desk.store, desk.store.db, one.client_id ?? '')).toBeDefined()
  })

  test('SEC-O8: one address registers 20 times an hour, on all replicas together, and another is not held up', async () => {
    const desk = await openDesk(kind)
    for (let i = 0; i < 20; i++) expect((await desk.ask('POST', '', { body: PUBLIC })).status).toBe(201)
    const over = await desk.ask('POST', '', { body: PUBLIC })
    expect([over.status, over.body.error, over.headers.get('retry-after')]).toEqual([
      429,
      'temporarily_unavailable',
      '3600',
    ])
    desk.from = '192.0.2.8'
    expect((await desk.ask('POST', '', { body: PUBLIC })).status).toBe(201)
    desk.from = '192.0.2.7'
    expect((await desk.deeds('register client')).length).toBe(21)
    for (let i = 0; i < 30; i++) expect((await desk.ask('POST', '', { body: PUBLIC })).status).toBe(429)
    const counted = await desk.store.db
      .selectFrom('attempt_counters')
      .select('count')
      .where('key', '=', 'register:192.0.2.7')
      .executeTakeFirstOrThrow()
    expect(Number(counted.count)).toBe(20)
    const [flood] = await desk.counted()
    expect(flood).toMatchObject({ error: 'bad-client', outcome: 'refused', refusals: { count: 31 } })
  })

  test('SEC-O8: a registration that nobody used goes after a day, one that was used after 90 days without', async () => {
    const desk = await openDesk(kind)
    const [unused = '', used = ''] = await Promise.all(
      [1, 2].map(async () => String((await desk.ask('POST', '', { body: PUBLIC })).body.client_id)),
    )
    await noteClientUse(desk.store, used)
    const standing = async () =>
      Promise.all([unused, used].map(async (id) => (await readClient(desk.store, desk.store.db, id)) !== undefined))
    expect(await standing()).toEqual([true, true])
    desk.move(UNUSED_MS)
    expect(await standing()).toEqual([false, true])
    expect(await desk.store.write((trx) => forgetClients(desk.store, trx))).toBe(1)
    await noteClientUse(desk.store, used)
    desk.move(IDLE_MS - 1000)
    expect(await standing()).toEqual([false, true])
    desk.move(2000)
    expect(await standing()).toEqual([false, false])
  })

  test('SEC-O8: the one after the last that may be stored is refused while the others work, and what nobody used makes room', async () => {
    const desk = await openDesk(kind, { perHour: 1000, stored: 10_000 })
    const first = String((await desk.ask('POST', '', { body: PUBLIC })).body.client_id)
    await noteClientUse(desk.store, first)
    const now = systemClock.now()
    const row = {
      kind: 'registered' as const,
      metadata: JSON.stringify({ ...PUBLIC, grant_types: [] }),
      created_by: 'x',
    }
    for (let from = 1; from < 10_000; from += 100) {
      const rows = Array.from({ length: Math.min(100, 10_000 - from) }, (_, i) => ({
        ...{ ...row, id: `filler-${from + i}`, created_at: now, last_used_at: null, expires_at: now + UNUSED_MS },
      }))
      await desk.store.db.insertInto('oauth_clients').values(rows).execute()
    }
    const full = await desk.ask('POST', '', { body: PUBLIC })
    expect([full.status, full.body.error]).toEqual([503, 'temporarily_unavailable'])
    expect((await desk.deeds('register client'))[0]).toMatchObject({ outcome: 'refused', error: 'full' })
    expect(await clientAdapter(desk.store).find(first)).toMatchObject({ client_id: first })
    expect(await clientAdapter(desk.store).find('filler-1')).toMatchObject({ client_id: 'filler-1' })

    desk.move(2 * 3_600_000)
    expect((await desk.ask('POST', '', { body: PUBLIC })).status).toBe(201)
    expect(await clientAdapter(desk.store).find('filler-1')).toBeUndefined()
    expect(await clientAdapter(desk.store).find(first)).toBeDefined()
  }, 60_000)
})

test('SEC-O8: 20 at the same moment take exactly the places that are left', async () => {
  const desk = await openDesk('postgres', { perHour: 1000, stored: 5 })
  const all = await Promise.all(Array.from({ length: 20 }, () => desk.ask('POST', '', { body: PUBLIC })))
  expect(all.filter(({ status }) => status === 201).length).toBe(5)
  expect(all.filter(({ status }) => status === 503).length).toBe(15)
}, 60_000)

test('every registration that was recorded of a real client is taken', async () => {
  const desk = await openDesk('sqlite', { perHour: 1000, stored: 1000 })
  for (const { client, body, how } of CLIENT_DOCUMENTS.filter((one) => one.how === 'registration')) {
    const { status, body: shown } = await desk.ask('POST', '', { body })
    expect([client, how, status]).toEqual([client, how, 201])
    expect(shown.redirect_uris).toEqual(body.redirect_uris)
  }
})

test('what is no registration is refused before anything is written, and counted', async () => {
  const desk = await openDesk('sqlite')
  const bodies: readonly (readonly [unknown, number, string])[] = [
    ['{', 400, 'invalid_client_metadata'],
    ['', 400, 'invalid_client_metadata'],
    ['[]', 400, 'invalid_client_metadata'],
    [
      '{"redirect_uris":["https://a.example/cb"],"redirect_uris":["https://b.example/cb"]}',
      400,
      'invalid_client_metadata',
    ],
    ['{"__proto__":{"redirect_uris":["https://a.example/cb"]}}', 400, 'invalid_client_metadata'],
    [{ ...PUBLIC, redirect_uris: ['javascript:alert(1)'] }, 400, 'invalid_redirect_uri'],
    [{ ...PUBLIC, client_name: 'x'.repeat(70_000) }, 413, 'invalid_client_metadata'],
  ]
  for (const [body, status, error] of bodies) {
    const reply = await desk.ask('POST', '', { body })
    expect([body, reply.status, reply.body.error]).toEqual([body, status, error])
  }
  expect((await desk.ask('POST', '', { body: PUBLIC, type: 'text/plain' })).status).toBe(400)
  expect((await desk.ask('PATCH', '', { body: PUBLIC })).status).toBe(405)
  expect((await desk.ask('GET', '')).status).toBe(405)
  desk.policy = { dynamic_client_registration: { enabled: false } }
  expect(await desk.ask('POST', '', { body: PUBLIC })).toMatchObject({ status: 403, body: { error: 'access_denied' } })
  expect(await desk.deeds('register client')).toEqual([])
  expect(await desk.store.db.selectFrom('oauth_clients').selectAll().execute()).toEqual([])
})
