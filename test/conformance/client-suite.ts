/** The conformance suite of the protocol with the portal as its client. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NODE } from '../peers/servers.ts'
import { startHarness } from './harness.ts'
import { badChecks, type Check, checksIn, openAmong, type Revision, readRequirements, runSuite } from './suite.ts'

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

/** It came after the revisions: the suite plays it too, and does not count it yet. */
export const LATER: readonly string[] = ['json-schema-2020-12-preservation']

/** For one client of the suite, from the beginning: it begins all of them at once, and most of them wait for their turn. */
const PATIENCE_MS = '300000'

const KNOCK = fileURLToPath(new URL('./knock.ts', import.meta.url))

export interface Verdict {
  revision: Revision
  /** Of those that count: what is wrong with each that is not good. */
  open: Record<string, string[]>
  required: readonly string[]
  /** The same of `EXTENSIONS`, and of `LATER`. */
  openExtensions: Record<string, string[]>
  openLater: Record<string, string[]>
  /** What the harness saw go wrong, by scenario. */
  problems: ReadonlyMap<string, string | null>
}

export async function runClientSet(revision: Revision): Promise<Verdict> {
  const { required } = await readRequirements(revision, 'client')
  const dir = await mkdtemp(join(tmpdir(), 'conformance-client-'))
  const harness = await startHarness([...required, ...EXTENSIONS, ...LATER])
  try {
    await runSuite(dir, [
      ...['client', '--requirements', revision, '--timeout', PATIENCE_MS, '--output-dir', join(dir, 'out')],
      ...['--command', `${NODE} ${KNOCK} ${harness.url}`],
    ])
    const found = await checksIn(join(dir, 'out'), 'client')
    const wrong = (names: readonly string[]) =>
      openAmong(names, (name) => complaintsOf(name, found.get(name), harness.problems.get(name)))
    const open = { open: wrong(required), openExtensions: wrong(EXTENSIONS), openLater: wrong(LATER) }
    return { revision, required, ...open, problems: harness.problems }
  } finally {
    await harness.close()
    await rm(dir, { recursive: true, force: true })
  }
}

function complaintsOf(name: string, checks: Check[] | undefined, problem: string | null | undefined): string[] {
  if (checks === undefined || problem === undefined) return ['was not played']
  const bad = badChecks(checks)
  return problem !== null && !MAY_STOP.includes(name) ? [...bad, `the client stopped: ${problem}`] : bad
}
