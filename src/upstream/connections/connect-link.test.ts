/** The link by which the shared credential of a server is made, on both databases. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS, freshStore, type TestStore } from '../../../test/databases.ts'
import { systemClock } from '../../base/clock.ts'
import type { ServerId, ServerUid } from '../../base/ids.ts'
import { findLink, forgetLinks } from '../../identity/local/link-store.ts'
import { makeConnectLink, readConnectLink, useConnectLink } from './connect-link.ts'

const tracker = { uid: 'uid-tracker' as ServerUid, id: 'tracker' as ServerId }
const mail = { uid: 'uid-mail' as ServerUid, id: 'mail' as ServerId }

describe.each(DATABASE_KINDS)('links to connect a server on %s', (kind) => {
  let at: TestStore
  let ahead = 0
  beforeEach(async () => {
    ahead = 0
    at = await freshStore(kind, { ...systemClock, now: () => systemClock.now() + ahead })
  })
  afterEach(() => at.end())

  const now = () => systemClock.now() + ahead
  const make = async (server = tracker) => {
    const made = await at.store.write((trx) => makeConnectLink(at.store, trx, { server, by: 'ada' }))
    return { ...made, token: made.path.slice(-43) }
  }
  const read = (token: string, server = tracker) =>
    readConnectLink(at.store.db, { token, server: server.uid, now: now() })
  const use = (token: string, server = tracker) =>
    at.store.write((trx) => useConnectLink(at.store, trx, { token, server: server.uid }))

  test('looking at one changes nothing, and it works once', async () => {
    const { path, token, expiresAt } = await make()
    expect(path).toBe(`/connect/tracker?link=${token}`)
    expect(await read(token)).toEqual({ server: tracker.uid, createdBy: 'ada', expiresAt })
    expect(await read(token)).not.toBeNull()
    const both = await Promise.all([use(token), use(token)])
    expect(both.filter((used) => used !== null)).toEqual([{ server: tracker.uid, createdBy: 'ada', expiresAt }])
    expect(await read(token)).toBeNull()
    expect(await use(token)).toBeNull()
  })

  test('what was done with one that could not be finished leaves it good', async () => {
    const { token } = await make()
    const failed = at.store.write(async (trx) => {
      await useConnectLink(at.store, trx, { token, server: tracker.uid })
      throw new Error('the rest failed')
    })
    await expect(failed).rejects.toThrow('the rest failed')
    expect(await read(token)).not.toBeNull()
  })

  test('one that is made anew ends the one before, and no other server’s', async () => {
    const other = await make(mail)
    const old = await make()
    const young = await make()
    expect(await read(old.token)).toBeNull()
    expect(await use(old.token)).toBeNull()
    expect(await read(young.token)).not.toBeNull()
    expect(await read(other.token, mail)).not.toBeNull()
  })

  test('it is good for a quarter of an hour, for its own server, and lets nobody in', async () => {
    const { token, expiresAt } = await make()
    expect(expiresAt - now()).toBeGreaterThan(14 * 60_000)
    expect(await read(token, mail)).toBeNull()
    expect(await use(token, mail)).toBeNull()
    expect(await read('x'.repeat(43))).toBeNull()
    expect(await read("' or 1=1 --")).toBeNull()
    expect(await findLink(at.store.db, token, now())).toBeNull()
    ahead = 15 * 60_000 + 1000
    expect(await read(token)).toBeNull()
    expect(await use(token)).toBeNull()
  })

  test('the token itself is not stored, and what is over is forgotten', async () => {
    const { token } = await make()
    expect(JSON.stringify(await at.store.db.selectFrom('single_use_links').selectAll().execute())).not.toContain(token)
    ahead = 26 * 3_600_000
    await forgetLinks(at.store)
    expect(await at.store.db.selectFrom('single_use_links').selectAll().execute()).toEqual([])
  })
})
