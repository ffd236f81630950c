/** `/access/ai-controls/mcp/portals` */
import type { PortalCreate, PortalListQuery, PortalUpdate } from '../contract/portal.ts'
import type { DetailQuery } from '../contract/server.ts'
import {
  deletePortal as dropPortal,
  listPortals as loadPortals,
  type PortalRecord,
  readPortal,
} from '../portal/portal-store.ts'
import type { Db } from '../store/open.ts'
import { forgetApp } from './access-app-store.ts'
import { pageOf } from './paging.ts'
import { notFound, readOnly } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { writeAttaching } from './rules-in-turn.ts'
import { showPortal, showPortalAlone, showPortals, summarizePortals } from './show-portal.ts'
import { addPortal, changePortal } from './write-portal.ts'
import { writtenFields } from './written-fields.ts'

/** A portal of copies of one server has a report a tool; the first ones say enough. */
const MOST_MESSAGES = 100

export async function listPortals({ deps, query }: Call<unknown, PortalListQuery>): Promise<Outcome> {
  const page = pageOf(await loadPortals(deps.store.db), query, (portal) => [portal.id, portal.name, portal.hostname])
  const show = query.summary === 'true' ? summarizePortals : showPortals
  return { result: await show(deps, page.items), info: page.info }
}

export async function getPortal({ deps, id, query }: Call<unknown, DetailQuery>): Promise<Outcome> {
  const portal = await existing(deps.store.db, id)
  const messages = deps.lostNames(portal.uid).slice(0, MOST_MESSAGES)
  return { result: await showPortal(deps, portal, query.detail), messages }
}

export async function createPortal({ deps, body, author }: Call<PortalCreate>): Promise<Outcome> {
  await writeAttaching(deps.store, body, (trx) => addPortal(deps, trx, body, author))
  const made = await existing(deps.store.db, body.id)
  return {
    result: await showPortal(deps, made),
    change: { object: 'portal', id: body.id, fields: writtenFields(body) },
  }
}

export async function updatePortal(call: Call<PortalUpdate, DetailQuery>): Promise<Outcome> {
  const { deps, id, body, author, query } = call
  await writeAttaching(deps.store, body, async (trx) => {
    const before = await changeable(trx, id, deps.configFile)
    await changePortal(deps, trx, before, { body, author })
  })
  return {
    result: await showPortal(deps, await existing(deps.store.db, id), query.detail),
    change: { object: 'portal', id, fields: writtenFields(body) },
  }
}

export async function deletePortal({ deps, id }: Call): Promise<Outcome> {
  const gone = await deps.store.write(async (trx) => {
    const before = await changeable(trx, id, deps.configFile)
    await forgetApp(deps.store, trx, before.uid)
    await dropPortal(deps.store, trx, before.uid)
    return before
  })
  return { result: showPortalAlone(gone), change: { object: 'portal', id, fields: [] } }
}

async function existing(db: Db, id: string): Promise<PortalRecord> {
  const portal = await readPortal(db, id)
  if (portal === undefined) throw notFound('portal', id)
  return portal
}

async function changeable(db: Db, id: string, file: string | null): Promise<PortalRecord> {
  const portal = await existing(db, id)
  if (portal.origin === 'file') throw readOnly('portal', id, file)
  return portal
}
