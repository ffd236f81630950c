/**
 * Builds the console into `dist/web/`, in a folder named after the state of its sources; does nothing where that is there. What was built
 * of other sources goes. Callers: `npm run build`, the start of a clone, and the tests.
 */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { builtFolder, findBuilt, stateOfSources } from '../src/console/sources.ts'

const ROOT = join(import.meta.dirname, '..')

/** @returns the folder that holds it */
export async function buildConsole(root = ROOT): Promise<string> {
  const found = findBuilt(root)
  if (found !== null) return found
  const state = stateOfSources(root)
  if (state === null) throw new Error('there are no sources of the console here')
  const home = builtFolder(root)
  mkdirSync(home, { recursive: true })
  const made = mkdtempSync(join(home, '.making-'))
  chmodSync(made, 0o755)
  const { build } = await import('vite')
  // Tests build it too, and what they name their world would make it the slow, large build of developers, which `npm run build` would then keep.
  const world = process.env.NODE_ENV
  process.env.NODE_ENV = 'production'
  try {
    await build({ root: join(root, 'web'), logLevel: 'warn', build: { outDir: made, emptyOutDir: true } })
  } finally {
    if (world === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = world
  }
  for (const name of readdirSync(home)) {
    if (!name.startsWith('.making-')) rmSync(join(home, name), { recursive: true, force: true })
  }
  try {
    renameSync(made, join(home, state))
  } catch (error) {
    // Another process was quicker, with the same.
    rmSync(made, { recursive: true, force: true })
    if (!existsSync(join(home, state, 'index.html'))) throw error
  }
  return join(home, state)
}

/** vitest's global set-up. */
export default async function makeConsole(): Promise<void> {
  await buildConsole()
}

if (import.meta.main) await buildConsole()
