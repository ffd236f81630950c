/** The portal as a registered client, at rest: one for each server behind it and authorization server, so that none is used at another. */
import { newId, type ServerUid } from '../../base/ids.ts'
import type { Sealer } from '../../base/secret.ts'
import type { Db, Store } from '../../store/open.ts'
import type { UpstreamClientRow } from '../../store/tables-connections.ts'
import type { OauthClient } from './model.ts'

export interface RegisteredClient {
  client: OauthClient & { kind: 'registered' }
  redirectUri: string
  /** When its secret ends, in milliseconds since 1970. */
  expiresAt: number | null
}

/** Rows in one statement. */
const BATCH = 500

interface Key {
  server: ServerUid
  issuer: string
}

/** @returns undefined where there is none, or its secret does not open any more */
export async function readClient(
  { store, sealer }: { store: Store; sealer: Sealer },
  { server, issuer }: Key,
): Promise<RegisteredClient | undefined> {
  const row = await store.db
    .selectFrom('upstream_clients')
    .selectAll()
    .where('server_uid', '=', server)
    .where('issuer', '=', issuer)
    .where('kind', '=', 'registered')
    .executeTakeFirst()
  return row && opened(sealer, row)
}

/** The way back that was last registered for each server; nothing of those where there is none. */
export async function listRegisteredCallbacks(
  db: Db,
  servers: readonly ServerUid[],
): Promise<ReadonlyMap<ServerUid, string>> {
  const callbacks = new Map<ServerUid, string>()
  for (let at = 0; at < servers.length; at += BATCH) {
    const rows = await db
      .selectFrom('upstream_clients')
      .select(['server_uid', 'redirect_uri'])
      .where('server_uid', 'in', servers.slice(at, at + BATCH))
      .where('kind', '=', 'registered')
      .orderBy('created_at')
      .execute()
    for (const row of rows) callbacks.set(row.server_uid as ServerUid, row.redirect_uri)
  }
  return callbacks
}

/**
 * Takes the place of what was registered there before.
 *
 * @param instead the client id that was read; another one by now was registered by another replica, and stays
 * @returns what stands there now; undefined where the server is gone
 */
export async function saveClient(
  { store, sealer }: { store: Store; sealer: Sealer },
  { server, issuer }: Key,
  { made, instead }: { made: RegisteredClient; instead: string | null },
): Promise<RegisteredClient | undefined> {
  const now = store.clock.now()
  const id = newId<string>(now)
  const { client, redirectUri, expiresAt } = made
  return store.write(async (trx) => {
    const isThere = await trx.selectFrom('servers').select('uid').where('uid', '=', server).executeTakeFirst()
    if (isThere === undefined) return undefined
    const old = await trx
      .selectFrom('upstream_clients')
      .selectAll()
      .where('server_uid', '=', server)
      .where('issuer', '=', issuer)
      .executeTakeFirst()
    // One that does not open is of no use to anybody.
    if (old !== undefined && (old.client_id === instead || opened(sealer, old) === undefined))
      await trx.deleteFrom('upstream_clients').where('id', '=', old.id).execute()
    await trx
      .insertInto('upstream_clients')
      .values({
        ...{ id, server_uid: server, issuer, kind: 'registered', client_id: client.id, redirect_uri: redirectUri },
        client_secret_sealed: client.secret === null ? null : sealer.seal(client.secret, whereOf(id)),
        auth_method: client.method === 'private_key_jwt' ? 'none' : client.method,
        created_at: now,
        expires_at: expiresAt,
      })
      .onConflict((conflict) => conflict.columns(['server_uid', 'issuer']).doNothing())
      .execute()
    const row = await trx
      .selectFrom('upstream_clients')
      .selectAll()
      .where('server_uid', '=', server)
      .where('issuer', '=', issuer)
      .executeTakeFirst()
    return row && opened(sealer, row)
  })
}

/** Whether another issuer knows the portal by this id: one that hands it out again wants to be taken for the other. */
export async function isKnownElsewhere(store: Store, clientId: string, issuer: string): Promise<boolean> {
  const row = await store.db
    .selectFrom('upstream_clients')
    .select('id')
    .where('client_id', '=', clientId)
    .where('issuer', '!=', issuer)
    .executeTakeFirst()
  return row !== undefined
}

function opened(sealer: Sealer, row: UpstreamClientRow): RegisteredClient | undefined {
  const { client_secret_sealed: sealed } = row
  const secret = sealed === null ? null : sealer.open(sealed, whereOf(row.id))
  if (secret === undefined) return undefined
  const client = { id: row.client_id, secret, method: row.auth_method, kind: 'registered' as const }
  return { client, redirectUri: row.redirect_uri, expiresAt: row.expires_at }
}

function whereOf(id: string): string {
  return `upstream_clients/${id}/client_secret`
}
