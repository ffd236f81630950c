/** Links by which the shared credential of a server is made, at rest: the SHA-256 of a token of 256 bits, and the server. */
import type { ServerUid } from '../../base/ids.ts'
import { digest } from '../../base/secret.ts'
import type { Db, Trx } from '../../store/open.ts'

/** What is known of a link that is good now. */
export interface ConnectLink {
  server: ServerUid
  /** Who asked for it, for the record. */
  createdBy: string
  /** Milliseconds since 1970. */
  expiresAt: number
}

/** Withdraws every older one of this server. */
export async function insertConnectLink(
  trx: Trx,
  made: ConnectLink & { token: string; createdAt: number },
): Promise<void> {
  await dropConnectLinks(trx, made.server)
  await trx
    .insertInto('single_use_links')
    .values({
      ...{ digest: digest(made.token), purpose: purposeOf(made.server), created_at: made.createdAt },
      ...{ created_by: made.createdBy, expires_at: made.expiresAt, used_at: null },
    })
    .execute()
}

/** Those that nobody has used yet are over. */
export async function dropConnectLinks(trx: Trx, server: ServerUid): Promise<void> {
  await trx
    .deleteFrom('single_use_links')
    .where('purpose', '=', purposeOf(server))
    .where('used_at', 'is', null)
    .execute()
}

/** @returns null where it is over, unknown, or of another server */
export async function findConnectLink(
  db: Db,
  { token, server, now }: { token: string; server: ServerUid; now: number },
): Promise<ConnectLink | null> {
  const row = await db
    .selectFrom('single_use_links')
    .select(['created_by', 'expires_at'])
    .where('digest', '=', digest(token))
    .where('purpose', '=', purposeOf(server))
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst()
  return row === undefined ? null : { server, createdBy: row.created_by, expiresAt: row.expires_at }
}

/** @returns null where it is over, of another server, or somebody else was faster */
export async function markConnectLinkUsed(
  trx: Trx,
  { token, server, now }: { token: string; server: ServerUid; now: number },
): Promise<ConnectLink | null> {
  const row = await trx
    .updateTable('single_use_links')
    .set({ used_at: now })
    .where('digest', '=', digest(token))
    .where('purpose', '=', purposeOf(server))
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .returning(['created_by', 'expires_at'])
    .executeTakeFirst()
  return row === undefined ? null : { server, createdBy: row.created_by, expiresAt: row.expires_at }
}

function purposeOf(server: ServerUid): `connect:${string}` {
  return `connect:${server}`
}
