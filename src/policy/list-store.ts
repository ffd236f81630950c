/** Lists at rest, and what stands in them. */
import { newUuid } from '../base/ids.ts'
import { type Author, changedStamps, newStamps, type Stamped, stampsOf } from '../store/columns.ts'
import type { Db, Store, Trx } from '../store/open.ts'
import type { ListItemRow, ListRow } from '../store/tables-policy.ts'

export interface ListItem {
  value: string
  description: string | null
  /** Milliseconds since 1970. */
  createdAt: number
}

/** A list without what stands in it. */
export interface ListHead extends Stamped {
  id: string
  name: string
  description: string | null
  /** `EMAIL`, `IP`, … */
  type: string
}

export interface ListRecord extends ListHead {
  /** In the order of their values. */
  items: readonly ListItem[]
}

export type ListContent = Pick<ListHead, 'name' | 'description' | 'type'>

/** One value to put in. */
export type NewItem = Pick<ListItem, 'value' | 'description'>

/** A database takes only so many values in one statement. */
const ROWS_AT_ONCE = 500

/** In the order in which they were made. */
export async function listLists(db: Db): Promise<ListHead[]> {
  const rows = await db.selectFrom('lists').selectAll().orderBy('position').orderBy('id').execute()
  return rows.map(toHead)
}

/** The same with all that stands in them: for those who decide. */
export async function listFullLists(db: Db): Promise<ListRecord[]> {
  const heads = await listLists(db)
  if (heads.length === 0) return []
  const items = await db.selectFrom('list_items').selectAll().orderBy('value').execute()
  const byList = Map.groupBy(items, (item) => item.list_id)
  return heads.map((head) => ({ ...head, items: (byList.get(head.id) ?? []).map(toItem) }))
}

/** How many values stand in each list; a list without any is left out. */
export async function countItems(db: Db): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .selectFrom('list_items')
    .select((eb) => ['list_id', eb.fn.countAll().as('count')] as const)
    .groupBy('list_id')
    .execute()
  return new Map(rows.map(({ list_id, count }) => [list_id, Number(count)]))
}

export async function readListHead(db: Db, id: string): Promise<ListHead | undefined> {
  const row = await db.selectFrom('lists').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toHead(row)
}

export async function readList(db: Db, id: string): Promise<ListRecord | undefined> {
  const head = await readListHead(db, id)
  if (head === undefined) return undefined
  const items = await db.selectFrom('list_items').selectAll().where('list_id', '=', id).orderBy('value').execute()
  return { ...head, items: items.map(toItem) }
}

/** @param content with an id where the configuration file names the list; else it gets a new UUID */
export async function insertList(
  store: Store,
  trx: Trx,
  content: ListContent & { id?: string; items: readonly NewItem[] },
  author: Author,
): Promise<string> {
  const { id = newUuid<string>(), name, description, type, items } = content
  const now = store.clock.now()
  const last = await trx
    .selectFrom('lists')
    .select((eb) => eb.fn.max('position').as('position'))
    .executeTakeFirst()
  await trx
    .insertInto('lists')
    .values({ id, name, description, type, position: (last?.position ?? 0) + 1, ...newStamps(now, author) })
    .execute()
  await insertItems(trx, id, items, now)
  await store.versions.bump(trx, 'policies')
  return id
}

export interface ListChange {
  content: Pick<ListContent, 'name' | 'description'>
  /** In place of those that are there; left out, they stay. */
  items?: readonly NewItem[]
  author: Author
}

/** A value that stays keeps the time at which it came. */
export async function updateList(store: Store, trx: Trx, id: string, change: ListChange): Promise<void> {
  const { content, items, author } = change
  await trx
    .updateTable('lists')
    .set({ name: content.name, description: content.description, ...changedStamps(store.clock.now(), author) })
    .where('id', '=', id)
    .execute()
  if (items !== undefined) await replaceItems(store, trx, id, items)
  await store.versions.bump(trx, 'policies')
}

/** Removes, then puts in; a value that is there already gets the new description. */
export async function editList(
  store: Store,
  trx: Trx,
  id: string,
  { remove, append, author }: { remove: readonly string[]; append: readonly NewItem[]; author: Author },
): Promise<void> {
  const now = store.clock.now()
  await removeItems(trx, id, remove)
  await insertItems(trx, id, append, now)
  await trx.updateTable('lists').set(changedStamps(now, author)).where('id', '=', id).execute()
  await store.versions.bump(trx, 'policies')
}

/** What stands in it goes with it. Look first whether something names it. */
export async function deleteList(store: Store, trx: Trx, id: string): Promise<void> {
  await trx.deleteFrom('list_items').where('list_id', '=', id).execute()
  await trx.deleteFrom('lists').where('id', '=', id).execute()
  await store.versions.bump(trx, 'policies')
}

async function replaceItems(store: Store, trx: Trx, id: string, items: readonly NewItem[]): Promise<void> {
  const wanted = new Set(items.map(({ value }) => value))
  const there = await trx.selectFrom('list_items').select('value').where('list_id', '=', id).execute()
  const gone = there.map(({ value }) => value).filter((value) => !wanted.has(value))
  await removeItems(trx, id, gone)
  await insertItems(trx, id, items, store.clock.now())
}

async function removeItems(trx: Trx, id: string, values: readonly string[]): Promise<void> {
  for (let at = 0; at < values.length; at += ROWS_AT_ONCE) {
    const some = values.slice(at, at + ROWS_AT_ONCE)
    await trx.deleteFrom('list_items').where('list_id', '=', id).where('value', 'in', some).execute()
  }
}

async function insertItems(trx: Trx, id: string, items: readonly NewItem[], now: number): Promise<void> {
  // One statement may not meet one key twice.
  const once = [...new Map(items.map((item) => [item.value, item])).values()]
  for (let at = 0; at < once.length; at += ROWS_AT_ONCE) {
    const rows: ListItemRow[] = once
      .slice(at, at + ROWS_AT_ONCE)
      .map(({ value, description }) => ({ list_id: id, value, description, created_at: now }))
    await trx
      .insertInto('list_items')
      .values(rows)
      .onConflict((clash) =>
        clash.columns(['list_id', 'value']).doUpdateSet((eb) => ({ description: eb.ref('excluded.description') })),
      )
      .execute()
  }
}

function toHead(row: ListRow): ListHead {
  return { id: row.id, name: row.name, description: row.description, type: row.type, ...stampsOf(row) }
}

function toItem({ value, description, created_at: createdAt }: ListItemRow): ListItem {
  return { value, description, createdAt }
}
