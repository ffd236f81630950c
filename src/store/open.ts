/**
 * The store: SQLite in the data directory, or PostgreSQL. It owns the connections, the schema and the counters by which
 * caches follow. What a row means is the business of the `*-store.ts` files.
 */
import { Kysely, type Transaction } from 'kysely'
import type { Clock } from '../base/clock.ts'
import { Fault } from '../base/fault.ts'
import type { Log } from '../base/log.ts'
import { isCurrent, migrate } from './migrate.ts'
import { postgresDialect } from './postgres.ts'
import { openSqlite } from './sqlite-files.ts'
import type { Tables } from './tables.ts'
import { openVersions, type Versions } from './versions.ts'

/** What reads take: the store's `db`, or the transaction that must see its own writes. */
export type Db = Kysely<Tables>
/** What writes take. */
export type Trx = Transaction<Tables>

export interface Store {
  readonly db: Db
  readonly dialect: 'sqlite' | 'postgres'
  readonly versions: Versions
  readonly clock: Clock
  /**
   * Runs the work in one transaction, then tells the listeners of every topic it raised, and resolves when they have
   * followed. Inside, only the transaction may be used: on SQLite there is one connection, and `db` would wait for it forever.
   * Where PostgreSQL gave the transaction up for another one's sake, nothing of it is left and the work runs again, so
   * what it does outside of the transaction must be as good when it is done twice.
   */
  write<T>(work: (trx: Trx) => Promise<T>): Promise<T>
  /** Whether the database answers a query now, for `/readyz`. Never throws. */
  answers(): Promise<boolean>
  /** Whether the schema is the one that this program knows, for `/readyz`. Never throws. */
  isCurrent(): Promise<boolean>
  close(): Promise<void>
}

export interface StoreOptions {
  /** The data directory; made with mode 0700 where it is missing. */
  dir: string
  /** PostgreSQL, or null for SQLite under `dir`. */
  databaseUrl: string | null
  clock: Clock
  log: Log
}

/**
 * How soon a replica notices what another one changed. A change is to be in force everywhere within a second, and between looking and being
 * in force lie the counters' answer, reading what changed, and whatever else a busy process does: half of the time is theirs.
 */
const POLL_MS = 500
/** How often one write is tried where others stand in its way, and how long it waits between at the most, times attempts. */
const MOST_ATTEMPTS = 5
const PAUSE_MS = 50

/**
 * @throws Fault `store-unavailable` when another process has the data directory, the database cannot be reached, or a newer
 *   program has written it
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { dir, databaseUrl, clock, log } = options
  const opened = databaseUrl === null ? openSqlite(dir) : postgresDialect(databaseUrl, log)
  const db = new Kysely<Tables>({ dialect: opened.dialect })
  const dialect = databaseUrl === null ? 'sqlite' : 'postgres'
  const release = async (): Promise<void> => {
    await db.destroy()
    await opened.close()
  }
  try {
    await migrate(db)
    const versions = await openVersions(db, log, dialect === 'postgres' ? POLL_MS : null)
    return new OpenStore({ db, dialect, versions, clock, release })
  } catch (error) {
    await release()
    throw error instanceof Fault ? error : unreachable(dialect, error)
  }
}

interface Parts {
  db: Db
  dialect: Store['dialect']
  versions: Versions
  clock: Clock
  release(): Promise<void>
}

class OpenStore implements Store {
  readonly db: Db
  readonly dialect: Store['dialect']
  readonly versions: Versions
  readonly clock: Clock
  readonly #release: () => Promise<void>
  #closing: Promise<void> | undefined

  constructor(parts: Parts) {
    this.db = parts.db
    this.dialect = parts.dialect
    this.versions = parts.versions
    this.clock = parts.clock
    this.#release = parts.release
  }

  async write<T>(work: (trx: Trx) => Promise<T>): Promise<T> {
    const result = await this.#attempt(work)
    await this.versions.announce()
    return result
  }

  async #attempt<T>(work: (trx: Trx) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.db.transaction().execute(work)
      } catch (error) {
        if (attempt >= MOST_ATTEMPTS || !isGivenUp(error)) throw error
      }
      // Two that stood in each other's way must not meet again.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * attempt * PAUSE_MS))
    }
  }

  answers(): Promise<boolean> {
    const question = this.db.selectFrom('versions').select('topic').limit(1).execute()
    return question.then(
      () => true,
      () => false,
    )
  }

  isCurrent(): Promise<boolean> {
    return isCurrent(this.db).catch(() => false)
  }

  close(): Promise<void> {
    this.versions.close()
    this.#closing ??= this.#release()
    return this.#closing
  }
}

/** Serialization failure and deadlock: the transaction did nothing, and may succeed the next time (PostgreSQL, appendix A). */
const GIVEN_UP = ['40001', '40P01']

function isGivenUp(error: unknown): boolean {
  return error instanceof Error && 'code' in error && GIVEN_UP.includes(String(error.code))
}

function unreachable(dialect: Store['dialect'], cause: unknown): Fault {
  const message =
    dialect === 'postgres'
      ? 'PostgreSQL could not be used. Check DATABASE_URL, that the server is up, and that the user may create tables.'
      : 'The database file could not be used. Check that the data directory is writable and the disk is not full.'
  return new Fault('store-unavailable', message, cause)
}
