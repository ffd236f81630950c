/**
 * What makes a change of stored rows visible: each row carries the SHA-256 of the row before it and of itself as it is
 * stored, in the order of seqs, over all writers of a database; and heads, which say under a signature what the hash at one
 * seq is. Pure: it reads and writes nothing.
 *
 * A change of what is hashed, or how, makes every older chain unreadable: write a new chain beside it instead.
 */
import { createPrivateKey, createPublicKey, hash, hkdfSync, type KeyObject, sign, verify } from 'node:crypto'
import type { KeyRing } from '../base/secret.ts'
import type { JournalRow } from './lines.ts'

/** What stands before the first row. */
export const GENESIS = '0'.repeat(64)

/** After so many rows, and those of the piece that reaches it, a head is signed. */
export const SIGN_EVERY = 10_000

/** How far a chain reaches: the last row's seq and its hash as hex. */
export interface ChainEnd {
  seq: number
  hash: string
}

/**
 * @param previous the hash of the row before, as hex
 * @param row its texts as the database gives them back
 * @returns the row's hash, as hex
 */
export function chainHash(previous: string, seq: number, journal: number, row: JournalRow): string {
  const { phase, at, deed, actor, plane, method, portal, server, capability, outcome, decision, facts } = row
  const columns = [seq, journal, phase, at, deed, actor, plane, method, portal, server, capability, outcome, decision]
  return hash('sha256', `${previous}\n${JSON.stringify(columns)}\n${facts}`)
}

/**
 * `head`: the chain's hash at `seq` was this. `start` and `pruned`: the chain is checked from behind `seq` on, because what is
 * before it is older than the chain, or was deleted by retention.
 */
export interface Head extends ChainEnd {
  kind: 'head' | 'start' | 'pruned'
  /** The journal whose process signed. */
  writer: string
  /** Milliseconds since 1970. */
  at: number
  /** Which key of the ring signed. */
  kid: string
  /** Ed25519, base64url. */
  signature: string
}

export type Unsigned = Omit<Head, 'kid' | 'signature'>

/** The seed of a signing key, derived from one key of the ring. */
export interface HeadKey {
  kid: string
  seed: Uint8Array
}

/** The first signs; each checks what it has signed. */
export function headKeys(ring: KeyRing): HeadKey[] {
  return ring.keys.map(({ kid, key }) => ({
    kid,
    seed: new Uint8Array(hkdfSync('sha256', key, Buffer.alloc(0), 'portico/audit-head', 32)),
  }))
}

export type Standing = 'good' | 'forged' | 'unknown-key'

export interface HeadSigner {
  readonly kid: string
  sign(head: Unsigned): Head
  check(head: Head): Standing
}

/** RFC 8410: an Ed25519 private key in PKCS #8 is these bytes and the seed. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

export function openHeadSigner(keys: readonly HeadKey[]): HeadSigner {
  const [first] = keys
  if (first === undefined) throw new Error('a key ring needs at least one key')
  const own = privateKey(first)
  const known = new Map<string, KeyObject>(keys.map((key) => [key.kid, createPublicKey(privateKey(key))]))
  return {
    kid: first.kid,
    sign(head) {
      const { kid } = first
      return { ...head, kid, signature: sign(null, signedBytes({ ...head, kid }), own).toString('base64url') }
    },
    check(head) {
      const key = known.get(head.kid)
      if (key === undefined) return 'unknown-key'
      return verify(null, signedBytes(head), key, Buffer.from(head.signature, 'base64url')) ? 'good' : 'forged'
    },
  }
}

function privateKey({ seed }: HeadKey): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' })
}

function signedBytes({ kind, writer, seq, hash, at, kid }: Omit<Head, 'signature'>): Buffer {
  return Buffer.from(JSON.stringify(['portico audit head 1', kind, writer, seq, hash, at, kid]))
}
