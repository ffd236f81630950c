import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AdminRoom, LOGS, openAdminRoom, PORTALS, portalBody } from '../../test/admin-room.ts'
import { DATABASE_KINDS } from '../../test/databases.ts'
import { prepareFirstStart } from './first-start.ts'

describe.each(DATABASE_KINDS)('the first start on %s', (kind) => {
  let room: AdminRoom
  beforeEach(async () => {
    room = await openAdminRoom(kind)
    await room.at.store.db.deleteFrom('api_tokens').execute()
  })
  afterEach(() => room.end())

  // [CLOSED-1]
  test('makes a portal that whoever is signed in and every service token may enter, and an owner token in a private file', async () => {
    const { tokenFile } = await prepareFirstStart(room.deps, room.at.dir)
    expect(tokenFile).toBe(join(room.at.dir, 'admin-token'))
    expect(statSync(tokenFile ?? '').mode & 0o777).toBe(0o600)
    const token = readFileSync(tokenFile ?? '', 'utf8').trim()
    expect((await room.ask('GET', '/tokens/api', { token })).body.result).toMatchObject([
      { role: 'owner', expires_at: null },
    ])
    const portal = (await room.ask('GET', `${PORTALS}/default`, { token })).body.result
    const policies = (await room.ask('GET', '/access/policies', { token })).body.result
    expect(portal).toMatchObject({ hostname: 'localhost', policies: policies.map((policy) => policy.id), servers: [] })
    expect(policies).toMatchObject([
      { name: 'Everyone who is signed in', decision: 'allow', include: [{ everyone: {} }] },
      { decision: 'non_identity', include: [{ any_valid_service_token: {} }] },
    ])
    const later = await room.ask('POST', PORTALS, { token, body: portalBody('later') })
    expect(later.body.result.policies).toEqual([])
    const rows = (await room.ask('GET', `${LOGS}?method=first%20start`, { token })).body.result
    expect(rows).toMatchObject([{ phase: 'ended', actor: { kind: 'system' } }, { phase: 'begun' }])
  })

  test('happens once: what an admin deletes stays deleted', async () => {
    const { tokenFile } = await prepareFirstStart(room.deps, room.at.dir)
    const token = readFileSync(tokenFile ?? '', 'utf8').trim()
    await room.ask('DELETE', `${PORTALS}/default`, { token })
    expect(await prepareFirstStart(room.deps, room.at.dir)).toEqual({ tokenFile: null })
    expect((await room.ask('GET', PORTALS, { token })).body.result).toEqual([])
    expect(readFileSync(tokenFile ?? '', 'utf8').trim()).toBe(token)
  })

  test('two that start together make one portal and one token', async () => {
    await Promise.all([1, 2].map(() => prepareFirstStart(room.deps, room.at.dir)))
    const token = readFileSync(join(room.at.dir, 'admin-token'), 'utf8').trim()
    expect((await room.ask('GET', '/tokens/api', { token })).body.result).toHaveLength(1)
    expect((await room.ask('GET', PORTALS, { token })).body.result).toHaveLength(1)
  })

  test('a store that has a portal already gets none', async () => {
    const token = await room.token('owner')
    await room.ask('POST', PORTALS, { token, body: portalBody('mine') })
    expect(await prepareFirstStart(room.deps, room.at.dir)).toEqual({ tokenFile: null })
    expect((await room.ask('GET', PORTALS, { token })).body.result).toMatchObject([{ id: 'mine' }])
  })
})
