/** The conformance suite of the protocol with the portal as its client, and what it found of authorization. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { NODE } from '../peers/servers.ts'
import { startHarness } from './harness.ts'

export const REVISIONS = ['2026-07-28', '2025-11-25'] as const
export type Revision = (typeof REVISIONS)[number]

/** Those that the portal has. The suite plays them with each revision, and never counts them; we do. */
export const EXTENSIONS: readonly string[] = [
  'auth/client-credentials-jwt',
  'auth/client-credentials-basic',
  'auth/enterprise-managed-authorization',
]

/** In these the client may end with an error: the suite would have it stop. */
const MAY_STOP: readonly string[] = [
  ...['auth/scope-retry-limit', 'auth/resource-mismatch', 'auth/iss-supported-missing', 'auth/iss-wrong-issuer'],
  ...['auth/iss-unexpected', 'auth/iss-normalized', 'auth/metadata-issuer-mismatch'],
]

/** For one client of the suite, from the beginning: it begins all of them at once, and most of them wait for their turn. */
const PATIENCE_MS = '300000'

const PACKAGE = fileURLToPath(new URL('../../node_modules/@modelcontextprotocol/conformance/', import.meta.url))
const KNOCK = fileURLToPath(new URL('./knock.ts', import.meta.url))

export interface Verdict {
  revision: Revision
  /** Of those that count: what is wrong with each that is not good. */
  open: Record<string, string[]>
  required: readonly string[]
  /** The same of `EXTENSIONS`. */
  openExtensions: Record<string, string[]>
  /** What the harness saw go wrong, by scenario. */
  problems: ReadonlyMap<string, string | null>
}

/** Scenarios of authorization that the revision requires, in the order of the suite's own list. */
export async function requiredScenarios(revision: Revision): Promise<string[]> {
  const text = await readFile(join(PACKAGE, 'requirements', `${revision}.yaml`), 'utf8')
  const { client } = parse(text) as { client: string[] }
  return client.filter((name) => name.startsWith('auth/'))
}

export async function runClientSet(revision: Revision): Promise<Verdict> {
  const dir = await mkdtemp(join(tmpdir(), 'conformance-client-'))
  const harness = await startHarness()
  try {
    await runSuite(dir, [
      ...['client', '--requirements', revision, '--timeout', PATIENCE_MS, '--output-dir', join(dir, 'out')],
      ...['--command', `${NODE} ${KNOCK} ${harness.url}`],
    ])
    const required = await requiredScenarios(revision)
    const found = await checksIn(join(dir, 'out'))
    const wrong = (names: readonly string[]) =>
      Object.fromEntries(
        names.flatMap((name) => {
          const complaints = complaintsOf(name, found.get(name), harness.problems.get(name))
          return complaints.length === 0 ? [] : [[name, complaints]]
        }),
      )
    return { revision, required, open: wrong(required), openExtensions: wrong(EXTENSIONS), problems: harness.problems }
  } finally {
    await harness.close()
    await rm(dir, { recursive: true, force: true })
  }
}

async function runSuite(dir: string, args: readonly string[]): Promise<void> {
  const env = { PATH: process.env.PATH ?? '', HOME: dir }
  const child = spawn(NODE, [join(PACKAGE, 'dist/index.js'), ...args], { cwd: dir, env, stdio: 'ignore' })
  await once(child, 'exit')
}

interface Check {
  id: string
  status: string
  description: string
}

/** By scenario; each has a directory that is named by it and the time. */
async function checksIn(dir: string): Promise<Map<string, Check[]>> {
  const found = new Map<string, Check[]>()
  for (const path of await readdir(dir, { recursive: true })) {
    const [, name] = /^(?:client-)?(.*?)-\d{4}-\d\d-\d\dT[^/]*\/checks\.json$/.exec(path) ?? []
    if (name !== undefined) found.set(name, JSON.parse(await readFile(join(dir, path), 'utf8')) as Check[])
  }
  return found
}

/** A warning counts as a failure, as it does for the suite. */
function complaintsOf(name: string, checks: Check[] | undefined, problem: string | null | undefined): string[] {
  if (checks === undefined || problem === undefined) return ['was not played']
  const bad = checks
    .filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
    .map(({ id, status, description }) => `${status} ${id}: ${description}`)
  return problem !== null && !MAY_STOP.includes(name) ? [...bad, `the client stopped: ${problem}`] : bad
}
