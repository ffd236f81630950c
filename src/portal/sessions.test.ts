import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DATABASE_KINDS, freshStore, type TestStore } from '../../test/databases.ts'
import type { GrantId, PortalId, PortalUid, ServerId, ServerUid, UserId } from '../base/ids.ts'
import { silentLog } from '../base/log.ts'
import type { UserPrincipal } from '../base/principal.ts'
import { keyRing, openSealer } from '../base/secret.ts'
import type { ClientFacts } from '../protocol/model.ts'
import type { Store } from '../store/open.ts'
import { insertServer, type NewServer } from '../upstream/server-store.ts'
import { insertPortal } from './portal-store.ts'
import { openSessions, type Sessions } from './sessions.ts'
import { openToggles } from './toggles.ts'

const HOUR = 3_600_000
const sealer = openSealer(keyRing([Buffer.alloc(32, 7)]), 'session')
const client: ClientFacts = {
  era: '2025',
  version: '2025-06-18',
  name: 'exercise',
  clientVersion: '1',
  capabilities: { roots: {} },
}
const author = { label: 'test', origin: 'api' } as const

function user(id: string): UserPrincipal {
  return {
    kind: 'user',
    id: id as UserId,
    email: `${id}@acme.test`,
    label: id,
    grant: `g-${id}` as GrantId,
    identity: null,
  }
}

const PORTAL = {
  id: 'p' as PortalId,
  hostname: 'p.test',
  name: 'P',
  description: null,
  codeMode: 'opt_in',
  secureWebGateway: false,
  policies: [],
  serviceTokenHeader: null,
  mappings: [],
} as const
const SERVER: NewServer = {
  identity: { id: 's' as ServerId, hostname: 'http://127.0.0.1:9/mcp', authType: 'unauthenticated', transport: null },
  content: {
    name: 'S',
    description: null,
    isolation: 'per_credential',
    definitions: 'hold_changed',
    instructions: 'off',
    allowPrivate: [],
    deadlines: null,
    updatedTools: null,
    updatedPrompts: null,
    policies: null,
    identityWish: null,
    sharedOauthCallback: false,
    secureWebGateway: false,
  },
  secrets: { authCredentials: null, clientSecret: null, env: {} },
  authenticationStatus: 'not_required',
}

