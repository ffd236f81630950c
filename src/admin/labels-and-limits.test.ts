/** What servers and portals say of their calls: labels, limits, and whether strangers may use the stored credential. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AdminRoom, openAdminRoom, PORTALS, portalBody, SERVERS, serverBody } from '../../test/admin-room.ts'
import { DATABASE_KINDS } from '../../test/databases.ts'
import { readPortal } from '../portal/portal-store.ts'
import { readServer } from '../upstream/server-store.ts'
import { applyDeclared } from './declared.ts'

describe.each(DATABASE_KINDS)('labels, limits and the credential of strangers on %s', (kind) => {
  let room: AdminRoom
  beforeEach(async () => {
    room = await openAdminRoom(kind)
  })
  afterEach(() => room.end())

  const said = {
    labels: ['reads_private'],
    limits: [
      { per: 'principal', tools: ['search'], calls: 10, window: '1m' },
      { per: 'all', concurrency: 4 },
    ],
    bypass_credential: true,
    updated_tools: [{ name: 'post', labels: ['sends_out'] }],
  }
  const nothing = { labels: [], limits: [], bypass_credential: false }

  test('a server keeps them as they were sent, a read may be sent back, and what is left out stays', async () => {
    const made = await room.ask('POST', SERVERS, { body: serverBody('web', said) })
    expect(made.body.errors).toEqual([])
    expect(made.body.result).toMatchObject(said)
    const again = await room.ask('PUT', `${SERVERS}/web`, { body: made.body.result })
    expect(again.body.result).toMatchObject(said)
    expect((await room.ask('PUT', `${SERVERS}/web`, { body: { name: 'Web' } })).body.result).toMatchObject(said)
    expect(await readServer(room.at.store.db, 'web')).toMatchObject({
      labels: ['reads_private'],
      bypassCredential: true,
      limits: [
        { per: 'principal', tools: ['search'], calls: 10, windowMs: 60_000, concurrency: null },
        { per: 'all', tools: null, calls: null, windowMs: null, concurrency: 4 },
      ],
      updatedTools: [{ name: 'post', labels: ['sends_out'] }],
    })
    const emptied = await room.ask('PUT', `${SERVERS}/web`, {
      body: { labels: null, limits: null, bypass_credential: false },
    })
    expect(emptied.body.result).toMatchObject(nothing)
  })

  test('a server of which nothing is said has no label, no limit, and no credential for strangers', async () => {
    expect((await room.ask('POST', SERVERS, { body: serverBody('web') })).body.result).toMatchObject(nothing)
  })

  test('a portal has limits, and echoes of its servers say nothing', async () => {
    await room.ask('POST', SERVERS, { body: serverBody('web', said) })
    const limits = [{ per: 'principal', calls: 100, window: '1h' }]
    const made = await room.ask('POST', PORTALS, {
      body: portalBody('main', { limits, servers: [{ server_id: 'web' }] }),
    })
    expect(made.body.result).toMatchObject({ limits, servers: [{ labels: ['reads_private'] }] })
    const again = await room.ask('PUT', `${PORTALS}/main`, { body: made.body.result })
    expect(again.body.errors).toEqual([])
    expect(await readPortal(room.at.store.db, 'main')).toMatchObject({ limits: [{ calls: 100, windowMs: 3_600_000 }] })
    const emptied = await room.ask('PUT', `${PORTALS}/main`, { body: { limits: [] } })
    expect(emptied.body.result).toMatchObject({ limits: [] })
  })

  test('what no rule could read is refused with its path', async () => {
    for (const [path, more] of [
      ['labels.0', { labels: ['writes_everything'] }],
      ['labels', { labels: ['sends_out', 'sends_out'] }],
      ['updated_tools.0.labels.0', { updated_tools: [{ name: 'x', labels: ['x'] }] }],
      ['limits.0', { limits: [{ per: 'principal' }] }],
    ] as const) {
      const refused = await room.ask('POST', SERVERS, { body: serverBody('web', more) })
      expect([refused.status, refused.body.errors[0]?.message]).toEqual([400, expect.stringContaining(`${path}:`)])
    }
    const tools = await room.ask('POST', PORTALS, {
      body: portalBody('main', { limits: [{ per: 'all', calls: 1, tools: ['x'] }] }),
    })
    expect(tools.status).toBe(400)
  })

  test('the configuration file says them too, once, and takes them away again', async () => {
    const declared = (more: object, limits?: object[]) => ({
      policies: [],
      servers: [serverBody('web', more)],
      portals: [portalBody('main', { servers: [{ server_id: 'web' }], ...(limits ? { limits } : {}) })],
    })
    await applyDeclared(room.deps, declared(said, [{ per: 'all', calls: 5, window: '1m' }]))
    const at = async () =>
      Promise.all(
        [`${SERVERS}/web`, `${PORTALS}/main`].map(
          async (path) => (await room.ask('GET', path)).body.result.modified_at,
        ),
      )
    const before = await at()
    room.clock.move(1000)
    await applyDeclared(room.deps, declared(said, [{ per: 'all', calls: 5, window: '1m' }]))
    expect(await at()).toEqual(before)
    expect((await room.ask('GET', `${SERVERS}/web`)).body.result).toMatchObject(said)
    await applyDeclared(room.deps, declared({}))
    expect((await room.ask('GET', `${SERVERS}/web`)).body.result).toMatchObject(nothing)
    expect((await room.ask('GET', `${PORTALS}/main`)).body.result).toMatchObject({ limits: [] })
  })
})
