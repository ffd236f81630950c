/** The desk against a real authorization server (oidc-provider) over HTTP: whole ways, crossed ways, late ways. On both databases. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS } from '../../../test/databases.ts'
import { Person } from '../../../test/person.ts'
import { type AtBrowser, browserOf, type DeskRoom, openDeskRoom, PORTAL } from '../../../test/support/desk-room.ts'
import { type HostileSite, startHostileSite } from '../../../test/support/hostile-site.ts'
import type { OauthUpstream } from '../../../test/support/oauth-upstream/model.ts'
import { startOauthUpstream } from '../../../test/support/oauth-upstream/start.ts'
import type { ServerUid, UserId } from '../../base/ids.ts'
import { listConnections, openConnectionRow } from '../connections/connection-store.ts'
import type { Arrival, CameBack } from '../connections/desk-model.ts'

let upstream: OauthUpstream
beforeAll(async () => {
  upstream = await startOauthUpstream()
})
afterAll(() => upstream.close())

/** At the authorization server. @returns where it sends the browser */
async function approve(location: string, account: string): Promise<URL> {
  const person = new Person(new URL(location).origin)
  const asked = await person.open(location)
  const page = asked.left === null ? await person.submit(asked, '/sign-in', { user: account }) : asked
  if (page.left === null) throw new Error(`not back: ${page.status} ${page.text}`)
  return page.left
}

