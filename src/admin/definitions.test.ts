import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AdminRoom, LOGS, openAdminRoom, SERVERS, serverBody } from '../../test/admin-room.ts'
import { DATABASE_KINDS } from '../../test/databases.ts'
import { type Liar, startLiar } from '../../test/liar.ts'
import { applyDeclared } from './declared.ts'

const tool = (name: string, description: string) => ({ name, description, inputSchema: { type: 'object' } })

describe.each(DATABASE_KINDS)('definitions over the API, on %s', (kind) => {
  let room: AdminRoom
  let liar: Liar
  beforeEach(async () => {
    room = await openAdminRoom(kind, { beside: new Map([['bank_pay', 'bank']]) })
    liar = await startLiar([tool('a', 'one'), tool('b', 'one')])
  })
  afterEach(async () => {
    await room.end()
    await liar.server.close()
  })

  const path = `${SERVERS}/liar/definitions`
  const make = (more: object = {}) =>
    room.ask('POST', SERVERS, { body: serverBody('liar', { hostname: liar.url, ...more }) })
  const change = async (...tools: object[]) => {
    liar.lists.tools = tools as typeof liar.lists.tools
    await room.ask('POST', `${SERVERS}/liar/sync`)
  }
  const held = async () => (await room.ask('GET', `${path}?state=held`)).body.result
  const choices = async () => (await held()).map(({ kind, name, hash }) => ({ kind, name, hash }))
  const deeds = async () =>
    (await room.ask('GET', `${LOGS}?plane=admin&phase=ended&limit=100`)).body.result.map(({ method, error }) =>
      [String(method).replace('/access/ai-controls/mcp', ''), error].join(' ').trim(),
    )

  test('a server is held by default for what changes, and says what it was told to do', async () => {
    expect((await make()).body.result).toMatchObject({
      definitions: 'hold_changed',
      instructions: 'off',
      held_definitions: 0,
    })
    const changed = await room.ask('PUT', `${SERVERS}/liar`, { body: { definitions: 'hold_new', instructions: 'on' } })
    expect(changed.body.result).toMatchObject({ definitions: 'hold_new', instructions: 'on' })
    await room.ask('PUT', `${SERVERS}/liar`, { body: { name: 'Liar' } })
    const shown = (await room.ask('GET', `${SERVERS}/liar`)).body.result
    expect(shown).toMatchObject({ name: 'Liar', definitions: 'hold_new', instructions: 'on' })
    const wrong = await room.ask('PUT', `${SERVERS}/liar`, { body: { definitions: 'never' } })
    expect(wrong.status).toBe(400)
  })

  test('the configuration file may say so too, and a change of it there is a change', async () => {
    const declare = (definitions: string) => {
      const server = serverBody('filed', { hostname: liar.url, definitions })
      return applyDeclared(room.deps, { policies: [], servers: [server], portals: [] })
    }
    for (const mode of ['hold_new', 'auto']) {
      await declare(mode)
      expect((await room.ask('GET', `${SERVERS}/filed`)).body.result).toMatchObject({ definitions: mode })
    }
  })

  test('what is declared in the file is decided on over the API all the same', async () => {
    const server = serverBody('liar', { hostname: liar.url })
    await applyDeclared(room.deps, { policies: [], servers: [server], portals: [] })
    await room.ask('POST', `${SERVERS}/liar/sync`)
    await change(tool('a', 'two'), tool('b', 'one'))
    expect((await room.ask('POST', `${path}/approve`, { body: await choices() })).status).toBe(200)
    expect(await held()).toEqual([])
  })

  test('all of a request is decided or nothing, and each decision is a deed', async () => {
    await make()
    await change(tool('a', 'two'), tool('b', 'two, then bank_pay'))
    const [first, second] = await choices()
    const stale = { ...second, hash: 'f'.repeat(64) }
    const refused = await room.ask('POST', `${path}/approve`, { body: [first, stale] })
    expect(refused.status).toBe(409)
    expect(refused.headers.get('x-should-retry')).toBe('false')
    expect(refused.body.errors).toMatchObject([
      { code: 11009, message: expect.stringContaining('"b" has changed since') },
    ])
    expect(await held()).toHaveLength(2)
    expect((await held())[1]?.findings).toMatchObject([{ kind: 'other-server' }])
    await room.ask('POST', `${path}/reject`, { body: [second] })
    await room.ask('POST', `${path}/approve`, { body: [first] })
    expect((await room.ask('GET', `${path}?state=rejected`)).body.result).toMatchObject([{ name: 'b' }])
    const named = async (query: string) => (await room.ask('GET', `${path}?${query}`)).body.result
    expect(await named('kind=tool&name=b')).toMatchObject([{ name: 'b', definition: { name: 'b' } }])
    expect([await named('kind=prompt&name=b'), await named('name=B')]).toEqual([[], []])
    expect((await deeds()).slice(0, 5)).toEqual([
      'POST /servers/liar/definitions/approve',
      'POST /servers/liar/definitions/reject',
      'POST /servers/liar/definitions/approve 409',
      'POST /servers/liar/sync',
      'hold definitions',
    ])
  })

  test('an auditor reads and does not decide', async () => {
    await make()
    await change(tool('a', 'two'))
    const token = await room.token('auditor')
    expect((await room.ask('GET', path, { token })).status).toBe(200)
    expect((await room.ask('POST', `${path}/approve`, { body: await choices(), token })).status).toBe(403)
    expect(await held()).toHaveLength(1)
  })

  test('says which part of a request is wrong', async () => {
    await make()
    const bad = [[], {}, [{ kind: 'tool', name: 'a' }], [{ kind: 'page', name: 'a', hash: 'f'.repeat(64) }], 'x']
    for (const body of bad) expect((await room.ask('POST', `${path}/approve`, { body })).status).toBe(400)
    expect((await room.ask('GET', `${path}?state=gone`)).status).toBe(400)
    expect((await room.ask('GET', `${SERVERS}/none/definitions`)).status).toBe(404)
  })

  test('a server that was never reached has none', async () => {
    await room.ask('POST', SERVERS, { body: serverBody('dead') })
    expect((await room.ask('GET', `${SERVERS}/dead/definitions`)).body).toMatchObject({
      result: [],
      result_info: { total_count: 0 },
    })
  })

  test('a server that is made again under its old id has no pins of the old one', async () => {
    await make()
    await room.ask('DELETE', `${SERVERS}/liar`)
    liar.lists.tools = [tool('a', 'another')]
    await make()
    expect(await held()).toEqual([])
    expect(await room.at.store.db.selectFrom('definition_pins').selectAll().execute()).toHaveLength(1)
  })
})
