/**
 * The directory of all journals: making one's own, and adopting those whose process died.
 *
 * A journal belongs to the process that holds its lock. Between making a journal and locking it there is a moment in
 * which it looks abandoned, so making and adopting exclude each other by one more lock.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { newId } from '../base/ids.ts'
import { FileLock } from './lock-store.ts'

export interface OwnedJournal {
  name: string
  dir: string
  lock: FileLock
}

const NAME = /^[0-9a-z]{26}$/
const WAIT_MS = 10_000

/** `<data>/journal`, where each process has a directory. */
export function journalsDir(data: string): string {
  return join(data, 'journal')
}

function exclusively<T>(journals: string, work: () => T): T {
  const lock = FileLock.take(join(journals, 'lock'), WAIT_MS)
  if (lock === null) throw new Error(`${journals} is locked by another process that does not let go`)
  try {
    return work()
  } finally {
    lock.close()
  }
}

/**
 * A new journal's directory, locked by this process.
 *
 * @param now milliseconds since 1970
 */
export function makeOwn(data: string, now: number): OwnedJournal {
  const journals = journalsDir(data)
  mkdirSync(journals, { recursive: true, mode: 0o700 })
  return exclusively(journals, () => {
    const name = newId<string>(now)
    const dir = join(journals, name)
    mkdirSync(dir, { mode: 0o700 })
    const lock = FileLock.take(join(dir, 'lock'))
    if (lock === null) throw new Error(`${dir} is new and yet locked`)
    return { name, dir, lock }
  })
}

/** Locks every journal whose process is dead. */
export function adoptOrphans(data: string): OwnedJournal[] {
  const journals = journalsDir(data)
  return exclusively(journals, () =>
    readdirSync(journals)
      .filter((name) => NAME.test(name))
      .flatMap((name) => {
        const dir = join(journals, name)
        const lock = FileLock.take(join(dir, 'lock'))
        return lock === null ? [] : [{ name, dir, lock }]
      }),
  )
}

/** The journals whose process is dead, for whoever only wants to know. */
export function orphansIn(data: string): string[] {
  const journals = journalsDir(data)
  return readdirSync(journals).filter((name) => {
    const path = join(journals, name, 'lock')
    if (!NAME.test(name) || !existsSync(path)) return false
    const lock = FileLock.take(path)
    lock?.close()
    return lock !== null
  })
}

/** Deletes a journal whose rows are all in the database. */
export function removeJournal({ dir, lock }: OwnedJournal): void {
  // Windows deletes no open file. Whoever adopts the directory in this moment finds its mark at the end, or no segment.
  lock.close()
  rmSync(dir, { recursive: true, force: true })
}
