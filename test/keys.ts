/** A key ring for tests, the same in every process. */
import { type KeyRing, keyRing } from '../src/base/secret.ts'

export const TEST_KEYS: KeyRing = keyRing([Buffer.alloc(32, 7)])
