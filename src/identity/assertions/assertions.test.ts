import { decodeJwt } from 'jose'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freshStore, type TestStore } from '../../../test/databases.ts'
import { person } from '../../../test/upstream-room.ts'
import type { ServerUid } from '../../base/ids.ts'
import { silentLog } from '../../base/log.ts'
import { keyRing, openSealer } from '../../base/secret.ts'
import { type Assert, openAssertions } from './assertions.ts'
import { openSigningKeys, type SigningKeys } from './keys.ts'

const LEDGER = { uid: 'srv-ledger' as ServerUid, claims: [] }
const ECHO = { uid: 'srv-echo' as ServerUid, claims: [] }

let now = Date.now()
let at: TestStore
let keys: SigningKeys
let signed = 0
let broken = false
let assert: Assert

beforeEach(async () => {
  const clock = { now: () => now, elapsed: () => now }
  at = await freshStore('sqlite', clock)
  const sealer = openSealer(keyRing([Buffer.alloc(32, 3)]), 'store')
  keys = await openSigningKeys({ store: at.store, sealer, clock, log: silentLog, rotation: () => 1e12 })
  signed = 0
  broken = false
  const counting = {
    sign(claims: Parameters<SigningKeys['sign']>[0]) {
      signed++
      return broken ? Promise.reject(new Error('no key')) : keys.sign(claims)
    },
  }
  assert = openAssertions({ keys: counting, clock, issuer: () => 'https://portal.test' })
})
afterEach(async () => {
  keys.close()
  await at.end()
})

test('a statement is signed once for those who ask at once, and found without waiting until most of its life is over', async () => {
  const ada = person('ada')
  const [one, two] = await Promise.all([assert(ada, LEDGER), assert(ada, LEDGER)])
  expect([two, signed]).toEqual([one, 1])
  expect(assert(ada, LEDGER)).toBe(one)
  now += 239_000
  expect(assert(ada, LEDGER)).toBe(one)
  now += 1_000
  const next = await assert(ada, LEDGER)
  expect(signed).toBe(2)
  expect(decodeJwt(next).exp).toBe((decodeJwt(one).exp ?? 0) + 240)
})

test('each principal has its own, and each server; so has the portal itself', async () => {
  const [ada, eve] = [person('ada'), person('eve')]
  const all = await Promise.all([assert(ada, LEDGER), assert(eve, LEDGER), assert(ada, ECHO), assert(null, LEDGER)])
  expect(all.map((token) => [decodeJwt(token).sub, decodeJwt(token).aud])).toEqual([
    ['ada', ['srv-ledger']],
    ['eve', ['srv-ledger']],
    ['ada', ['srv-echo']],
    ['', ['srv-ledger']],
  ])
})

test('what the authenticator learned anew is signed anew', async () => {
  const before = await assert(person('ada'), LEDGER)
  const after = await assert({ ...person('ada'), email: 'countess@acme.test' }, LEDGER)
  expect([decodeJwt(before).email, decodeJwt(after).email]).toEqual(['ada@example.com', 'countess@acme.test'])
})

test('what failed is not kept: the next one tries again', async () => {
  const ada = person('ada')
  broken = true
  await expect(assert(ada, LEDGER)).rejects.toThrow('no key')
  broken = false
  expect(decodeJwt(await assert(ada, LEDGER)).sub).toBe('ada')
})
