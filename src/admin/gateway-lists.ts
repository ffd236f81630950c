/** `/gateway/lists` */
import type { PageQuery } from '../contract/envelope.ts'
import type { ListCreate, ListEdit, ListQuery, ListShown, ListType, ListUpdate } from '../contract/gateway-list.ts'
import {
  countItems,
  deleteList as dropList,
  insertList,
  type ListHead,
  type ListItem,
  type ListRecord,
  listLists as loadLists,
  readList,
  readListHead,
  editList as writeItems,
  updateList as writeList,
} from '../policy/list-store.ts'
import type { Db } from '../store/open.ts'
import { pageOf } from './paging.ts'
import { conflict, notFound, readOnly } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { saidShortly, usesOf } from './rule-uses.ts'
import { writeInTurn } from './rules-in-turn.ts'
import { shownStamps, shownTime } from './times.ts'
import { refuseTooMany, takeItems, takeValues } from './write-list.ts'
import { writtenFields } from './written-fields.ts'

export async function listLists({ deps, query }: Call<unknown, ListQuery>): Promise<Outcome> {
  const counts = await countItems(deps.store.db)
  const all = await loadLists(deps.store.db)
  const wanted = query.type === undefined ? all : all.filter(({ type }) => type === query.type)
  const page = pageOf(wanted, query, (list) => [list.id, list.name])
  return { result: page.items.map((list) => showHead(list, counts.get(list.id) ?? 0)), info: page.info }
}

export async function getList({ deps, id }: Call): Promise<Outcome> {
  return { result: await shown(deps.store.db, id) }
}

export async function listItems({ deps, id, query }: Call<unknown, PageQuery>): Promise<Outcome> {
  const list = await existing(deps.store.db, id)
  const page = pageOf(list.items, query, ({ value }) => [value])
  return { result: page.items.map(showItem), info: page.info }
}

export async function createList({ deps, body, author }: Call<ListCreate>): Promise<Outcome> {
  const { name, type } = body
  const content = {
    name,
    type,
    description: body.description ?? null,
    items: takeItems(type, body.items ?? [], 'items'),
  }
  const id = await writeInTurn(deps.store, (trx) => insertList(deps.store, trx, content, author))
  return {
    result: await shown(deps.store.db, id),
    messages: warningsOf(type),
    change: { object: 'list', id, fields: writtenFields(body) },
  }
}

export async function updateList({ deps, id, body, author }: Call<ListUpdate>): Promise<Outcome> {
  await writeInTurn(deps.store, async (trx) => {
    const before = await changeable(trx, id, deps.configFile)
    const content = {
      name: body.name ?? before.name,
      description: body.description === undefined ? before.description : body.description,
    }
    const items = body.items && takeItems(before.type as ListType, body.items, 'items')
    await writeList(deps.store, trx, id, { content, ...(items ? { items } : {}), author })
  })
  return {
    result: await shown(deps.store.db, id),
    change: { object: 'list', id, fields: writtenFields(body) },
  }
}

export async function editList({ deps, id, body, author }: Call<ListEdit>): Promise<Outcome> {
  await writeInTurn(deps.store, async (trx) => {
    const { type } = await changeable(trx, id, deps.configFile)
    const append = takeItems(type as ListType, body.append ?? [], 'append')
    const remove = takeValues(type as ListType, body.remove ?? [])
    await writeItems(deps.store, trx, id, { append, remove, author })
    refuseTooMany((await countItems(trx)).get(id) ?? 0, 'append')
  })
  return {
    result: await shown(deps.store.db, id),
    change: { object: 'list', id, fields: writtenFields(body) },
  }
}

/** Never while something names it: a rule would come to mean something else without anybody having said so. */
export async function deleteList({ deps, id }: Call): Promise<Outcome> {
  await writeInTurn(deps.store, async (trx) => {
    const list = await changeable(trx, id, deps.configFile)
    const uses = await usesOf(trx, 'list', id)
    if (uses.length > 0) {
      throw conflict(`The list "${list.name}" is named by ${saidShortly(uses)}. Take it out there first.`)
    }
    await dropList(deps.store, trx, id)
  })
  return { result: { id }, change: { object: 'list', id, fields: [] } }
}

function warningsOf(type: ListType): string[] {
  if (type === 'EMAIL' || type === 'IP') return []
  return [`Kept and shown: no policy of this portal can name a list of type ${type}.`]
}

async function shown(db: Db, id: string): Promise<ListShown> {
  const list = await existing(db, id)
  return { ...showHead(list, list.items.length), items: list.items.map(showItem) }
}

function showHead(list: ListHead, count: number): ListShown {
  return {
    id: list.id,
    name: list.name,
    type: list.type as ListType,
    ...(list.description === null ? {} : { description: list.description }),
    count,
    updated_at: shownTime(list.modifiedAt),
    ...shownStamps(list),
  }
}

function showItem({ value, description, createdAt }: ListItem) {
  return { value, ...(description === null ? {} : { description }), created_at: shownTime(createdAt) }
}

async function existing(db: Db, id: string): Promise<ListRecord> {
  const list = await readList(db, id)
  if (list === undefined) throw notFound('list', id)
  return list
}

async function changeable(db: Db, id: string, file: string | null): Promise<ListHead> {
  const list = await readListHead(db, id)
  if (list === undefined) throw notFound('list', id)
  if (list.origin === 'file') throw readOnly('list', id, file)
  return list
}
