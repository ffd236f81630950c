/**
 * Sealing what is stored anew, under the first key of the ring, and proving that nothing is left under another. Which values are
 * seals follows from the rule in `tables.ts`: every column ending in `_sealed`, and the rows of `settings` that hold one.
 */
import { sql } from 'kysely'
import { Fault } from '../base/fault.ts'
import { kidOf, type Sealer } from '../base/secret.ts'
import { levelOf, MIGRATIONS } from './migrate.ts'
import type { Db } from './open.ts'
import { shapeAt } from './shape.ts'

/** One place where a seal may be: `where` is what the seal is bound to. */
interface Seal {
  sealed: string
  where: string
  replace(by: string, db: Db): Promise<void>
}

/**
 * One transaction. What a portal seals in the meantime, under whichever key, stays as it is.
 *
 * @param sealer opens with every key of the ring and seals with the first
 * @param kid of the first
 * @returns how many values were sealed anew
 * @throws Fault `store-unavailable` where a value opens with no key of the ring; then nothing was changed
 */
export function reseal(db: Db, sealer: Sealer, kid: string): Promise<number> {
  return db.transaction().execute(async (trx) => {
    let count = 0
    for (const { sealed, where, replace } of await findSeals(trx)) {
      if (kidOf(sealed) === kid) continue
      const plain = sealer.open(sealed, where)
      if (plain === undefined)
        throw new Fault(
          'store-unavailable',
          `What is sealed at ${where} opens with none of the keys at hand. Add the key that sealed it behind the others, or set that credential anew; nothing was changed.`,
        )
      await replace(sealer.seal(plain, where), trx)
      count++
    }
    return count
  })
}

/** Every seal, opened: how many open with this sealer and how many do not. */
export async function countOpening(db: Db, sealer: Sealer): Promise<{ opening: number; closed: number }> {
  const seals = await findSeals(db)
  const opening = seals.filter(({ sealed, where }) => sealer.open(sealed, where) !== undefined).length
  return { opening, closed: seals.length - opening }
}

async function findSeals(db: Db): Promise<Seal[]> {
  const level = await levelOf(db)
  if (level === undefined || !Object.hasOwn(MIGRATIONS, level))
    throw new Fault(
      'store-unavailable',
      level === undefined
        ? 'There is no portal’s data here yet.'
        : `The database was written by a newer Portico (schema ${level}). Use that version.`,
    )
  const seals = await inSettings(db)
  for (const { name, columns, key } of await shapeAt(level))
    for (const column of columns.filter((column) => column.endsWith('_sealed')))
      seals.push(...(await inColumn(db, name, column, key)))
  return seals
}

async function inSettings(db: Db): Promise<Seal[]> {
  const rows = await db.selectFrom('settings').selectAll().execute()
  return rows
    .filter(({ value }) => kidOf(value) !== undefined)
    .map(({ key, value }) => ({
      sealed: value,
      where: key,
      replace: async (by, trx) => {
        await trx.updateTable('settings').set({ value: by }).where('key', '=', key).where('value', '=', value).execute()
      },
    }))
}

async function inColumn(db: Db, table: string, column: string, key: readonly string[]): Promise<Seal[]> {
  const names = sql.join(key.map((name) => sql.ref(name)))
  const found = await sql<Record<string, string>>`
    select ${names}, ${sql.ref(column)} as sealed from ${sql.table(table)} where ${sql.ref(column)} is not null`.execute(
    db,
  )
  return found.rows.map(({ sealed = '', ...id }) => ({
    sealed,
    where: `${table}/${key.map((name) => id[name]).join('/')}/${column.replace(/_sealed$/, '')}`,
    replace: async (by, trx) => {
      const row = sql.join(
        key.map((name) => sql`${sql.ref(name)} = ${id[name]}`),
        sql` and `,
      )
      // Only in place of what was read: another replica may have stored another secret meanwhile.
      await sql`update ${sql.table(table)} set ${sql.ref(column)} = ${by}
        where ${row} and ${sql.ref(column)} = ${sealed}`.execute(trx)
    },
  }))
}