for (const kind of DATABASE_KINDS) {
  describe(`the desk on ${kind}`, () => {
    let room: DeskRoom
    let uid: ServerUid
    let alice: UserId
    beforeEach(async () => {
      Object.assign(upstream.faults, {
        ...{ down: false, noPkce: false, noIss: false, noRegistration: false, denied: false },
        ...{ wrongIss: null, wrongIssuer: null, withheld: [], refreshError: null },
      })
      room = await openDeskRoom(kind)
      uid = await room.addServer({ url: upstream.url })
      alice = await room.addUser('alice')
    })
    afterEach(() => room.close())

    async function leave(
      at: AtBrowser,
      { wanted = null, server = uid }: { wanted?: string | null; server?: ServerUid } = {},
    ) {
      const begun = await room.desk.begin(server, at, { wanted, returnTo: '/' })
      if (begun.kind !== 'leave') throw new Error(`refused: ${begun.reason}`)
      return begun.location
    }

    const back = (url: URL, at: AtBrowser, path = url.pathname): Promise<CameBack> =>
      room.desk.comeBack(url.searchParams, path, at)

    async function arrive(at: AtBrowser, account: string, wanted: string | null = null): Promise<Arrival> {
      const came = await back(await approve(await leave(at, { wanted }), account), at)
      if (came.kind !== 'confirm') throw new Error(`refused: ${came.reason}`)
      return came.arrival
    }

    async function connect(at: AtBrowser, account: string) {
      const made = await room.desk.confirm((await arrive(at, account)).attempt, at)
      if (made === undefined) throw new Error('not confirmed')
      return made
    }

    const held = (at: AtBrowser) => openConnectionRow(room.store.db, room.sealer, uid, at.owner)
    const userinfo = async (token: string) =>
      (await fetch(`${upstream.issuer}/me`, { headers: { authorization: `Bearer ${token}` } })).status
    const renewed = async (refreshToken: string) => {
      const target = await room.target(uid)
      const server = await room.ways.discover(target)
      const client = await room.ways.clientOf(target, server)
      return room.ways.refresh(target, { server, client, refreshToken })
    }

    // [DESK-1]
    test('a person leaves, comes back, sees whose account it is, and only their word makes it live', async () => {
      const at = browserOf(alice)
      const location = new URL(await leave(at))
      const asked = Object.fromEntries(location.searchParams)
      expect(asked).toMatchObject({ code_challenge_method: 'S256', resource: upstream.url, response_type: 'code' })
      expect(asked.redirect_uri).toBe(`${PORTAL}/servers-callback`)
      expect(asked.scope?.split(' ')).toEqual(expect.arrayContaining(['notes:read', 'offline_access', 'openid']))
      const url = await approve(location.href, 'alice')
      const came = await back(url, at)
      if (came.kind !== 'confirm') throw new Error(came.reason)
      expect(came.arrival).toMatchObject({
        server: uid,
        owner: at.owner,
        issuer: upstream.issuer,
        added: [],
        replaces: null,
      })
      expect(came.arrival.account).toBe('alice@notes.example')
      expect([await held(at), room.connected]).toEqual([undefined, []])

      const made = await room.desk.confirm(came.arrival.attempt, at)
      expect(made).toMatchObject({
        status: 'ready',
        kind: 'oauth',
        account: 'alice@notes.example',
        issuer: upstream.issuer,
      })
      expect(made).toMatchObject({ resource: upstream.url, hasRefreshToken: true, createdBy: 'person@acme.test' })
      expect(made?.renewAt).toBeLessThan(made?.expiresAt ?? 0)
      expect(room.connected).toEqual([`${uid} ${at.owner}`])
      const last = upstream.tokenRequests.at(-1)
      expect(last).toMatchObject({ grantType: 'authorization_code', resource: upstream.url, status: 200 })
      // Nothing of it is good twice.
      expect(await room.desk.confirm(came.arrival.attempt, at)).toBeUndefined()
      expect(await room.desk.waiting(came.arrival.attempt, at)).toBeUndefined()
      expect(await back(url, at)).toEqual({ kind: 'refused', reason: 'not-yours', returnTo: null })
      expect(await listConnections(room.store.db)).toHaveLength(1)
    })

    test('no token and no verifier stands in the database in the clear', async () => {
      const at = browserOf(alice)
      const arrival = await arrive(at, 'alice')
      const tables = ['connect_attempts', 'upstream_clients', 'connections'] as const
      const all = async () =>
        JSON.stringify(await Promise.all(tables.map((one) => room.store.db.selectFrom(one).selectAll().execute())))
      const before = await all()
      await room.desk.confirm(arrival.attempt, at)
      const text = before + (await all())
      expect(upstream.secrets.filter((secret) => text.includes(secret))).toEqual([])
    })

    const crossings: { when: string; other: (at: AtBrowser, bob: UserId) => AtBrowser }[] = [
      { when: 'another browser of the same person', other: (at) => ({ ...browserOf(at.user), owner: at.owner }) },
      { when: 'another person in the same browser', other: (at, bob) => ({ ...at, user: bob, owner: `user:${bob}` }) },
      { when: 'nobody who is signed in', other: (at) => ({ ...at, user: null }) },
    ]
    for (const { when, other } of crossings) {
      // [DESK-1]
      test(`an answer, or an arrival, that reaches ${when} makes nothing, and is used up`, async () => {
        const at = browserOf(alice)
        const thief = other(at, await room.addUser('bob'))
        const url = await approve(await leave(at), 'alice')
        expect(await back(url, thief)).toMatchObject({ kind: 'refused', reason: 'not-yours' })
        expect(await back(url, at)).toMatchObject({ kind: 'refused', reason: 'not-yours' })

        const { attempt } = await arrive(at, 'alice')
        expect(await room.desk.waiting(attempt, thief)).toBeUndefined()
        expect(await room.desk.confirm(attempt, { ...thief })).toBeUndefined()
        expect(await room.desk.decline(attempt, thief)).toBe(false)
        expect(await listConnections(room.store.db)).toEqual([])
        expect(await room.desk.waiting(attempt, at)).toMatchObject({ account: 'alice@notes.example' })
      })
    }

    test('an answer counts only at the address that it was asked for', async () => {
      upstream.faults.noIss = true
      const at = browserOf(alice)
      const location = new URL(await leave(at))
      expect(location.searchParams.get('redirect_uri')).toBe(`${PORTAL}/servers-callback/notes`)
      const url = await approve(location.href, 'alice')
      for (const path of ['/servers-callback/other', '/servers-callback']) {
        expect(await back(url, at, path)).toMatchObject({ reason: 'not-yours' })
      }
      const again = await approve(await leave(at), 'alice')
      expect(await back(again, at)).toMatchObject({ kind: 'confirm' })
    })

    test('an answer after ten minutes, or confirmed ten minutes after it came, makes nothing', async () => {
      const at = browserOf(alice)
      const url = await approve(await leave(at), 'alice')
      room.clock.move(10 * 60_000 + 1)
      expect(await back(url, at)).toMatchObject({ reason: 'not-yours' })
      const { attempt } = await arrive(at, 'alice')
      room.clock.move(10 * 60_000 + 1)
      expect(await room.desk.confirm(attempt, at)).toBeUndefined()
      await room.desk.forget()
      await room.desk.close()
      expect(await room.store.db.selectFrom('connect_attempts').selectAll().execute()).toEqual([])
      // What came back was ended at the server's side too.
      expect(await userinfo(upstream.secrets.at(-1) ?? '')).toBe(401)
    })

    // [DESK-2]
    const answers: { when: string; change: (url: URL) => void; reason: string }[] = [
      {
        when: 'another issuer',
        change: (url) => url.searchParams.set('iss', 'https://evil.example'),
        reason: 'wrong-issuer',
      },
      {
        when: 'its issuer with a slash more',
        change: (url) => url.searchParams.set('iss', `${upstream.issuer}/`),
        reason: 'wrong-issuer',
      },
      {
        when: 'no issuer where one is promised',
        change: (url) => url.searchParams.delete('iss'),
        reason: 'wrong-issuer',
      },
      {
        when: 'its issuer twice',
        change: (url) => url.searchParams.append('iss', upstream.issuer),
        reason: 'wrong-issuer',
      },
      {
        when: 'another issuer, and an error',
        change: (url) => {
          url.searchParams.set('iss', 'https://evil.example')
          url.searchParams.set('error', 'access_denied')
        },
        reason: 'wrong-issuer',
      },
      { when: 'an error', change: (url) => url.searchParams.set('error', 'server_error'), reason: 'denied' },
      { when: 'no code', change: (url) => url.searchParams.delete('code'), reason: 'no-token' },
      { when: 'two codes', change: (url) => url.searchParams.append('code', 'other'), reason: 'no-token' },
      {
        when: 'a code that it never gave',
        change: (url) => url.searchParams.set('code', 'made-up'),
        reason: 'no-token',
      },
      { when: 'two states', change: (url) => url.searchParams.append('state', 'x'), reason: 'not-yours' },
      { when: 'no state', change: (url) => url.searchParams.delete('state'), reason: 'not-yours' },
    ]
    // What an answer says is no matter of the database.
    for (const { when, change, reason } of kind === 'sqlite' ? answers : []) {
      test(`an answer with ${when} is refused as ${reason}, and no code goes anywhere before`, async () => {
        const at = browserOf(alice)
        const url = await approve(await leave(at), 'alice')
        const before = upstream.tokenRequests.length
        change(url)
        expect(await back(url, at)).toMatchObject({ kind: 'refused', reason })
        const isSent = when === 'a code that it never gave'
        expect(upstream.tokenRequests.length - before).toBe(isSent ? 1 : 0)
        expect(await listConnections(room.store.db)).toEqual([])
      })
    }

    test('what is asked for again holds what was granted before, and the page says what is new', async () => {
      const at = browserOf(alice)
      upstream.faults.withheld = ['notes:write']
      const first = await connect(at, 'alice')
      expect(first.scope?.split(' ')).not.toContain('notes:write')
      upstream.faults.withheld = []
      const preview = await room.desk.preview(uid, at.owner, 'notes:write')
      expect(preview).toMatchObject({ kind: 'preview', issuer: upstream.issuer, added: ['notes:write'] })
      const arrival = await arrive(at, 'alice', 'notes:write')
      expect(arrival.scope?.split(' ')).toEqual(expect.arrayContaining(['notes:read', 'notes:write']))
      expect(arrival).toMatchObject({ added: ['notes:write'], replaces: null })
    })

    test('the same account again leaves the new connection alive; another account ends the old one at its server', async () => {
      const at = browserOf(alice)
      await connect(at, 'alice')
      const first = (await held(at))?.tokens
      await connect(at, 'alice')
      await room.desk.close()
      const second = (await held(at))?.tokens
      expect(await userinfo(second?.access ?? '')).not.toBe(401)

      expect((await arrive(at, 'bob')).replaces).toBe('alice@notes.example')
      const third = await connect(at, 'bob')
      await room.desk.close()
      expect(third.account).toBe('bob@notes.example')
      await expect(renewed(second?.refresh ?? '')).rejects.toMatchObject({ kind: 'invalid_grant' })
      expect((await renewed((await held(at))?.tokens?.refresh ?? '')).access).not.toBe(first?.access)
    })

    test('a declined account, and a disconnected one, are ended here and at the server', async () => {
      const at = browserOf(alice)
      const { attempt } = await arrive(at, 'alice')
      const waiting = upstream.secrets.filter((secret) => secret !== '').slice(-2)
      expect(await room.desk.decline(attempt, at)).toBe(true)
      expect(await room.desk.decline(attempt, at)).toBe(false)
      await room.desk.close()
      for (const token of waiting) expect(await userinfo(token)).toBe(401)

      await connect(at, 'alice')
      const tokens = (await held(at))?.tokens
      expect(await room.desk.disconnect({ server: uid, owner: at.owner })).toBe(1)
      await room.desk.close()
      expect(await held(at)).toBeUndefined()
      await expect(renewed(tokens?.refresh ?? '')).rejects.toMatchObject({ kind: 'invalid_grant' })
      expect(await room.desk.disconnect({ server: uid, owner: at.owner })).toBe(0)
    })

    test('disconnecting one person does not end what another connected with the same account', async () => {
      const [at, shared] = [browserOf(alice), browserOf(alice, 'admin')]
      await connect(shared, 'team')
      await connect(at, 'team')
      await room.desk.disconnect({ owner: at.owner })
      await room.desk.close()
      expect((await renewed((await held(shared))?.tokens?.refresh ?? '')).type).toBe('Bearer')
    })

    // [DESK-4]
    test('a server that is deleted, or made again under its id, or another by now, takes nothing that was begun before', async () => {
      const at = browserOf(alice)
      const url = await approve(await leave(at), 'alice')
      const { attempt } = await arrive(at, 'alice')
      await room.removeServer(uid)
      await room.addServer({ url: upstream.url })
      expect(await back(url, at)).toMatchObject({ reason: 'not-yours' })
      expect(await room.desk.confirm(attempt, at)).toBeUndefined()
      expect(await listConnections(room.store.db)).toEqual([])
    })

    test('a person who may not sign in any more gets no connection, and what came is ended', async () => {
      const at = browserOf(alice)
      const { attempt } = await arrive(at, 'alice')
      await room.store.db.updateTable('users').set({ disabled_at: room.clock.now() }).where('id', '=', alice).execute()
      expect(await room.desk.confirm(attempt, at)).toBeUndefined()
      await room.desk.close()
      expect([await held(at), room.connected]).toEqual([undefined, []])
      expect(await userinfo(upstream.secrets.at(-1) ?? '')).toBe(401)
    })

    test('a browser may have ten ways open; the eleventh takes the place of the first', async () => {
      const at = browserOf(alice)
      const locations: string[] = []
      for (let i = 0; i < 11; i++) {
        locations.push(await leave(at))
        room.clock.move(10)
      }
      const answer = (location: string) =>
        new URLSearchParams({
          state: new URL(location).searchParams.get('state') ?? '',
          iss: upstream.issuer,
          error: 'x',
        })
      const come = (location = '') => room.desk.comeBack(answer(location), '/servers-callback', at)
      expect(await come(locations[0])).toMatchObject({ reason: 'not-yours' })
      expect(await come(locations[1])).toMatchObject({ reason: 'denied' })
      expect(await come(locations[10])).toMatchObject({ reason: 'denied' })
    })

    test('a person has ten ways open over all browsers, and those that came to nothing count', async () => {
      const locations: string[] = []
      for (let i = 0; i < 14; i++) {
        const at = browserOf(alice)
        locations.push(await leave(at))
        room.clock.move(10)
        const state = new URL(locations.at(-1) ?? '').searchParams.get('state') ?? ''
        const answer = new URLSearchParams({ state, iss: upstream.issuer, error: 'access_denied' })
        if (i % 2 === 0)
          expect(await room.desk.comeBack(answer, '/servers-callback', at)).toMatchObject({ reason: 'denied' })
      }
      const bob = browserOf(await room.addUser('bob'))
      await leave(bob)
      const rows = await room.store.db.selectFrom('connect_attempts').select('owner').execute()
      expect(rows.filter(({ owner }) => owner === `user:${alice}`)).toHaveLength(10)
      expect(rows.filter(({ owner }) => owner === bob.owner)).toHaveLength(1)
    })

    test('two who confirm at once make one connection', async () => {
      const at = browserOf(alice)
      const { attempt } = await arrive(at, 'alice')
      const made = await Promise.all([1, 2, 3].map(() => room.desk.confirm(attempt, at)))
      expect(made.filter((one) => one !== undefined)).toHaveLength(1)
      expect(room.connected).toHaveLength(1)
    })

    test('two ways that one person confirms at once end in one connection, of one of them', async () => {
      const at = browserOf(alice)
      const attempts = [(await arrive(at, 'alice')).attempt, (await arrive(at, 'alice')).attempt]
      const made = await Promise.all(attempts.map((attempt) => room.desk.confirm(attempt, at)))
      const [live] = await listConnections(room.store.db)
      expect(made.map((one) => one?.id)).toContain(live?.id)
      expect(await listConnections(room.store.db)).toHaveLength(1)
      expect((await held(at))?.tokens).not.toBeNull()
    })

    test('a token is pasted by its person, for a server that takes tokens, where a header can carry it', async () => {
      const at = browserOf(alice)
      const bearer = await room.addServer({ id: 'keys', url: 'https://keys.example/mcp', authType: 'bearer' })
      const open = await room.addServer({ id: 'open', url: 'https://open.example/mcp', authType: 'unauthenticated' })
      const machine = JSON.stringify({ auth_mode: 'client_credentials', registration_info: { client_id: 'bot' } })
      const bot = await room.addServer({ id: 'bot', url: 'https://bot.example/mcp', credentials: machine })
      const offers = [bearer, open, bot, uid].map((one) => [
        room.desk.offers(one, at.owner),
        room.desk.offers(one, 'admin'),
      ])
      expect(offers).toEqual([
        ['token', null],
        [null, null],
        [null, null],
        ['oauth', 'oauth'],
      ])
      for (const text of ['', 'two words', 'line\nbreak', 'naïve', 'x'.repeat(16 * 1024 + 1)])
        expect(await room.desk.paste(bearer, at, text)).toEqual({ kind: 'refused', reason: 'bad-token' })
      for (const server of [open, bot, uid])
        expect(await room.desk.paste(server, at, 'secret')).toEqual({ kind: 'refused', reason: 'not-offered' })
      expect(await room.desk.paste(bearer, { ...at, owner: 'admin' }, 'secret')).toMatchObject({
        reason: 'not-offered',
      })
      const [pasted] = await Promise.all([1, 2, 3].map(() => room.desk.paste(bearer, at, ' secret-of-alice \n')))
      expect(pasted).toMatchObject({ kind: 'made', connection: { kind: 'token', status: 'ready', issuer: null } })
      const opened = await openConnectionRow(room.store.db, room.sealer, bearer, at.owner)
      expect(opened?.tokens?.access).toBe('secret-of-alice')
      expect(await room.desk.begin(bearer, at, { wanted: null, returnTo: '/' })).toMatchObject({
        reason: 'not-offered',
      })
    })

    test('what cannot be begun says why: nobody answers, no PKCE, nobody registers', async () => {
      const at = browserOf(alice)
      const begin = (server = uid) => room.desk.begin(server, at, { wanted: null, returnTo: '/' })
      upstream.faults.down = true
      expect(await begin()).toEqual({ kind: 'refused', reason: 'unreachable' })
      Object.assign(upstream.faults, { down: false, noPkce: true })
      expect(await begin()).toEqual({ kind: 'refused', reason: 'unsafe-server' })
      Object.assign(upstream.faults, { noPkce: false, noRegistration: true })
      expect(await begin()).toEqual({ kind: 'refused', reason: 'no-registration' })
      expect(await begin('gone' as ServerUid)).toEqual({ kind: 'refused', reason: 'not-offered' })
    })
  })
}

