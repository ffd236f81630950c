import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS, type DatabaseKind, freshStore, type TestStore } from '../../test/databases.ts'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { keyRing, openSealer } from '../base/secret.ts'
import { ArchiveError, readArchiveHeader, readArchiveRows, writeArchive } from './archive.ts'
import { openDump } from './dump.ts'
import { readEpoch } from './epoch.ts'
import { KEY_CHECK, proveKey } from './key-check.ts'
import { loadStore } from './load.ts'
import { MIGRATIONS, migrateTo } from './migrate.ts'
import { openStore } from './open.ts'
import { openStopped } from './stopped.ts'
import type { Tables } from './tables.ts'

const sealer = openSealer(keyRing([Buffer.alloc(32, 7)]), 'store')
const LATEST = Object.keys(MIGRATIONS).sort().at(-1) ?? ''
const REVOKED = 1_700_000_000_000

let folder: string
let file: string
const cleanups: (() => Promise<void>)[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portico-backup-'))
  file = join(folder, 'backup')
})
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
  rmSync(folder, { recursive: true, force: true })
})

async function database(kind: DatabaseKind): Promise<TestStore> {
  const at = await freshStore(kind)
  cleanups.push(() => at.end())
  return at
}

async function filled(kind: DatabaseKind): Promise<TestStore> {
  const at = await database(kind)
  const { store } = at
  await proveKey(store, sealer)
  const token = { user_id: 'u', grant_id: 'g', portal_uid: 'p', name: 'Zoë’s \n\u0007 "name"', created_by: 'x' }
  const times = { created_at: 4_102_444_800_123, expires_at: null }
  await store.db.insertInto('users').values({ id: 'u', email: 'a@b.c', created_at: 1, last_seen_at: null }).execute()
  await store.db
    .insertInto('portals')
    .values({
      ...{
        uid: 'p',
        id: 'default',
        hostname: 'localhost',
        name: 'P',
        description: null,
        code_mode: 'off' as const,
        optimize_context: 'off' as const,
      },
      ...{ secure_web_gateway: 0, policies: '[]', position: 1, origin: 'api' as const },
      ...{ created_at: 1, created_by: 'x', modified_at: 1, modified_by: 'x' },
    })
    .execute()
  await store.db
    .insertInto('access_tokens')
    .values([
      { ...token, ...times, id: 'live', token_digest: 'd1', revoked_at: null },
      { ...token, ...times, id: 'dead', token_digest: 'd2', revoked_at: REVOKED },
    ])
    .execute()
  await store.db
    .insertInto('api_tokens')
    .values({
      ...{ id: 'api', name: 'n', token_digest: 'd3', role: 'owner', scopes: '[]', created_by: 'x', revoked_at: null },
      ...times,
    })
    .execute()
  await store.db
    .insertInto('service_tokens')
    .values({
      ...{ id: 's', name: 'bot', client_id: 'c', secret_digest: 'd4', previous_secret_digest: null, enabled: 1 },
      ...{ previous_expires_at: null, client_secret_version: 1, duration: '8760h', updated_at: 1, last_seen_at: null },
      ...times,
    })
    .execute()
  await store.db
    .insertInto('sessions')
    .values({
      ...{ id: 'z', principal: 'user:u', portal_uid: 'p', created_at: 1, last_seen_at: 1, ended_at: null },
      log_level: 'debug',
    })
    .execute()
  await signedIn(at)
  await connected(at)
  await toldOf(at)
  return at
}

