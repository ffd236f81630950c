/** Each call carries the right credential, and it is renewed once for all who wait. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS } from '../../../test/databases.ts'
import { BOT, type KeeperRoom, openKeeperRoom, SEALER } from '../../../test/support/keeper-room.ts'
import type { UserPrincipal } from '../../base/principal.ts'
import { takeLease } from '../../store/lease.ts'
import { Trouble } from '../trouble.ts'
import { deleteConnections, ownerOfUser } from './connection-store.ts'
import { ConnectionNeeded, type Witness } from './model.ts'
import type { KeptServer } from './resolve.ts'

const HOUR = 3_600_000
const UNAUTHORIZED = { status: 401, error: 'invalid_token', scope: null, resourceMetadata: null } as const

let room: KeeperRoom
let setup: KeptServer
let ada: UserPrincipal

const own = async (who: UserPrincipal = ada, witness?: Witness) => room.keeper.resolve(setup, who, true, witness)
const calls = (count: number): Witness[] => Array.from({ length: count }, () => ({ isRenewed: false }))
const shared = async () => room.keeper.resolve(setup, ada, false)
const asked = () => room.server.counts.refresh_token ?? 0

/** What is thrown, whether at once or later. */
async function thrown(work: () => unknown): Promise<unknown> {
  try {
    await work()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

describe.each(DATABASE_KINDS)('on %s', (kind) => {
  beforeEach(async () => {
    room = await openKeeperRoom(kind)
    setup = await room.add('ledger', 'browser')
    ada = await room.person('ada')
  })
  afterEach(() => room.end())

  describe('whose credential it is', () => {
    test('the person’s own, at once when it is known, and never the shared one in its place', async () => {
      await room.connect(setup, 'admin')
      const missing = await thrown(own)
      expect(missing).toBeInstanceOf(ConnectionNeeded)
      expect(missing).toMatchObject({ need: 'connect', credential: 'oauth:user:none:missing' })
      const { id } = await room.connect(setup, ownerOfUser(ada.id))
      const first = await own()
      expect(room.ownerOf(first)).toBe(`user:${ada.id}`)
      expect(first).toMatchObject({ poolKey: id, inventory: `user:${ada.id}`, name: `oauth:user:${id}:ready` })
      expect(room.keeper.resolve(setup, ada, true)).toBe(first)
      expect(room.ownerOf(await shared())).toBe('admin')
    })

    test('a service token, and the portal itself, have nobody’s own', async () => {
      await room.connect(setup, ownerOfUser(ada.id))
      for (const who of [BOT, null]) {
        const error = await thrown(() => room.keeper.resolve(setup, who, true))
        expect(error).toBeInstanceOf(Trouble)
        expect(error).toMatchObject({ kind: 'not-ready' })
      }
    })

    test('a pasted token is the person’s own at a server with a fixed credential, and goes as it was pasted', async () => {
      const fixed = await room.add('desk', 'fixed')
      await room.connect(fixed, ownerOfUser(ada.id))
      const credential = await room.keeper.resolve(fixed, ada, true)
      expect(credential.headers).toEqual(['authorization', `Bearer pasted-by-user:${ada.id}`])
      expect(credential.name).toMatch(/^token:user:\w+:ready$/)
      expect(await thrown(() => room.keeper.resolve(fixed, BOT, true))).toBeInstanceOf(Trouble)
    })

    test('a connection that was made while the server was set up otherwise counts as none', async () => {
      await room.connect(setup, ownerOfUser(ada.id))
      const now = { ...setup, mode: 'fixed' as const }
      expect(await thrown(() => room.keeper.resolve(now, ada, true))).toBeInstanceOf(ConnectionNeeded)
    })

    test('a new connection is another one for the pool, and the old one is of no use at once', async () => {
      const ended: string[] = []
      room.keeper.onEnded((_server, poolKey) => ended.push(poolKey))
      await room.connect(setup, ownerOfUser(ada.id))
      const before = await own()
      const { poolKey } = before
      await room.connect(setup, ownerOfUser(ada.id))
      expect([before.isFresh, before.headers, ended]).toEqual([false, [], [poolKey]])
      expect((await own()).poolKey).not.toBe(poolKey)
    })
  })

  describe('renewal', () => {
    test('at four fifths of its life, once for all who ask, with the resource named, and the new tokens are stored first', async () => {
      const before = await room.connect(setup, ownerOfUser(ada.id))
      const old = (await own()).headers[1] ?? ''
      room.clock.move(0.74 * HOUR)
      await own()
      expect(asked()).toBe(0)
      room.clock.move(0.12 * HOUR)
      const waiting = calls(8)
      const all = await Promise.all(waiting.map((call) => own(ada, call)))
      expect(asked()).toBe(1)
      // Each of them waited for it; whoever comes after did not.
      expect(waiting.every(({ isRenewed }) => isRenewed)).toBe(true)
      const [after] = calls(1)
      await own(ada, after)
      expect(after).toEqual({ isRenewed: false })
      expect(room.server.requests[0]?.get('resource')).toBe(room.server.url.href)
      expect(new Set(all.map(({ poolKey }) => poolKey))).toEqual(new Set([before.id]))
      const [live] = all
      expect(live?.headers[1]).not.toBe(old)
      expect(live && room.ownerOf(live)).toBe(`user:${ada.id}`)
      expect(live?.name).toBe(`oauth:user:${before.id}:ready`)
      // What a call that is still under way may echo is known yet.
      expect(live?.secrets.map((secret) => `Bearer ${secret}`)).toContain(old)
      const row = await room.row(setup, ownerOfUser(ada.id))
      expect(`Bearer ${row?.tokens?.access}`).toBe(live?.headers[1])
      expect(row?.record.version).toBe(2)
    })

    test('a token of which nobody said how long it lives is used until it is refused, and renewed then', async () => {
      room.server.expiresIn = null
      await room.connect(setup, ownerOfUser(ada.id), { seconds: null })
      room.clock.move(1000 * HOUR)
      const live = await own()
      expect(asked()).toBe(0)
      const sent = live.headers
      const [one, two, late] = calls(3)
      await Promise.all([live.refused(UNAUTHORIZED, sent, one), live.refused(UNAUTHORIZED, sent, two)])
      expect(asked()).toBe(1)
      // Who sent the old one asks late: the new one is tried first, which was renewed for the others.
      await live.refused(UNAUTHORIZED, sent, late)
      expect(asked()).toBe(1)
      expect([one, two, late].map((call) => call?.isRenewed)).toEqual([true, true, false])
      // The new one is refused as well: another renewal would not help either.
      expect(await thrown(() => live.refused(UNAUTHORIZED, live.headers))).toMatchObject({ need: 'reconnect' })
      expect(asked()).toBe(1)
      expect((await room.row(setup, ownerOfUser(ada.id)))?.record).toMatchObject({ reason: 'refused' })
    })

    test('a grant that is revoked there needs the person, who is told so, and nobody asks again', async () => {
      await room.connect(setup, ownerOfUser(ada.id))
      const live = await own()
      const secrets = [...live.secrets]
      room.server.revokeGrant(`user:${ada.id}`)
      room.clock.move(HOUR)
      for (let i = 0; i < 2; i++) expect(await thrown(own)).toMatchObject({ need: 'reconnect' })
      expect(asked()).toBe(1)
      expect(room.keeper.own(setup.record.uid, ada)).toMatchObject({ status: 'needs_reauth', reason: 'revoked' })
      expect(room.events).toEqual([])
      // A call that is still under way is answered by a server that knows them.
      expect(secrets).toHaveLength(2)
      expect(live.secrets).toEqual(secrets)
    })

    test('invalid_grant while somebody else renewed it means nothing: theirs is used', async () => {
      const record = await room.connect(setup, ownerOfUser(ada.id))
      const live = await own()
      const theirs = room.server.grant('user:u-ada', record.clientId ?? '')
      const { promise, resolve: answer } = Promise.withResolvers<void>()
      room.server.mayAnswer = promise
      room.server.failure = { status: 400, error: 'invalid_grant' }
      room.clock.move(HOUR)
      const waiting = own()
      await until(() => asked() === 1)
      // As another process does that was thought dead.
      const { renewConnection } = await import('./connection-store.ts')
      const { store } = room
      await store.write((trx) =>
        renewConnection(store, trx, SEALER, {
          read: record,
          content: {
            ...record,
            tokens: { ...theirs, type: 'Bearer' },
            expiresAt: room.clock.now() + HOUR,
            renewAt: room.clock.now() + HOUR / 2,
          },
        }),
      )
      answer()
      expect((await waiting).headers[1]).toBe(`Bearer ${theirs.access}`)
      expect(live.headers[1]).toBe(`Bearer ${theirs.access}`)
      expect((await room.row(setup, ownerOfUser(ada.id)))?.record).toMatchObject({ status: 'ready', version: 2 })
    })

    test('an authorization server that does not answer leaves a living token in use, and a dead one may mend itself', async () => {
      await room.connect(setup, ownerOfUser(ada.id))
      room.server.failure = { status: 503, error: 'temporarily_unavailable' }
      room.clock.move(0.9 * HOUR)
      const live = await own()
      expect(room.ownerOf(live)).toBe(`user:${ada.id}`)
      expect(live.isFresh).toBe(true)
      await own()
      expect(asked()).toBe(1)
      room.clock.move(0.2 * HOUR)
      expect(await thrown(own)).toMatchObject({ kind: 'not-ready' })
      expect(room.keeper.own(setup.record.uid, ada)).toMatchObject({ status: 'error', reason: 'unreachable' })
      room.server.failure = null
      room.clock.move(60_000)
      expect(room.ownerOf(await own())).toBe(`user:${ada.id}`)
      expect(room.keeper.own(setup.record.uid, ada)).toMatchObject({ status: 'ready', reason: null })
    })

    test('a slow authorization server holds up nobody whose token is still good', async () => {
      await room.connect(setup, ownerOfUser(ada.id))
      const old = (await own()).headers[1]
      const { promise, resolve: answer } = Promise.withResolvers<void>()
      room.server.mayAnswer = promise
      room.clock.move(0.9 * HOUR)
      const live = await own()
      // It is under way, and has not been waited for.
      await until(() => asked() === 1)
      expect(live.headers[1]).toBe(old)
      answer()
      await until(() => live.headers[1] !== old)
      expect([asked(), room.server.reused, room.ownerOf(live)]).toEqual([1, 0, `user:${ada.id}`])
    })

    test('what was ended while it was renewed is not made again, and what came for it is given back', async () => {
      await room.connect(setup, ownerOfUser(ada.id))
      await own()
      const { promise, resolve: answer } = Promise.withResolvers<void>()
      room.server.mayAnswer = promise
      room.clock.move(HOUR)
      const waiting = thrown(own)
      await until(() => asked() === 1)
      const { store } = room
      await store.write((trx) => deleteConnections(store, trx, SEALER, { owner: ownerOfUser(ada.id) }))
      answer()
      expect(await waiting).toBeInstanceOf(ConnectionNeeded)
      expect(await room.row(setup, ownerOfUser(ada.id))).toBeUndefined()
      expect(room.server.revoked).toHaveLength(1)
    })

    test('what is under way when the portal closes is stored before it has closed', async () => {
      await room.connect(setup, ownerOfUser(ada.id))
      await own()
      const { promise, resolve: answer } = Promise.withResolvers<void>()
      room.server.mayAnswer = promise
      room.clock.move(HOUR)
      const waiting = own()
      await until(() => asked() === 1)
      const closing = room.keeper.close()
      answer()
      await closing
      expect((await room.row(setup, ownerOfUser(ada.id)))?.record.version).toBe(2)
      await waiting
    })

    test('a deleted registration is made anew, and the refresh tokens of the old one are not shown with it', async () => {
      await room.connect(setup, ownerOfUser(ada.id))
      const registered = room.server.counts.register ?? 0
      room.server.forgetClients()
      room.clock.move(HOUR)
      expect(await thrown(own)).toMatchObject({ need: 'reconnect' })
      expect(room.server.counts.register).toBe(registered + 1)
      expect(asked()).toBe(1)
      expect(room.keeper.own(setup.record.uid, ada)).toMatchObject({ reason: 'client-gone' })
      // Whoever connects now is known there.
      await room.connect(setup, ownerOfUser(ada.id))
      room.clock.move(HOUR)
      expect(room.ownerOf(await own())).toBe(`user:${ada.id}`)
    })

    // [C4]
    test('a server that names another authorization server gets neither tokens nor client of the old one sent there', async () => {
      await room.connect(setup, ownerOfUser(ada.id))
      const live = await own()
      const { startTokenServer } = await import('../../../test/support/token-server.ts')
      const evil = await startTokenServer()
      try {
        room.server.movedTo = evil.issuer
        // The upstream refuses the token, so that the portal finds out anew where to renew it.
        expect(await thrown(() => live.refused(UNAUTHORIZED, live.headers))).toMatchObject({ need: 'reconnect' })
        expect([evil.requests, evil.revoked, asked()]).toEqual([[], [], 0])
        expect(room.keeper.own(setup.record.uid, ada)).toMatchObject({ status: 'needs_reauth', reason: 'moved' })
      } finally {
        await evil.close()
      }
    })

    test('what expires and cannot be renewed needs its person when it has', async () => {
      await room.connect(setup, ownerOfUser(ada.id), { refresh: false })
      room.clock.move(0.9 * HOUR)
      await own()
      room.clock.move(0.2 * HOUR)
      expect(await thrown(own)).toMatchObject({ need: 'reconnect' })
      expect(room.keeper.own(setup.record.uid, ada)).toMatchObject({ status: 'needs_reauth', reason: 'expired' })
    })

    test('while another process holds the lease, a living token is used after a moment', async () => {
      const { id } = await room.connect(setup, ownerOfUser(ada.id))
      await takeLease(room.store, `connection/${id}`, 'somebody else', HOUR)
      room.clock.move(0.9 * HOUR)
      expect(room.ownerOf(await own())).toBe(`user:${ada.id}`)
      expect(asked()).toBe(0)
    })
  })

  describe('too few rights', () => {
    const CHALLENGE = { status: 403, error: 'insufficient_scope', scope: 'write', resourceMetadata: null } as const

    test('of a person’s own are asked of that person, with what there was', async () => {
      await room.connect(setup, ownerOfUser(ada.id))
      const live = await own()
      expect(await thrown(() => live.refused(CHALLENGE, live.headers))).toMatchObject({
        need: 'more-scope',
        scope: 'read write',
      })
      // A server that names what it was shown as a scope does not have it shown to others.
      const echoed = { ...CHALLENGE, scope: `write ${live.secrets.join(' ')}` }
      expect(live.secrets).toHaveLength(2)
      expect(await thrown(() => live.refused(echoed, live.headers))).toMatchObject({ scope: 'read write' })
      expect((await own()).isFresh).toBe(true)
    })

    test('of the shared one are told to admins, once, and the credential stays in use', async () => {
      await room.connect(setup, 'admin')
      const live = await shared()
      for (let i = 0; i < 2; i++)
        expect(await thrown(() => live.refused(CHALLENGE, live.headers))).toBeInstanceOf(Trouble)
      expect(room.events).toMatchObject([{ type: 'connection.needs_reauth', reason: 'scope', owner: 'admin' }])
      expect(room.ownerOf(await shared())).toBe('admin')
    })
  })

  // [D2]
  test('tokens that were moved to another row, or put back from an older copy, are not believed, and admins hear of it', async () => {
    const bob = await room.person('bob')
    await room.connect(setup, ownerOfUser(ada.id))
    await room.connect(setup, ownerOfUser(bob.id))
    const { db } = room.store
    const rows = await db.selectFrom('connections').selectAll().orderBy('id').execute()
    const [one, other] = rows
    await db
      .updateTable('connections')
      .set({ tokens_sealed: other?.tokens_sealed ?? '' })
      .where('id', '=', one?.id ?? '')
      .execute()
    await db
      .updateTable('connections')
      .set({ version: 2 })
      .where('id', '=', other?.id ?? '')
      .execute()
    for (const who of [ada, bob]) {
      expect(await thrown(() => own(who))).toMatchObject({ need: 'reconnect' })
      expect(room.keeper.own(setup.record.uid, who)).toMatchObject({ status: 'needs_reauth', reason: 'unsealed' })
    }
    expect(room.events.map(({ type, owner, reason }) => [type, owner, reason])).toEqual([
      ['connection.needs_reauth', 'user', 'unsealed'],
      ['connection.needs_reauth', 'user', 'unsealed'],
    ])
  })

  test('whoever waits for a connection hears when it is made, and not of another one', async () => {
    const bob = await room.person('bob')
    const stop = new AbortController()
    const heard = room.keeper.changed(setup.record.uid, ownerOfUser(ada.id), stop.signal)
    const unheard = thrown(() => room.keeper.changed(setup.record.uid, ownerOfUser(bob.id), stop.signal))
    await room.keeper.readOwn(bob)
    await room.keeper.readOwn(ada)
    await room.connect(setup, ownerOfUser(ada.id))
    await heard
    expect(room.keeper.own(setup.record.uid, ada)).toMatchObject({ status: 'ready' })
    stop.abort(new Error('enough'))
    expect(await unheard).toMatchObject({ message: 'enough' })
    expect(room.keeper.own(setup.record.uid, bob)).toBeNull()
  })
})

describe('two processes on one database', () => {
  beforeEach(async () => {
    room = await openKeeperRoom('postgres')
    setup = await room.add('ledger', 'browser')
    ada = await room.person('ada')
  })
  afterEach(() => room.end())

  // [C7]
  test('eight calls at once on each, at its end, are one request, and no refresh token is shown twice', async () => {
    const other = await room.replica()
    await room.connect(setup, ownerOfUser(ada.id))
    await own()
    await other.keeper.resolve(setup, ada, true)
    room.server.delayMs = 300
    for (let round = 1; round <= 3; round++) {
      room.clock.move(HOUR)
      const keepers = [room.keeper, other.keeper]
      const all = await Promise.all(
        Array.from({ length: 16 }, async (_, i) => keepers[i % 2]?.resolve(setup, ada, true)),
      )
      expect([asked(), room.server.reused]).toEqual([round, 0])
      expect(all.map((one) => one && room.ownerOf(one))).toEqual(Array(16).fill(`user:${ada.id}`))
    }
    expect((await room.row(setup, ownerOfUser(ada.id)))?.record.version).toBe(4)
  })

  test('what ends on one is of no use on the other within a second or so', async () => {
    const other = await room.replica()
    await room.connect(setup, ownerOfUser(ada.id))
    const there = await other.keeper.resolve(setup, ada, true)
    const { store } = room
    await store.write((trx) => deleteConnections(store, trx, SEALER, { owner: ownerOfUser(ada.id) }))
    await until(() => !there.isFresh)
    expect(there.headers).toEqual([])
    expect(await thrown(() => other.keeper.resolve(setup, ada, true))).toMatchObject({ need: 'connect' })
  })

  test('the server tells of trouble once, however many processes meet it', async () => {
    const other = await room.replica()
    await room.connect(setup, 'admin')
    await shared()
    await other.keeper.resolve(setup, ada, false)
    room.server.revokeGrant('admin')
    room.clock.move(HOUR)
    const outcomes = await Promise.all([thrown(shared), thrown(() => other.keeper.resolve(setup, ada, false))])
    for (const one of outcomes) expect(one).toBeInstanceOf(Trouble)
    expect([...room.events, ...other.events].map(({ type }) => type)).toEqual(['connection.needs_reauth'])
    expect(await room.authenticationStatus(setup)).toBe('stale')
  })
})

/** Waits for what another party does in its own time. */
async function until(isSo: () => boolean): Promise<void> {
  for (let left = 6000; left > 0 && !isSo(); left--) await new Promise((resolve) => setTimeout(resolve, 10))
  if (!isSo()) throw new Error('it did not come')
}
