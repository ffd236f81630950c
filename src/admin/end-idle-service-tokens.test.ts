import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AdminRoom, LOGS, openAdminRoom } from '../../test/admin-room.ts'
import { DATABASE_KINDS } from '../../test/databases.ts'
import type { ServiceTokenId } from '../base/ids.ts'
import { ORGANIZATION, type ServiceTokenInactivity } from '../identity/organization.ts'
import { noteServiceTokenSeen } from '../identity/service-token-store.ts'
import { endIdleServiceTokens } from './end-idle-service-tokens.ts'

const DAY = 24 * 3_600_000
const TOKENS = '/access/service_tokens'

describe.each(DATABASE_KINDS)('service tokens that nobody uses, on %s', (kind) => {
  let room: AdminRoom
  beforeEach(async () => {
    room = await openAdminRoom(kind)
  })
  afterEach(() => room.end())

  const make = async (name: string) =>
    String((await room.ask('POST', TOKENS, { body: { name, duration: 'forever' } })).body.result.id)
  const end = (rule: Partial<ServiceTokenInactivity>, holder = 'one') =>
    endIdleServiceTokens({
      ...{ store: room.at.store, audit: room.audit, holder },
      organization: {
        current: () => ({ serviceTokenInactivity: { ...ORGANIZATION.serviceTokenInactivity, enabled: true, ...rule } }),
      },
    })
  const shown = async (id: string) => (await room.ask('GET', `${TOKENS}/${id}`)).body.result

  test('are left alone unless the organisation says otherwise', async () => {
    const id = await make('old')
    room.clock.move(400 * DAY)
    expect(await end({ enabled: false })).toBe(0)
    expect(await shown(id)).toMatchObject({ enabled: true })
  })

  test('are switched off after their time, with a row in the audit, and not those that work', async () => {
    const [idle, used, named, young] = [
      await make('idle'),
      await make('used'),
      await make('named'),
      await make('young'),
    ]
    const policy = { name: 'bot', decision: 'non_identity', include: [{ service_token: { token_id: named } }] }
    await room.ask('POST', '/access/policies', { body: policy })
    room.clock.move(60 * DAY)
    await noteServiceTokenSeen(room.at.store.db, used as ServiceTokenId, room.clock.now())
    await room.ask('PUT', `${TOKENS}/${young}`, { body: { name: 'touched' } })
    room.clock.move(30 * DAY + 1)
    expect(await end({ thresholdDays: 90 })).toBe(1)
    expect(await end({ thresholdDays: 90 })).toBe(0)
    const states = await Promise.all([idle, used, named, young].map(async (id) => (await shown(id)).enabled))
    expect(states).toEqual([false, true, true, true])
    const rows = (await room.ask('GET', `${LOGS}?actor=idle-service-tokens&phase=ended`)).body.result
    expect(rows).toMatchObject([
      { method: 'disable idle service token', change: { object: 'service_token', id: idle } },
    ])
  })

  test('are deleted where that is the rule, also those that are switched off', async () => {
    const [idle, off] = [await make('idle'), await make('off')]
    await room.ask('PUT', `${TOKENS}/${off}`, { body: { enabled: false } })
    room.clock.move(31 * DAY)
    expect(await end({ thresholdDays: 30, action: 'delete' })).toBe(2)
    for (const id of [idle, off]) expect((await room.ask('GET', `${TOKENS}/${id}`)).status).toBe(404)
  })

  test('and were switched on again have their time anew', async () => {
    const id = await make('back')
    room.clock.move(31 * DAY)
    expect(await end({ thresholdDays: 30 })).toBe(1)
    await room.ask('PUT', `${TOKENS}/${id}`, { body: { enabled: true } })
    expect(await end({ thresholdDays: 30 })).toBe(0)
    room.clock.move(31 * DAY)
    expect(await end({ thresholdDays: 30 })).toBe(1)
  })

  test('are looked for by one replica at a time', async () => {
    await make('idle')
    room.clock.move(31 * DAY)
    expect((await Promise.all([end({ thresholdDays: 30 }, 'a'), end({ thresholdDays: 30 }, 'b')])).sort()).toEqual([
      0, 1,
    ])
  })
})
