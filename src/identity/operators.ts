/** Who is calling the REST API: an API token, in `Authorization: Bearer`. What each role may do is `admin/`'s table. */
import type { Clock } from '../base/clock.ts'
import type { Operator } from '../base/principal.ts'
import { digest, looksLikeSecret } from '../base/secret.ts'
import type { Store } from '../store/open.ts'
import { findApiToken } from './api-token-store.ts'

/** @returns null for anything that is not a live API token */
export async function authenticateOperator(
  authorization: string | null | undefined,
  store: Store,
  clock: Clock,
): Promise<Operator | null> {
  const token = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization ?? '')?.[1]
  if (token === undefined || !looksLikeSecret(token, 'ptapi')) return null
  const record = await findApiToken(store.db, digest(token))
  if (!record || record.revokedAt !== null) return null
  if (record.expiresAt !== null && record.expiresAt <= clock.now()) return null
  return { kind: 'api_token', id: record.id, name: record.name, role: record.role, scopes: record.scopes }
}
