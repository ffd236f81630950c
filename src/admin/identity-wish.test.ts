/** How an admin says that a server is told who calls, and that a portal reads service tokens from one header. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AdminRoom, DEAD, openAdminRoom, PORTALS, portalBody, SERVERS, serverBody } from '../../test/admin-room.ts'
import { applyDeclared } from './declared.ts'

const HEADER = 'Cf-Access-Jwt-Assertion'
let room: AdminRoom
beforeAll(async () => {
  room = await openAdminRoom()
})
afterAll(() => room.end())

const create = (id: string, more: object) => room.ask('POST', SERVERS, { body: serverBody(id, more) })
const update = (id: string, body: object) => room.ask('PUT', `${SERVERS}/${id}`, { body })

describe('a server', () => {
  test('is told nothing unless an admin says so, and shows how it is told', async () => {
    expect((await create('quiet', {})).body.result).toMatchObject({ identity_header: null, identity_claims: [] })
    const made = await create('asking', { identity_header: HEADER, identity_claims: ['groups', 'department'] })
    expect(made.body.result).toMatchObject({ identity_header: HEADER, identity_claims: ['groups', 'department'] })
    expect(made.body.result.identity_audience).toBeTypeOf('string')
    expect((await update('asking', { name: 'other' })).body.result).toMatchObject({ identity_header: HEADER })
    const whole = await update('asking', (await room.ask('GET', `${SERVERS}/asking`)).body.result)
    expect(whole.body.result).toMatchObject({ identity_header: HEADER, identity_claims: ['groups', 'department'] })
    const off = await update('asking', { identity_header: null })
    expect(off.body.result).toMatchObject({ identity_header: null, identity_claims: [] })
    expect(off.body.result).not.toHaveProperty('identity_audience')
  })

  test('that is made anew under an old id has another audience', async () => {
    const audience = async () => (await create('again', { identity_header: HEADER })).body.result.identity_audience
    const first = await audience()
    await room.ask('DELETE', `${SERVERS}/again`)
    expect(await audience()).not.toBe(first)
  })

  // [IDENTITY-4]
  test.each(['Authorization', 'Mcp-Session-Id', 'Host', 'Cookie', 'CF-Access-Client-Secret', 'x y', 'a\r\nb: c', ''])(
    'is told in no header named %j',
    async (identity_header) => {
      const answer = await create('bad', { identity_header })
      expect([answer.status, answer.body.errors[0]?.message]).toEqual([400, expect.stringContaining('identity_header')])
      expect((await room.ask('GET', `${SERVERS}/bad`)).status).toBe(404)
    },
  )

  test('of claims needs a header, and names each once', async () => {
    expect((await create('bad', { identity_claims: ['groups'] })).status).toBe(400)
    expect((await create('bad', { identity_header: HEADER, identity_claims: ['a', 'a'] })).status).toBe(400)
  })

  test('on stdio gets no headers, so it cannot ask', async () => {
    const child = { hostname: 'stdio://child', transport: { type: 'stdio', command: process.execPath, args: ['-v'] } }
    const answer = await create('child', { ...child, identity_header: HEADER })
    expect([answer.status, answer.body.errors[0]?.message]).toEqual([400, expect.stringContaining('identity_header')])
  })

  test('is told in no header that its credential sets, whichever comes first', async () => {
    const bearer = (name: string) => ({
      ...{
        hostname: DEAD,
        auth_type: 'bearer',
        auth_credentials: JSON.stringify({ headers: { [name]: 'secret-value' } }),
      },
    })
    const answer = await create('two', { ...bearer('X-Caller'), identity_header: 'x-caller' })
    expect([answer.status, JSON.stringify(answer.body)]).toEqual([400, expect.not.stringContaining('secret-value')])
    expect((await create('two', bearer('X-Caller'))).status).toBe(200)
    expect((await update('two', { identity_header: 'x-CALLER' })).status).toBe(400)
    expect((await update('two', { identity_header: 'x-other' })).status).toBe(200)
    expect((await update('two', { auth_credentials: bearer('X-Other').auth_credentials })).status).toBe(400)
  })
})

test('the file declares both, and reading it again changes nothing', async () => {
  const servers = [serverBody('filed', { identity_header: HEADER, identity_claims: ['groups'] })]
  const portals = [
    portalBody('filed', { read_service_tokens_from_header: 'X-Token', servers: [{ server_id: 'filed' }] }),
  ]
  const apply = () => applyDeclared(room.deps, { policies: [], servers, portals })
  const read = async () =>
    Promise.all([`${SERVERS}/filed`, `${PORTALS}/filed`].map(async (path) => (await room.ask('GET', path)).body.result))
  await apply()
  const before = await read()
  expect(before).toMatchObject([{ identity_header: HEADER }, { read_service_tokens_from_header: 'X-Token' }])
  room.clock.move(60_000)
  await apply()
  const stamps = (shown: object[]) => shown.map((one) => 'modified_at' in one && one.modified_at)
  expect(stamps(await read())).toEqual(stamps(before))
})

describe('a portal', () => {
  test('reads service tokens from one header where an admin says so', async () => {
    const made = (await room.ask('POST', PORTALS, { body: portalBody('plain') })).body.result
    expect(made).not.toHaveProperty('read_service_tokens_from_header')
    const path = `${PORTALS}/plain`
    const set = await room.ask('PUT', path, { body: { read_service_tokens_from_header: 'Authorization' } })
    expect(set.body.result).toMatchObject({ read_service_tokens_from_header: 'Authorization' })
    expect((await room.ask('PUT', path, { body: { name: 'P' } })).body.result).toMatchObject({
      read_service_tokens_from_header: 'Authorization',
    })
    const off = await room.ask('PUT', path, { body: { read_service_tokens_from_header: null } })
    expect(off.body.result).not.toHaveProperty('read_service_tokens_from_header')
    for (const name of ['Cookie', 'Mcp-Session-Id', 'CF-Access-Client-Id', 'Host', '']) {
      const answer = await room.ask('PUT', path, { body: { read_service_tokens_from_header: name } })
      expect(answer.status).toBe(400)
    }
  })
})
