/** Which servers a grant was told of. */
import type { ServerUid } from '../base/ids.ts'
import { fromJson } from '../store/columns.ts'
import type { Store } from '../store/open.ts'

export interface Announced {
  known: readonly ServerUid[]
  /** As it is stored, to see that nobody else wrote meanwhile; null before the first time. */
  text: string | null
}

/** @returns undefined where there is no such grant: a token that an admin made is its own */
export async function readAnnounced({ db }: Store, grant: string): Promise<Announced | undefined> {
  const row = await db.selectFrom('grants').select('announced').where('id', '=', grant).executeTakeFirst()
  if (row === undefined) return undefined
  const { announced: text } = row
  return { known: text === null ? [] : fromJson<ServerUid[]>(text), text }
}

/** @returns false where somebody else wrote first: they have told it */
export async function saveAnnounced(
  store: Store,
  grant: string,
  { text }: Announced,
  known: readonly ServerUid[],
): Promise<boolean> {
  return store.write(async (trx) => {
    const saved = await trx
      .updateTable('grants')
      .set({ announced: JSON.stringify(known) })
      .where('id', '=', grant)
      .where('announced', text === null ? 'is' : '=', text)
      .returning('id')
      .execute()
    return saved.length === 1
  })
}
