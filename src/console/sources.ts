/**
 * Where the built console stands, and whether it is of the sources that stand beside it. A clone has sources and may have no console yet;
 * the published package has the console and no sources.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What the console is made of, beside `web/src`: the shapes of the REST API, and the very packages. */
const MORE = [
  'package-lock.json',
  'web/index.html',
  'web/package.json',
  'web/tsconfig.json',
  'web/vite.config.ts',
  'src/base/visible.ts',
]
const FOLDERS = ['web/src', 'web/public', 'src/contract']

/** Below it, one folder for each state of the sources that was built. */
export function builtFolder(root: string): string {
  return join(root, 'dist', 'web')
}

/** @returns a name for the state of the sources, or null where there are none */
export function stateOfSources(root: string): string | null {
  if (!existsSync(join(root, 'web', 'src'))) return null
  const hash = createHash('sha256')
  for (const name of [...MORE, ...FOLDERS.flatMap((folder) => filesIn(root, folder))])
    hash
      .update(`${name}\0`)
      .update(readFileSync(join(root, name)))
      .update('\0')
  return hash.digest('hex').slice(0, 16)
}

/** @returns the folder to serve, or null where it has still to be built */
export function findBuilt(root: string): string | null {
  const home = builtFolder(root)
  const state = stateOfSources(root)
  const name = state ?? (existsSync(home) ? (readdirSync(home).sort()[0] ?? null) : null)
  return name !== null && existsSync(join(home, name, 'index.html')) ? join(home, name) : null
}

function filesIn(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort()
}
