import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DATABASE_KINDS, freshStore, type TestStore } from '../../../test/databases.ts'
import { TEST_KEYS } from '../../../test/keys.ts'
import { type Clock, systemClock } from '../../base/clock.ts'
import type { GrantId, PortalUid, UserId } from '../../base/ids.ts'
import { digest, openSealer } from '../../base/secret.ts'
import { insertGrant, readGrant, revokeGrants } from '../grant-store.ts'
import { makeAdapters, REFRESH_LEEWAY_MS } from './artifact-store.ts'
import type { Adapter } from './library.ts'

const unused = {} as Adapter

describe.each(DATABASE_KINDS)('what the authorization server keeps, in %s', (kind) => {
  let at: TestStore
  let adapter: (model: string) => Adapter
  let grants = 0
  const clock: Clock & { ahead: number } = {
    ...systemClock,
    ahead: 0,
    now: () => systemClock.now() + clock.ahead,
  }

  beforeAll(async () => {
    at = await freshStore(kind, clock)
    adapter = makeAdapters({ store: at.store, sealer: openSealer(TEST_KEYS, 'store'), clients: unused })
    const { db } = at.store
    await db.insertInto('users').values({ id: 'u', email: 'a@b.c', created_at: 1, last_seen_at: null }).execute()
    await db
      .insertInto('portals')
      .values({
        ...{
          uid: 'p',
          id: 'default',
          hostname: 'localhost',
          name: 'P',
          description: null,
          code_mode: 'off' as const,
          optimize_context: 'off' as const,
        },
        ...{ secure_web_gateway: 0, policies: '[]', position: 1, origin: 'api' as const },
        ...{ created_at: 1, created_by: 'x', modified_at: 1, modified_by: 'x' },
      })
      .execute()
    const facts = { groups: null, amr: '[]', claims: '{}', id_token_sealed: null, refresh_token_sealed: null }
    const identity = { id: 'i', user_id: 'u', provider_id: 'local', issuer: 'l', subject: 'u', email: null, ...facts }
    await db
      .insertInto('identities')
      .values({ ...identity, signed_in_at: 1, checked_at: 1 })
      .execute()
  })
  afterAll(() => at?.end())

  async function grant(): Promise<GrantId> {
    const id = `g${grants++}` as GrantId
    const made = { userId: 'u' as UserId, identityId: 'i', portalUid: 'p' as PortalUid, clientId: 'c', clientName: 'C' }
    await at.store.write((trx) => insertGrant(at.store, trx, { id, ...made, redirectUri: null, resource: 'r' }))
    return id
  }

  /** As if that much time had gone by, for whoever keeps the time: the database, or the one process that there is. */
  async function age(token: string, ms: number): Promise<void> {
    const key = `RefreshToken:${digest(token)}`
    const { db } = at.store
    const row = await db
      .selectFrom('oauth_artifacts')
      .select('consumed_at')
      .where('key', '=', key)
      .executeTakeFirstOrThrow()
    await db
      .updateTable('oauth_artifacts')
      .set({ consumed_at: Number(row.consumed_at) - ms })
      .where('key', '=', key)
      .execute()
  }

  test('a refresh token looks unused for the leeway after its use, and used from then on', async () => {
    const tokens = adapter('RefreshToken')
    await tokens.upsert('first', { grantId: await grant(), jti: 'first' }, 1000)
    expect(await tokens.find('first')).toMatchObject({ jti: 'first' })
    await tokens.consume('first')
    expect((await tokens.find('first'))?.consumed).toBeUndefined()
    await age('first', REFRESH_LEEWAY_MS - 5000)
    expect((await tokens.find('first'))?.consumed).toBeUndefined()
    await age('first', 5001)
    expect((await tokens.find('first'))?.consumed).toEqual(expect.any(Number))
  })

  test('using a refresh token again does not begin its leeway anew', async () => {
    const tokens = adapter('RefreshToken')
    await tokens.upsert('again', { grantId: await grant(), jti: 'again' }, 1000)
    await tokens.consume('again')
    await age('again', REFRESH_LEEWAY_MS - 1000)
    await tokens.consume('again')
    await age('again', 1001)
    expect((await tokens.find('again'))?.consumed).toEqual(expect.any(Number))
  })

  test('a successor that is there stays as it is, its use included', async () => {
    const tokens = adapter('RefreshToken')
    const grantId = await grant()
    await tokens.upsert('next', { grantId, jti: 'next', scope: 'first' }, 1000)
    await tokens.consume('next')
    await tokens.upsert('next', { grantId, jti: 'next', scope: 'second' }, 1000)
    await age('next', REFRESH_LEEWAY_MS + 1)
    expect(await tokens.find('next')).toMatchObject({ scope: 'first', consumed: expect.any(Number) })
  })

  test('what hangs on a grant is gone with it, and nothing can be hung on it any more', async () => {
    const id = await grant()
    const [refresh, access, own] = [adapter('RefreshToken'), adapter('AccessToken'), adapter('Grant')]
    await own.upsert(id, { jti: id }, 1000)
    await refresh.upsert('r1', { grantId: id, jti: 'r1' }, 1000)
    await access.upsert('a1', { grantId: id, exp: Math.floor(clock.now() / 1000) + 900, clientId: 'c' })
    expect(await access.find('a1')).toMatchObject({ grantId: id, accountId: 'u', clientId: 'c' })
    await at.store.write((trx) => revokeGrants(at.store, trx, { id }, 'revoked'))
    await refresh.upsert('r2', { grantId: id, jti: 'r2' }, 1000)
    for (const token of ['r1', 'r2']) expect(await refresh.find(token)).toBeUndefined()
    expect(await own.find(id)).toBeUndefined()
    expect(await access.find('a1')).toBeUndefined()
    await expect(access.upsert('a2', { grantId: id, exp: 2_000_000_000 })).rejects.toThrow()
  })

  test.each(['AuthorizationCode', 'DeviceCode'])(
    'a code that two consume at the same time ends its grant: %s',
    async (model) => {
      const codes = adapter(model)
      const grantId = await grant()
      await codes.upsert('code', { grantId, jti: 'code' }, 60)
      const done = await Promise.allSettled([codes.consume('code'), codes.consume('code')])
      expect(done.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
      expect(await readGrant(at.store.db, grantId)).toMatchObject({ revokedWhy: 'replayed' })
    },
  )

  test('nothing is kept by which it could be shown again', async () => {
    await adapter('AuthorizationCode').upsert(
      'very-secret-code',
      { grantId: await grant(), jti: 'very-secret-code' },
      60,
    )
    const rows = JSON.stringify(await at.store.db.selectFrom('oauth_artifacts').selectAll().execute())
    expect(rows).not.toContain('very-secret-code')
  })

  test('no account is kept in the thread between the two halves of an authorization', async () => {
    const sessions = adapter('Session')
    await sessions.upsert('s', { jti: 's', uid: 'x', accountId: 'u', authorizations: { c: {} } }, 600)
    expect(await sessions.findByUid('x')).toEqual({ jti: 's', uid: 'x' })
  })

  test('what is over is not found', async () => {
    await adapter('Interaction').upsert('old', { jti: 'old' }, 600)
    clock.ahead += 600_001
    expect(await adapter('Interaction').find('old')).toBeUndefined()
    clock.ahead = 0
  })
})
