import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AdminRoom, LOGS, openAdminRoom, PORTALS, SERVERS, serverBody } from '../../test/admin-room.ts'
import { DATABASE_KINDS } from '../../test/databases.ts'
import { readServer, readServerSecrets } from '../upstream/server-store.ts'
import { applyDeclared } from './declared.ts'

const policy = { id: 'staff', name: 'Staff', decision: 'allow', include: [{ email_domain: { domain: 'acme.test' } }] }
const child = {
  id: 'files',
  name: 'Files',
  hostname: 'stdio://files',
  auth_type: 'unauthenticated',
  transport: { type: 'stdio', command: '/bin/true', env: { KEY: 'one' } },
}
const portal = {
  id: 'main',
  hostname: 'main.example.com',
  name: 'Main',
  policies: ['staff'],
  servers: [{ server_id: 'files' }, { server_id: 'web' }],
}
const declared = { policies: [policy], servers: [child, serverBody('web')], portals: [portal] }

describe.each(DATABASE_KINDS)('what the configuration file declares, on %s', (kind) => {
  let room: AdminRoom
  beforeEach(async () => {
    // Registration over the API is off: the file may still declare a child.
    room = await openAdminRoom(kind, { register: 'off', configFile: '/etc/portico.yaml' })
  })
  afterEach(() => room.end())
  const deeds = async () =>
    (await room.ask('GET', `${LOGS}?plane=admin&phase=ended&limit=1000`)).body.result.map((row) => row.method)

  test('is applied once, and a second time changes nothing', async () => {
    await applyDeclared(room.deps, declared)
    const first = (await room.ask('GET', `${PORTALS}/main`)).body.result
    expect(first).toMatchObject({ origin: 'file', created_by: '/etc/portico.yaml', policies: ['staff'] })
    expect((first.servers as { server_id: string }[]).map((server) => server.server_id)).toEqual(['files', 'web'])
    expect((await deeds()).toSorted()).toEqual(['create policy', 'create portal', 'create server', 'create server'])
    room.clock.move(5000)
    await applyDeclared(room.deps, declared)
    expect((await room.ask('GET', `${PORTALS}/main`)).body.result.modified_at).toBe(first.modified_at)
    expect(await deeds()).toHaveLength(4)
  })

  // [API-4]
  test('is shown by the API and refused to be changed, naming the file', async () => {
    await applyDeclared(room.deps, declared)
    for (const path of [`${PORTALS}/main`, `${SERVERS}/web`, '/access/policies/staff']) {
      expect((await room.ask('GET', path)).body.result.origin).toBe('file')
      for (const method of ['PUT', 'DELETE']) {
        const refused = await room.ask(method, path, method === 'PUT' ? { body: { name: 'x' } } : {})
        expect(refused.status).toBe(403)
        expect(refused.body.errors[0]).toMatchObject({
          code: 11023,
          message: expect.stringContaining('/etc/portico.yaml'),
        })
      }
    }
  })

  test('follows the file: a changed secret is taken over, a changed command is another server', async () => {
    await applyDeclared(room.deps, declared)
    const { db } = room.at.store
    const before = await readServer(db, 'files')
    const rotated = { ...child, transport: { ...child.transport, env: { KEY: 'two' } } }
    await applyDeclared(room.deps, { ...declared, servers: [rotated, serverBody('web')] })
    const same = await readServer(db, 'files')
    expect(same?.uid).toBe(before?.uid)
    expect(same && (await readServerSecrets(db, room.deps.sealer, same.uid))).toMatchObject({ env: { KEY: 'two' } })
    const other = { ...child, transport: { type: 'stdio', command: '/bin/false' } }
    await applyDeclared(room.deps, { ...declared, servers: [other, serverBody('web')] })
    const after = await readServer(db, 'files')
    expect(after?.uid).not.toBe(before?.uid)
    expect(after && (await readServerSecrets(db, room.deps.sealer, after.uid))).toMatchObject({ env: {} })
    expect((await room.ask('GET', `${PORTALS}/main`)).body.result.servers).toMatchObject([
      { server_id: 'files' },
      { server_id: 'web' },
    ])
  })

  test('may give a server deadlines of its own, which are written once and go when they leave the file', async () => {
    const timed = { idle_seconds: 5, total_seconds: 50 }
    const file = (deadlines: object) => ({ ...declared, servers: [child, serverBody('web', deadlines)] })
    const show = async () => (await room.ask('GET', `${SERVERS}/web`)).body.result
    await applyDeclared(room.deps, file({ deadlines: timed }))
    const first = await show()
    expect(first.deadlines).toEqual(timed)
    room.clock.move(5000)
    await applyDeclared(room.deps, file({ deadlines: timed }))
    expect((await show()).modified_at).toBe(first.modified_at)
    await applyDeclared(room.deps, file({}))
    expect((await show()).deadlines).toBeNull()
    const wrong = file({ deadlines: { idle_seconds: 9, total_seconds: 8 } })
    await expect(applyDeclared(room.deps, wrong)).rejects.toMatchObject({
      problems: [expect.stringContaining('servers.1.deadlines.total_seconds: must be at least idle_seconds')],
    })
    expect((await show()).deadlines).toBeNull()
  })

  test('what leaves the file goes, except a policy that something of the API still needs', async () => {
    await applyDeclared(room.deps, declared)
    const body = { id: 'own', name: 'Own', hostname: 'own.example.com', policies: ['staff'] }
    await room.ask('POST', PORTALS, { body })
    await applyDeclared(room.deps, { policies: [], servers: [serverBody('web')], portals: [] })
    expect((await room.ask('GET', `${PORTALS}/main`)).status).toBe(404)
    expect((await room.ask('GET', `${SERVERS}/files`)).status).toBe(404)
    expect((await room.ask('GET', `${SERVERS}/web`)).status).toBe(200)
    expect((await room.ask('GET', '/access/policies/staff')).body.result.origin).toBe('api')
    expect((await room.ask('GET', `${PORTALS}/own`)).body.result.policies).toEqual(['staff'])
  })

  const rules = {
    lists: [{ id: 'people', name: 'People', type: 'EMAIL', items: [{ value: 'Ada@acme.test' }] }],
    groups: [
      { id: 'outer', name: 'Outer', include: [{ group: { id: 'inner' } }] },
      { id: 'inner', name: 'Inner', include: [{ email_list: { id: 'people' } }] },
    ],
    policies: [{ id: 'staff', name: 'Staff', decision: 'allow', include: [{ group: { id: 'outer' } }] }],
  }
  const onlyRules = (more: object = {}) => ({ servers: [], portals: [], ...rules, ...more })

  test('groups, lists and policies name one another in whatever order they stand, and are written once', async () => {
    await applyDeclared(room.deps, onlyRules())
    const rows = async () => (await room.ask('GET', `${LOGS}?plane=admin`)).body.result.length
    const before = await rows()
    await applyDeclared(room.deps, onlyRules())
    expect(await rows()).toBe(before)
    expect((await room.ask('GET', '/gateway/lists/people')).body.result).toMatchObject({
      origin: 'file',
      items: [{ value: 'ada@acme.test' }],
    })
    const turned = [
      { id: 'inner', name: 'Inner', include: [{ group: { id: 'outer' } }] },
      { id: 'outer', name: 'Outer', include: [{ email_list: { id: 'people' } }] },
    ]
    await applyDeclared(room.deps, onlyRules({ groups: turned }))
    expect((await room.ask('GET', '/access/groups/inner')).body.result.include).toEqual([{ group: { id: 'outer' } }])
  })

  test('groups in a circle, and what names nothing, are refused with their path, and nothing is applied', async () => {
    const circle = [
      { id: 'a', name: 'A', include: [{ group: { id: 'b' } }] },
      { id: 'b', name: 'B', include: [{ group: { id: 'a' } }] },
    ]
    const fails: [string, object][] = [
      ['groups.0.include.0.group.id: would make the group a part of itself', { groups: circle, policies: [] }],
      ['groups.1.include.0.email_list.id: names no list', { lists: [] }],
      ['policies.0.include.0.group.id: names no group', { groups: [] }],
      [
        'lists.0.items.0.value: a list of type EMAIL holds',
        { lists: [{ ...rules.lists[0], items: [{ value: 'x' }] }] },
      ],
    ]
    for (const [problem, more] of fails) {
      await expect(applyDeclared(room.deps, onlyRules(more)), problem).rejects.toMatchObject({
        problems: [expect.stringContaining(problem)],
      })
    }
    for (const path of ['/access/groups', '/gateway/lists', '/access/policies']) {
      expect((await room.ask('GET', path)).body.result).toEqual([])
    }
  })

  test('a group that leaves the file goes, except one that a policy of the API still names', async () => {
    await applyDeclared(room.deps, onlyRules())
    const body = { name: 'Own', decision: 'allow', include: [{ group: { id: 'inner' } }] }
    expect((await room.ask('POST', '/access/policies', { body })).status).toBe(200)
    await applyDeclared(room.deps, { servers: [serverBody('web')], portals: [], policies: [] })
    expect((await room.ask('GET', '/access/groups/outer')).status).toBe(404)
    expect((await room.ask('GET', '/access/groups/inner')).body.result.origin).toBe('api')
    expect((await room.ask('GET', '/gateway/lists/people')).body.result).toMatchObject({ origin: 'api', count: 1 })
  })

  test('a start without any file takes nothing away, and leaves it to the API', async () => {
    await applyDeclared(room.deps, declared)
    await applyDeclared({ ...room.deps, configFile: null }, { policies: [], servers: [], portals: [] })
    expect((await room.ask('PUT', `${PORTALS}/main`, { body: { name: 'Mine now' } })).body.result.name).toBe('Mine now')
    expect((await room.ask('GET', `${SERVERS}/files`)).body.result.origin).toBe('api')
  })

  test('an object that the API made is taken over by the file', async () => {
    await room.ask('POST', SERVERS, { body: serverBody('web', { description: 'by hand' }) })
    const uid = (await readServer(room.at.store.db, 'web'))?.uid
    await applyDeclared(room.deps, declared)
    expect(await readServer(room.at.store.db, 'web')).toMatchObject({ uid, origin: 'file', description: null })
  })

  test('every mistake is said at once, and nothing is applied', async () => {
    const wrong = {
      policies: [policy, policy],
      servers: [{ ...child, id: 'portal' }, serverBody('web', { nmae: 'x' })],
      portals: [{ id: 'main' }],
    }
    await expect(applyDeclared(room.deps, wrong)).rejects.toMatchObject({
      name: 'ConfigError',
      problems: [
        'policies.1.id: "staff" stands twice',
        expect.stringContaining('servers.0.id: '),
        'servers.1: unknown field "nmae"; leave it out or correct its name',
        'portals.0.hostname: is required',
        'portals.0.name: is required',
      ],
    })
    const late = { ...declared, portals: [{ ...portal, servers: [{ server_id: 'nobody' }] }] }
    await expect(applyDeclared(room.deps, late)).rejects.toMatchObject({
      problems: [expect.stringContaining('portals.0.servers.0.server_id: names no server')],
    })
    expect((await room.ask('GET', SERVERS)).body.result).toEqual([])
    expect((await room.ask('GET', '/access/policies')).body.result).toEqual([])
  })
})
