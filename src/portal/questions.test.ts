/** Links, sealed states and answers between replicas, on both databases. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS, freshStore, type TestStore } from '../../test/databases.ts'
import type { PortalId, PortalUid } from '../base/ids.ts'
import { keyRing, openSealer } from '../base/secret.ts'
import { LIMITS } from '../config/limits.ts'
import { insertPortal } from './portal-store.ts'
import { openQuestions } from './questions.ts'

const CONTENT = {
  ...{
    id: 'default' as PortalId,
    hostname: 'localhost',
    name: 'Portal',
    description: null,
    codeMode: 'opt_in' as const,
  },
  ...{ secureWebGateway: false, policies: [], mappings: [], serviceTokenHeader: null },
}

for (const kind of DATABASE_KINDS) {
  describe(`questions on ${kind}`, () => {
    let database: TestStore
    let now = Date.now()
    let asked: { principal: string; owner: string; portalUid: PortalUid }
    const ring = keyRing([randomBytes(32)])
    const questions = (since = 0) =>
      openQuestions({ store: database.store, sealer: openSealer(ring, 'question'), since })

    beforeAll(async () => {
      database = await freshStore(kind, { now: () => now, elapsed: () => now })
      const { store } = database
      const author = { label: 'test', origin: 'api' as const }
      const portalUid = await store.write((trx) => insertPortal(store, trx, CONTENT, author))
      asked = { principal: 'user:ada', owner: 'grant:g1', portalUid }
    })
    afterAll(() => database.end())
    beforeEach(() => {
      now += LIMITS.page_link.value * 2
    })

    test(`a link is good for a quarter of an hour (${kind})`, async () => {
      const id = await questions().makePage(asked, 'servers', { client: 'c' })
      expect(id).toMatch(/^[\w-]{43}$/)
      expect(await questions().findPage(id, 'servers')).toEqual({
        ...asked,
        kind: 'servers',
        subject: '{"client":"c"}',
      })
      expect(await questions().findPage(id, 'other')).toBeUndefined()
      now += 15 * 60_000 - 1
      expect(await questions().findPage(id, 'servers')).toBeDefined()
      now += 1
      expect(await questions().findPage(id, 'servers')).toBeUndefined()
    })

    test('what is kept of a link does not make it', async () => {
      const id = await questions().makePage(asked, 'servers', {})
      const rows = await database.store.db.selectFrom('questions').selectAll().execute()
      expect(JSON.stringify(rows)).not.toContain(id)
    })

    test('a person has so many links waiting, and the oldest goes', async () => {
      const ids: string[] = []
      for (let i = 0; i < 33; i++) {
        now += 1
        ids.push(await questions().makePage(asked, 'servers', {}))
      }
      const found = await Promise.all(ids.map((id) => questions().findPage(id, 'servers')))
      expect(found.findIndex((one) => one !== undefined)).toBe(1)
      expect(found.filter((one) => one !== undefined)).toHaveLength(32)
    })

    test('a link is over with the grant that it is for', async () => {
      const { db } = database.store
      const id = await questions().makePage({ ...asked, owner: 'session:s1' }, 'servers', {})
      const session = { principal: 'user:ada', portal_uid: asked.portalUid, created_at: now, last_seen_at: now }
      await db
        .insertInto('sessions')
        .values({ id: 's1', ...session, log_level: null })
        .execute()
      expect(await questions().findPage(id, 'servers')).toBeDefined()
      await db.updateTable('sessions').set({ ended_at: now }).execute()
      expect(await questions().findPage(id, 'servers')).toBeUndefined()
    })

    describe('a state', () => {
      const answered = () => true
      const carried = { kind: 'why', answers: { before: { action: 'accept' } }, notes: { why: { asked: 1 } } }
      const carry = () => questions().carry('binding', carried)

      test('opens once with an answer, on any replica', async () => {
        const state = carry()
        expect(await questions().take('binding', state, asked, answered)).toEqual(carried)
        expect(await questions().take('binding', state, asked, answered)).toBeUndefined()
      })

      test('of two at once, one counts', async () => {
        const state = carry()
        const takers = Array.from({ length: 5 }, () => questions().take('binding', state, asked, answered))
        const taken = await Promise.all(takers)
        expect(taken.filter((one) => one !== undefined)).toHaveLength(1)
      })

      test('without an answer is not used up', async () => {
        const state = carry()
        expect(await questions().take('binding', state, asked, () => false)).toBeDefined()
        expect(await questions().take('binding', state, asked, answered)).toBeDefined()
      })

      test('opens for nothing else, nor changed by a byte, nor under another key', async () => {
        const state = carry()
        const last = state.at(-5) === 'A' ? 'B' : 'A'
        const changed = `${state.slice(0, -5)}${last}${state.slice(-4)}`
        expect(await questions().take('another', state, asked, answered)).toBeUndefined()
        expect(await questions().take('binding', changed, asked, answered)).toBeUndefined()
        expect(await questions().take('binding', 'x', asked, answered)).toBeUndefined()
        const other = openQuestions({
          store: database.store,
          sealer: openSealer(keyRing([randomBytes(32)]), 'question'),
        })
        expect(await other.take('binding', state, asked, answered)).toBeUndefined()
        const session = openQuestions({ store: database.store, sealer: openSealer(ring, 'session') })
        expect(await session.take('binding', state, asked, answered)).toBeUndefined()
      })

      test('is too old after ten minutes, and over where a backup was restored since', async () => {
        const state = carry()
        expect(await questions(now + 1).take('binding', state, asked, answered)).toBeUndefined()
        now += LIMITS.answer_time.value + 1
        expect(await questions().take('binding', state, asked, answered)).toBeUndefined()
      })

      test('is as old as it may be where its server has a time of its own', async () => {
        const short = questions().carry('binding', carried, 1000)
        const long = questions().carry('binding', carried, 2 * LIMITS.answer_time.value)
        now += 1001
        expect(await questions().take('binding', short, asked, answered)).toBeUndefined()
        now += LIMITS.answer_time.value
        expect(await questions().take('binding', long, asked, answered)).toEqual(carried)
        expect(await questions().take('binding', long, asked, answered)).toBeUndefined()
      })
    })

    test('an answer that came to another replica is handed over, once, and only by who was asked', async () => {
      const open = { ...asked, owner: 'session:s2' }
      const end = { kind: 'result' as const, body: { action: 'accept', content: { why: 'because' } } }
      // A replica has its own store; with SQLite there is one process, and nothing to hand over.
      const store = kind === 'postgres' ? await database.again() : database.store
      const other = openQuestions({ store, sealer: openSealer(ring, 'question') })
      await questions().expect('portico-1', open)
      await other.hand('portico-1', 'session:other', end)
      expect(await questions().handed(['portico-1'])).toEqual(new Map())
      await other.hand('portico-1', 'session:s2', end)
      await other.hand('portico-1', 'session:s2', { kind: 'result', body: { action: 'decline' } })
      expect(await questions().handed(['portico-1'])).toEqual(
        kind === 'postgres' ? new Map([['portico-1', end]]) : new Map(),
      )
      const rows = await database.store.db.selectFrom('questions').select('answer').execute()
      expect(JSON.stringify(rows)).not.toContain('because')
      await questions().settle('portico-1')
      expect(await questions().handed(['portico-1'])).toEqual(new Map())
      if (kind === 'postgres') await store.close()
    })
  })
}
