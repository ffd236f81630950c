/**
 * Webhooks at rest. The secret is sealed under the row's id together with its version: a seal that was moved to another row does not
 * open, and one that was put back from an older copy of its own row is not believed.
 */
import { newId } from '../../base/ids.ts'
import type { Sealer } from '../../base/secret.ts'
import { type Author, changedStamps, flag, fromJson, newStamps, type Stamped, stampsOf } from '../../store/columns.ts'
import type { Db, Store, Trx } from '../../store/open.ts'
import type { WebhookRow } from '../../store/tables-connections.ts'
import { newWebhookSecret } from './sign.ts'

/** A webhook with everything that may be shown of it. */
export interface WebhookRecord extends Stamped {
  id: string
  name: string
  url: string
  /** Empty means all. */
  events: readonly string[]
  enabled: boolean
  /** `host:port` inside our own network. */
  allowPrivate: readonly string[]
  secretVersion: number
}

export type WebhookContent = Pick<WebhookRecord, 'name' | 'url' | 'events' | 'enabled' | 'allowPrivate'>

/** How long a secret still signs beside the one that took its place. */
export const ROTATION_MS = 24 * 3_600_000

interface Sealed {
  version: number
  secret: string
  previous: { secret: string; until: number } | null
}

/** What every writer needs. */
export interface Writing {
  store: Store
  trx: Trx
  sealer: Sealer
  author: Author
}

/** In the order in which they were made. */
export async function listWebhooks(db: Db): Promise<WebhookRecord[]> {
  const rows = await db.selectFrom('webhooks').selectAll().orderBy('created_at').orderBy('id').execute()
  return rows.map(toRecord)
}

export async function readWebhook(db: Db, id: string): Promise<WebhookRecord | undefined> {
  const row = await db.selectFrom('webhooks').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toRecord(row)
}

/**
 * For signing; never for showing.
 *
 * @param now milliseconds since 1970: the secret before the last one counts for a day
 * @returns the newest first; none where the seal does not open, or is of another row or version
 */
export async function readWebhookSecrets(db: Db, sealer: Sealer, id: string, now: number): Promise<string[]> {
  const row = await db
    .selectFrom('webhooks')
    .select(['secret_sealed', 'secret_version'])
    .where('id', '=', id)
    .executeTakeFirst()
  const sealed = row && openSecrets(sealer, { id, ...row })
  if (sealed === undefined) return []
  const { secret, previous } = sealed
  return previous !== null && previous.until > now ? [secret, previous.secret] : [secret]
}

/** @returns its id, and the secret, to be shown once */
export async function insertWebhook(
  { store, trx, sealer, author }: Writing,
  content: WebhookContent,
): Promise<{ id: string; secret: string }> {
  const now = store.clock.now()
  const id = newId<string>(now)
  const secret = newWebhookSecret()
  const sealed: Sealed = { version: 1, secret, previous: null }
  const row: WebhookRow = {
    id,
    ...contentColumns(content),
    secret_sealed: sealer.seal(JSON.stringify(sealed), whereOf(id)),
    secret_version: 1,
    ...newStamps(now, author),
  }
  await trx.insertInto('webhooks').values(row).execute()
  return { id, secret }
}

export async function updateWebhook(
  { store, trx, author }: Omit<Writing, 'sealer'>,
  id: string,
  content: WebhookContent,
): Promise<void> {
  await trx
    .updateTable('webhooks')
    .set({ ...contentColumns(content), ...changedStamps(store.clock.now(), author) })
    .where('id', '=', id)
    .execute()
}

/** The secret of before signs beside the new one for a day. @returns the new one, or undefined where there is no such webhook */
export async function rotateWebhookSecret(
  { store, trx, sealer, author }: Writing,
  id: string,
): Promise<string | undefined> {
  const now = store.clock.now()
  const row = await trx
    .selectFrom('webhooks')
    .select(['secret_sealed', 'secret_version'])
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const before = openSecrets(sealer, { id, ...row })
  const secret = newWebhookSecret()
  const version = row.secret_version + 1
  const previous = before === undefined ? null : { secret: before.secret, until: now + ROTATION_MS }
  const sealed: Sealed = { version, secret, previous }
  await trx
    .updateTable('webhooks')
    .set({
      secret_sealed: sealer.seal(JSON.stringify(sealed), whereOf(id)),
      secret_version: version,
      ...changedStamps(now, author),
    })
    .where('id', '=', id)
    .execute()
  return secret
}

/** By the receiver's own wish. */
export async function switchOffWebhook(trx: Trx, id: string): Promise<void> {
  await trx.updateTable('webhooks').set({ enabled: 0 }).where('id', '=', id).execute()
}

/** What waits for it goes with it. */
export async function deleteWebhook(trx: Trx, id: string): Promise<void> {
  await trx.deleteFrom('webhooks').where('id', '=', id).execute()
}

function contentColumns({ name, url, events, enabled, allowPrivate }: WebhookContent) {
  return {
    name,
    url,
    events: JSON.stringify(events),
    enabled: flag(enabled),
    allow_private: JSON.stringify(allowPrivate),
  }
}

function openSecrets(
  sealer: Sealer,
  { id, secret_sealed, secret_version }: Pick<WebhookRow, 'id' | 'secret_sealed' | 'secret_version'>,
): Sealed | undefined {
  const plain = sealer.open(secret_sealed, whereOf(id))
  if (plain === undefined) return undefined
  const sealed = fromJson<Sealed>(plain)
  return sealed.version === secret_version ? sealed : undefined
}

function whereOf(id: string): string {
  return `webhooks/${id}/secret`
}

function toRecord(row: WebhookRow): WebhookRecord {
  return {
    id: row.id,
    name: row.name,
    url: row.url,
    events: fromJson<string[]>(row.events),
    enabled: row.enabled === 1,
    allowPrivate: fromJson<string[]>(row.allow_private),
    secretVersion: row.secret_version,
    ...stampsOf(row),
  }
}
