/** Identity providers at rest, and the end of what came through one. */
import { newUuid } from '../../base/ids.ts'
import type { Sealer } from '../../base/secret.ts'
import type { ProviderConfig, ProviderType } from '../../contract/identity-provider.ts'
import { type Author, changedStamps, fromJson, newStamps, type Stamped, stampsOf } from '../../store/columns.ts'
import type { Db, Store, Trx } from '../../store/open.ts'
import type { IdentityProviderRow } from '../../store/tables-people.ts'
import { revokeGrants } from '../grant-store.ts'

export interface ProviderRecord extends Stamped {
  id: string
  name: string
  type: ProviderType
  /** Without the secret. */
  config: ProviderConfig
  hasClientSecret: boolean
}

export interface ProviderContent {
  name: string
  config: ProviderConfig
  /** Undefined keeps what there is, null forgets it. */
  clientSecret?: string | null
}

/** In the order in which they were made. */
export async function listProviders(db: Db): Promise<ProviderRecord[]> {
  const rows = await db.selectFrom('identity_providers').selectAll().orderBy('position').orderBy('id').execute()
  return rows.map(toRecord)
}

export async function readProvider(db: Db, id: string): Promise<ProviderRecord | undefined> {
  const row = await db.selectFrom('identity_providers').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toRecord(row)
}

/** @returns null where there is none, or no key at hand opens it */
export async function readProviderSecret(db: Db, sealer: Sealer, id: string): Promise<string | null> {
  const row = await db
    .selectFrom('identity_providers')
    .select('client_secret_sealed')
    .where('id', '=', id)
    .executeTakeFirst()
  const sealed = row?.client_secret_sealed ?? null
  return sealed === null ? null : (sealer.open(sealed, whereOf(id)) ?? null)
}

export interface Writing {
  store: Store
  trx: Trx
  sealer: Sealer
  author: Author
}

export async function insertProvider(
  { store, trx, sealer, author }: Writing,
  type: ProviderType,
  { name, config, clientSecret }: ProviderContent,
): Promise<string> {
  const id = newUuid<string>()
  const last = await trx
    .selectFrom('identity_providers')
    .select((eb) => eb.fn.max('position').as('position'))
    .executeTakeFirst()
  await trx
    .insertInto('identity_providers')
    .values({
      ...{ id, name, type, config: JSON.stringify(config), position: Number(last?.position ?? 0) + 1 },
      client_secret_sealed: sealed(sealer, id, clientSecret ?? null),
      ...newStamps(store.clock.now(), author),
    })
    .execute()
  await store.versions.bump(trx, 'identity')
  return id
}

export async function updateProvider(
  { store, trx, sealer, author }: Writing,
  id: string,
  { name, config, clientSecret }: ProviderContent,
): Promise<void> {
  await trx
    .updateTable('identity_providers')
    .set({
      ...{ name, config: JSON.stringify(config) },
      ...(clientSecret === undefined ? {} : { client_secret_sealed: sealed(sealer, id, clientSecret) }),
      ...changedStamps(store.clock.now(), author),
    })
    .where('id', '=', id)
    .execute()
  await store.versions.bump(trx, 'identity')
}

export async function deleteProvider(store: Store, trx: Trx, id: string): Promise<void> {
  await endWhatCameThrough(store, trx, { provider: id })
  await trx.deleteFrom('sign_in_attempts').where('provider_id', '=', id).execute()
  await trx.deleteFrom('identity_providers').where('id', '=', id).execute()
}

/**
 * Ends the browser sessions and grants of people whom a provider vouched for, and forgets its tokens. The accounts stay: who signs in
 * again is the same person.
 *
 * @returns how many sessions and grants were ended
 */
export async function endWhatCameThrough(
  store: Store,
  trx: Trx,
  which: { provider: string } | { identity: string },
): Promise<{ sessions: number; grants: number }> {
  if ('provider' in which) {
    // Before anything is read: it lets one through at a time with `saveSignIn`, so that who comes at this moment is either seen here, or
    // finds the provider as it is afterwards.
    await store.versions.bump(trx, 'identity')
    await store.versions.bump(trx, 'tokens')
  }
  const all = trx.selectFrom('identities').select('id')
  const ids = (
    await ('provider' in which
      ? all.where('provider_id', '=', which.provider)
      : all.where('id', '=', which.identity)
    ).execute()
  ).map(({ id }) => id)
  const ended = { sessions: 0, grants: 0 }
  for (const id of ids) {
    const closed = await trx
      .updateTable('browser_sessions')
      .set({ ended_at: store.clock.now() })
      .where('identity_id', '=', id)
      .where('ended_at', 'is', null)
      .executeTakeFirst()
    ended.sessions += Number(closed.numUpdatedRows)
    const grants = await trx
      .selectFrom('grants')
      .select('id')
      .where('identity_id', '=', id)
      .where('revoked_at', 'is', null)
      .execute()
    for (const grant of grants) ended.grants += await revokeGrants(store, trx, { id: grant.id }, 'provider')
    await trx
      .updateTable('identities')
      .set({ id_token_sealed: null, refresh_token_sealed: null })
      .where('id', '=', id)
      .execute()
  }
  if (ids.length > 0) await store.versions.bump(trx, 'tokens')
  return ended
}

function sealed(sealer: Sealer, id: string, secret: string | null): string | null {
  return secret === null ? null : sealer.seal(secret, whereOf(id))
}

function whereOf(id: string): string {
  return `identity_providers/${id}/client_secret`
}

function toRecord(row: IdentityProviderRow): ProviderRecord {
  return {
    id: row.id,
    name: row.name,
    type: row.type,
    config: fromJson<ProviderConfig>(row.config),
    hasClientSecret: row.client_secret_sealed !== null,
    ...stampsOf(row),
  }
}
