import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS, freshPostgres, freshStore, type TestStore } from '../../test/databases.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { takeLease } from './lease.ts'
import { MIGRATIONS, migrate } from './migrate.ts'
import { openStore, type Trx } from './open.ts'

describe.each(DATABASE_KINDS)('the store on %s', (kind) => {
  let now = 1_000_000
  const clock: Clock = { now: () => now, elapsed: () => now }
  let at: TestStore
  beforeEach(async () => {
    at = await freshStore(kind, clock)
  })
  afterEach(() => at.end())

  test('times beyond 32 bits come back as numbers', async () => {
    const late = 4_102_444_800_123
    await at.store.db
      .insertInto('users')
      .values({ id: 'u', email: 'a@b.c', name: null, created_at: late, last_seen_at: null, disabled_at: null })
      .execute()
    expect(await at.store.db.selectFrom('users').selectAll().execute()).toEqual([
      { id: 'u', email: 'a@b.c', name: null, created_at: late, last_seen_at: null, disabled_at: null },
    ])
  })

  test('a failed write leaves nothing and tells nobody', async () => {
    const told: number[] = []
    at.store.versions.changed('tokens', (version) => void told.push(version))
    await expect(
      at.store.write(async (trx) => {
        await trx.insertInto('settings').values({ key: 'k', value: 'v' }).execute()
        await at.store.versions.bump(trx, 'tokens')
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    expect(await at.store.db.selectFrom('settings').selectAll().execute()).toEqual([])
    expect(told).toEqual([])
    expect(at.store.versions.get('tokens')).toBe(0)
  })

  test('a write resolves after the listeners of its topics have followed, and of no others', async () => {
    const told: string[] = []
    at.store.versions.changed('tokens', async (version) => {
      await new Promise((done) => setImmediate(done))
      told.push(`tokens ${version}`)
    })
    at.store.versions.changed('portals', () => void told.push('portals'))
    await at.store.write((trx) => at.store.versions.bump(trx, 'tokens'))
    await at.store.write((trx) => at.store.versions.bump(trx, 'tokens'))
    expect(told).toEqual(['tokens 1', 'tokens 2'])
    expect(at.store.versions.get('tokens')).toBe(2)
  })

  test('a listener sees the last of many changes and never runs twice at once', async () => {
    let running = 0
    let most = 0
    const seen: number[] = []
    at.store.versions.changed('servers', async (version) => {
      most = Math.max(most, ++running)
      await new Promise((done) => setImmediate(done))
      running--
      seen.push(version)
    })
    await Promise.all(Array.from({ length: 20 }, () => at.store.write((trx) => at.store.versions.bump(trx, 'servers'))))
    expect(most).toBe(1)
    expect(seen.at(-1)).toBe(20)
  })

  test('a listener that fails does not fail the write, and is told again', async () => {
    const seen: number[] = []
    at.store.versions.changed('policies', (version) => {
      seen.push(version)
      if (seen.length === 1) throw new Error('not yet')
    })
    await at.store.write((trx) => at.store.versions.bump(trx, 'policies'))
    await at.store.versions.announce()
    expect(seen).toEqual([1, 1])
  })

  test('a lease belongs to one holder until it ends', async () => {
    expect(await takeLease(at.store, 'sync', 'a', 1000)).toBe(true)
    expect(await takeLease(at.store, 'sync', 'b', 1000)).toBe(false)
    expect(await takeLease(at.store, 'sync', 'a', 1000)).toBe(true)
    now += 1001
    expect(await takeLease(at.store, 'sync', 'b', 1000)).toBe(true)
    expect(await takeLease(at.store, 'sync', 'a', 1000)).toBe(false)
  })

  test('what was written is there after a restart, with its versions', async () => {
    await at.store.write(async (trx) => {
      await trx.insertInto('settings').values({ key: 'k', value: 'v' }).execute()
      await at.store.versions.bump(trx, 'portals')
    })
    await at.store.close()
    const second = await at.again()
    try {
      expect(await second.db.selectFrom('settings').selectAll().execute()).toEqual([{ key: 'k', value: 'v' }])
      expect(second.versions.get('portals')).toBe(1)
    } finally {
      await second.close()
    }
  })

  test('a database that a newer program has written is refused with what to do', async () => {
    const newer = { '9999-later': { up: async () => {} } }
    await migrate(at.store.db, { ...MIGRATIONS, ...newer })
    await at.store.close()
    await expect(at.again()).rejects.toMatchObject({
      code: 'store-unavailable',
      message: expect.stringContaining('written by a newer Portico (it has the schema 9999-later'),
    })
  })

  test('a migration that fails leaves no part of itself', async () => {
    const broken = {
      '9998-broken': {
        up: async (db: typeof at.store.db) => {
          await db.schema.createTable('half').addColumn('x', 'text').execute()
          throw new Error('no further')
        },
      },
    }
    await expect(migrate(at.store.db, { ...MIGRATIONS, ...broken })).rejects.toMatchObject({
      code: 'store-unavailable',
    })
    const tables = await at.store.db.introspection.getTables()
    expect(tables.map((table) => table.name)).not.toContain('half')
  })
})

describe('SQLite files', () => {
  let dir: string
  const options = () => ({ dir, databaseUrl: null, clock: systemClock, log: silentLog })
  beforeEach(() => {
    dir = join(mkdtempSync(join(tmpdir(), 'portico-test-')), 'data')
  })
  afterEach(() => rmSync(join(dir, '..'), { recursive: true, force: true }))

  test('only the owner can read them', async () => {
    const store = await openStore(options())
    const modes = ['', 'portico.db', 'portico.db-wal', 'portico.lock'].map(
      (name) => statSync(join(dir, name)).mode & 0o777,
    )
    await store.close()
    expect(modes).toEqual([0o700, 0o600, 0o600, 0o600])
  })

  test('WAL, full synchronisation and foreign keys are on', async () => {
    const store = await openStore(options())
    const file = new DatabaseSync(join(dir, 'portico.db'), { readOnly: true })
    expect(file.prepare('pragma journal_mode').get()).toEqual({ journal_mode: 'wal' })
    file.close()
    const orphan = { portal_uid: 'p', server_uid: 's', position: 0, default_disabled: 0, on_behalf: 0 }
    await expect(
      store.db
        .insertInto('portal_servers')
        .values({ ...orphan, updated_tools: '[]', updated_prompts: '[]' })
        .execute(),
    ).rejects.toThrow(/FOREIGN KEY/)
    await store.close()
  })

  test('a second opening of the same data directory is refused until the first is closed', async () => {
    const first = await openStore(options())
    await expect(openStore(options())).rejects.toMatchObject({
      code: 'store-unavailable',
      message: expect.stringContaining('Another Portico is running on the data directory'),
    })
    await first.close()
    await (await openStore(options())).close()
  })

  test('a second process is refused while the first lives, and let in after it was killed', async () => {
    const program = `
      import { openStore } from ${JSON.stringify(new URL('./open.ts', import.meta.url).href)}
      import { systemClock } from ${JSON.stringify(new URL('../base/clock.ts', import.meta.url).href)}
      import { silentLog } from ${JSON.stringify(new URL('../base/log.ts', import.meta.url).href)}
      await openStore({ dir: ${JSON.stringify(dir)}, databaseUrl: null, clock: systemClock, log: silentLog })
      process.stdout.write('open')
      setInterval(() => {}, 1000)
    `
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    await expect(openStore(options())).rejects.toMatchObject({ code: 'store-unavailable' })
    child.kill('SIGKILL')
    await once(child, 'exit')
    await (await openStore(options())).close()
  })
})

describe('replicas on PostgreSQL', () => {
  test('two writes that wait for each other both come through, each once', async () => {
    const fresh = await freshStore('postgres')
    const { store } = fresh
    const other = await fresh.again()
    await store.write(async (trx) => {
      for (const key of ['a', 'b']) await trx.insertInto('settings').values({ key, value: '0' }).execute()
    })
    const raise = async (trx: Trx, key: string) => {
      const { value } = await trx
        .selectFrom('settings')
        .select('value')
        .where('key', '=', key)
        .forUpdate()
        .executeTakeFirstOrThrow()
      await trx
        .updateTable('settings')
        .set({ value: String(Number(value) + 1) })
        .where('key', '=', key)
        .execute()
    }
    // Each has one row and wants the other's: PostgreSQL gives one of them up.
    const met = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const
    let runs = 0
    const crossing = (room: typeof store, [first, second]: readonly [string, string], at: 0 | 1) =>
      room.write(async (trx) => {
        runs++
        await raise(trx, first)
        met[at].resolve()
        await met[at === 0 ? 1 : 0].promise
        await raise(trx, second)
      })
    await Promise.all([crossing(store, ['a', 'b'], 0), crossing(other, ['b', 'a'], 1)])
    expect(runs).toBe(3)
    expect(
      await store.db
        .selectFrom('settings')
        .select(['key', 'value'])
        .where('key', 'in', ['a', 'b'])
        .orderBy('key')
        .execute(),
    ).toEqual([
      { key: 'a', value: '2' },
      { key: 'b', value: '2' },
    ])
    await other.close()
    await fresh.end()
  })

  // [REPLICA-2]
  test('several that start together on an empty database all open, and learn of each other within seconds', async () => {
    const postgres = await freshPostgres()
    const options = { dir: tmpdir(), databaseUrl: postgres.url, clock: systemClock, log: silentLog }
    const stores = await Promise.all([1, 2, 3, 4].map(() => openStore(options)))
    try {
      const [writer, ...others] = stores
      const heard = others.map((store) => new Promise<number>((done) => store.versions.changed('tokens', done)))
      await writer?.write((trx) => writer.versions.bump(trx, 'tokens'))
      expect(await Promise.all(heard)).toEqual([1, 1, 1])
    } finally {
      await Promise.all(stores.map((store) => store.close()))
      await postgres.drop()
    }
  })

  test('a server that does not answer is a plain sentence without the address or password', async () => {
    const databaseUrl = 'postgres://someone:hunter2@127.0.0.1:1/none'
    const opening = openStore({ dir: tmpdir(), databaseUrl, clock: systemClock, log: silentLog })
    await expect(opening).rejects.toMatchObject({
      code: 'store-unavailable',
      message:
        'PostgreSQL could not be used. Check DATABASE_URL, that the server is up, and that the user may create tables.',
    })
  })
})
