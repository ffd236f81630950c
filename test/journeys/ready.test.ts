/** `/readyz` looks each time, and says which of its checks failed. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestPortal, type TestPortal } from '../portal.ts'

let portal: TestPortal
let database: DatabaseSync

beforeAll(async () => {
  portal = await startTestPortal()
  database = new DatabaseSync(join(portal.data, 'portico.db'))
})
afterAll(async () => {
  database?.close()
  await portal?.close()
})

async function ready(): Promise<{ status: number; checks: unknown }> {
  const response = await fetch(`${portal.url}/readyz`)
  const { checks } = (await response.json()) as { checks: unknown }
  return { status: response.status, checks }
}

const FINE = { store: true, migrations: true, keys: true, audit: true }

test('a portal in order is ready', async () => {
  expect(await ready()).toEqual({ status: 200, checks: FINE })
})

test('a schema that a newer replica has changed makes it unready, for as long as it is so', async () => {
  database.prepare("INSERT INTO kysely_migration (name, timestamp) VALUES ('9999-future', 'now')").run()
  expect(await ready()).toEqual({ status: 503, checks: { ...FINE, migrations: false } })
  database.prepare("DELETE FROM kysely_migration WHERE name = '9999-future'").run()
  expect(await ready()).toEqual({ status: 200, checks: FINE })
})

test('data that the key does not open makes it unready', async () => {
  const { value } = database.prepare("SELECT value FROM settings WHERE key = 'key_check'").get() as { value: string }
  const put = database.prepare("UPDATE settings SET value = ? WHERE key = 'key_check'")
  put.run('v1.00000000.AAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAA')
  expect(await ready()).toEqual({ status: 503, checks: { ...FINE, keys: false } })
  put.run(value)
  expect((await ready()).status).toBe(200)
})
