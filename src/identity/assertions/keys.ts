/**
 * The keys that sign statements of who calls (RFC 7519, RS256: what verifiers of this kind of header expect). The first is made when it is
 * first needed. A new one is published for a while before it signs, so that nobody who keeps the published set meets a key that was not
 * in it; an old one stays published for a week after its last signature. All replicas choose by the rows alone, so they sign alike.
 *
 * Signing happens in Node's thread pool: an RSA signature takes a millisecond of somebody else's time.
 */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWTPayload, SignJWT } from 'jose'
import type { Clock } from '../../base/clock.ts'
import { Fault } from '../../base/fault.ts'
import type { Log } from '../../base/log.ts'
import type { Sealer } from '../../base/secret.ts'
import type { Store } from '../../store/open.ts'
import {
  deleteSigningKeys,
  insertSigningKey,
  listSigningKeys,
  type NewSigningKey,
  openSigningKey,
  type PublicJwk,
  type SigningKeyRecord,
} from './key-store.ts'

/** How long the published set may be kept, and so how long a key is published before it signs. */
export const SETTLE_MS = 5 * 60_000
/** How long a key that signs no more is published. */
export const OVERLAP_MS = 7 * 24 * 3_600_000
const ALG = 'RS256'

export interface SigningKeys {
  /** @returns a JWS in compact form @throws Fault where there is no key that could sign */
  sign(claims: JWTPayload): Promise<string>
  /** What verifies the signatures of now and of the last week. */
  published(): readonly PublicJwk[]
  /** Replaces a key that has signed for long enough, and forgets those that nobody needs. To be called now and then. */
  upkeep(): Promise<void>
  close(): void
}

export interface SigningRooms {
  store: Store
  /** For the purpose `store`. */
  sealer: Sealer
  clock: Clock
  log: Log
  /** How often keys are replaced, in milliseconds. */
  rotation(): number
}

export async function openSigningKeys(rooms: SigningRooms): Promise<SigningKeys> {
  const { store, sealer, clock, log } = rooms
  const imported = new Map<string, ReturnType<typeof importPrivate>>()
  let records: readonly SigningKeyRecord[] = []
  let making: Promise<void> | null = null

  async function read(): Promise<void> {
    records = await listSigningKeys(store.db)
    const kids = new Set(records.map(({ kid }) => kid))
    for (const kid of imported.keys()) if (!kids.has(kid)) imported.delete(kid)
  }
  const stop = store.versions.changed('identity', read)
  await read()

  function makeFirst(): Promise<void> {
    making ??= replaceSigningKey(rooms, (keys) => keys.length === 0)
      .then(read)
      .finally(() => {
        making = null
      })
    return making
  }

  function privateKey(record: SigningKeyRecord) {
    let key = imported.get(record.kid)
    if (key === undefined) {
      key = importPrivate(record, sealer)
      imported.set(record.kid, key)
      // Whoever signs is told; the next one tries again.
      key.catch(() => imported.delete(record.kid))
    }
    return key
  }

  return {
    async sign(claims) {
      let record = signerAt(records, clock.now())
      if (record === undefined) {
        await makeFirst()
        record = signerAt(records, clock.now())
      }
      if (record === undefined) throw new Fault('store-unavailable', 'The portal has no key to sign with.')
      const key = await privateKey(record)
      return new SignJWT(claims).setProtectedHeader({ alg: ALG, kid: record.kid, typ: 'JWT' }).sign(key)
    },
    published: () => publishedAt(records, clock.now()).map(({ publicJwk }) => publicJwk),
    async upkeep() {
      const now = clock.now()
      const isDue = (keys: readonly SigningKeyRecord[]) => {
        const newest = keys.at(-1)
        return newest !== undefined && newest.createdAt + rooms.rotation() <= now
      }
      if (isDue(records)) {
        await replaceSigningKey(rooms, isDue)
        log.info('the key that signs who calls was replaced')
      }
      await store.write((trx) => deleteSigningKeys(store, trx, now - OVERLAP_MS))
    },
    close: stop,
  }
}

/**
 * Makes a key that takes over from the present one once it has been published for a while.
 *
 * @param isDue looked at again inside the transaction, so that two who find it due at once make one key
 */
export async function replaceSigningKey(
  { store, sealer }: Pick<SigningRooms, 'store' | 'sealer'>,
  isDue: (keys: readonly SigningKeyRecord[]) => boolean,
): Promise<void> {
  const made = await newSigningKey()
  await store.write(async (trx) => {
    // Raised first: on PostgreSQL the second waits here for the first, and then sees what that one made.
    await store.versions.bump(trx, 'identity')
    const keys = await listSigningKeys(trx)
    if (!isDue(keys)) return
    const now = store.clock.now()
    await insertSigningKey(trx, made, { sealer, now, takesOverAt: keys.length === 0 ? now : now + SETTLE_MS })
  })
}

/** The newest that everybody has had time to see; where none has been there for so long, the oldest. */
export function signerAt(keys: readonly SigningKeyRecord[], now: number): SigningKeyRecord | undefined {
  const signing = keys.filter(({ retiredAt }) => retiredAt === null || retiredAt > now)
  return signing.findLast(({ createdAt }) => createdAt + SETTLE_MS <= now) ?? signing[0]
}

export function publishedAt(keys: readonly SigningKeyRecord[], now: number): readonly SigningKeyRecord[] {
  return keys.filter(({ retiredAt }) => retiredAt === null || retiredAt + OVERLAP_MS > now)
}

async function newSigningKey(): Promise<NewSigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(ALG, { modulusLength: 2048, extractable: true })
  const { n = '', e = '' } = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(publicKey)
  const publicJwk: PublicJwk = { kty: 'RSA', kid, alg: ALG, use: 'sig', n, e }
  return { publicJwk, privateJwk: JSON.stringify(await exportJWK(privateKey)) }
}

async function importPrivate(record: SigningKeyRecord, sealer: Sealer) {
  const text = openSigningKey(record, sealer)
  if (text !== undefined) return importJWK({ ...JSON.parse(text), kty: 'RSA' as const }, ALG)
  throw new Fault(
    'store-unavailable',
    'The key that signs who calls does not open with the encryption keys at hand. Start with the key that sealed it.',
    `signing_keys/${record.kid}`,
  )
}
