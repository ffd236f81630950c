/** Keys that sign who calls, as an admin sees them: when, never what. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AdminRoom, openAdminRoom } from '../../test/admin-room.ts'
import { DATABASE_KINDS } from '../../test/databases.ts'
import { readOrganization } from '../identity/organization.ts'

const KEYS = '/access/keys'
const DAY = 24 * 3_600_000

describe.each(DATABASE_KINDS)('keys on %s', (kind) => {
  let room: AdminRoom
  beforeEach(async () => {
    room = await openAdminRoom(kind)
  })
  afterEach(() => room.end())

  const stored = () => room.at.store.db.selectFrom('signing_keys').selectAll().orderBy('created_at').execute()

  test('are replaced every six weeks unless that is set', async () => {
    const six = { key_rotation_interval_days: 42, days_until_next_rotation: 42 }
    expect((await room.ask('GET', KEYS)).body.result).toEqual(six)
    const set = await room.ask('PUT', KEYS, { body: { key_rotation_interval_days: 30 } })
    expect(set.body.result).toEqual({ key_rotation_interval_days: 30, days_until_next_rotation: 30 })
    expect((await readOrganization(room.at.store.db)).keyRotation).toBe(30 * DAY)
    for (const days of [0, 366, 1.5, '30', null]) {
      const answer = await room.ask('PUT', KEYS, { body: { key_rotation_interval_days: days } })
      expect(answer.status).toBe(400)
    }
    expect(await stored()).toEqual([])
  })

  test('are rotated at once where an admin says so; the old one is told when it stops, and no answer holds a key', async () => {
    await room.ask('POST', `${KEYS}/rotate`)
    room.clock.move(3 * DAY)
    const rotated = await room.ask('POST', `${KEYS}/rotate`)
    const [first, second] = await stored()
    expect(rotated.body.result).toEqual({
      key_rotation_interval_days: 42,
      last_key_rotation_at: new Date(second?.created_at ?? 0).toISOString(),
      days_until_next_rotation: 42,
    })
    expect(first?.retired_at).toBe((second?.created_at ?? 0) + 300_000)
    expect(second?.retired_at).toBeNull()
    room.clock.move(DAY)
    const shown = await room.ask('GET', KEYS)
    expect(shown.body.result.days_until_next_rotation).toBe(41)
    for (const { kid } of await stored()) expect(JSON.stringify([rotated.body, shown.body])).not.toContain(kid)
  })

  test('only who may write the organisation rotates them', async () => {
    const token = await room.token('auditor')
    expect((await room.ask('GET', KEYS, { token })).status).toBe(200)
    expect((await room.ask('POST', `${KEYS}/rotate`, { token })).status).toBe(403)
    expect((await room.ask('PUT', KEYS, { token, body: { key_rotation_interval_days: 30 } })).status).toBe(403)
    expect(await stored()).toEqual([])
  })
})