/** What the portal holds at a server: the shared credential, and a person's own. */
async function connected({ store }: TestStore): Promise<void> {
  await store.db
    .insertInto('servers')
    .values({
      ...{ uid: 'm', id: 'mcp', name: 'M', description: null, hostname: 'https://mcp.test', transport: null },
      ...{ auth_type: 'oauth', auth_mode: 'dcr', auth_credentials_sealed: null, client_secret_sealed: null },
      ...{ client_secret_version: 0, env_sealed: null, isolation: 'per_credential', allow_private: '[]' },
      ...{ definitions: 'hold_changed', definitions_pinned_at: null, instructions: 'off', updated_tools: 'null' },
      ...{ updated_prompts: 'null', policies: '[]', is_shared_oauth_callback_enabled: 0, secure_web_gateway: 0 },
      ...{ status: 'ready', authentication_status: 'connected', error: null, error_details: null, last_synced: null },
      ...{ last_successful_sync: null, position: 1, origin: 'api', created_at: 1, created_by: 'x' },
      ...{ modified_at: 1, modified_by: 'x', deadlines: null, identity_header: null, identity_claims: null },
      ...{ approved_scope: null, labels: null, limits: null, bypass_credential: 0, relay: null },
    })
    .execute()
  const connection = {
    ...{ server_uid: 'm', kind: 'oauth' as const, status: 'ready' as const, reason: null, issuer: 'https://as.test' },
    ...{ resource: 'https://mcp.test', client_id: 'c', scope: null, account: 'a', has_refresh_token: 1 },
    ...{ expires_at: 4_102_444_800_123, renew_at: 4_102_444_800_000, refreshed_at: 1, version: 3, warned_at: null },
    ...{ created_at: 1, created_by: 'x' },
  }
  const tokens = (id: string) => ({ id, tokens_sealed: sealer.seal('{}', `connections/${id}/tokens`) })
  await store.db
    .insertInto('connections')
    .values([
      { ...connection, ...tokens('shared'), owner: 'admin', user_id: null },
      { ...connection, ...tokens('own'), owner: 'user:u', user_id: 'u' },
    ])
    .execute()
}

/** A webhook with a delivery that arrived and one that waits. */
async function toldOf({ store }: TestStore): Promise<void> {
  const stamps = { created_at: 1, created_by: 'x', modified_at: 1, modified_by: 'x', origin: 'api' as const }
  await store.db
    .insertInto('webhooks')
    .values({
      ...{ id: 'w', name: 'W', url: 'https://w.test', events: '[]', enabled: 1, allow_private: '[]' },
      ...{ secret_sealed: sealer.seal('s', 'webhooks/w/secret'), secret_version: 1, ...stamps },
    })
    .execute()
  const delivery = { webhook_id: 'w', event: 'webhook.test', payload: '{}', created_at: 1, last_error: null }
  await store.db
    .insertInto('webhook_deliveries')
    .values([
      { ...delivery, id: 'arrived', tries: 1, next_at: null, last_status: 204, delivered_at: 2 },
      { ...delivery, id: 'waits', tries: 0, next_at: 3, last_status: null, delivered_at: null },
    ])
    .execute()
}

/** A person whose client was let in, with all that is under way for them. */
async function signedIn({ store }: TestStore): Promise<void> {
  const { db } = store
  const facts = { groups: null, amr: '[]', claims: '{}', id_token_sealed: null, refresh_token_sealed: null }
  await db
    .insertInto('identities')
    .values({
      ...{ id: 'i', user_id: 'u', provider_id: 'local', issuer: 'l', subject: 'u', email: 'a@b.c', ...facts },
      ...{ signed_in_at: 1, checked_at: 1 },
    })
    .execute()
  await db
    .insertInto('browser_sessions')
    .values({
      ...{ id: 'b', token_digest: 'd5', user_id: 'u', identity_id: 'i', created_at: 1, last_seen_at: 1 },
      ...{ expires_at: 4_102_444_800_123, ended_at: null, client_ip: '', user_agent: '' },
    })
    .execute()
  await db
    .insertInto('grants')
    .values({
      ...{ id: 'g', user_id: 'u', identity_id: 'i', portal_uid: 'p', client_id: 'c', client_name: 'C', resource: 'r' },
      ...{ redirect_uri: null, created_at: 1, last_used_at: 1, revoked_at: null, revoked_why: null, announced: null },
    })
    .execute()
  await db
    .insertInto('oauth_artifacts')
    .values({
      ...{ key: 'RefreshToken:d6', model: 'RefreshToken', payload_sealed: sealer.seal('{}', 'x'), grant_id: 'g' },
      ...{ uid_digest: null, user_code_digest: null, created_at: 1, expires_at: null, consumed_at: null },
    })
    .execute()
  const once = { created_at: 1, expires_at: 4_102_444_800_123 }
  const way = { cookie_digest: 'c', return_to: '/', used_at: null, ...once }
  await db
    .insertInto('sign_in_attempts')
    .values({ id: 'a', provider_id: 'x', secrets_sealed: 's', ...way })
    .execute()
  await db
    .insertInto('pins')
    .values({ id: 'n', email: 'a@b.c', pin_hmac: 'h', tries: 0, ...way })
    .execute()
  await db
    .insertInto('single_use_links')
    .values({ digest: 'd7', purpose: 'admin', created_by: 'x', used_at: null, ...once })
    .execute()
  await db
    .insertInto('questions')
    .values({
      ...{ id: 'q', principal: 'u', owner: 'grant:g', portal_uid: 'p', kind: 'select', subject: 's', ...once },
      ...{ answered_at: null, answer: null },
    })
    .execute()
}

