/** What an admin can do to a service token, and what that does to the bot that uses it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AdminRoom, openAdminRoom } from '../../test/admin-room.ts'
import { DATABASE_KINDS } from '../../test/databases.ts'
import { type Authenticator, openAuthenticator, type Shown } from '../identity/authenticate.ts'

const TOKENS = '/access/service_tokens'
const HOUR = 3_600_000
const DAY = 24 * HOUR

describe.each(DATABASE_KINDS)('service tokens on %s', (kind) => {
  let room: AdminRoom
  let authenticator: Authenticator
  let id: string
  let clientId: string
  let secret: string
  beforeEach(async () => {
    room = await openAdminRoom(kind)
    authenticator = openAuthenticator(room.at.store, room.clock)
    const { result } = (await room.ask('POST', TOKENS, { body: { name: 'bot' } })).body
    ;[id, clientId, secret] = [String(result.id), String(result.client_id), String(result.client_secret)]
  })
  afterEach(() => room.end())

  const shown = (clientSecret: string): Shown => ({
    ...{ authorization: undefined, clientId, clientSecret, serviceToken: undefined },
  })
  const opens = async (clientSecret: string) => (await authenticator.authenticate(shown(clientSecret))) !== null
  const put = (body: object) => room.ask('PUT', `${TOKENS}/${id}`, { body })
  const rotate = async (graceMs?: number) => {
    const until = graceMs === undefined ? {} : { previous_client_secret_expires_at: at(graceMs) }
    const answer = await room.ask('POST', `${TOKENS}/${id}/rotate`, { body: until })
    return { status: answer.status, secret: String(answer.body.result?.client_secret) }
  }
  const at = (ms: number) => new Date(room.clock.now() + ms).toISOString()
  const whyNot = async (clientSecret: string) => {
    const tried = shown(clientSecret)
    expect(await authenticator.authenticate(tried)).toBeNull()
    return authenticator.failed(tried)?.why
  }

  test('end with their time, and run anew when they are refreshed', async () => {
    expect(await opens(secret)).toBe(true)
    room.clock.move(365 * DAY)
    expect(await whyNot(secret)).toBe('expired')
    await room.ask('POST', `${TOKENS}/${id}/refresh`)
    expect(await opens(secret)).toBe(true)
  })

  test('are rotated at once, or with a time in which both secrets are good', async () => {
    const second = await rotate()
    expect([await opens(secret), await opens(second.secret)]).toEqual([false, true])
    const third = await rotate(HOUR)
    expect([await opens(second.secret), await opens(third.secret)]).toEqual([true, true])
    room.clock.move(HOUR)
    expect([await opens(second.secret), await opens(third.secret)]).toEqual([false, true])
    expect(await whyNot(second.secret)).toBe('expired')
  })

  test('keep a replaced secret for 30 days at the most', async () => {
    expect((await rotate(31 * DAY)).status).toBe(400)
    expect(await opens(secret)).toBe(true)
    expect((await put({ client_secret_version: 2, previous_client_secret_expires_at: at(31 * DAY) })).status).toBe(400)
    expect((await rotate(30 * DAY)).status).toBe(200)
    const longer = { previous_client_secret_expires_at: at(31 * DAY) }
    expect((await put(longer)).status).toBe(400)
  })

  test('that are switched off open nothing, and come back without the secret that was being replaced', async () => {
    const second = await rotate(HOUR)
    await put({ enabled: false })
    expect([await whyNot(secret), await whyNot(second.secret)]).toEqual(['bad-secret', 'disabled'])
    await put({ enabled: true })
    expect([await opens(secret), await opens(second.secret)]).toEqual([false, true])
  })

  test('that are rotated while they are off, or as they are switched off, give no grace', async () => {
    await put({ enabled: false })
    const second = await rotate(HOUR)
    await put({ enabled: true })
    expect([await opens(secret), await opens(second.secret)]).toEqual([false, true])
    const off = { enabled: false, client_secret_version: 3, previous_client_secret_expires_at: at(HOUR) }
    const third = String((await put(off)).body.result.client_secret)
    await put({ enabled: true })
    expect([await opens(second.secret), await opens(third)]).toEqual([false, true])
  })

  test('that never rest are seen to be used, hour by hour', async () => {
    const seen = async () => (await room.ask('GET', `${TOKENS}/${id}`)).body.result.last_seen_at
    expect(await seen()).toBeUndefined()
    for (let hour = 0; hour < 3; hour++) {
      expect(await opens(secret)).toBe(true)
      expect(room.clock.now() - Date.parse(String(await seen()))).toBeLessThan(60_000)
      room.clock.move(HOUR)
    }
    expect(await opens(secret)).toBe(true)
    expect(room.clock.now() - Date.parse(String(await seen()))).toBeLessThan(60_000)
  })

  test('have one form: no other secret is even compared, and no id that is not ours is looked up', async () => {
    expect(await whyNot(`cfast_${'a'.repeat(40)}00000000`)).toBe('bad-secret')
    expect(await whyNot(secret.slice(0, -1))).toBe('bad-secret')
    expect(await whyNot('a'.repeat(64))).toBe('bad-secret')
    clientId = 'nobody.access'
    expect(await whyNot(secret)).toBeUndefined()
  })
})