describe('an authorization server that changes on the way', () => {
  let room: DeskRoom
  let evil: HostileSite
  beforeEach(async () => {
    room = await openDeskRoom()
    evil = await startHostileSite()
  })
  afterEach(async () => {
    await evil.close()
    await room.close()
  })

  // [DESK-2]
  test('a server whose token endpoint is another by the time the browser is back gets no code, verifier or secret', async () => {
    let token = '/token'
    const body = () => ({
      ...{
        issuer: evil.origin,
        authorization_endpoint: `${evil.origin}/authorize`,
        token_endpoint: `${evil.origin}${token}`,
      },
      ...{ registration_endpoint: `${evil.origin}/register`, response_types_supported: ['code'] },
      code_challenge_methods_supported: ['S256'],
    })
    evil.answer = ({ path, body: sent }) => {
      if (path === '/.well-known/oauth-authorization-server') return { body: body() }
      if (path === '/register')
        return { body: { ...JSON.parse(sent), client_id: 'c1', client_secret: 'SECRET-OF-CLIENT' } }
      return undefined
    }
    const uid = await room.addServer({ url: `${evil.origin}/mcp` })
    const at = browserOf(await room.addUser('alice'))
    const begun = await room.desk.begin(uid, at, { wanted: null, returnTo: '/' })
    if (begun.kind !== 'leave') throw new Error(begun.reason)
    token = '/steal'
    const query = new URLSearchParams({ code: 'CODE', state: new URL(begun.location).searchParams.get('state') ?? '' })
    const came = await room.desk.comeBack(query, '/servers-callback/notes', at)
    expect(came).toEqual({ kind: 'refused', reason: 'unsafe-server', returnTo: '/' })
    expect(evil.seen.map(({ path }) => path).filter((path) => path === '/steal' || path === '/token')).toEqual([])
    expect(JSON.stringify(evil.seen)).not.toMatch(/CODE|code_verifier|SECRET-OF-CLIENT/)
  })

  // [DESK-2]
  test('an evil server that sends browsers to a real one, with its own token endpoint, gets nobody there', async () => {
    const real = await startOauthUpstream()
    try {
      evil.answer = ({ path }) => {
        if (path.startsWith('/.well-known/oauth-protected-resource'))
          return { body: { resource: `${evil.named}/mcp`, authorization_servers: [evil.named] } }
        const endpoints = { authorization_endpoint: `${real.issuer}/auth`, token_endpoint: `${evil.named}/token` }
        const rest = { response_types_supported: ['code'], code_challenge_methods_supported: ['S256'] }
        return { body: { issuer: evil.named, registration_endpoint: `${evil.named}/register`, ...endpoints, ...rest } }
      }
      const uid = await room.addServer({ url: `${evil.named}/mcp` })
      const at = browserOf(await room.addUser('alice'))
      const begun = await room.desk.begin(uid, at, { wanted: null, returnTo: '/' })
      expect(begun).toEqual({ kind: 'refused', reason: 'unsafe-server' })
      // It was asked for its challenge, as any server is, and nothing else.
      const told = evil.seen.filter(({ method, path }) => method === 'POST' && path !== '/mcp')
      expect([real.authorizations.length, told]).toEqual([0, []])
    } finally {
      await real.close()
    }
  })
})
