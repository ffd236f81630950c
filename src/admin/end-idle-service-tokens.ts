/**
 * Service tokens that nobody uses are switched off or deleted, where the organisation says so. One that a policy names was meant to work
 * and stays. What an admin did to a token counts as use, so one that was switched on again is not switched off within the hour.
 */
import type { Audit } from '../audit/event.ts'
import { type DeedId, newId } from '../base/ids.ts'
import type { Organization, ServiceTokenInactivity } from '../identity/organization.ts'
import {
  deleteServiceToken,
  listIdleServiceTokens,
  NO_PREVIOUS_SECRET,
  type ServiceTokenRecord,
  updateServiceToken,
} from '../identity/service-token-store.ts'
import { namedServiceTokens } from '../policy/named-service-tokens.ts'
import { listPolicies } from '../policy/policy-store.ts'
import { takeLease } from '../store/lease.ts'
import type { Db, Store } from '../store/open.ts'

export interface IdleRooms {
  store: Store
  audit: Pick<Audit, 'begin'>
  organization: { current(): Pick<Organization, 'serviceTokenInactivity'> }
  /** Unique to this process: of all replicas, one at a time does this. */
  holder: string
}

const DAY = 24 * 3_600_000
const LEASE = 'idle-service-tokens'
const LEASE_MS = 30 * 60_000

/** To be called once an hour. @returns how many were ended */
export async function endIdleServiceTokens(rooms: IdleRooms): Promise<number> {
  const { store, organization, holder } = rooms
  const rule = organization.current().serviceTokenInactivity
  if (!rule.enabled || !(await takeLease(store, LEASE, holder, LEASE_MS))) return 0
  const since = store.clock.now() - rule.thresholdDays * DAY
  let ended = 0
  for (const token of await findIdle(store.db, since, rule)) if (await end(token, { since, rule }, rooms)) ended++
  return ended
}

async function findIdle(db: Db, since: number, { action }: ServiceTokenInactivity): Promise<ServiceTokenRecord[]> {
  const idle = await listIdleServiceTokens(db, since)
  const named = namedServiceTokens(await listPolicies(db))
  return idle.filter(({ id, enabled }) => !named.has(id) && (enabled || action === 'delete'))
}

/** Recorded first, like every change; and it may have been used, or named, since it was found. */
async function end(
  { id, name }: ServiceTokenRecord,
  { since, rule }: { since: number; rule: ServiceTokenInactivity },
  { store, audit }: IdleRooms,
): Promise<boolean> {
  const entry = await audit.begin({
    deed: newId<DeedId>(store.clock.now()),
    plane: 'admin',
    actor: { kind: 'system', id: LEASE, label: 'clean-up of service tokens that nobody uses' },
    method: `${rule.action} idle service token`,
    capability: name.slice(0, 256),
  })
  try {
    const isIdle = await store.write(async (trx) => {
      if (!(await findIdle(trx, since, rule)).some((one) => one.id === id)) return false
      if (rule.action === 'delete') await deleteServiceToken(store, trx, id)
      else await updateServiceToken(store, trx, id, { enabled: false, ...NO_PREVIOUS_SECRET })
      return true
    })
    const change = { object: 'service_token', id, fields: rule.action === 'delete' ? [] : ['enabled'] }
    await entry.finish(isIdle ? { outcome: 'answered', decision: 'allow', change } : { outcome: 'cancelled' })
    return isIdle
  } catch (error) {
    await entry.finish({ outcome: 'failed', error: 'bug' })
    throw error
  }
}
