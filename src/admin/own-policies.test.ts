/** Which policies a server has of its own, where the configuration file declares it, and where a change is only asked about. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AdminRoom, openAdminRoom, portalBody, SERVERS, serverBody } from '../../test/admin-room.ts'
import { DATABASE_KINDS } from '../../test/databases.ts'
import type { Log } from '../base/log.ts'
import { applyDeclared } from './declared.ts'

const staff = { id: 'staff', name: 'Staff', decision: 'allow', include: [{ everyone: {} }] }
const WHY = '/access/policy-explanations'

describe.each(DATABASE_KINDS)('on %s', (kind) => {
  let room: AdminRoom
  let warned: string[]
  beforeEach(async () => {
    room = await openAdminRoom(kind, { configFile: '/etc/portico.yaml' })
    warned = []
  })
  afterEach(() => room.end())

  async function declare(server: object): Promise<unknown> {
    const warn = (_bindings: object, text?: string): void => void warned.push(text ?? '')
    const log: Log = { ...room.deps.log, warn: warn as Log['warn'] }
    const servers = [serverBody('web', server)]
    const portals = [{ ...portalBody('main', { policies: ['staff'] }), servers: [{ server_id: 'web' }] }]
    await applyDeclared({ ...room.deps, log }, { policies: [staff], servers, portals })
    const { policies, own_policies, modified_at } = (await room.ask('GET', `${SERVERS}/web`)).body.result
    return { policies, own_policies, modified_at }
  }
  const none = { policies: [], own_policies: true }
  const leftToPortals = { policies: [], own_policies: false }

  // [GATE-8]
  test.each([
    { what: 'list is empty', file: { policies: [] } },
    { what: 'list is gone', file: {} },
  ])('a declared server whose $what lets nobody in where it had policies, and says so', async ({ file }) => {
    // Where it never had any, the same file leaves it to the portal.
    expect(await declare(file)).toMatchObject(leftToPortals)
    expect(await declare({ policies: ['staff'] })).toMatchObject({ policies: ['staff'], own_policies: true })
    expect(warned).toEqual([])
    const closed = await declare(file)
    expect(closed).toMatchObject(none)
    expect(warned).toEqual([expect.stringContaining('The server "web" has policies of its own, and none is left')])
    // The next start finds nothing to do, and says it again.
    room.clock.move(5000)
    expect(await declare(file)).toEqual(closed)
    expect(warned).toHaveLength(2)
    expect(await declare({ ...file, own_policies: false })).toMatchObject(leftToPortals)
    expect(warned).toHaveLength(2)
  })

  // [GATE-8]
  test('a declared server may be closed from the start, and never says both', async () => {
    expect(await declare({ own_policies: true })).toMatchObject(none)
    expect(warned).toEqual([])
    await expect(declare({ own_policies: false, policies: ['staff'] })).rejects.toMatchObject({
      problems: [expect.stringContaining('servers.0.own_policies: is false while policies are attached')],
    })
    await expect(declare({ policies: null })).rejects.toMatchObject({
      problems: [expect.stringContaining('servers.0.policies')],
    })
    expect((await room.ask('GET', `${SERVERS}/web`)).body.result).toMatchObject(none)
  })

  // [GATE-8]
  test('one that belongs to the API and comes into the file without its policies lets nobody in', async () => {
    await room.ask('POST', '/access/policies', { body: { ...staff, id: undefined } })
    const [made] = (await room.ask('GET', '/access/policies')).body.result
    await room.ask('POST', SERVERS, { body: serverBody('web', { policies: [made?.id] }) })
    expect(await declare({})).toMatchObject(none)
  })

  // [GATE-8]
  test('the API makes a server that is closed from the start where that is said, and warns of it', async () => {
    const made = await room.ask('POST', SERVERS, { body: serverBody('shut', { own_policies: true }) })
    expect(made.body.result).toMatchObject(none)
    expect(JSON.stringify(made.body.messages)).toContain('nobody may use it')
    const open = await room.ask('POST', SERVERS, { body: serverBody('open', { policies: [] }) })
    expect(open.body).toMatchObject({ result: leftToPortals, messages: [] })
    const both = { policies: ['x'], own_policies: false }
    expect((await room.ask('POST', SERVERS, { body: serverBody('both', both) })).status).toBe(400)
  })

  // [GATE-8]
  test('what a change would do is asked with the same words as it is made with', async () => {
    await declare({ policies: ['staff'] })
    await room.ask('POST', '/tokens/access', { body: { email: 'ada@acme.test', portal: 'main' } })
    const verdicts = async () => {
      const asked = [{ policies: [] }, { policies: [], own_policies: false }, { policies: ['staff'] }]
      return Promise.all(
        asked.map(async (one) => {
          const attachments = { servers: [{ id: 'web', ...one }] }
          const body = { user: 'ada@acme.test', portal: 'main', server: 'web', attachments }
          return (await room.ask('POST', WHY, { body })).body.result.verdict
        }),
      )
    }
    expect(await verdicts()).toEqual(['denied', 'allowed', 'allowed'])
    // Of one that never had any, an empty list changes nothing.
    await declare({ own_policies: false })
    expect(await verdicts()).toEqual(['allowed', 'allowed', 'allowed'])
  })
})
