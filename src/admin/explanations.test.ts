/** What stands in somebody's way beyond the policies, told with no server at hand. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AdminRoom, openAdminRoom, PORTALS, portalBody, SERVERS, serverBody } from '../../test/admin-room.ts'
import { type Liar, startLiar } from '../../test/liar.ts'
import { letClientIn, type SignedInPerson, signIn } from '../../test/support/people.ts'
import type { PortalId } from '../base/ids.ts'
import { switchUser } from '../identity/people-store.ts'
import { saveSwitches } from '../portal/session-store.ts'

const WHY = '/access/policy-explanations'

describe('what stands in the way beyond the policies', () => {
  let room: AdminRoom
  let ada: SignedInPerson
  let [bot, everyone] = ['', '']
  let liar: Liar
  const tool = (name: string, description = 'one') => ({ name, description, inputSchema: { type: 'object' } })

  beforeAll(async () => {
    room = await openAdminRoom()
    const made = async (path: string, body: object) => {
      const answer = await room.ask('POST', path, { body })
      expect(answer.status, JSON.stringify(answer.body.errors)).toBe(200)
      return String(answer.body.result.id)
    }
    everyone = await made('/access/policies', { name: 'All', decision: 'allow', include: [{ everyone: {} }] })
    const bots = await made('/access/policies', {
      name: 'Bots',
      decision: 'non_identity',
      include: [{ any_valid_service_token: {} }],
    })
    await made(SERVERS, serverBody('mine', { auth_type: 'oauth' }))
    await made(SERVERS, serverBody('ours'))
    liar = await startLiar([tool('read'), tool('pay'), tool('off')])
    const curated = { hostname: liar.url, updated_tools: [{ name: 'off', enabled: false }] }
    await made(SERVERS, serverBody('liar', curated))
    const servers = [{ server_id: 'mine', on_behalf: true }, { server_id: 'ours' }, { server_id: 'liar' }]
    await made(PORTALS, portalBody('team', { policies: [everyone, bots], servers }))
    bot = await made('/access/service_tokens', { name: 'nightly' })
    const people = { store: room.at.store, sealer: room.deps.sealer, browsers: room.browsers }
    ada = await signIn(people, 'ada@acme.test', { groups: ['Finance'] })
  })
  afterAll(async () => {
    await room.end()
    await liar.server.close()
  })

  const why = async (body: object) => (await room.ask('POST', WHY, { body: { portal: 'team', ...body } })).body.result
  const wayOf = async (body: object) => {
    const { verdict, obstacles } = await why(body)
    return {
      verdict,
      obstacles: (obstacles as { what: string; blocks: boolean }[]).map(({ what, blocks }) => `${what} ${blocks}`),
    }
  }

  test('a personal server says that an account is to be connected, and that a bot has none', async () => {
    const mine = await wayOf({ user: 'ada@acme.test', server: 'mine' })
    expect(mine).toMatchObject({ verdict: 'allowed', obstacles: expect.arrayContaining(['no-connection false']) })
    const theirs = await wayOf({ service_token: bot, server: 'mine' })
    expect(theirs).toMatchObject({ verdict: 'denied', obstacles: expect.arrayContaining(['personal true']) })
    expect((await wayOf({ service_token: 'nightly', server: 'ours' })).verdict).toBe('allowed')
  })

  test('a server that the person switched off in a client is named with the client; of a bot it is in the way', async () => {
    const { store } = room.at
    const portal = room.deps.directory.byId('team' as PortalId)
    const server = portal?.servers.find(({ id }) => id === 'ours')
    if (portal === undefined || server === undefined) throw new Error('the portal is not there')
    const { grantId } = await letClientIn(store, ada, portal.uid, Date.now() + 3_600_000)
    for (const owner of [`grant:${grantId}`, `grant:${bot}`])
      await saveSwitches(store, owner, new Map([[server.uid, false]]), 'person')
    const found = await why({ user: ada.userId, server: 'ours' })
    expect(found.verdict).toBe('allowed')
    expect(JSON.stringify(found.obstacles)).toContain('The client is \\"A client\\"')
    expect(await wayOf({ service_token: 'nightly', server: 'ours' })).toMatchObject({
      verdict: 'denied',
      obstacles: expect.arrayContaining(['switched-off true']),
    })
    await room.ask('PUT', `/access/service_tokens/${bot}`, { body: { enabled: false } })
    expect((await wayOf({ service_token: bot })).obstacles).toContain('disabled true')
  })

  test('all tools are told at once, in pages, with whose verdict it is and what stands in the way', async () => {
    // Not as it was approved, so nobody is offered it.
    liar.lists.tools = [tool('read'), tool('pay', 'two'), tool('off')]
    await room.ask('POST', `${SERVERS}/liar/sync`)
    type Tools = { name: string; verdict: string; decided_by: { name: string | null }[]; obstacles: string[] }[]
    const ask = async (query: string) => (await room.ask('GET', `${PORTALS}/team/access?${query}`)).body
    const told = async (query: string) =>
      ((await ask(query)).result.tools as Tools).map(
        (one) => `${one.name} ${one.verdict}: ${one.decided_by[0]?.name}${one.obstacles.map((what) => `, ${what}`)}`,
      )
    const ofAda = [
      'liar_read allowed: All',
      'liar_pay denied: All, held',
      'liar_off denied: All, switched-off-by-admin',
    ]
    expect(await told('user=ada@acme.test')).toEqual(ofAda)
    expect((await ask('user=ada@acme.test')).result).toMatchObject({
      ...{ enter: 'allowed', counts: { allowed: 1, denied: 2, depends: 0 } },
      servers: [{ id: 'mine', obstacles: [{ what: 'no-connection' }] }, {}, { id: 'liar', counts: { denied: 2 } }],
    })
    expect(await told('user=ada@acme.test&verdict=denied&per_page=1&page=2')).toEqual(ofAda.slice(2))
    expect(await told('user=ada@acme.test&search=PAY')).toEqual(ofAda.slice(1, 2))
    expect(await told('user=ada@acme.test&server=ours')).toEqual([])
    expect((await told('anonymous=true'))[0]).toBe('liar_read denied: null')
    expect((await ask('anonymous=true')).result).toMatchObject({ enter: 'denied', unknown: [] })
    const mends = async (capability: string) => (await why({ user: 'ada@acme.test', capability })).would_change
    expect(await mends('liar_pay')).toEqual(['An admin looks at what changed in the definition, and approves it.'])
    expect(await mends('liar_off')).toEqual([
      'An admin offers it again in this portal, or at the server where it is switched off there.',
    ])
    expect(await mends('liar_none')).toEqual([expect.stringContaining('a name that the portal lists')])
    for (const query of ['', 'user=a&anonymous=true', 'user=ada@acme.test&verdict=perhaps'])
      expect((await ask(query)).success).toBe(false)
    expect((await room.ask('GET', `${PORTALS}/nowhere/access?user=ada@acme.test`)).status).toBe(404)
  })

  test('somebody who need not exist is described by claims, and nobody by saying so', async () => {
    const policies = [
      { id: everyone, name: 'Finance', decision: 'allow', include: [{ auth_method: { auth_method: 'mfa' } }] },
    ]
    expect((await why({ claims: { email: 'x@acme.test', amr: ['mfa'] }, policies })).verdict).toBe('allowed')
    expect((await why({ claims: { email: 'x@acme.test', amr: ['pwd'] }, policies })).verdict).toBe('denied')
    expect((await why({ anonymous: true })).verdict).toBe('denied')
  })

  test('a person who is disabled gets nowhere, whatever the policies say', async () => {
    expect((await wayOf({ user: 'ada@acme.test' })).verdict).toBe('allowed')
    await room.at.store.write((trx) => switchUser(room.at.store, trx, ada.userId, 'off'))
    expect(await wayOf({ user: 'ADA@acme.test' })).toEqual({ verdict: 'denied', obstacles: ['disabled true'] })
  })

  test('what cannot be asked is refused by its field', async () => {
    const refused = async (body: object) => {
      const { status, body: answer } = await room.ask('POST', WHY, { body })
      return [status, answer.errors[0]?.message.split(':')[0]]
    }
    expect(await refused({})).toEqual([400, 'user'])
    expect(await refused({ user: 'a', anonymous: true })).toEqual([400, 'user'])
    expect(await refused({ user: 'ada@acme.test' })).toEqual([400, 'portal'])
    expect(await refused({ user: 'ada@acme.test', portal: 'team', ip: 'here' })).toEqual([400, 'ip'])
    expect((await refused({ user: 'ada@acme.test', portal: 'nowhere' }))[0]).toBe(404)
    expect((await room.ask('GET', `${WHY}?deed=no-such-deed`)).status).toBe(404)
  })
})
