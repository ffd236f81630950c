/** Keys for statements of who calls, at rest: the public part as it is published, the private part sealed under the key's own id. */
import type { Sealer } from '../../base/secret.ts'
import type { Db, Store, Trx } from '../../store/open.ts'

/** The members of an RSA key that everybody may know (RFC 7517, RFC 7518 section 6.3.1). */
export interface PublicJwk {
  kty: 'RSA'
  kid: string
  alg: 'RS256'
  use: 'sig'
  n: string
  e: string
}

export interface SigningKeyRecord {
  kid: string
  publicJwk: PublicJwk
  privateSealed: string
  /** Milliseconds since 1970. */
  createdAt: number
  /** From when on it signs nothing; null where nothing replaces it yet. */
  retiredAt: number | null
}

/** The oldest first. */
export async function listSigningKeys(db: Db): Promise<SigningKeyRecord[]> {
  const rows = await db.selectFrom('signing_keys').selectAll().orderBy('created_at').orderBy('kid').execute()
  return rows.map((row) => ({
    kid: row.kid,
    publicJwk: JSON.parse(row.public_jwk) as PublicJwk,
    privateSealed: row.private_jwk_sealed,
    createdAt: row.created_at,
    retiredAt: row.retired_at,
  }))
}

/** @returns the private JWK as JSON, or undefined where its seal does not open with the keys at hand */
export function openSigningKey({ kid, privateSealed }: SigningKeyRecord, sealer: Sealer): string | undefined {
  return sealer.open(privateSealed, whereOf(kid))
}

export interface NewSigningKey {
  publicJwk: PublicJwk
  /** JSON */
  privateJwk: string
}

/**
 * The new key takes over from all others at one moment.
 *
 * @param takesOverAt when the others sign for the last time
 */
export async function insertSigningKey(
  trx: Trx,
  made: NewSigningKey,
  by: { sealer: Sealer; now: number; takesOverAt: number },
): Promise<void> {
  const { kid } = made.publicJwk
  await trx.updateTable('signing_keys').set({ retired_at: by.takesOverAt }).where('retired_at', 'is', null).execute()
  await trx
    .insertInto('signing_keys')
    .values({
      ...{ kid, alg: made.publicJwk.alg, public_jwk: JSON.stringify(made.publicJwk) },
      private_jwk_sealed: by.sealer.seal(made.privateJwk, whereOf(kid)),
      ...{ created_at: by.now, retired_at: null },
    })
    .execute()
}

/** @returns how many were retired before this moment and are gone now */
export async function deleteSigningKeys(store: Store, trx: Trx, retiredBefore: number): Promise<number> {
  const gone = await trx.deleteFrom('signing_keys').where('retired_at', '<', retiredBefore).executeTakeFirst()
  const count = Number(gone.numDeletedRows)
  if (count > 0) await store.versions.bump(trx, 'identity')
  return count
}

function whereOf(kid: string): string {
  return `signing_keys/${kid}/private_jwk`
}
