/** Policies at rest. What they mean is `decide.ts`; what may be written is the contract's. */
import { newUuid, type PolicyId } from '../base/ids.ts'
import { type Author, changedStamps, fromJson, newStamps, type Stamped, stampsOf } from '../store/columns.ts'
import { endDemands } from '../store/end-demands.ts'
import type { Db, Store, Trx } from '../store/open.ts'
import type { PolicyRow } from '../store/tables.ts'
import type { Criterion } from './model.ts'

export interface PolicyRecord extends Stamped {
  id: PolicyId
  name: string
  decision: PolicyRow['decision']
  include: readonly Criterion[]
  exclude: readonly Criterion[]
  require: readonly Criterion[]
  /** The other fields, as the API has them. */
  extra: Readonly<Record<string, unknown>>
  /** The application whose own it is, and no other's; null where it is reusable. */
  appId: string | null
}

export type PolicyContent = Pick<PolicyRecord, 'name' | 'decision' | 'include' | 'exclude' | 'require' | 'extra'>

/** In the order in which they were made. */
export async function listPolicies(db: Db): Promise<PolicyRecord[]> {
  const rows = await db.selectFrom('policies').selectAll().orderBy('position').orderBy('id').execute()
  return rows.map(toRecord)
}

export async function readPolicy(db: Db, id: string): Promise<PolicyRecord | undefined> {
  const row = await db.selectFrom('policies').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toRecord(row)
}

/** @param id where the configuration file names the policy; else a new UUID */
export async function insertPolicy(
  store: Store,
  trx: Trx,
  content: PolicyContent & { id?: PolicyId; appId?: string },
  author: Author,
): Promise<PolicyId> {
  const id = content.id ?? newUuid<PolicyId>()
  const last = await trx
    .selectFrom('policies')
    .select((eb) => eb.fn.max('position').as('position'))
    .executeTakeFirst()
  await trx
    .insertInto('policies')
    .values({
      id,
      app_id: content.appId ?? null,
      ...toColumns(content),
      position: (last?.position ?? 0) + 1,
      ...newStamps(store.clock.now(), author),
    })
    .execute()
  await store.versions.bump(trx, 'policies')
  return id
}

export async function updatePolicy(
  store: Store,
  trx: Trx,
  id: PolicyId,
  change: { content: PolicyContent; author: Author },
): Promise<void> {
  await trx
    .updateTable('policies')
    .set({ ...toColumns(change.content), ...changedStamps(store.clock.now(), change.author) })
    .where('id', '=', id)
    .execute()
  await store.versions.bump(trx, 'policies')
}

export async function deletePolicy(store: Store, trx: Trx, id: PolicyId): Promise<void> {
  await trx.deleteFrom('policies').where('id', '=', id).execute()
  await endDemands(store, trx, 'policy_id', id)
  await store.versions.bump(trx, 'policies')
}

function toColumns(
  content: PolicyContent,
): Pick<PolicyRow, 'name' | 'decision' | 'include' | 'exclude' | 'require' | 'extra'> {
  return {
    name: content.name,
    decision: content.decision,
    include: JSON.stringify(content.include),
    exclude: JSON.stringify(content.exclude),
    require: JSON.stringify(content.require),
    extra: JSON.stringify(content.extra),
  }
}

function toRecord(row: Omit<PolicyRow, 'position'>): PolicyRecord {
  return {
    id: row.id as PolicyId,
    name: row.name,
    decision: row.decision,
    include: fromJson(row.include),
    exclude: fromJson(row.exclude),
    require: fromJson(row.require),
    extra: fromJson(row.extra),
    appId: row.app_id,
    ...stampsOf(row),
  }
}