async function backUp({ dir, databaseUrl }: TestStore, path = file): Promise<void> {
  const dump = await openDump(dir, databaseUrl, silentLog)
  const header = {
    ...{ portico_backup: 1 as const, program: '0', made_at: '2026-11-21T00:00:00.000Z', schema: dump.level },
    ...{ database: 'sqlite' as const, key_id: null, key_check: dump.keyCheck ?? '', left_out: [] },
  }
  await writeArchive(path, { header, rows: dump.rows(() => {}), sealer }).finally(() => dump.close())
}

interface How {
  replace?: boolean
  keepSessions?: boolean
  level?: string
}

async function restore({ dir, databaseUrl }: TestStore, how: How = {}): Promise<void> {
  const { db, close } = await openStopped({ dir, databaseUrl, log: silentLog })
  const rows = readArchiveRows(file, sealer)
  const options = { replace: false, keepSessions: false, level: LATEST, ...how }
  await loadStore(db, { databaseUrl, clock: systemClock, rows, ...options }).finally(close)
}

async function empty(kind: DatabaseKind): Promise<TestStore> {
  const at = await database(kind)
  await at.store.close()
  const { db, close } = await openStopped({ ...at, log: silentLog })
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  for (const { name } of tables)
    await db.schema
      .dropTable(name)
      .cascade()
      .execute()
      .catch(() => {})
  await close()
  if (kind === 'sqlite') for (const name of readdirSync(at.dir)) rmSync(join(at.dir, name))
  return at
}

const read = <Name extends keyof Tables>({ store }: { store: TestStore['store'] }, name: Name) =>
  store.db
    .selectFrom(name as 'users')
    .selectAll()
    .execute() as Promise<unknown[]>

