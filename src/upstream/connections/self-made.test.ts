/** Connections that the portal makes by itself, and those that it looks after while nobody uses them. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS } from '../../../test/databases.ts'
import { BOT, type KeeperRoom, openKeeperRoom, SEALER } from '../../../test/support/keeper-room.ts'
import { IdentityAssertionTrouble } from '../../base/identity-assertion.ts'
import type { UserPrincipal } from '../../base/principal.ts'
import type { WrittenOauth } from '../../contract/credentials.ts'
import { readServer, updateServer } from '../server-store.ts'
import { Trouble } from '../trouble.ts'
import { ownerOfUser } from './connection-store.ts'
import { forgetConnections } from './forget-connections-store.ts'
import type { ConnectionRecord } from './model.ts'
import type { KeptServer } from './resolve.ts'
import { warningAt } from './upkeep.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const MACHINE: WrittenOauth = {
  auth_mode: 'client_credentials',
  registration_info: { client_id: 'portal', scope: 'read', token_endpoint_auth_method: 'client_secret_basic' },
}
const ENTERPRISE: WrittenOauth = {
  auth_mode: 'enterprise',
  registration_info: { client_id: 'portal', token_endpoint_auth_method: 'client_secret_basic' },
}

let room: KeeperRoom
let setup: KeptServer
let ada: UserPrincipal
/** What the identity provider does. */
let vouching: 'vouches' | IdentityAssertionTrouble['kind'] = 'vouches'

const asked = (grant: string) => room.server.counts[grant] ?? 0
const types = () => room.events.map(({ type, reason }) => [type, reason])

