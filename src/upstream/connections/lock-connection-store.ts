/** Keeps a connection as it is for the length of a transaction: whoever ends it or takes its place meanwhile waits. */
import type { ServerUid } from '../../base/ids.ts'
import type { Trx } from '../../store/open.ts'
import type { ConnectionKind } from './model.ts'

/** @returns undefined where there is none (any more) */
export async function lockConnection(
  trx: Trx,
  server: ServerUid,
  owner: string,
): Promise<{ id: string; kind: ConnectionKind } | undefined> {
  const row = await trx
    .updateTable('connections')
    .set((eb) => ({ version: eb.ref('version') }))
    .where('server_uid', '=', server)
    .where('owner', '=', owner)
    .returning(['id', 'kind'])
    .executeTakeFirst()
  return row
}