for (const kind of DATABASE_KINDS) {
  describe(`sessions on ${kind}`, () => {
    let database: TestStore
    let portal: PortalUid
    let server: ServerUid
    let now = 1_800_000_000_000
    const clock = { now: () => now, elapsed: () => now }
    const open = (store: Store = database.store, most = 100) =>
      openSessions({ store, sealer, clock, log: silentLog, most })

    beforeAll(async () => {
      database = await freshStore(kind, clock)
      const { store } = database
      await store.write(async (trx) => {
        portal = await insertPortal(store, trx, PORTAL, author)
        server = await insertServer(store, trx, SERVER, { author, sealer })
      })
    })
    afterAll(() => database.end())

    // [REPLICA-1]
    test('a session is found again by another process that has nothing but the key and the store', async () => {
      const { sealed, session } = open().start(user('ada'), portal, client)
      expect(await open().find(sealed, user('ada'), portal)).toEqual(session)
    })

    test('a session is nobody else’s: not another user’s, not another portal’s, not forged, not altered', async () => {
      const sessions = open()
      const { sealed } = sessions.start(user('ada'), portal, client)
      expect(await sessions.find(sealed, user('bob'), portal)).toBeUndefined()
      expect(await sessions.find(sealed, user('ada'), 'other' as PortalUid)).toBeUndefined()
      expect(await sessions.find('v1.00000000.AAAA.AAAA', user('ada'), portal)).toBeUndefined()
      const changed = `${sealed.slice(0, -3)}${sealed.at(-3) === 'A' ? 'B' : 'A'}${sealed.slice(-2)}`
      expect(await sessions.find(changed, user('ada'), portal)).toBeUndefined()
      expect(await sessions.find('', user('ada'), portal)).toBeUndefined()
    })

    test('a session that was never written down is over a minute later, for all but the one that began it', async () => {
      const here = open()
      const { sealed } = here.start(user('ada'), portal, client)
      now += HOUR / 60 + 1
      expect(await open().find(sealed, user('ada'), portal)).toBeUndefined()
      expect(await here.find(sealed, user('ada'), portal)).toBeDefined()
      await here.flush()
      expect(await open().find(sealed, user('ada'), portal)).toBeDefined()
    })

    test('one session too many ends the least recently used one of that principal, whichever replica it is used on', async () => {
      const [here, there] = [open(database.store, 3), open(database.store, 3)]
      const begin = (sessions: Sessions, who: string) => {
        now += 1000
        return sessions.start(user(who), portal, client).sealed
      }
      const theirs = begin(here, 'zoe')
      const [first, second] = [begin(here, 'dan'), begin(here, 'dan')]
      const third = begin(there, 'dan')
      await here.flush()
      await there.flush()
      now += 1000
      expect(await here.find(first, user('dan'), portal)).toBeDefined()
      const ended: number[] = []
      there.onEnded(() => ended.push(1))
      const fourth = begin(here, 'dan')
      await here.flush()
      const alive = async (sessions: Sessions) =>
        Promise.all(
          [first, second, third, fourth].map(
            async (one) => (await sessions.find(one, user('dan'), portal)) !== undefined,
          ),
        )
      expect(await alive(here)).toEqual([true, false, true, true])
      expect(await alive(there)).toEqual([true, false, true, true])
      expect(await alive(open())).toEqual([true, false, true, true])
      expect(ended.length).toBeGreaterThan(0)
      expect(await open().find(theirs, user('zoe'), portal)).toBeDefined()
    })

    test('a session that ends before it was written down stays ended', async () => {
      const here = open()
      const { sealed, session } = here.start(user('ada'), portal, client)
      const writing = here.flush()
      await here.end(session)
      await writing
      await here.flush()
      expect(await open().find(sealed, user('ada'), portal)).toBeUndefined()
      expect(await here.over([session])).toEqual([session])
      await here.forget()
      now += HOUR
      await here.forget()
      expect(await open().find(sealed, user('ada'), portal)).toBeUndefined()
    })

    test('sessions of a portal that was deleted meanwhile hold nobody else’s up', async () => {
      const here = open()
      const gone = here.start(user('ada'), 'no-such-portal' as PortalUid, client)
      const { sealed } = here.start(user('ada'), portal, client)
      await here.flush()
      now += HOUR
      expect(await open().find(sealed, user('ada'), portal)).toBeDefined()
      expect(await open().find(gone.sealed, user('ada'), 'no-such-portal' as PortalUid)).toBeUndefined()
    })

    test('a session ends for every process once the client ends it', async () => {
      const here = open()
      const { sealed, session } = here.start(user('ada'), portal, client)
      await here.end(session)
      expect(await here.find(sealed, user('ada'), portal)).toBeUndefined()
      expect(await open().find(sealed, user('ada'), portal)).toBeUndefined()
    })

    test('a session that was idle for a day is gone, and one that was used is not', async () => {
      const sessions = open()
      const { sealed: used } = sessions.start(user('ada'), portal, client)
      const { sealed: idle } = sessions.start(user('ada'), portal, client)
      await sessions.flush()
      now += 20 * HOUR
      expect(await sessions.find(used, user('ada'), portal)).toBeDefined()
      await sessions.flush()
      now += 20 * HOUR
      expect(await open().find(used, user('ada'), portal)).toBeDefined()
      expect(await open().find(idle, user('ada'), portal)).toBeUndefined()
    })

    test('no session lives longer than a week, used or not', async () => {
      const sessions = open()
      const { sealed } = sessions.start(user('ada'), portal, client)
      for (let day = 0; day < 7; day++) {
        now += 23 * HOUR
        expect(await sessions.find(sealed, user('ada'), portal)).toBeDefined()
      }
      now += 23 * HOUR
      expect(await sessions.find(sealed, user('ada'), portal)).toBeUndefined()
    })

    test('what a session left is deleted when it can no longer matter, and not before', async () => {
      const sessions = open()
      const { sealed, session } = sessions.start(user('ada'), portal, client)
      await sessions.setLogLevel(session, 'error')
      const rows = () => database.store.db.selectFrom('sessions').select('id').where('id', '=', session.id).execute()
      await sessions.forget()
      expect((await open().find(sealed, user('ada'), portal))?.logLevel).toBe('error')
      now += 8 * 24 * HOUR
      await sessions.forget()
      expect(await rows()).toEqual([])
    })

    test('the log level is kept for the session, across processes', async () => {
      const here = open()
      const { sealed, session } = here.start(user('ada'), portal, client)
      await here.setLogLevel(session, 'warning')
      expect((await open().find(sealed, user('ada'), portal))?.logLevel).toBe('warning')
    })

    test('a server that a caller switches off is off for that caller alone, and stays so', async () => {
      const toggles = openToggles(database.store)
      await toggles.set('session:a', new Map([[server, false]]), 'model')
      expect(await toggles.load('session:a')).toEqual(new Set([server]))
      expect(await toggles.load('session:b')).toEqual(new Set())
      expect(await openToggles(database.store).load('session:a')).toEqual(new Set([server]))
      await toggles.set('session:a', new Map([[server, true]]), 'model')
      expect(toggles.peek('session:a')).toBeUndefined()
      expect(await toggles.load('session:a')).toEqual(new Set())
    })
  })
}
