/**
 * Who owns a journal: the process that holds an operating-system lock on a file in it. The lock dies with the process, however
 * it dies, and process ids play no part (every container has a process 1). SQLite takes the lock, because node has no
 * portable call for one; nothing is ever stored.
 *
 * Nothing else may open such a file: on POSIX systems, closing any descriptor of it gives the lock up.
 */
import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

export class FileLock {
  readonly #database: DatabaseSync

  private constructor(database: DatabaseSync) {
    this.#database = database
  }

  /**
   * @param waitMs how long to wait for another holder
   * @returns null when another holder keeps it
   */
  static take(path: string, waitMs = 0): FileLock | null {
    createOnce(path)
    const database = new DatabaseSync(path, { timeout: waitMs })
    try {
      database.exec('BEGIN EXCLUSIVE')
      return new FileLock(database)
    } catch (error) {
      database.close()
      if (isBusy(error)) return null
      throw error
    }
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close()
  }
}

/** Makes the file with mode 0600; an existing one is not opened, for the reason above. */
export function createOnce(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** Whether SQLite said that another connection is in the way (SQLITE_BUSY and its extended codes). */
export function isBusy(error: unknown): boolean {
  const code = (error as { errcode?: unknown }).errcode
  return typeof code === 'number' && (code & 0xff) === 5
}
