/** What is still to set up before a portal is of use to others, in the order in which it is done. */
import type { Traffic } from '../audit/figures.ts'
import type { OverviewShown } from '../contract/overview.ts'
import { listProviders } from '../identity/providers/provider-store.ts'
import { listPolicies } from '../policy/policy-store.ts'
import type { AdminDeps } from './deps.ts'
import { FIRST_START } from './first-start.ts'

export interface Seen {
  servers: number
  traffic: Traffic
}

const YEAR_MS = 365 * 86_400_000

export async function checklistOf(
  deps: Pick<AdminDeps, 'store' | 'audit' | 'clock' | 'config'>,
  { servers, traffic }: Seen,
): Promise<OverviewShown['checklist']> {
  const { db } = deps.store
  const [providers, policies, hasCalled] = await Promise.all([
    listProviders(db),
    listPolicies(db),
    traffic.outcomes.length > 0 || everCalled(deps),
  ])
  // Those of the first start let in everybody; one that an admin made or changed was thought about.
  const own = policies.some(
    ({ decision, createdBy, createdAt, modifiedAt }) =>
      decision !== 'deny' && (createdBy !== FIRST_START || modifiedAt !== createdAt),
  )
  return [
    { step: 'server', done: servers > 0, path: servers > 0 ? '/servers' : '/servers/new' },
    { step: 'sign_in', done: providers.length > 0, path: '/settings/providers' },
    { step: 'policy', done: own, path: '/policies' },
    { step: 'public_url', done: deps.config.publicUrl !== null, path: '/settings/mail' },
    { step: 'client', done: hasCalled, path: '/portals' },
  ]
}

async function everCalled({ audit, clock }: Pick<AdminDeps, 'audit' | 'clock'>): Promise<boolean> {
  const now = clock.now()
  const days = await audit.figures({ of: 'days', scope: 'all', id: '', from: now - YEAR_MS, to: now, offsetMs: 0 })
  return days.length > 0
}
