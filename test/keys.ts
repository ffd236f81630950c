/** What audits of tests are opened with: a key ring, the same in every process, and a journal that costs little to make. */
import type { JournalSize } from '../src/audit/log.ts'
import { type KeyRing, keyRing } from '../src/base/secret.ts'

export const TEST_KEYS: KeyRing = keyRing([Buffer.alloc(32, 7)])

/** As much as usual in smaller segments: each is written full of zeros first, and two are made at once. */
export const SMALL_JOURNAL: JournalSize = { segmentBytes: 1024 * 1024, maxSegments: 256 }
