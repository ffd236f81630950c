/** Groups at rest: criteria under one name. What they mean is `rule-book.ts`; what may be written is the contract's. */
import { newUuid } from '../base/ids.ts'
import { type Author, changedStamps, flag, fromJson, newStamps, type Stamped, stampsOf } from '../store/columns.ts'
import type { Db, Store, Trx } from '../store/open.ts'
import type { AccessGroupRow } from '../store/tables-policy.ts'
import type { Criterion } from './model.ts'

export interface GroupRecord extends Stamped {
  id: string
  name: string
  include: readonly Criterion[]
  exclude: readonly Criterion[]
  require: readonly Criterion[]
  isDefault: boolean
}

export type GroupContent = Pick<GroupRecord, 'name' | 'include' | 'exclude' | 'require' | 'isDefault'>

/** In the order in which they were made. */
export async function listGroups(db: Db): Promise<GroupRecord[]> {
  const rows = await db.selectFrom('access_groups').selectAll().orderBy('position').orderBy('id').execute()
  return rows.map(toRecord)
}

export async function readGroup(db: Db, id: string): Promise<GroupRecord | undefined> {
  const row = await db.selectFrom('access_groups').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toRecord(row)
}

/** @param content with an id where the configuration file names the group; else it gets a new UUID */
export async function insertGroup(
  store: Store,
  trx: Trx,
  content: GroupContent & { id?: string },
  author: Author,
): Promise<string> {
  const id = content.id ?? newUuid<string>()
  const last = await trx
    .selectFrom('access_groups')
    .select((eb) => eb.fn.max('position').as('position'))
    .executeTakeFirst()
  await trx
    .insertInto('access_groups')
    .values({ id, ...toColumns(content), position: (last?.position ?? 0) + 1, ...newStamps(store.clock.now(), author) })
    .execute()
  await store.versions.bump(trx, 'policies')
  return id
}

export async function updateGroup(
  store: Store,
  trx: Trx,
  id: string,
  change: { content: GroupContent; author: Author },
): Promise<void> {
  await trx
    .updateTable('access_groups')
    .set({ ...toColumns(change.content), ...changedStamps(store.clock.now(), change.author) })
    .where('id', '=', id)
    .execute()
  await store.versions.bump(trx, 'policies')
}

/** Look first whether something names it: what it leaves behind would be unknown, and close. */
export async function deleteGroup(store: Store, trx: Trx, id: string): Promise<void> {
  await trx.deleteFrom('access_groups').where('id', '=', id).execute()
  await store.versions.bump(trx, 'policies')
}

function toColumns({ name, include, exclude, require, isDefault }: GroupContent) {
  return {
    name,
    include: JSON.stringify(include),
    exclude: JSON.stringify(exclude),
    require: JSON.stringify(require),
    is_default: flag(isDefault),
  }
}

function toRecord(row: AccessGroupRow): GroupRecord {
  return {
    id: row.id,
    name: row.name,
    include: fromJson(row.include),
    exclude: fromJson(row.exclude),
    require: fromJson(row.require),
    isDefault: row.is_default === 1,
    ...stampsOf(row),
  }
}