describe.each(DATABASE_KINDS)('a backup of %s', (kind) => {
  for (const target of DATABASE_KINDS) {
    test(`is restored whole into an empty ${target}`, async () => {
      const from = await filled(kind)
      await backUp(from)
      const to = await empty(target)
      await restore(to, { keepSessions: true })
      const store = await to.again()
      cleanups.push(() => store.close())
      const tables = (await from.store.db.introspection.getTables()).map(({ name }) => name as keyof Tables)
      for (const name of tables.filter((table) => table !== 'versions' && table !== 'leases'))
        expect([name, await read({ store }, name)]).toEqual([name, await read(from, name)])
    })
  }

  test('is made beside a portal that writes, of one moment, and says nothing of who does what right now', async () => {
    const from = await filled(kind)
    await from.store.db.insertInto('leases').values({ name: 'sync', holder: 'h', until: 1 }).execute()
    await from.store.db
      .insertInto('parked')
      .values({
        ...{ id: 'k', principal: 'user:u', owner: 'grant:g', portal_uid: 'p', node: 'n', answers_sealed: null },
        ...{ taken_at: null, reply_sealed: null, created_at: 1, expires_at: 4_102_444_800_123 },
      })
      .execute()
    const dump = await openDump(from.dir, from.databaseUrl, silentLog)
    cleanups.push(() => dump.close())
    const rows = dump.rows(() => {})
    const names = [(await rows.next()).value?.[0]]
    await from.store.write((trx) => trx.insertInto('settings').values({ key: 'late', value: 'x' }).execute())
    for await (const [name, row] of rows) {
      names.push(name)
      expect(row.key).not.toBe('late')
    }
    expect(names).toContain('settings')
    expect(names).not.toContain('leases')
    expect(names).not.toContain('parked')
  })

  // [BACKUP-2]
  test('ends every token and session of before when it is restored', async () => {
    const at = await filled(kind)
    await backUp(at)
    await at.store.close()
    const before = systemClock.now()
    await restore(at, { replace: true })
    const store = await at.again()
    cleanups.push(() => store.close())
    const tokens = await store.db.selectFrom('access_tokens').select(['id', 'revoked_at']).orderBy('id').execute()
    expect(tokens).toEqual([
      { id: 'dead', revoked_at: REVOKED },
      { id: 'live', revoked_at: expect.any(Number) },
    ])
    expect(await store.db.selectFrom('api_tokens').select('id').where('revoked_at', 'is', null).execute()).toEqual([])
    expect(await store.db.selectFrom('service_tokens').select('enabled').execute()).toEqual([{ enabled: 0 }])
    expect(await read({ store }, 'sessions')).toEqual([])
    expect(await store.db.selectFrom('grants').select('id').where('revoked_at', 'is', null).execute()).toEqual([])
    expect(await store.db.selectFrom('browser_sessions').select('id').where('ended_at', 'is', null).execute()).toEqual(
      [],
    )
    // What is good once: used since, it would be good twice.
    for (const table of ['oauth_artifacts', 'sign_in_attempts', 'pins', 'single_use_links', 'questions'] as const)
      expect(await read({ store }, table)).toEqual([])
    expect(await readEpoch(store.db)).toBeGreaterThanOrEqual(before)
  })

  test('ends what the portal held at servers: people connect anew, and an admin is told to', async () => {
    const at = await filled(kind)
    await backUp(at)
    await at.store.close()
    await restore(at, { replace: true })
    const store = await at.again()
    cleanups.push(() => store.close())
    const left = await store.db.selectFrom('connections').selectAll().execute()
    expect(left).toMatchObject([
      {
        id: 'shared',
        status: 'needs_reauth',
        reason: 'restored',
        tokens_sealed: null,
        has_refresh_token: 0,
        version: 4,
      },
    ])
    const servers = await store.db.selectFrom('servers').select('authentication_status').execute()
    expect(servers).toEqual([{ authentication_status: 'stale' }])
  })

  test('sends no delivery again that waited when the backup was made', async () => {
    const at = await filled(kind)
    await backUp(at)
    await at.store.close()
    await restore(at, { replace: true })
    const store = await at.again()
    cleanups.push(() => store.close())
    const left = await store.db
      .selectFrom('webhook_deliveries')
      .select(['id', 'next_at', 'last_error', 'delivered_at'])
      .orderBy('id')
      .execute()
    expect(left).toEqual([
      { id: 'arrived', next_at: null, last_error: null, delivered_at: 2 },
      { id: 'waits', next_at: null, last_error: 'restored', delivered_at: null },
    ])
  })

  test('takes the place of what is there only where that is said, and raises every counter that caches follow', async () => {
    const at = await filled(kind)
    await backUp(at)
    await at.store.write(async (trx) => {
      for (let i = 0; i < 5; i++) await at.store.versions.bump(trx, 'tokens')
      await trx.insertInto('settings').values({ key: 'later', value: 'x' }).execute()
    })
    await at.store.close()
    await expect(restore(at)).rejects.toThrow('There is a portal’s data already')
    await restore(at, { replace: true })
    const store = await at.again()
    cleanups.push(() => store.close())
    expect(store.versions.get('tokens')).toBe(6)
    expect(await store.db.selectFrom('settings').select('key').where('key', '=', 'later').execute()).toEqual([])
  })

  test('is refused while a portal runs on the database, and that portal keeps what it has', async () => {
    const at = await filled(kind)
    await backUp(at)
    await expect(restore(at, { replace: true })).rejects.toThrow(/is running on/)
    expect(await read(at, 'users')).toHaveLength(1)
  })

  test('of an older schema is brought to this program’s', async () => {
    const from = await empty(kind)
    const opened = await openStopped({ ...from, log: silentLog })
    await migrateTo(opened.db, '0001-first')
    await opened.db
      .insertInto('settings')
      .values({ key: KEY_CHECK, value: sealer.seal('portico', KEY_CHECK) })
      .execute()
    await opened.close()
    await backUp(from)
    expect((await readArchiveHeader(file)).schema).toBe('0001-first')
    const to = await empty(kind)
    await restore(to, { level: '0001-first' })
    const store = await to.again()
    cleanups.push(() => store.close())
    expect(await store.isCurrent()).toBe(true)
  })

  for (const [what, change] of Object.entries({
    'a table that the schema does not have': ['kysely_migration', { name: 'x', timestamp: 'y' }],
    'a column that the schema does not have': ['settings', { key: 'x', 'value" from x --': 'y' }],
    'a row that refers to nothing': ['toggles', { owner: 'x', server_uid: 'none', enabled: 1, set_at: 1 }],
  } as Record<string, [string, Record<string, string | number>]>)) {
    test(`with ${what} is refused, and what was there stays`, async () => {
      const at = await filled(kind)
      await backUp(at)
      const header = await readArchiveHeader(file)
      rmSync(file)
      await writeArchive(file, {
        header,
        rows: (async function* () {
          yield change
        })(),
        sealer,
      })
      await at.store.close()
      await expect(restore(at, { replace: true })).rejects.toThrow(ArchiveError)
      const store = await at.again()
      cleanups.push(() => store.close())
      expect(await read({ store }, 'users')).toHaveLength(1)
    })
  }
})

