/**
 * The program in few files, for the processes and threads that tests start: reading six hundred modules is most of what such a start
 * costs. It is made of the same sources and libraries, once for each state of them. Tests of the start itself, and those that watch a
 * process from within, start the sources as they are.
 */
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Plugin, rolldown } from 'rolldown'

const ROOT = join(import.meta.dirname, '..')
const CACHE = join(ROOT, 'node_modules', '.cache')
const PREFIX = 'program-'
/** Each becomes a file of its own, and all stand side by side, as in the package. */
const ENTRIES = {
  main: 'src/main.ts',
  'ingest-worker': 'src/audit/ingest-worker.ts',
  'audit-writer': 'test/audit-writer.ts',
  'killed-migration': 'test/killed-migration.ts',
  'identity-provider': 'test/support/provider/program.ts',
}
/** What they are made of beside `src/`. */
const MORE = [
  ...[
    'package-lock.json',
    'scripts/test-program.ts',
    'test/audit-writer.ts',
    'test/keys.ts',
    'test/killed-migration.ts',
  ],
  ...['mode', 'people', 'program', 'tamper'].map((name) => `test/support/provider/${name}.ts`),
]
/** Longer than a run lasts: another one may be using what this one would not make. */
const KEPT_MS = 2 * 3_600_000

/** It finds its worker beside itself. */
const FINDS_WORKER = join(ROOT, 'src', 'audit', 'worker-link.ts')

/**
 * vitest's global set-up: `PORTICO_TEST_PROGRAM` names the directory. What cannot be bundled cannot be started either, which the tests of
 * it then say; the others need not wait until it can.
 */
export default async function makeProgram(): Promise<void> {
  const home = join(CACHE, `${PREFIX}${stateOfSources()}`)
  try {
    if (!existsSync(home)) await bundle(home)
  } catch (error) {
    process.stderr.write(`the program could not be bundled, so tests start its sources: ${String(error)}\n`)
    return
  }
  const now = new Date()
  utimesSync(home, now, now)
  forgetOthers(now.getTime())
  process.env.PORTICO_TEST_PROGRAM = home
}

const BESIDE_THE_PROGRAM =
  '(process.env.PORTICO_TEST_PROGRAM ? "file://" + process.env.PORTICO_TEST_PROGRAM + "/worker-link.js" : import.meta.url)'

/**
 * For vitest: the thread that tests start in their own process is of the same make. Where that is, is read when it is started: vitest
 * keeps what is made here for later runs, of which each may have a program of its own.
 */
export function withBundledWorker() {
  return {
    name: 'bundled worker',
    transform(code: string, id: string) {
      return id === FINDS_WORKER ? code.replaceAll('import.meta.url', BESIDE_THE_PROGRAM) : null
    },
  }
}

function stateOfSources(): string {
  const hash = createHash('sha256')
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|json)$/.test(name) && !name.endsWith('.test.ts'))
    .map((name) => join('src', name))
  for (const name of [...MORE, ...sources.sort()]) hash.update(`${name}\0`).update(readFileSync(join(ROOT, name)))
  return hash.digest('hex').slice(0, 16)
}

async function bundle(home: string): Promise<void> {
  mkdirSync(CACHE, { recursive: true })
  const made = mkdtempSync(`${home}-`)
  for (const [name, entry] of Object.entries(ENTRIES)) {
    // One by one: parts that two of them share would hold what only one of them needs.
    const built = await rolldown({
      input: join(ROOT, entry),
      platform: 'node',
      plugins: [inPlace()],
      logLevel: 'silent',
    })
    const names = { entryFileNames: `${name}.js`, chunkFileNames: `${name}-[name].js` }
    await built.write({ dir: made, format: 'esm', ...names })
    await built.close()
  }
  writeFileSync(join(made, 'package.json'), '{ "type": "module" }\n')
  try {
    renameSync(made, home)
  } catch (error) {
    // Another run was quicker, with the same.
    rmSync(made, { recursive: true, force: true })
    if (!existsSync(home)) throw error
  }
}

/** Modules go on knowing where they stand in the tree: some look for what is beside them. */
function inPlace(): Plugin {
  return {
    name: 'in place',
    transform(code, id) {
      if (!id.startsWith(join(ROOT, 'src')) || id === FINDS_WORKER || !code.includes('import.meta.')) return null
      return code
        .replaceAll('import.meta.dirname', JSON.stringify(dirname(id)))
        .replaceAll('import.meta.filename', JSON.stringify(id))
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href))
    },
  }
}

function forgetOthers(now: number): void {
  for (const name of readdirSync(CACHE).filter((entry) => entry.startsWith(PREFIX))) {
    const path = join(CACHE, name)
    if (now - statSync(path).mtimeMs > KEPT_MS) rmSync(path, { recursive: true, force: true })
  }
}
