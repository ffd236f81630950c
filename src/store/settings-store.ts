/** Single values that the program keeps for itself. */
import type { Db, Trx } from './open.ts'

export async function readSetting(db: Db, key: string): Promise<string | undefined> {
  const row = await db.selectFrom('settings').select('value').where('key', '=', key).executeTakeFirst()
  return row?.value
}

/**
 * Writes a value that is written once. On another connection a second writer waits until the first has committed.
 *
 * @returns false where it is there already
 */
export async function claimSetting(trx: Trx, key: string, value: string): Promise<boolean> {
  const row = await trx
    .insertInto('settings')
    .values({ key, value })
    .onConflict((conflict) => conflict.column('key').doNothing())
    .returning('key')
    .executeTakeFirst()
  return row !== undefined
}

/** Writes a value that may change. */
export async function writeSetting(trx: Trx, key: string, value: string): Promise<void> {
  await trx
    .insertInto('settings')
    .values({ key, value })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
    .execute()
}
