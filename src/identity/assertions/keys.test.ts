/** Keys over their lives, on both databases and over two replicas; what they signed is verified by a library of its own. */
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS, freshStore, type TestStore } from '../../../test/databases.ts'
import { silentLog } from '../../base/log.ts'
import { keyRing, openSealer } from '../../base/secret.ts'
import type { Store } from '../../store/open.ts'
import { OVERLAP_MS, openSigningKeys, replaceSigningKey, SETTLE_MS, type SigningKeys } from './keys.ts'

const DAY = 24 * 3_600_000
const sealer = openSealer(keyRing([Buffer.alloc(32, 3)]), 'store')

describe.each(DATABASE_KINDS)('signing keys on %s', (kind) => {
  let now = Date.now()
  const clock = { now: () => now, elapsed: () => now }
  let at: TestStore
  const opened: SigningKeys[] = []

  const open = async (store: Store) => {
    const keys = await openSigningKeys({ store, sealer, clock, log: silentLog, rotation: () => 42 * DAY })
    opened.push(keys)
    return keys
  }
  const kidOf = async (keys: SigningKeys) => decodeProtectedHeader(await keys.sign({ sub: 'x' })).kid
  const verify = (token: string, keys: SigningKeys) =>
    jwtVerify(token, createLocalJWKSet({ keys: [...keys.published()] }), { algorithms: ['RS256'] })

  beforeEach(async () => {
    now = Date.now()
    at = await freshStore(kind, clock)
  })
  afterEach(async () => {
    for (const keys of opened.splice(0)) keys.close()
    await at.end()
  })

  test('there is none until one is needed, and then one for all who need it at once', async () => {
    const keys = await open(at.store)
    expect(keys.published()).toEqual([])
    const tokens = await Promise.all([keys.sign({ sub: 'a' }), keys.sign({ sub: 'b' }), keys.sign({ sub: 'c' })])
    expect(keys.published()).toHaveLength(1)
    for (const token of tokens) expect((await verify(token, keys)).protectedHeader).toMatchObject({ alg: 'RS256' })
  })

  test('a new key is published before it signs, and what the old one signed is verified for a week more', async () => {
    const keys = await open(at.store)
    const old = await keys.sign({ sub: 'a', exp: Math.floor(now / 1000) + 40 * 86_400 })
    const oldKid = decodeProtectedHeader(old).kid
    now += DAY
    await replaceSigningKey({ store: at.store, sealer }, () => true)
    expect(keys.published()).toHaveLength(2)
    expect(await kidOf(keys)).toBe(oldKid)
    now += SETTLE_MS
    expect(await kidOf(keys)).not.toBe(oldKid)
    now += OVERLAP_MS - 1
    expect((await verify(old, keys)).payload.sub).toBe('a')
    now += 1
    await expect(verify(old, keys)).rejects.toThrow('no applicable key')
    await keys.upkeep()
    now += 1
    await keys.upkeep()
    expect(await at.store.db.selectFrom('signing_keys').select('kid').execute()).toHaveLength(1)
  })

  test('upkeep replaces a key when its time has come, and only then', async () => {
    const keys = await open(at.store)
    const first = await kidOf(keys)
    now += 42 * DAY - 1
    await keys.upkeep()
    expect(keys.published()).toHaveLength(1)
    now += 1
    await keys.upkeep()
    await keys.upkeep()
    expect(keys.published()).toHaveLength(2)
    now += SETTLE_MS
    expect(await kidOf(keys)).not.toBe(first)
  })

  test('at rest, the private part is sealed under the key that it belongs to', async () => {
    const keys = await open(at.store)
    await keys.sign({ sub: 'a' })
    const [row] = await at.store.db.selectFrom('signing_keys').selectAll().execute()
    expect(JSON.stringify(row)).not.toMatch(/"(?:d|p|q|dp|dq|qi)\\?"/)
    expect(Object.keys(keys.published()[0] ?? {}).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use'])
    await at.store.db.updateTable('signing_keys').set({ kid: 'another' }).execute()
    const moved = await open(at.store)
    await expect(moved.sign({ sub: 'a' })).rejects.toThrow('does not open')
  })

  if (kind === 'postgres') {
    test('two replicas that need the first key at once make one, and each verifies what the other signs', async () => {
      const other = await at.again()
      const [one, two] = [await open(at.store), await open(other)]
      const [a, b] = await Promise.all([one.sign({ sub: 'a' }), two.sign({ sub: 'b' })])
      await Promise.all([at.store.versions.announce(), other.versions.announce()])
      expect(one.published()).toEqual(two.published())
      expect(one.published()).toHaveLength(1)
      expect((await verify(a, two)).payload.sub).toBe('a')
      expect((await verify(b, one)).payload.sub).toBe('b')
      now += 42 * DAY
      await Promise.all([one.upkeep(), two.upkeep()])
      await Promise.all([at.store.versions.announce(), other.versions.announce()])
      expect(one.published()).toHaveLength(2)
      expect(two.published()).toEqual(one.published())
      await other.close()
    })
  }
})
