/**
 * Passwords: which are taken, and how they are kept. scrypt (RFC 7914) with 128 MiB a password, so that a copied database is dear to
 * search; because of the same 128 MiB only a few are reckoned at a time, and beyond a short queue nobody is.
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

const N = 2 ** 17
const R = 8
const P = 1
const KEY_BYTES = 32
const SALT_BYTES = 16
/** Node asks for a little more than the 128 * N * r of the algorithm. */
const MOST_MEMORY = 256 * 1024 * 1024

const LEAST = 12
const MOST = 256

/** @returns a sentence for each thing that is wrong; no rule asks for special characters, since they make nothing safer (NIST SP 800-63B) */
export function passwordProblems(password: string, email: string): string[] {
  const length = [...password.normalize('NFC')].length
  if (length < LEAST) return [`The password has ${length} characters; give at least ${LEAST}.`]
  if (length > MOST) return [`The password has ${length} characters; give at most ${MOST}.`]
  const isAddress = [email, email.split('@')[0]].includes(password.trim().toLowerCase())
  return isAddress ? ['The password is the address; give another one.'] : []
}

export interface Passwords {
  /** Whether one more would be looked at. */
  hasRoom(): boolean
  /** @returns `scrypt$N$r$p$salt$hash` @throws Busy */
  hash(password: string): Promise<string>
  /**
   * @param kept null where there is no such account: as much work is done, and the answer is no
   * @throws Busy
   */
  fits(password: string, kept: string | null): Promise<boolean>
}

/** Too many wait already. */
export class Busy extends Error {
  constructor() {
    super('too many passwords are being looked at; try again in a moment')
    this.name = 'Busy'
  }
}

const AT_ONCE = 2
const WAITING_MOST = 32

/** @param n what a password costs, a power of two; less than usual only where nothing is to be kept safe */
export function openPasswords(n = N): Passwords {
  const waiting: (() => void)[] = []
  let running = 0
  // Of nobody's password, but of the cost of everybody's.
  const nobody = pack(n, randomBytes(SALT_BYTES), randomBytes(KEY_BYTES))

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (running >= AT_ONCE) {
      if (waiting.length >= WAITING_MOST) throw new Busy()
      await new Promise<void>((resolve) => waiting.push(resolve))
    } else running++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }

  return {
    hasRoom: () => waiting.length < WAITING_MOST,
    hash: (password) =>
      inTurn(async () => {
        const salt = randomBytes(SALT_BYTES)
        return pack(n, salt, await derive(password, { salt, n, r: R, p: P, bytes: KEY_BYTES }))
      }),
    fits: (password, kept) =>
      inTurn(async () => {
        const { hash, ...cost } = unpack(kept ?? nobody)
        const isSame = timingSafeEqual(await derive(password, cost), hash)
        return isSame && kept !== null
      }),
  }
}

interface Cost {
  salt: Buffer
  n: number
  r: number
  p: number
  bytes: number
}

function derive(password: string, { salt, n, r, p, bytes }: Cost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // One password, however the keyboard composes its letters.
    scrypt(password.normalize('NFC'), salt, bytes, { N: n, r, p, maxmem: MOST_MEMORY }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    )
  })
}

function pack(n: number, salt: Buffer, hash: Buffer): string {
  return ['scrypt', n, R, P, salt.toString('base64url'), hash.toString('base64url')].join('$')
}

function unpack(kept: string): Cost & { hash: Buffer } {
  const [scheme, n, r, p, salt = '', hash = ''] = kept.split('$')
  const key = Buffer.from(hash, 'base64url')
  if (scheme !== 'scrypt' || key.length === 0) throw new Error('a password is kept in a form that is not known')
  return {
    n: Number(n),
    r: Number(r),
    p: Number(p),
    salt: Buffer.from(salt, 'base64url'),
    hash: key,
    bytes: key.length,
  }
}
