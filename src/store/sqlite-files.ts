/**
 * The files of the embedded store. `portico.db` holds the data; `portico.lock` is an empty SQLite database that stays
 * exclusively locked while the process lives, so a second process is refused and the lock cannot outlive a crash.
 * The data file itself stays open to readers, because backups are made by reading it.
 */
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Dialect } from 'kysely'
import { Fault } from '../base/fault.ts'
import { sqliteDialect } from './sqlite-dialect.ts'

/** How long to wait for a backup's read lock. */
const BUSY_MS = 5000

/** @throws Fault `store-unavailable` when the directory cannot be used or another process has it */
export function openSqlite(dir: string): { dialect: Dialect; close(): Promise<void> } {
  makeDirectory(dir)
  const lock = takeLock(dir)
  return {
    dialect: sqliteDialect(() => openData(join(dir, 'portico.db'))),
    close: async () => {
      if (lock.isOpen) lock.close()
    },
  }
}

/**
 * Keeps every other command, and with SQLite every portal, off the data directory until it is let go, or this process ends.
 *
 * @throws Fault `store-unavailable` when somebody else has it
 */
export function holdDirectory(dir: string): { release(): void } {
  const lock = takeLock(dir)
  return {
    release: () => {
      if (lock.isOpen) lock.close()
    },
  }
}

function makeDirectory(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new Fault('store-unavailable', `The data directory ${dir} cannot be made. Choose another by --data.`, error)
  }
}

function takeLock(dir: string): DatabaseSync {
  const path = join(dir, 'portico.lock')
  const lock = openFile(path, dir)
  try {
    lock.exec('pragma journal_mode = delete; pragma locking_mode = exclusive; begin exclusive')
  } catch (error) {
    lock.close()
    throw new Fault(
      'store-unavailable',
      `Another Portico is running on the data directory ${dir}. Stop it, choose another directory by --data, or set DATABASE_URL to run several.`,
      error,
    )
  }
  // By path, never by opening it: closing any descriptor of a file drops this process's POSIX locks on it.
  chmodSync(path, 0o600)
  return lock
}

function openFile(path: string, dir: string): DatabaseSync {
  try {
    return new DatabaseSync(path, { timeout: 0 })
  } catch (error) {
    throw new Fault('store-unavailable', `The data directory ${dir} cannot be written. Check who owns it.`, error)
  }
}

/** The data file for reading beside a portal that may be running. Takes no lock of ours and makes no file of its own. */
export function openReader(path: string): DatabaseSync {
  return new DatabaseSync(path, { timeout: BUSY_MS, readOnly: true, allowExtension: false })
}

function openData(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: BUSY_MS, enableForeignKeyConstraints: true, allowExtension: false })
  chmodSync(path, 0o600)
  // FULL: a revocation or a single-use mark that was answered survives a power cut.
  db.exec('pragma journal_mode = wal; pragma synchronous = full; pragma trusted_schema = off')
  return db
}
