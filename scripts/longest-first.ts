/**
 * The order of test files on a machine that has not run them yet: those that are known to take long come first, so that none of
 * them runs alone at the end. Where all ran before, vitest knows their times better than this list, and it is not asked. Files that
 * share a process come after the others, since a process waits for none that could use it.
 */
import { relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Longest first. A file that is not here comes after them, the larger one first. */
const LONG = [
  'test/console/every-page.test.ts',
  'test/console/logs.test.ts',
  'test/console/servers.test.ts',
  'test/console/portals.test.ts',
  'test/console/policies.test.ts',
  'test/journeys/owner-echo.test.ts',
  'test/console/hostile.test.ts',
  'test/console/overview.test.ts',
  'test/console/clients.test.ts',
  'test/console/settings.test.ts',
  'test/console/people.test.ts',
  'test/console/shell.test.ts',
  'test/sandbox/pool.test.ts',
  'test/journeys/clients.test.ts',
  'test/journeys/keep.test.ts',
  'test/journeys/setup.test.ts',
  'test/journeys/hostile.test.ts',
  'test/journeys/fidelity.test.ts',
  // The suite waits a second for what it wants to see: beside it run those that wait themselves.
  'src/upstream/breaker.test.ts',
  'test/journeys/conformance-server.test.ts',
  'src/portal/call-limits.test.ts',
  'test/journeys/conformance-client.test.ts',
  'test/journeys/pages.test.ts',
  'test/journeys/hostile-floods.test.ts',
  'src/store/migrate.test.ts',
  'src/store/backup.test.ts',
  'src/identity/local/pin-sign-in.test.ts',
  'src/admin/connections.test.ts',
  'test/peers/peers.test.ts',
  'test/journeys/connections-live-on.test.ts',
  'test/journeys/doctor.test.ts',
  'src/upstream/deadlines.test.ts',
  'src/upstream/connections/keeper.test.ts',
  'src/upstream/oauth/ways.test.ts',
  'test/journeys/planted-connections.test.ts',
  'src/audit/chain.test.ts',
  'src/audit/crash.test.ts',
  'src/audit/outage.test.ts',
  'src/audit/webhooks/notices.test.ts',
  'src/audit/webhooks/send.test.ts',
  'src/upstream/healing.test.ts',
  'src/upstream/stdio.test.ts',
  'src/upstream/restart.test.ts',
  'src/identity/providers/recheck.test.ts',
  'src/identity/local/password-sign-in.test.ts',
  'test/journeys/admin-link.test.ts',
  'test/journeys/cli.test.ts',
  'test/journeys/connect-browser.test.ts',
  'test/journeys/connect-at-call.test.ts',
  'test/journeys/policy-surfaces.test.ts',
  'test/journeys/policy-changes.test.ts',
  'test/journeys/explain-agrees.test.ts',
  'test/journeys/audit-verify.test.ts',
  'test/journeys/credential-faults-tokens.test.ts',
  'test/journeys/down.test.ts',
  'test/journeys/full-disk.test.ts',
  'test/journeys/own-keys.test.ts',
  'test/journeys/kill.test.ts',
  'test/journeys/restarts.test.ts',
]

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isKnown = files.every((file) => this.ctx.cache.getTestSpecificationResult(file) !== undefined)
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONG.indexOf(relative(this.ctx.config.root, moduleId).replaceAll('\\', '/'))
      return isKnown || at === -1 ? LONG.length : at
    }
    const shares = ({ project }: TestSpecification): number => (project.config.isolate ? 0 : 1)
    return sorted.sort((a, b) => shares(a) - shares(b) || rank(a) - rank(b))
  }
}
