/** The REST API by the session of a browser: who may, and that no other site can have a browser do it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AdminRoom, ISSUER, LOGS, openAdminRoom, PORTALS, portalBody, SERVERS } from '../../test/admin-room.ts'
import { DATABASE_KINDS } from '../../test/databases.ts'
import { giveRole, type SignedInPerson, signIn } from '../../test/support/people.ts'
import type { ApiTokenId } from '../base/ids.ts'
import { digest } from '../base/secret.ts'
import { findApiToken, revokeApiToken } from '../identity/api-token-store.ts'
import { endBrowserSessions } from '../identity/browser-session-store.ts'
import { revokeUser } from '../identity/revoke-user.ts'
import { deleteRoleMember, insertRoleMember } from '../identity/role-store.ts'

describe.each(DATABASE_KINDS)('the REST API by a browser, on %s', (kind) => {
  let room: AdminRoom
  let owner: SignedInPerson
  beforeAll(async () => {
    room = await openAdminRoom(kind)
    await giveRole(room.at.store, 'owner', 'olga@acme.test')
    await giveRole(room.at.store, 'auditor', 'aude@acme.test')
    owner = await person('olga@acme.test')
  })
  afterAll(() => room.end())

  const person = (email: string, more: object = {}) =>
    signIn({ store: room.at.store, sealer: room.deps.sealer, browsers: room.browsers }, email, more)

  /** What a page of the portal sends. */
  const own = (cookie: string, more: Record<string, string> = {}) => ({
    ...{ cookie, 'x-portico-request': '1', 'sec-fetch-site': 'same-origin', origin: ISSUER },
    ...more,
  })
  const ask = (method: string, path: string, headers: Record<string, string>, body?: unknown) =>
    room.ask(method, path, { token: null, headers, ...(body === undefined ? {} : { body }) })
  const portalIds = async () => (await room.ask('GET', PORTALS)).body.result.map((portal) => portal.id)

  test('a page of the portal changes and reads as the person’s role allows, and the audit names the person', async () => {
    const made = await ask('POST', PORTALS, own(owner.cookie), portalBody('by-hand'))
    expect(made.status).toBe(200)
    expect(made.body.result).toMatchObject({ id: 'by-hand', created_by: 'olga@acme.test' })
    const { origin: _, ...reading } = own(owner.cookie)
    expect((await ask('GET', PORTALS, reading)).status).toBe(200)
    const { body } = await room.ask('GET', `${LOGS}?actor=olga@acme.test&plane=admin&phase=ended`)
    expect(body.result[0]).toMatchObject({
      actor: { kind: 'user', id: owner.userId, label: 'olga@acme.test', role: 'owner' },
      session: owner.sessionId,
      outcome: 'answered',
      change: { object: 'portal', id: 'by-hand' },
    })
  })

  test('an auditor reads and changes nothing; somebody without a role is told so; nobody is nobody', async () => {
    const auditor = await person('aude@acme.test')
    expect((await ask('GET', PORTALS, own(auditor.cookie))).status).toBe(200)
    const refused = await ask('POST', PORTALS, own(auditor.cookie), portalBody('by-auditor'))
    expect(refused).toMatchObject({ status: 403, body: { errors: [{ message: expect.stringContaining('auditor') }] } })
    const guest = await person('gus@acme.test')
    expect((await ask('GET', PORTALS, own(guest.cookie))).status).toBe(403)
    expect((await ask('POST', PORTALS, own(guest.cookie), portalBody('by-guest'))).status).toBe(403)
    expect((await ask('GET', PORTALS, own('portico-session=made-up'))).status).toBe(401)
    expect(await portalIds()).not.toEqual(expect.arrayContaining([expect.stringMatching(/^by-(auditor|guest)$/)]))
  })

  test('a role by group is the group’s of the very sign-in, and ends with the session', async () => {
    const { store } = room.at
    const who = { kind: 'group', group: 'keepers', provider: 'company' } as const
    await store.write((trx) => insertRoleMember(store, trx, { role: 'admin', who, createdBy: 'test' }))
    const keeper = await person('kim@acme.test', { groups: ['keepers'] })
    expect((await ask('GET', PORTALS, own(keeper.cookie))).status).toBe(200)
    const elsewhere = await person('kat@acme.test', { groups: ['keepers'], provider: 'other', issuer: 'https://other' })
    expect((await ask('GET', PORTALS, own(elsewhere.cookie))).status).toBe(403)
    const unknown = await person('kit@acme.test', { groups: null })
    expect((await ask('GET', PORTALS, own(unknown.cookie))).status).toBe(403)
    await store.write((trx) => endBrowserSessions(store, trx, { id: keeper.sessionId }))
    expect((await ask('GET', PORTALS, own(keeper.cookie))).status).toBe(401)
  })

  test('a token is judged alone: with a bad one a good session opens nothing, and with a good one a session adds nothing', async () => {
    const bad = own(owner.cookie, { authorization: 'Bearer ptapi_wrong' })
    expect((await ask('GET', PORTALS, bad)).status).toBe(401)
    expect((await ask('GET', PORTALS, own(owner.cookie, { authorization: 'Basic b2xnYTp4' }))).status).toBe(401)
    const auditor = await room.token('auditor')
    const both = own(owner.cookie, { authorization: `Bearer ${auditor}` })
    expect((await ask('POST', PORTALS, both, portalBody('by-both'))).status).toBe(403)
    expect(await portalIds()).not.toContain('by-both')
  })

  test('an owner in a browser registers no program on this machine', async () => {
    const server = {
      ...{ id: 'shell', name: 'shell', hostname: 'stdio://shell', auth_type: 'unauthenticated' },
      transport: { type: 'stdio', command: 'sh', args: [] },
    }
    expect((await ask('POST', SERVERS, own(owner.cookie), server)).status).toBe(403)
    expect((await room.ask('GET', `${SERVERS}/shell`)).status).toBe(404)
  })

  test.each(['session', 'token', 'role'] as const)(
    'who loses the %s while the body is still coming changes nothing',
    async (what) => {
      const { store } = room.at
      const email = `slow-${what}@acme.test`
      const who = await person(email)
      const role = { role: 'admin', who: { kind: 'email', email }, createdBy: 'test' } as const
      const member = await store.write((trx) => insertRoleMember(store, trx, role))
      const secret = await room.token('admin')
      const body = JSON.stringify(portalBody('by-slow'))
      let rest: (() => void) | undefined
      const slow = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(body.slice(0, 5)))
          rest = () => {
            controller.enqueue(new TextEncoder().encode(body.slice(5)))
            controller.close()
          }
        },
      })
      const shown = what === 'token' ? { authorization: `Bearer ${secret}` } : own(who.cookie)
      const answer = room.fetch(
        new Request(`${ISSUER}/client/v4/accounts/default${PORTALS}`, {
          ...{ method: 'POST', body: slow, duplex: 'half' },
          headers: { ...shown, 'content-type': 'application/json' },
        }),
      )
      // The deed is begun once the door knows who asks.
      const begun = async () =>
        (await room.ask('GET', `${LOGS}?phase=begun&limit=1&method=POST ${PORTALS}`)).body.result[0]
      const name = what === 'token' ? 'admin token' : email
      while (((await begun())?.actor as { label: string } | undefined)?.label !== name) await null
      await store.write(async (trx) => {
        if (what === 'session') await revokeUser(store, trx, who.userId, 'revoked')
        else if (what === 'role') await deleteRoleMember(store, trx, member ?? '')
        else await revokeApiToken(store, trx, (await findApiToken(trx, digest(secret)))?.id as ApiTokenId)
      })
      rest?.()
      expect((await answer).status).toBe(what === 'role' ? 403 : 401)
      expect(await portalIds()).not.toContain('by-slow')
      const ended = (await room.ask('GET', `${LOGS}?phase=ended&limit=1&method=POST ${PORTALS}`)).body.result[0]
      expect(ended).toMatchObject({ actor: { label: name }, outcome: 'refused' })
    },
  )

  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const foreign = { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' }
  const without = (...names: string[]) => ({ without: names })
  const attacks: [string, Record<string, string>, { without: string[] }, unknown][] = [
    [
      'a form of another site',
      { ...form, ...foreign },
      without('x-portico-request'),
      'name=evil&id=evil&hostname=e.test',
    ],
    [
      'a form of another site, as text/plain',
      { 'content-type': 'text/plain', ...foreign },
      without('x-portico-request'),
      portalBody('evil'),
    ],
    ['a fetch of another site', foreign, without('x-portico-request'), portalBody('evil')],
    ['a fetch of another site that got our header through', foreign, without(), portalBody('evil')],
    [
      'a fetch of another port or name of this site',
      { origin: 'http://localhost:3000', 'sec-fetch-site': 'same-site' },
      without(),
      portalBody('evil'),
    ],
    ['a page without our header', {}, without('x-portico-request'), portalBody('evil')],
    ['another value in our header', { 'x-portico-request': '1, 1' }, without(), portalBody('evil')],
    ['a browser that does not say where from', {}, without('sec-fetch-site'), portalBody('evil')],
    ['an address that was typed', { 'sec-fetch-site': 'none' }, without('origin'), portalBody('evil')],
    ['another origin', { origin: 'http://localhost.evil.test' }, without(), portalBody('evil')],
    ['an origin of another scheme', { origin: 'https://localhost' }, without(), portalBody('evil')],
    ['an origin that is hidden', { origin: 'null' }, without(), portalBody('evil')],
    ['no origin', {}, without('origin'), portalBody('evil')],
    ['JSON as text/plain', { 'content-type': 'text/plain' }, without(), portalBody('evil')],
    ['JSON as a form', form, without(), portalBody('evil')],
    ['JSON as something like it', { 'content-type': 'application/json-seq' }, without(), portalBody('evil')],
  ]
  test.each(attacks)('%s changes nothing, though the browser sends its session', async (_, laid, { without }, body) => {
    const headers = { ...own(owner.cookie, { 'content-type': 'application/json' }), ...laid }
    const left = Object.fromEntries(Object.entries(headers).filter(([name]) => !without.includes(name)))
    const before = await portalIds()
    for (const [method, path] of [
      ['POST', PORTALS],
      ['PUT', `${PORTALS}/by-hand`],
      ['DELETE', `${PORTALS}/by-hand`],
    ] as const) {
      const sent = method === 'DELETE' ? undefined : body
      expect((await ask(method, path, left, sent)).status).toBe(401)
    }
    expect(await portalIds()).toEqual(before)
  })

  test.each([
    ['a link', { 'sec-fetch-site': 'cross-site' }],
    ['an address that was typed', { 'sec-fetch-site': 'none' }],
    ['a page of ours that only shows it', { 'sec-fetch-site': 'same-origin' }],
    ['a browser that says nothing', {}],
  ])('%s reads nothing', async (_, headers) => {
    expect((await ask('GET', LOGS, { cookie: owner.cookie, ...headers })).status).toBe(401)
  })
})
