/**
 * The data directory and what lies in it, for their owner alone. What others may read is closed to them and told, since somebody
 * may have read it; what cannot be closed is refused. Never tightens a directory that is not the portal's.
 */
import { chmodSync, lstatSync, mkdirSync, readdirSync, type Stats, statSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from './config-error.ts'

/** Any of these says that a directory is a portal's. */
const OURS = new Set(['key-id', 'portico.db', 'audit.db', 'admin-token'])

/** What the portal opens by name in the directory: a link there would have it write, or tighten, somewhere else. */
const OPENED = /^(?:key-id|admin-token|admin-link|setup\.json|journal|(?:portico|audit)\.(?:db|lock)(?:-wal|-shm)?)$/

/** Makes the directory (0700) where there is none. @throws ConfigError when it cannot be made or is no directory */
export function makeDataDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new ConfigError([`${path}: cannot be made the data directory (${(error as NodeJS.ErrnoException).code})`])
  }
}

/**
 * Closes the directory, and what is in it, to others.
 *
 * @returns lines for the operator: what was open, and what could not be changed
 * @throws ConfigError when it holds a link or a file of somebody else where ours must be
 */
export function closeDataDirectory(path: string): string[] {
  if (process.platform === 'win32') return []
  const entries = readdirSync(path)
  const isOurs = entries.some((name) => OURS.has(name))
  const directory = statSync(path)
  if (!isOurs && entries.length > 0) {
    if (!isOpen(directory)) return []
    return [`${path}: others may look into the data directory (mode ${modeOf(directory)}); run: chmod 700 '${path}'`]
  }
  const opened = openPaths(path)
  for (const { path: open } of opened) close(open)
  // Who finds an empty directory open has lost nothing.
  return isOurs
    ? opened.map(({ path: open, mode }) => `${open}: others could read it (mode ${mode}); now they cannot`)
    : []
}

/**
 * What others may read in a data directory, itself first. Directories that children and audit have of their own are looked at, not
 * into: nobody reaches what lies in a closed one.
 *
 * @throws ConfigError for a link where a file of ours must be
 */
export function openPaths(data: string): { path: string; mode: string }[] {
  const journal = join(data, 'journal')
  return [
    { path: data, stat: statSync(data) },
    ...entriesOf(data),
    ...(lstatSync(journal, { throwIfNoEntry: false })?.isDirectory() ? entriesOf(journal) : []),
  ]
    .filter(({ stat }) => isOpen(stat))
    .map(({ path, stat }) => ({ path, mode: modeOf(stat) }))
}

function entriesOf(folder: string): { path: string; stat: Stats }[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    // A journal of another process may go away between the listing and the look.
    const stat = lstatSync(path, { throwIfNoEntry: false })
    if (stat?.isSymbolicLink() && OPENED.test(name))
      throw new ConfigError([`${path}: is a link, and the portal's own file must lie there; put the file in its place`])
    return stat === undefined || stat.isSymbolicLink() ? [] : [{ path, stat }]
  })
}

function close(path: string): void {
  try {
    chmodSync(path, statSync(path).mode & 0o700)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return
    throw new ConfigError([
      `${path}: others may read it and this user may not change that (${code}); run as its owner: chmod go= '${path}'`,
    ])
  }
}

function isOpen({ mode }: Stats): boolean {
  return (mode & 0o077) !== 0
}

function modeOf({ mode }: Stats): string {
  return (mode & 0o777).toString(8)
}
