import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AdminRoom, openAdminRoom } from '../../test/admin-room.ts'
import { DATABASE_KINDS } from '../../test/databases.ts'
import { addPortal, addProvider, letClientIn, signIn } from '../../test/support/people.ts'
import { type Authenticator, openAuthenticator } from '../identity/authenticate.ts'

const GRANTS = '/access/oauth/grants'
const HOUR = 3_600_000

describe.each(DATABASE_KINDS)('the clients that people let in, on %s', (kind) => {
  let room: AdminRoom
  let authenticator: Authenticator
  beforeAll(async () => {
    room = await openAdminRoom(kind)
    await addProvider(room.at.store, 'company')
    authenticator = openAuthenticator(room.at.store, room.clock)
  })
  afterAll(() => room.end())

  const letsIn = async (token: string) =>
    (await authenticator.authenticate({
      ...{ authorization: `Bearer ${token}`, clientId: undefined, clientSecret: undefined, serviceToken: undefined },
    })) !== null

  test('are counted by client, and all that people gave one ends at once', async () => {
    const { store } = room.at
    const portal = await addPortal(store)
    const people = { store, sealer: room.deps.sealer, browsers: room.browsers }
    const [ada, bob] = [await signIn(people, 'ada@acme.test'), await signIn(people, 'bob@acme.test')]
    const tokens = []
    for (const who of [ada, ada, bob])
      tokens.push((await letClientIn(store, who, portal, room.clock.now() + HOUR)).token)
    const use = { client_id: 'c1', kind: 'document', client_name: 'A client', people: 2, grants: 3 }
    expect((await room.ask('GET', GRANTS)).body.result).toMatchObject([use])
    expect((await room.ask('GET', `${GRANTS}?search=nothing`)).body.result).toEqual([])
    const auditor = await room.token('auditor')
    expect((await room.ask('GET', GRANTS, { token: auditor })).status).toBe(200)
    expect((await room.ask('DELETE', `${GRANTS}/c1`, { token: auditor })).status).toBe(403)
    for (const token of tokens) expect(await letsIn(token)).toBe(true)
    expect((await room.ask('DELETE', `${GRANTS}/c1`)).body.result).toEqual({ id: 'c1', grants_revoked: 3 })
    for (const token of tokens) expect(await letsIn(token)).toBe(false)
    expect((await room.ask('GET', GRANTS)).body.result).toEqual([])
    expect((await room.ask('DELETE', `${GRANTS}/c1`)).status).toBe(404)
  })

  test('a client whose id is an address is found by it', async () => {
    const address = encodeURIComponent('https://client.test/meta?a=b')
    expect((await room.ask('DELETE', `${GRANTS}/${address}`)).body.errors[0]?.message).toContain(
      'https://client.test/meta?a=b',
    )
  })
})
