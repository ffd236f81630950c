import { describe, expect, test } from 'vitest'
import { DATABASE_KINDS, freshStore } from '../../test/databases.ts'
import { keyRing, openSealer } from '../base/secret.ts'
import { proveKey } from './key-check.ts'

const sealerOf = (...keys: number[]) => openSealer(keyRing(keys.map((key) => Buffer.alloc(32, key))), 'store')

for (const kind of DATABASE_KINDS) {
  describe(`on ${kind}`, () => {
    test('data opens with the key it was written with, alone or as an older one of the ring, and with no other', async () => {
      const { store, end } = await freshStore(kind)
      await proveKey(store, sealerOf(1))
      await proveKey(store, sealerOf(1))
      await proveKey(store, sealerOf(2, 1))
      await expect(proveKey(store, sealerOf(2))).rejects.toThrow('not the one that this data was written with')
      await end()
    })
  })
}
