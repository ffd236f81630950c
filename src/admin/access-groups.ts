/** `/access/groups` */
import type { GroupCreate, GroupShown, GroupUpdate } from '../contract/access-group.ts'
import type { PageQuery } from '../contract/envelope.ts'
import {
  deleteGroup as dropGroup,
  type GroupRecord,
  insertGroup,
  listGroups as loadGroups,
  readGroup,
  updateGroup as writeGroup,
} from '../policy/group-store.ts'
import type { Db } from '../store/open.ts'
import { pageOf } from './paging.ts'
import { conflict, notFound, readOnly } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { saidShortly, usesOf } from './rule-uses.ts'
import { writeInTurn } from './rules-in-turn.ts'
import { shownStamps, shownTime } from './times.ts'
import { changedGroupContent, newGroupContent, refuseBadGroup } from './write-group.ts'
import { writtenFields } from './written-fields.ts'

export async function listGroups({ deps, query }: Call<unknown, PageQuery>): Promise<Outcome> {
  const all = await loadGroups(deps.store.db)
  const named = query.name === undefined ? all : all.filter(({ name }) => name === query.name)
  const page = pageOf(named, query, (group) => [group.id, group.name])
  return { result: page.items.map(show), info: page.info }
}

export async function getGroup({ deps, id }: Call): Promise<Outcome> {
  return { result: show(await existing(deps.store.db, id)) }
}

export async function createGroup({ deps, body, author }: Call<GroupCreate>): Promise<Outcome> {
  const content = newGroupContent(body)
  const id = await writeInTurn(deps.store, async (trx) => {
    await refuseBadGroup(trx, null, content)
    return insertGroup(deps.store, trx, content, author)
  })
  return {
    result: show(await existing(deps.store.db, id)),
    change: { object: 'group', id, fields: writtenFields(body) },
  }
}

export async function updateGroup({ deps, id, body, author }: Call<GroupUpdate>): Promise<Outcome> {
  await writeInTurn(deps.store, async (trx) => {
    const before = await changeable(trx, id, deps.configFile)
    const content = changedGroupContent(before, body)
    await refuseBadGroup(trx, before, content)
    await writeGroup(deps.store, trx, id, { content, author })
  })
  return {
    result: show(await existing(deps.store.db, id)),
    change: { object: 'group', id, fields: writtenFields(body) },
  }
}

/** Never while something names it: a rule would come to mean something else without anybody having said so. */
export async function deleteGroup({ deps, id }: Call): Promise<Outcome> {
  await writeInTurn(deps.store, async (trx) => {
    const group = await changeable(trx, id, deps.configFile)
    const uses = await usesOf(trx, 'group', id)
    if (uses.length > 0) {
      throw conflict(`The group "${group.name}" is named by ${saidShortly(uses)}. Take it out there first.`)
    }
    await dropGroup(deps.store, trx, id)
  })
  return { result: { id }, change: { object: 'group', id, fields: [] } }
}

function show(group: GroupRecord): GroupShown {
  return {
    id: group.id,
    name: group.name,
    include: [...group.include],
    exclude: [...group.exclude],
    require: [...group.require],
    is_default: group.isDefault,
    updated_at: shownTime(group.modifiedAt),
    ...shownStamps(group),
  }
}

async function existing(db: Db, id: string): Promise<GroupRecord> {
  const group = await readGroup(db, id)
  if (group === undefined) throw notFound('group', id)
  return group
}

async function changeable(db: Db, id: string, file: string | null): Promise<GroupRecord> {
  const group = await existing(db, id)
  if (group.origin === 'file') throw readOnly('group', id, file)
  return group
}
