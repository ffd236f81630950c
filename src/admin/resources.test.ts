/** How an admin says how a server's resources are shown, and how much of the tools a portal shows. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AdminRoom, openAdminRoom, PORTALS, portalBody, SERVERS, serverBody } from '../../test/admin-room.ts'
import { DATABASE_KINDS } from '../../test/databases.ts'
import { readServer } from '../upstream/server-store.ts'
import { applyDeclared } from './declared.ts'

const FOR_ALL = { uris: 'plain', cache: 'private' }

describe.each(DATABASE_KINDS)('on %s', (kind) => {
  let room: AdminRoom
  beforeEach(async () => {
    room = await openAdminRoom(kind)
  })
  afterEach(() => room.end())

  const update = (body: unknown) => room.ask('PUT', `${SERVERS}/web`, { body })

  test('resources have their own URIs and are private where nothing is said; what is said is kept, member by member', async () => {
    expect((await room.ask('POST', SERVERS, { body: serverBody('web') })).body.result.resources).toEqual(FOR_ALL)
    const changed = await update({ resources: { uris: 'wrapped' } })
    expect(changed.body.result.resources).toEqual({ uris: 'wrapped', cache: 'private' })
    expect((await update({ name: 'Web' })).body.result.resources).toEqual({ uris: 'wrapped', cache: 'private' })
    expect((await update(changed.body.result)).body.errors).toEqual([])
    await update({ resources: { cache: 'as_told' } })
    expect((await readServer(room.at.store.db, 'web'))?.resources).toEqual({ uris: 'wrapped', cache: 'as_told' })
    expect((await update({ resources: null })).body.result.resources).toEqual(FOR_ALL)
  })

  test('what nobody knows is refused with its path, and nothing changes', async () => {
    await room.ask('POST', SERVERS, { body: serverBody('web') })
    for (const [sent, said] of [
      [{ uris: 'bare' }, 'resources.uris:'],
      [{ cache: 'public' }, 'resources.cache:'],
      [{ wrap: true }, 'resources: unknown field "wrap"'],
    ] as const) {
      const refused = await update({ name: 'Other', resources: sent })
      expect(refused.status).toBe(400)
      expect(refused.body.errors[0]?.message).toContain(said)
    }
    expect((await room.ask('GET', `${SERVERS}/web`)).body.result).toMatchObject({ resources: FOR_ALL })
  })

  test('a portal shows all of its tools where nothing is said, and keeps what is', async () => {
    const made = await room.ask('POST', PORTALS, { body: portalBody('main') })
    expect(made.body.result.optimize_context).toBe('off')
    const changed = await room.ask('PUT', `${PORTALS}/main`, { body: { optimize_context: 'minimize_tools' } })
    expect(changed.body.result.optimize_context).toBe('minimize_tools')
    const kept = await room.ask('PUT', `${PORTALS}/main`, { body: { name: 'Other' } })
    expect(kept.body.result.optimize_context).toBe('minimize_tools')
    const refused = await room.ask('PUT', `${PORTALS}/main`, { body: { optimize_context: 'some' } })
    expect(refused.body.errors[0]?.message).toContain('optimize_context')
  })

  test('a file that declares them wins, and says so each time it is read', async () => {
    const servers = [serverBody('web', { resources: { uris: 'wrapped' } })]
    const portals = [portalBody('main', { optimize_context: 'search_and_execute' })]
    await applyDeclared(room.deps, { policies: [], servers, portals })
    expect((await room.ask('GET', `${SERVERS}/web`)).body.result.resources).toEqual({
      uris: 'wrapped',
      cache: 'private',
    })
    expect((await room.ask('GET', `${PORTALS}/main`)).body.result.optimize_context).toBe('search_and_execute')
  })
})
