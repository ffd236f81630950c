/** Codes, refresh tokens and interactions past their end, and clients' access tokens a day after it: deleted once an hour. */
import type { Store } from '../../store/open.ts'

/** What is over is deleted: what anybody could still show stays. @returns how many rows went */
export async function forgetArtifacts(store: Store): Promise<number> {
  const now = store.clock.now()
  const gone = await store.db.deleteFrom('oauth_artifacts').where('expires_at', '<=', now).executeTakeFirst()
  const tokens = await store.db
    .deleteFrom('access_tokens')
    .whereRef('grant_id', '!=', 'id')
    .where('expires_at', '<=', now - DAY_MS)
    .executeTakeFirst()
  return Number(gone.numDeletedRows + tokens.numDeletedRows)
}

const DAY_MS = 86_400_000
