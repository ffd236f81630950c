/** A provider vouches for its people at other authorization servers, for as long as it stands by them. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { DATABASE_KINDS } from '../../../test/databases.ts'
import {
  CLIENT_ID,
  CLIENT_SECRET,
  ISSUER,
  openProviderRoom,
  type ProviderRoom,
} from '../../../test/support/provider/room.ts'
import { type RunningProvider, startProvider } from '../../../test/support/provider/start.ts'
import type { GrantId } from '../../base/ids.ts'
import type { UserPrincipal } from '../../base/principal.ts'
import { readIdentity, takeRecheck } from '../identity-store.ts'
import { claimsIn } from './claims-in.ts'
import type { Came } from './providers.ts'

const MINUTES = 60_000
const WISH = { provider: null, audience: 'https://as.test', resource: 'https://mcp.test/mcp', scope: 'read' }
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'

let provider: RunningProvider
let room: ProviderRoom
let id: string
let bob: UserPrincipal
let identityId: string
let came: Came

beforeAll(async () => {
  provider = await startProvider()
})
afterAll(() => provider.stop())

const asked = async () => (await provider.counts())['/token'] ?? 0
const word = (wish: Partial<typeof WISH> | { provider: string } = {}) =>
  room.providers.assertionFor(bob, { ...WISH, ...wish })

describe.each(DATABASE_KINDS)('on %s', (kind) => {
  beforeEach(async () => {
    room = await openProviderRoom(kind)
    id = await room.connect(provider)
    await provider.addClient({
      ...{ client_id: CLIENT_ID, client_secret: CLIENT_SECRET },
      redirect_uris: [`${ISSUER}/sign-in/to/${id}/callback`],
      more: { grant_types: ['authorization_code', 'refresh_token', EXCHANGE] },
    })
    await provider.account('bob', { claims: { email: 'bob@acme.test', email_verified: true, name: 'Bob' } })
    came = await room.signIn(id, 'bob')
    if (came.kind !== 'signed-in') throw new Error(came.kind)
    identityId = came.identityId
    const identity = (await readIdentity(room.store.db, identityId)) ?? null
    bob = { kind: 'user', id: came.userId, email: null, label: 'Bob', grant: 'g' as GrantId, identity }
  })
  afterEach(async () => {
    await provider.mode('good')
    await provider.gone()
    await room.end()
  })

  test('with an assertion made out to that authorization server, for that resource and no more scope', async () => {
    expect(claimsIn(await word())).toMatchObject({
      ...{ iss: provider.issuer, sub: 'bob', aud: WISH.audience, resource: WISH.resource, scope: 'read' },
    })
  })

  test('after its ID token has ended, with a newer one, which is asked for once however many want it', async () => {
    await word()
    const before = await asked()
    room.clock.move(9.5 * MINUTES)
    const all = await Promise.all(Array.from({ length: 4 }, () => word()))
    expect(all.map((one) => claimsIn(one).sub)).toEqual(['bob', 'bob', 'bob', 'bob'])
    // One renewal and four exchanges.
    expect(await asked()).toBe(before + 5)
    // The refresh token that came is the one that is kept.
    room.clock.move(10 * MINUTES)
    expect(await room.providers.recheck(identityId)).toBe('still')
  })

  test('not by a refresh token that another process may be showing at this moment', async () => {
    room.clock.move(9.5 * MINUTES)
    const { store } = room
    const record = await readIdentity(store.db, identityId)
    await store.write((trx) => takeRecheck(store, trx, identityId, record?.checkedAt ?? 0))
    const before = await asked()
    // A look asks twice what time it is: when it does so for the sixth time, it has waited and looked again, and waited once more.
    const looked = vi.spyOn(room.clock, 'now')
    const waiting = word()
    await vi.waitUntil(() => looked.mock.calls.length > 5, { timeout: 60_000 })
    expect(await asked()).toBe(before)
    looked.mockRestore()
    // The other one is dead, as its time tells.
    room.clock.move(1 * MINUTES)
    expect(claimsIn(await waiting).sub).toBe('bob')
  })

  test('never for who is gone there, whose sessions end with it', async () => {
    await provider.gone('bob')
    await expect(word()).rejects.toMatchObject({ name: 'IdentityAssertionTrouble', kind: 'gone' })
    room.clock.move(9.5 * MINUTES)
    await expect(word()).rejects.toMatchObject({ kind: 'gone' })
    await expect(room.who(came)).rejects.toThrow('no session')
  })

  test('nor where it will not, does not answer, or is not the one that the person signed in through', async () => {
    await provider.mode('no-word')
    await expect(word()).rejects.toMatchObject({ kind: 'refused' })
    await provider.mode('down')
    await expect(word()).rejects.toMatchObject({ kind: 'unreachable' })
    await provider.mode('good')
    await expect(word({ provider: 'another' })).rejects.toMatchObject({ kind: 'gone' })
    const stranger = { ...bob, id: 'somebody-else' as UserPrincipal['id'] }
    await expect(room.providers.assertionFor(stranger, WISH)).rejects.toMatchObject({ kind: 'gone' })
  })
})
