/** What a provider said of the person behind a grant, as it is now: for who waits for them to prove it anew. */
import type { IdentityFacts } from '../base/principal.ts'
import type { Db } from '../store/open.ts'
import { factsOf } from './identity-store.ts'

export interface GrantSignIn {
  facts: IdentityFacts
  /** When the person last signed in here, in milliseconds since 1970: another one for each time, whatever the provider says of when. */
  lastSignIn: number
}

/** @returns null where no sign-in stands behind it, as behind a token that an admin made, or it is over */
export async function readGrantFacts(db: Db, grant: string): Promise<IdentityFacts | null> {
  return (await readGrantSignIn(db, grant))?.facts ?? null
}

/** @returns null as above */
export async function readGrantSignIn(db: Db, grant: string): Promise<GrantSignIn | null> {
  const row = await db
    .selectFrom('grants')
    .innerJoin('identities', 'identities.id', 'grants.identity_id')
    .where('grants.id', '=', grant)
    .where('grants.revoked_at', 'is', null)
    .select(['identities.provider_id', 'identities.issuer', 'identities.subject', 'identities.groups'])
    .select(['identities.amr', 'identities.claims', 'identities.authenticated_at', 'identities.signed_in_at'])
    .executeTakeFirst()
  const facts = row === undefined ? null : factsOf(row)
  return row === undefined || facts === null ? null : { facts, lastSignIn: row.signed_in_at }
}