async function thrown(work: () => unknown): Promise<unknown> {
  try {
    await work()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

const UNAUTHORIZED = { status: 401, error: 'invalid_token', scope: null, resourceMetadata: null } as const

/** What an admin writes down instead, by the API or by the file. */
async function rewrite(written: WrittenOauth): Promise<void> {
  const { store } = room
  await store.write(async (trx) => {
    const content = await readServer(trx, setup.record.id)
    if (content === undefined) throw new Error('no server')
    const change = { content, secrets: { authCredentials: JSON.stringify(written) } }
    await updateServer(store, trx, setup.record.uid, {
      change,
      author: { label: 'root', origin: 'api' },
      sealer: SEALER,
    })
    await forgetConnections(store, trx, SEALER, setup.record.uid)
  })
}

/** Waits for what another party does in its own time. */
async function until(isSo: () => boolean): Promise<void> {
  for (let left = 6000; left > 0 && !isSo(); left--) await new Promise((resolve) => setTimeout(resolve, 10))
  if (!isSo()) throw new Error('it did not come')
}

describe.each(DATABASE_KINDS)('on %s', (kind) => {
  beforeEach(async () => {
    vouching = 'vouches'
    room = await openKeeperRoom(kind, {
      assertionFor: async (principal, { audience }) => {
        if (vouching !== 'vouches') throw new IdentityAssertionTrouble(vouching, 'as the test has it')
        return `${principal.identity?.subject} at ${audience}`
      },
    })
    ada = await room.person('ada')
  })
  afterEach(() => room.end())

  test('the machine’s own is made when it is first needed, once for all, shared by all, and renewed by itself', async () => {
    setup = await room.add('ledger', 'machine', MACHINE)
    const all = await Promise.all([ada, BOT, null, ada].map(async (who) => room.keeper.resolve(setup, who, false)))
    expect(new Set(all).size).toBe(1)
    expect(asked('client_credentials')).toBe(1)
    const form = room.server.requests[0]
    expect([form?.get('resource'), form?.get('scope')]).toEqual([room.server.url.href, 'read'])
    const [live] = all
    expect(live && room.ownerOf(live)).toBe('machine of portal')
    expect(live).toMatchObject({ inventory: 'admin', name: `machine:${live?.poolKey}:ready` })
    expect(await room.authenticationStatus(setup)).toBe('connected')
    room.clock.move(0.9 * HOUR)
    await room.keeper.upkeep()
    expect(asked('client_credentials')).toBe(2)
    expect(await room.keeper.ofOwner(setup, 'admin')).toBe(live)
    expect(await thrown(() => room.keeper.resolve(setup, ada, true))).toBeInstanceOf(Trouble)
  })

  test('an enterprise’s own is each person’s, made on the word of their provider, and nobody else’s', async () => {
    setup = await room.add('ledger', 'enterprise', ENTERPRISE)
    const live = await room.keeper.resolve(setup, ada, false)
    expect(room.ownerOf(live)).toBe(`ada at ${room.server.issuer}`)
    expect(live.name).toBe(`enterprise:user:${live.poolKey}:ready`)
    expect(await room.keeper.resolve(setup, ada, true)).toBe(live)
    expect((await room.row(setup, ownerOfUser(ada.id)))?.record.hasRefreshToken).toBe(false)
    expect(await thrown(() => room.keeper.resolve(setup, BOT, false))).toMatchObject({ kind: 'not-ready' })
    expect(await thrown(() => room.keeper.ofOwner(setup, 'admin'))).toMatchObject({ kind: 'not-ready' })
    room.clock.move(HOUR)
    await room.keeper.resolve(setup, ada, false)
    expect(asked('jwt-bearer')).toBe(2)
  })

  test('whom their provider does not vouch for any more loses it, and has it again when it does', async () => {
    setup = await room.add('ledger', 'enterprise', ENTERPRISE)
    vouching = 'gone'
    expect(await thrown(() => room.keeper.resolve(setup, ada, false))).toMatchObject({ kind: 'not-ready' })
    vouching = 'vouches'
    room.clock.move(60_000)
    const live = await room.keeper.resolve(setup, ada, false)
    vouching = 'refused'
    room.clock.move(HOUR)
    const error = await thrown(() => room.keeper.resolve(setup, ada, false))
    expect((error as Trouble).hint).toContain('does not vouch for you')
    expect(live.headers).toEqual([])
    expect(room.keeper.own(setup.record.uid, ada)).toMatchObject({ status: 'needs_reauth', reason: 'identity' })
    expect(asked('jwt-bearer')).toBe(1)
    vouching = 'vouches'
    room.clock.move(60_000)
    expect(room.ownerOf(await room.keeper.resolve(setup, ada, false))).toBe(`ada at ${room.server.issuer}`)
    expect(room.events).toEqual([])
  })

  // [C11]
  test('what came for a client that an admin has replaced meanwhile is kept for nobody', async () => {
    setup = await room.add('ledger', 'machine', MACHINE)
    const { promise, resolve: answer } = Promise.withResolvers<void>()
    room.server.mayAnswer = promise
    const waiting = thrown(() => room.keeper.resolve(setup, ada, false))
    await until(() => asked('client_credentials') === 1)
    await rewrite({ ...MACHINE, registration_info: { ...MACHINE.registration_info, client_id: 'another' } })
    answer()
    expect(await waiting).toMatchObject({ kind: 'not-ready' })
    expect(await room.row(setup, 'machine')).toBeUndefined()
  })

  // [C8]
  test('a sign-in by which nobody vouches, or by another provider than the server wants, has no use of it', async () => {
    setup = await room.add('ledger', 'enterprise', { ...ENTERPRISE, config: { identity_provider: 'p' } })
    await room.keeper.resolve(setup, ada, false)
    const identity = ada.identity && { ...ada.identity, provider: 'another' }
    for (const who of [
      { ...ada, identity: null },
      { ...ada, identity },
    ]) {
      const error = await thrown(() => room.keeper.resolve(setup, who, false))
      expect((error as Trouble).hint).toContain('does not vouch for you')
    }
    expect(room.keeper.own(setup.record.uid, ada)).toMatchObject({ status: 'ready' })
  })

  test('a server that refuses the portal however often it asks is not asked again and again, nor admins told', async () => {
    setup = await room.add('ledger', 'machine', MACHINE)
    for (let call = 0; call < 10; call++) {
      const live = await (async () => room.keeper.resolve(setup, ada, false))().catch(() => null)
      if (live === null) continue
      for (let refusal = 0; refusal < 2; refusal++) await live.refused(UNAUTHORIZED, live.headers).catch(() => {})
    }
    expect(asked('client_credentials')).toBe(2)
    expect(types()).toEqual([['connection.needs_reauth', 'refused']])
    room.clock.move(60_000)
    expect(room.ownerOf(await room.keeper.resolve(setup, ada, false))).toBe('machine of portal')
  })

  describe('upkeep', () => {
    beforeEach(async () => {
      setup = await room.add('ledger', 'browser')
    })

    test('renews a shared connection that nobody uses, and leaves people’s alone', async () => {
      await room.connect(setup, 'admin')
      await room.connect(setup, ownerOfUser(ada.id))
      await room.keeper.upkeep()
      expect(asked('refresh_token')).toBe(0)
      room.clock.move(0.9 * HOUR)
      await room.keeper.upkeep()
      expect(asked('refresh_token')).toBe(1)
      expect((await room.row(setup, 'admin'))?.record.version).toBe(2)
      expect(types()).toEqual([])
    })

    test('tells once that one will end which nobody can renew, that it has, and that it is good again', async () => {
      await room.connect(setup, 'admin', { refresh: false, seconds: 30 * 24 * 3600 })
      room.clock.move(23.5 * DAY)
      await room.keeper.upkeep()
      expect(types()).toEqual([])
      room.clock.move(1 * DAY)
      for (let i = 0; i < 2; i++) await room.keeper.upkeep()
      expect(types()).toEqual([['connection.expiring', null]])
      room.clock.move(7 * DAY)
      for (let i = 0; i < 2; i++) await room.keeper.upkeep()
      expect(types().slice(1)).toEqual([['connection.needs_reauth', 'expired']])
      expect(await room.authenticationStatus(setup)).toBe('stale')
      room.clock.move(1000)
      await room.connect(setup, 'admin')
      expect(await room.authenticationStatus(setup)).toBe('connected')
      for (let i = 0; i < 2; i++) await room.keeper.upkeep()
      expect(types().slice(2)).toEqual([['connection.ready', null]])
    })

    test('tells that a renewal fails while there is time, that it died of it, and that it mended itself', async () => {
      await room.connect(setup, 'admin')
      room.server.failure = { status: 503, error: 'server_error' }
      room.clock.move(0.86 * HOUR)
      for (let i = 0; i < 4; i++) {
        await room.keeper.upkeep()
        room.clock.move(60_000)
      }
      expect(types()).toEqual([['connection.failing', null]])
      room.clock.move(0.2 * HOUR)
      await room.keeper.upkeep()
      expect(types().slice(1)).toEqual([['connection.needs_reauth', 'unreachable']])
      room.server.failure = null
      room.clock.move(10 * 60_000)
      for (let i = 0; i < 2; i++) await room.keeper.upkeep()
      expect(types().slice(2)).toEqual([['connection.ready', null]])
    })
  })
})

describe('admins are told of an end', () => {
  const cases = [
    { life: 90 * DAY, before: 7 * DAY, when: 'a week before it, of a long life' },
    { life: 10 * DAY, before: 2 * DAY, when: 'a fifth of a shorter life before it' },
    { life: 2 * HOUR, before: HOUR, when: 'an hour before it at the latest' },
  ]
  for (const { life, before, when } of cases) {
    test(when, () => {
      const record = { kind: 'oauth', hasRefreshToken: false, createdAt: 0, refreshedAt: 0, expiresAt: life }
      expect(warningAt(record as ConnectionRecord)).toBe(life - before)
    })
  }
})
