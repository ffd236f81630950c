/**
 * The conformance suite of the protocol against the portal as a server. What answers behind it is the fixture, in every build, beside
 * another real server; it is asked by its own URL (`mount`), and among all others by bare names (`aggregate`).
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { everythingStdio, NODE } from '../peers/servers.ts'
import { startTestPortal, type TestPortal, type TestServer } from '../portal.ts'
import { openDoorway } from './doorway.ts'
import { BUILDS, startFixture } from './fixture/http.ts'
import { badChecks, type Check, checksIn, openAmong, type Revision, readRequirements, runSuite } from './suite.ts'

export const UPSTREAMS = [...BUILDS, 'stdio'] as const
export type Upstream = (typeof UPSTREAMS)[number]

export const DOORS = { mount: '/p/default/s/fixture/mcp', aggregate: '/mcp' } as const
export type Door = keyof typeof DOORS

export interface Cell {
  upstream: Upstream
  door: Door
}

export const CELLS: readonly Cell[] = UPSTREAMS.flatMap((upstream) =>
  (['mount', 'aggregate'] as const).map((door) => ({ upstream, door })),
)

/** How many cells are played at the same time: the suite waits most of its own. */
export const AT_ONCE = 2

/** `door/upstream` */
export function nameOf({ door, upstream }: Cell): string {
  return `${door}/${upstream}`
}

export interface ServerVerdict {
  required: readonly string[]
  /** Of those that count: what the suite complains of. */
  open: Record<string, string[]>
  unscored: readonly string[]
  openUnscored: Record<string, string[]>
}

export const FIXTURE_PROGRAM = fileURLToPath(new URL('./fixture/main.ts', import.meta.url))

/** Plays both revisions, one after the other, against a portal of the cell's own. */
export async function runCell({ upstream, door }: Cell): Promise<Record<Revision, ServerVerdict>> {
  await using closing = new AsyncDisposableStack()
  const fixture = await placeFixture(upstream)
  closing.defer(fixture.close)
  const portal = await startTestPortal()
  closing.defer(portal.close)
  await portal.furnish([{ id: 'everything', stdio: everythingStdio() }, fixture.server])
  await letAsk(portal, upstream)
  const doorway = await openDoorway(portal.url, await portal.userToken('ada@acme.test'))
  closing.defer(doorway.close)
  const url = `${doorway.origin}${DOORS[door]}`
  const beside = scenariosBeside(upstream)
  return { '2026-07-28': await judge(url, '2026-07-28', beside), '2025-11-25': await judge(url, '2025-11-25') }
}

/** What no server may do until an admin says so: spend the tokens of a model, and learn of folders where others share its connection. */
async function letAsk(portal: TestPortal, upstream: Upstream): Promise<void> {
  const isolation = upstream === 'legacy' ? { isolation: 'per_user' } : {}
  const change = { ...isolation, relay: { sampling: true } }
  const { status, body } = await portal.api('PUT', '/access/ai-controls/mcp/servers/fixture', change)
  if (!body.success) throw new Error(`${status} ${JSON.stringify(body)}`)
}

/** Of an extension (SEP-2640) that no revision counts yet; played by hand, in 2026. */
export const SKILL_SCENARIOS = ['enumeration', 'directory', 'manifest'].map((name) => `sep-2640-skills-${name}`)

/** Which builds are asked for skills: what a server of one era has, one of both has too. */
export function scenariosBeside(upstream: Upstream): readonly string[] {
  return upstream === 'modern' || upstream === 'legacy' ? SKILL_SCENARIOS : []
}

const ROUNDS = 3

/** Plays all that the revision names against one URL. @param beside scenarios that it does not name */
export async function judge(url: string, revision: Revision, beside: readonly string[] = []): Promise<ServerVerdict> {
  const dir = await mkdtemp(join(tmpdir(), 'conformance-server-'))
  try {
    const out = join(dir, 'out')
    await runSuite(dir, ['server', '--url', url, '--requirements', revision, '--output-dir', out])
    const play = (scenario: string, to: string) =>
      runSuite(dir, ['server', '--url', url, '--scenario', scenario, '--output-dir', to])
    await Promise.all(beside.map((scenario) => play(scenario, out)))
    const named = await readRequirements(revision, 'server')
    const { required } = named
    const unscored = [...named.unscored, ...beside]
    const found = await checksIn(out, 'server')
    // What the suite only warns of is mostly that something did not come within a second: it is asked for again, a few times.
    for (let round = 0; round < ROUNDS; round++) {
      const late = [...found].filter(([, checks]) => isOnlyWarned(checks)).map(([name]) => name)
      const again = join(dir, `again-${round}`)
      for (const name of late) await play(name, again)
      if (late.length > 0) for (const [name, checks] of await checksIn(again, 'server')) found.set(name, checks)
    }
    const wrong = (names: readonly string[]) =>
      openAmong(names, (name) => {
        const checks = found.get(name)
        return checks === undefined ? ['was not played'] : badChecks(checks)
      })
    return { required, open: wrong(required), unscored, openUnscored: wrong(unscored) }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

function isOnlyWarned(checks: readonly Check[]): boolean {
  const bad = checks.filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
  return bad.length > 0 && bad.every(({ status }) => status === 'WARNING')
}

async function placeFixture(upstream: Upstream): Promise<{ server: TestServer; close: () => Promise<void> }> {
  if (upstream === 'stdio') {
    const stdio = { command: NODE, args: [FIXTURE_PROGRAM, 'stdio'], env: {} }
    return { server: { id: 'fixture', stdio }, close: async () => {} }
  }
  const { url, close } = await startFixture(upstream)
  return { server: { id: 'fixture', url }, close }
}
