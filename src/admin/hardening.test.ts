import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type AdminRoom,
  DEAD,
  LOCAL,
  LOGS,
  openAdminRoom,
  PORTALS,
  portalBody,
  SERVERS,
  serverBody,
} from '../../test/admin-room.ts'
import { DATABASE_KINDS, freshPostgres } from '../../test/databases.ts'
import { authenticateOperator } from '../identity/operators.ts'
import { openStore } from '../store/open.ts'
import { createAdmin } from './index.ts'

describe.each(DATABASE_KINDS)('whoever holds a copy of the database, or asks strange things of it, on %s', (kind) => {
  let room: AdminRoom
  beforeEach(async () => {
    room = await openAdminRoom(kind, { register: 'api' })
  })
  afterEach(() => room.end())

  // [CRED-2]
  test('finds no secret in a dump, plain or in base64 or hex', async () => {
    const planted = await plantSecrets(room)
    const dump = await dumpOf(room)
    expect(dump.length).toBeGreaterThan(1000)
    for (const secret of planted) {
      const bytes = Buffer.from(secret)
      // The middle survives any alignment of base64.
      const middle = bytes.subarray(3, bytes.length - 3)
      for (const form of [
        secret,
        bytes.toString('hex'),
        bytes.toString('base64url').slice(0, -2),
        middle.toString('base64url').slice(0, -2),
      ]) {
        expect(dump).not.toContain(form)
      }
    }
  })

  test('gets an answer or a refusal for any search, sort, filter or id, and never an error of the database', async () => {
    await room.ask('POST', PORTALS, { body: portalBody('one') })
    const lists = [
      PORTALS,
      SERVERS,
      '/access/policies',
      '/access/service_tokens',
      '/tokens/api',
      '/tokens/access',
      '/access/users',
    ]
    const strange = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom(
        "'",
        '"',
        "' or 1=1 --",
        '%',
        '_',
        '\\',
        '\0',
        '$1',
        '?',
        '{"a":1}',
        '__proto__',
        '9'.repeat(40),
        '-1',
        'NaN',
      ),
    )
    const names = ['search', 'name', 'page', 'per_page', 'order', 'direction', 'sort']
    const filters = [
      'after',
      'before',
      'limit',
      'portal',
      'server',
      'actor',
      'method',
      'capability',
      'deed',
      'since',
      'outcome',
    ]
    await fc.assert(
      fc.asyncProperty(
        strange,
        fc.constantFrom(...names),
        fc.constantFrom(...filters),
        fc.constantFrom(...lists),
        async (text, name, filter, list) => {
          const value = encodeURIComponent(text.toWellFormed())
          for (const path of [`${list}?${name}=${value}`, `${LOGS}?${filter}=${value}`, `${list}/x${value}`]) {
            expect([200, 400, 404]).toContain((await room.ask('GET', path)).status)
          }
        },
      ),
      { numRuns: 60 },
    )
  })
})

test('while the database is away, the answer is 503 and a sentence, not a bug', async () => {
  const room = await openAdminRoom()
  const away = await freshPostgres()
  const { clock, log } = room.deps
  const store = await openStore({ dir: room.at.dir, databaseUrl: away.url, clock, log })
  await away.drop()
  const admin = createAdmin({
    ...room.deps,
    store,
    authenticate: (header) => authenticateOperator(header, store, clock),
  })
  const request = new Request(`http://localhost/client/v4/accounts/x${PORTALS}`, {
    headers: { authorization: `Bearer ${room.owner}` },
  })
  const answer = await admin.fetch(request, LOCAL)
  expect(answer.status).toBe(503)
  expect(await answer.json()).toMatchObject({ success: false, errors: [{ code: 11053 }] })
  await store.close()
  await room.end()
})

async function plantSecrets(room: AdminRoom): Promise<string[]> {
  const result = async (path: string, body: object) => (await room.ask('POST', path, { body })).body.result
  const client = {
    auth_mode: 'manual',
    config: { authorization_endpoint: 'https://as.test/a', token_endpoint: 'https://as.test/t' },
    registration_info: { client_id: 'c' },
  }
  const own = [
    'canary-bearer-0123456789',
    'canary-header-0123456789',
    'canary-client-0123456789',
    'canary-env-0123456789',
    'canary-env-second-012345',
  ]
  await result(SERVERS, serverBody('bearer', { auth_type: 'bearer', auth_credentials: own[0] }))
  await result(
    SERVERS,
    serverBody('headers', { auth_type: 'bearer', auth_credentials: JSON.stringify({ headers: { 'x-key': own[1] } }) }),
  )
  await result(
    SERVERS,
    serverBody('oauth', { auth_type: 'oauth', auth_credentials: JSON.stringify(client), client_secret: own[2] }),
  )
  const transport = { type: 'stdio', command: '/bin/true', env: { KEY: own[3] } }
  await result(SERVERS, serverBody('child', { hostname: 'stdio://child', transport }))
  await room.ask('PUT', `${SERVERS}/child`, { body: { transport: { ...transport, env: { KEY: own[4] } } } })
  await result(PORTALS, portalBody('main'))
  const service = await result('/access/service_tokens', { name: 'bot' })
  const rotated = await result(`/access/service_tokens/${service.id}/rotate`, {
    previous_client_secret_expires_at: new Date(room.clock.now() + 60_000).toISOString(),
  })
  const api = await result('/tokens/api', { name: 'ci', role: 'admin' })
  const access = await result('/tokens/access', { email: 'ada@acme.test', portal: 'main' })
  const made = [service.client_secret, rotated.client_secret, api.token, access.token].map(String)
  for (const secret of made) expect(secret).toMatch(/^pt/)
  expect((await room.ask('GET', `${SERVERS}/bearer`)).body.result.hostname).toBe(DEAD)
  return [...own, ...made]
}

/** Everything at rest: each table's rows, and each file of the data directory, the audit's journal included. */
async function dumpOf({ at, audit }: AdminRoom): Promise<string> {
  await audit.query({ limit: 1 })
  const tables = await at.store.db.introspection.getTables()
  const parts: string[] = []
  for (const { name } of tables) {
    parts.push(
      JSON.stringify(
        await at.store.db
          .selectFrom(name as 'portals')
          .selectAll()
          .execute(),
      ),
    )
  }
  for (const file of readdirSync(at.dir, { recursive: true, withFileTypes: true })) {
    if (file.isFile()) parts.push(readFileSync(join(file.parentPath, file.name), 'latin1'))
  }
  return parts.join('\n')
}
