/** What sessions want to hear of, at rest: as many as may be, known to every process, and gone with the session. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS, freshStore, type TestStore } from '../../test/databases.ts'
import type { PortalId, PortalUid, ServerId, ServerUid, SessionId } from '../base/ids.ts'
import { deleteServer } from '../upstream/server-store.ts'
import { deletePortal, insertPortal } from './portal-store.ts'
import { endSession, forgetSessions, recordSessions } from './session-store.ts'
import { addSubscription, dropSubscription, loadSubscriptions, readMarks } from './subscription-store.ts'

const CONTENT = {
  ...{ id: 'default' as PortalId, hostname: 'localhost', name: 'Portal', description: null },
  ...{ codeMode: 'opt_in' as const, secureWebGateway: false, policies: [], mappings: [], serviceTokenHeader: null },
}
const [ONE, TWO] = ['one' as SessionId, 'two' as SessionId]
const NOW = 1_800_000_000_000

describe.each(DATABASE_KINDS)('subscriptions on %s', (kind) => {
  let at: TestStore
  let portalUid: PortalUid
  const serverUid = 'server' as ServerUid

  beforeEach(async () => {
    at = await freshStore(kind, { now: () => NOW, elapsed: () => NOW })
    portalUid = await at.store.write((trx) =>
      insertPortal(at.store, trx, CONTENT, { label: 'test', origin: 'api' as const }),
    )
    await at.store.db
      .insertInto('servers')
      .values({
        ...{ uid: serverUid, id: 'server' as ServerId, name: 'S', hostname: 'http://s.test/mcp', transport: null },
        ...{ auth_type: 'unauthenticated', client_secret_version: 0, isolation: 'shared', allow_private: '[]' },
        ...{ definitions: 'auto', instructions: 'on', updated_tools: 'null', updated_prompts: 'null', policies: '[]' },
        ...{ bypass_credential: 0, is_shared_oauth_callback_enabled: 0, secure_web_gateway: 0, status: 'ready' },
        ...{ position: 1, origin: 'api', authentication_status: 'manual', created_at: 1, created_by: 'ada' },
        ...{ modified_at: 1, modified_by: 'ada' },
      } as never)
      .execute()
  })
  afterEach(() => at.end())

  const add = (id: SessionId, uri: string, most = 3, hasMetTerms = false) =>
    addSubscription(at.store, { id, portalUid }, { uri, serverUid, hasMetTerms }, most)
  const urisOf = async (id: SessionId) =>
    (await loadSubscriptions(at.store, [id]))
      .get(id)
      ?.map(({ uri }) => uri)
      .sort()
  const session = (id: SessionId) => ({ id, principal: 'user:ada', portalUid, createdAt: NOW })

  test('a session has its own, each once, and as many as it may', async () => {
    const long = `x:${'a'.repeat(10_000)}`
    for (const uri of [long, 'x:b', 'x:b', 'x:c']) expect(await add(ONE, uri)).toBe(true)
    expect(await add(ONE, 'x:d')).toBe(false)
    expect(await add(TWO, 'x:d', 3, true)).toBe(true)
    expect(await urisOf(ONE)).toEqual([long, 'x:b', 'x:c'])
    expect((await loadSubscriptions(at.store, [ONE, TWO])).get(TWO)).toEqual([
      { uri: 'x:d', serverUid, hasMetTerms: true },
    ])
    await dropSubscription(at.store, ONE, long)
    await dropSubscription(at.store, ONE, 'x:d')
    expect([await urisOf(ONE), await urisOf(TWO)]).toEqual([['x:b', 'x:c'], ['x:d']])
  })

  test('a mark is another one whenever what a session wants is', async () => {
    const markOf = async (id: SessionId) => (await readMarks(at.store, [ONE, TWO])).get(id)
    const marks: unknown[] = [await markOf(ONE)]
    const note = async () => void marks.push(await markOf(ONE))
    await add(ONE, 'x:a').then(note)
    await add(ONE, 'x:b').then(note)
    await dropSubscription(at.store, ONE, 'x:a').then(note)
    await add(ONE, 'x:b', 3, true).then(note)
    expect(new Set(marks).size).toBe(marks.length)
    await add(TWO, 'x:a')
    expect(await markOf(ONE)).toBe(marks.at(-1))
    await dropSubscription(at.store, ONE, 'x:b')
    expect(await markOf(ONE)).toBeUndefined()
  })

  test('of many that come at once, no more are kept than may be', async () => {
    const added = await Promise.all(Array.from({ length: 10 }, (_, i) => add(ONE, `x:${i}`)))
    expect(added.filter(Boolean)).toHaveLength(3)
    expect(await urisOf(ONE)).toHaveLength(3)
  })

  test('they end with their session, however that ends, and with portal and server', async () => {
    const limit = { most: 1, now: NOW, seenSince: 0, begunSince: 0 }
    await add(ONE, 'x:a')
    await endSession(at.store, session(ONE), NOW)
    expect(await urisOf(ONE)).toBeUndefined()

    await add(ONE, 'x:a')
    await forgetSessions(at.store, NOW + 1, NOW + 1)
    expect(await urisOf(ONE)).toBeUndefined()

    await add(ONE, 'x:a')
    const both = [ONE, TWO].map((id, i) => ({ ...session(id), lastSeenAt: NOW + i }))
    expect(await recordSessions(at.store, both, new Map(), limit)).toBe(1)
    expect(await urisOf(ONE)).toBeUndefined()

    await add(TWO, 'x:a')
    await at.store.write((trx) => deleteServer(at.store, trx, serverUid))
    expect(await urisOf(TWO)).toBeUndefined()
    await at.store.write((trx) => deletePortal(at.store, trx, portalUid))
  })
})
