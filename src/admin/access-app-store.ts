/**
 * The Access applications: one stands for each portal and each server, and its policies are the object's own. Its id follows from
 * the object's, so that there is one from the start and none is ever left behind; a row is written only for what the
 * object itself does not have.
 */
import { createHash } from 'node:crypto'
import type { PolicyId, PortalUid, ServerUid } from '../base/ids.ts'
import { revokeAccessToken } from '../identity/access-token-store.ts'
import { revokeGrants } from '../identity/grant-store.ts'
import { listPortals, type PortalRecord } from '../portal/portal-store.ts'
import { fromJson } from '../store/columns.ts'
import type { Db, Store, Trx } from '../store/open.ts'
import { listServers, type StoredServer } from '../upstream/server-store.ts'

/** What is kept for whoever wrote it. */
export type AppSettings = Readonly<Record<string, unknown>>

export type AccessApp = ({ type: 'mcp_portal'; object: PortalRecord } | { type: 'mcp'; object: StoredServer }) & {
  /** A UUID that does not change as long as the object is there. */
  id: string
  settings: AppSettings
  /** Milliseconds since 1970, of the settings or of the object, whichever came last. */
  modifiedAt: number
}

/** @returns the id of the application that stands for a portal or a server */
export function appIdOf(uid: PortalUid | ServerUid): string {
  const hex = createHash('sha256').update(`access application ${uid}`).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  )
}

/** In their order; none where the object is a server that leaves it to the policies of its portals. */
export function attachedTo({ object }: Pick<AccessApp, 'object'>): readonly PolicyId[] {
  return object.policies ?? []
}

/** Portals first, then servers, each in the order in which they were made. */
export async function listApps(db: Db): Promise<AccessApp[]> {
  const rows = new Map((await db.selectFrom('access_apps').selectAll().execute()).map((row) => [row.id, row]))
  const common = (object: PortalRecord | StoredServer) => {
    const id = appIdOf(object.uid)
    const row = rows.get(id)
    return {
      id,
      settings: row === undefined ? {} : fromJson<AppSettings>(row.settings),
      modifiedAt: Math.max(object.modifiedAt, row?.modified_at ?? 0),
    }
  }
  return [
    ...(await listPortals(db)).map((object) => ({ type: 'mcp_portal' as const, object, ...common(object) })),
    ...(await listServers(db)).map((object) => ({ type: 'mcp' as const, object, ...common(object) })),
  ]
}

export async function findApp(db: Db, id: string): Promise<AccessApp | undefined> {
  return (await listApps(db)).find((app) => app.id === id)
}

export async function saveAppSettings(
  store: Store,
  trx: Trx,
  { id, type, object }: Pick<AccessApp, 'id' | 'type'> & { object: { uid: string } },
  settings: AppSettings,
): Promise<void> {
  const now = store.clock.now()
  const changed = { settings: JSON.stringify(settings), modified_at: now }
  await trx
    .insertInto('access_apps')
    .values({ id, kind: type, object_uid: object.uid, created_at: now, ...changed })
    .onConflict((clash) => clash.column('id').doUpdateSet(changed))
    .execute()
}

/** An application's own policy becomes one that others may name. */
export async function makeReusable(store: Store, trx: Trx, id: PolicyId): Promise<void> {
  await trx.updateTable('policies').set({ app_id: null }).where('id', '=', id).execute()
  await store.versions.bump(trx, 'policies')
}

/** Own policies that the application does not have any more: nothing else can name them. */
export async function dropOwnPolicies(
  store: Store,
  trx: Trx,
  uid: PortalUid | ServerUid,
  kept: readonly PolicyId[] = [],
): Promise<void> {
  const own = await trx.selectFrom('policies').select('id').where('app_id', '=', appIdOf(uid)).execute()
  const gone = own.map(({ id }) => id).filter((id) => !kept.includes(id as PolicyId))
  if (gone.length === 0) return
  await trx.deleteFrom('policies').where('id', 'in', gone).execute()
  await store.versions.bump(trx, 'policies')
}

/** With the portal or server that it stood for. */
export async function forgetApp(store: Store, trx: Trx, uid: PortalUid | ServerUid): Promise<void> {
  await dropOwnPolicies(store, trx, uid)
  await trx.deleteFrom('access_apps').where('id', '=', appIdOf(uid)).execute()
}

/**
 * Ends what lets clients into a portal: what people gave them, and the tokens that admins made.
 *
 * @returns how many of each stood until now
 */
export async function revokeTokensOfPortal(
  store: Store,
  trx: Trx,
  uid: PortalUid,
): Promise<{ clients: number; accessTokens: number }> {
  const grants = await trx
    .selectFrom('grants')
    .select('id')
    .where('portal_uid', '=', uid)
    .where('revoked_at', 'is', null)
    .execute()
  for (const { id } of grants) await revokeGrants(store, trx, { id }, 'revoked')
  const tokens = await trx
    .selectFrom('access_tokens')
    .select('id')
    .where('portal_uid', '=', uid)
    .where('revoked_at', 'is', null)
    .execute()
  for (const { id } of tokens) await revokeAccessToken(store, trx, id)
  return { clients: grants.length, accessTokens: tokens.length }
}
