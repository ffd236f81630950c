/** What a process has of sessions in memory: no more of one caller than it may have, and nothing of those that are over. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DATABASE_KINDS, freshStore, type TestStore } from '../../test/databases.ts'
import type { GrantId, PortalId, PortalUid, UserId } from '../base/ids.ts'
import { silentLog } from '../base/log.ts'
import type { UserPrincipal } from '../base/principal.ts'
import { keyRing, openSealer } from '../base/secret.ts'
import type { ClientFacts } from '../protocol/model.ts'
import { insertPortal } from './portal-store.ts'
import { loadSession } from './session-store.ts'
import { openSessions, type Sessions } from './sessions.ts'
import { openToggles } from './toggles.ts'
import { sessionOwner } from './visit.ts'

const DAY = 24 * 3_600_000
const sealer = openSealer(keyRing([Buffer.alloc(32, 7)]), 'session')
const client: ClientFacts = { era: '2025', version: '2025-06-18', name: 'x', clientVersion: '1', capabilities: {} }
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

function user(id: string): UserPrincipal {
  const email = `${id}@acme.test`
  return { kind: 'user', id: id as UserId, email, label: id, grant: `g-${id}` as GrantId, identity: null }
}

for (const kind of DATABASE_KINDS) {
  describe(`sessions in memory, on ${kind}`, () => {
    let database: TestStore
    let portal: PortalUid
    let now = 1_800_000_000_000
    const clock = { now: () => now, elapsed: () => now }
    const open = (most: number) => openSessions({ store: database.store, sealer, clock, log: silentLog, most })
    const begin = (sessions: Sessions, who: string) => {
      now += 1000
      return sessions.start(user(who), portal, client)
    }

    beforeAll(async () => {
      database = await freshStore(kind, clock)
      const { store } = database
      await store.write(async (trx) => {
        portal = await insertPortal(store, trx, PORTAL, { label: 'test', origin: 'api' })
      })
    })
    afterAll(() => database.end())

    test('a caller that begins sessions all day has no more of them in memory than it may have', async () => {
      const sessions = open(3)
      const theirs = begin(sessions, 'bob').sealed
      const begun = Array.from({ length: 20 }, () => begin(sessions, 'ada').sealed)
      expect(sessions.known).toBe(4)
      await sessions.flush()
      const found = await Promise.all(begun.map((sealed) => sessions.find(sealed, user('ada'), portal)))
      expect(found.map((one) => one !== undefined)).toEqual([...Array(17).fill(false), ...Array(3).fill(true)])
      expect(await sessions.find(theirs, user('bob'), portal)).toBeDefined()
      expect(sessions.known).toBe(4)
    })

    test('the one that leaves memory is the least recently used one, and its last use is written down', async () => {
      const sessions = open(2)
      const { sealed: used } = begin(sessions, 'cy')
      const { session, sealed } = begin(sessions, 'cy')
      await sessions.flush()
      for (const one of [sealed, used]) {
        now += 1000
        await sessions.find(one, user('cy'), portal)
      }
      const lastUse = now - 1000
      begin(sessions, 'cy')
      await sessions.flush()
      expect(await loadSession(database.store, session.id)).toMatchObject({ lastSeenAt: lastUse, endedAt: now })
      expect(await sessions.find(used, user('cy'), portal)).toBeDefined()
    })

    test('a session that is over is not in memory, and asking for it does not bring it there', async () => {
      const [here, there] = [open(100), open(100)]
      const [ended, idle] = [begin(here, 'dee'), begin(here, 'dee')]
      await here.flush()
      for (const { sealed } of [ended, idle]) expect(await there.find(sealed, user('dee'), portal)).toBeDefined()
      await here.end(ended.session)
      expect(here.known).toBe(1)
      for (const sessions of [here, there]) {
        expect(await sessions.find(ended.sealed, user('dee'), portal)).toBeUndefined()
        expect(sessions.known).toBe(1)
      }
      now += DAY + 1
      await here.forget()
      expect(here.known).toBe(0)
      expect(await there.find(idle.sealed, user('dee'), portal)).toBeUndefined()
      expect(there.known).toBe(0)
    })

    test('what is known of a session’s switches leaves memory with the session', async () => {
      const sessions = open(1)
      const toggles = openToggles(database.store)
      sessions.onDropped((session) => toggles.forget(sessionOwner(session)))
      const [first, second] = [begin(sessions, 'eve').session, begin(sessions, 'fay').session]
      for (const one of [first, second]) await toggles.load(sessionOwner(one))
      begin(sessions, 'eve')
      expect(toggles.peek(sessionOwner(first))).toBeUndefined()
      expect(toggles.peek(sessionOwner(second))).toEqual(new Set())
      await sessions.end(second)
      expect(toggles.peek(sessionOwner(second))).toBeUndefined()
    })
  })
}
