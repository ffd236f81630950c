/** The data directory, for its owner alone. Never loosens, and never tightens a directory that is not the portal's. */
import { chmodSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { ConfigError } from './config-error.ts'

/** Any of these says that a directory is a portal's. */
const OURS = new Set(['key-id', 'portico.db', 'audit.db', 'admin-token'])

/**
 * Makes the directory (0700) or closes it to others.
 *
 * @returns a line for the operator when others may look into it and that could not be changed, else null
 * @throws ConfigError when it cannot be made or is no directory
 */
export function openDataDirectory(path: string): string | null {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new ConfigError([`${path}: cannot be made the data directory (${(error as NodeJS.ErrnoException).code})`])
  }
  const { mode, uid } = statSync(path)
  if (process.platform === 'win32' || (mode & 0o077) === 0) return null
  const entries = readdirSync(path)
  const isOurs = entries.length === 0 || entries.some((name) => OURS.has(name))
  if (isOurs && (uid === process.getuid?.() || process.getuid?.() === 0)) {
    chmodSync(path, 0o700)
    return null
  }
  return `${path}: others may look into the data directory (mode ${(mode & 0o777).toString(8)}); run: chmod 700 '${path}'`
}
