/** Whether what was asked for as one client is still wanted: an admin may have written down another one meanwhile. */
import type { Sealer } from '../../base/secret.ts'
import { parseWrittenOauth } from '../../contract/credentials.ts'
import type { Trx } from '../../store/open.ts'
import { readServerSecretsIfOpen } from '../server-store.ts'
import type { KeptServer } from './resolve.ts'

/** Compared with the server as it stands in the transaction. */
export async function isSameClient(trx: Trx, sealer: Sealer, { record, target }: KeptServer): Promise<boolean> {
  const secrets = await readServerSecretsIfOpen(trx, sealer, record.uid)
  if (secrets === null || target === null || secrets.clientSecret !== target.clientSecret) return false
  const wanted = target.written === null ? null : JSON.stringify(target.written)
  return plain(secrets.authCredentials) === plain(wanted)
}

/** With its members in one order. */
function plain(written: string | null): string {
  return JSON.stringify(written === null ? null : parseWrittenOauth(written))
}