test('a portal on PostgreSQL is known as running whatever its URL calls it', async () => {
  const at = await filled('postgres')
  await backUp(at)
  await at.store.close()
  const url = new URL(at.databaseUrl ?? '')
  url.search = '?application_name=ours&connect_timeout=9&application_name=theirs'
  const store = await openStore({ ...at, databaseUrl: url.href, clock: systemClock, log: silentLog })
  cleanups.push(() => store.close())
  await expect(restore(at, { replace: true })).rejects.toThrow('A portal is running on this database')
})

describe('the file', () => {
  let at: TestStore
  beforeEach(async () => {
    at = await filled('sqlite')
    await backUp(at)
  })
  const drain = async (with_ = sealer) => {
    let count = 0
    for await (const _ of readArchiveRows(file, with_)) count++
    return count
  }

  test('is for its owner alone, and nothing else stays beside it', () => {
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['backup'])
  })
  test('never takes the place of another one', async () => {
    const before = readFileSync(file)
    await expect(backUp(at)).rejects.toThrow('is there already')
    expect(readFileSync(file)).toEqual(before)
    expect(readdirSync(folder)).toEqual(['backup'])
  })
  test('does not appear under its name when it could not be finished', async () => {
    const header = await readArchiveHeader(file)
    const rows = (async function* (): AsyncGenerator<[string, Record<string, string>]> {
      yield ['settings', { key: 'a', value: 'b' }]
      throw new Error('the database went away')
    })()
    await expect(writeArchive(join(folder, 'second'), { header, rows, sealer })).rejects.toThrow('went away')
    expect(readdirSync(folder)).toEqual(['backup'])
  })
  test('is known as damaged when any byte of it is another one, or it ends too early', async () => {
    expect(await drain()).toBeGreaterThan(5)
    const whole = readFileSync(file)
    for (let at = 12; at < whole.length; at += 97) {
      const bytes = Buffer.from(whole)
      bytes[at] = (bytes[at] ?? 0) ^ 1
      writeFileSync(file, bytes)
      await expect(drain()).rejects.toThrow()
    }
    for (const length of [0, 1, 20, Math.floor(whole.length / 2), whole.length - 1]) {
      writeFileSync(file, whole.subarray(0, length))
      await expect(drain()).rejects.toThrow(/damaged/)
    }
  })
  test('is refused when its rows were changed by somebody without the key, checksum and all', async () => {
    const lines = gunzipSync(readFileSync(file)).toString().trimEnd().split('\n')
    const { createHash } = await import('node:crypto')
    const changed = lines.slice(0, -1).map((line) => line.replace('a@b.c', 'm@b.c'))
    expect(changed).not.toEqual(lines.slice(0, -1))
    const sha256 = createHash('sha256')
      .update(`${changed.join('\n')}\n`)
      .digest('hex')
    const end = JSON.stringify({ ...JSON.parse(lines.at(-1) ?? ''), sha256 })
    writeFileSync(file, gzipSync(`${[...changed, end].join('\n')}\n`))
    await expect(drain()).rejects.toThrow('somebody changed it')
    await expect(drain(openSealer(keyRing([Buffer.alloc(32, 8)]), 'store'))).rejects.toThrow('not written with a key')
  })
  test('that unpacks without end is given up, before it fills memory or disk', async () => {
    const header = `${gunzipSync(readFileSync(file)).toString().split('\n')[0]}\n`
    writeFileSync(file, gzipSync(Buffer.concat([Buffer.from(header), Buffer.alloc(200 * 1024 * 1024, 0x20)])))
    await expect(drain()).rejects.toThrow(/unpacks to more|longer than a row/)
  })
  for (const [what, bytes] of Object.entries({
    'is no gzip': Buffer.from('hello'),
    'is another program’s': gzipSync('{"version":3}\n'),
    'names paths': gzipSync('["../../etc/passwd",{"a":"b"}]\n'),
  })) {
    test(`that ${what} is no backup`, async () => {
      writeFileSync(file, bytes)
      await expect(readArchiveHeader(file)).rejects.toThrow(/damaged|no backup/)
      await expect(drain()).rejects.toThrow(/damaged|no backup/)
      expect(existsSync(join(folder, 'etc'))).toBe(false)
    })
  }
  test('of a newer format says that a newer program is needed', async () => {
    writeFileSync(file, gzipSync('{"portico_backup":2}\n'))
    await expect(readArchiveHeader(file)).rejects.toThrow('newer Portico')
  })
})
