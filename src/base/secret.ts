/**
 * Secrets: making them, hashing them, sealing what must be read again.
 *
 * A seal is `v1.<kid>.<iv>.<ciphertext+tag>`, AES-256-GCM. The additional data names where the value lives (table, row,
 * field), so a sealed value that is moved to another row does not open. Every purpose has its own key, derived by
 * HKDF-SHA-256 from the key ring's entry with the purpose as label.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hash,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'

export type SealPurpose = 'store' | 'session' | 'cursor' | 'question' | 'task' | 'stream'

/** What is kept as a keyed digest, because it has too few possibilities for a plain one. */
export type MacPurpose = 'pin'

export interface KeyRing {
  /** The first encrypts; all decrypt. `kid` is 8 hex characters of the key's SHA-256. */
  readonly keys: readonly { readonly kid: string; readonly key: Buffer }[]
}

/** @param keys 32 bytes each; the first encrypts */
export function keyRing(keys: readonly Buffer[]): KeyRing {
  return { keys: keys.map((key) => ({ kid: createHash('sha256').update(key).digest('hex').slice(0, 8), key })) }
}

export interface Sealer {
  /** @param where additional data: names the row and field that the value belongs to */
  seal(plain: string, where: string): string
  /** @returns the plain text, or undefined when no key opens it or it belongs elsewhere */
  open(sealed: string, where: string): string | undefined
}

export function openSealer(ring: KeyRing, purpose: SealPurpose): Sealer {
  const derived = new Map<string, Buffer>()
  for (const { kid, key } of ring.keys) {
    derived.set(kid, Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), `portico/${purpose}`, 32)))
  }
  const first = ring.keys[0]
  if (first === undefined) throw new Error('a key ring needs at least one key')
  return {
    seal(plain, where) {
      const iv = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', derived.get(first.kid) as Buffer, iv)
      cipher.setAAD(Buffer.from(where))
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return `v1.${first.kid}.${iv.toString('base64url')}.${body.toString('base64url')}`
    },
    open(sealed, where) {
      const [version, kid, iv, body, extra] = sealed.split('.')
      if (version !== 'v1' || kid === undefined || iv === undefined || body === undefined || extra !== undefined)
        return undefined
      const key = derived.get(kid)
      const nonce = Buffer.from(iv, 'base64url')
      const bytes = Buffer.from(body, 'base64url')
      if (key === undefined || nonce.length !== 12 || bytes.length < 16) return undefined
      return decrypt(key, nonce, bytes, where)
    },
  }
}

export interface Mac {
  /** @returns `<kid>.<HMAC-SHA-256 as base64url>` */
  of(text: string): string
  /** Whether a kept value is that of this text, under whichever key of the ring; tells nothing by its time. */
  fits(kept: string, text: string): boolean
}

/** The purpose has a key of its own, derived like those of `openSealer`. */
export function openMac(ring: KeyRing, purpose: MacPurpose): Mac {
  const derive = (key: Buffer) => Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), `portico/${purpose}`, 32))
  const made = ring.keys.map(({ kid, key }) => {
    const own = derive(key)
    return (text: string) => `${kid}.${createHmac('sha256', own).update(text).digest('base64url')}`
  })
  const [first] = made
  if (first === undefined) throw new Error('a key ring needs at least one key')
  return { of: first, fits: (kept, text) => made.some((mac) => sameSecret(mac(text), kept)) }
}

/** Which key sealed a value, or undefined for what is no seal. */
export function kidOf(text: string): string | undefined {
  return /^v1\.([0-9a-f]{8})\.[\w-]{16}\.[\w-]{22,}$/.exec(text)?.[1]
}

function decrypt(key: Buffer, iv: Buffer, bytes: Buffer, where: string): string | undefined {
  const decipher = createDecipheriv('aes-256-gcm', key, iv)
  decipher.setAAD(Buffer.from(where))
  decipher.setAuthTag(bytes.subarray(bytes.length - 16))
  try {
    return decipher.update(bytes.subarray(0, bytes.length - 16), undefined, 'utf8') + decipher.final('utf8')
  } catch {
    // A wrong tag is the expected answer to a forged or moved value, and node reports it by throwing.
    return undefined
  }
}

/** SHA-256 as hex: how high-entropy secrets are kept at rest and looked up (never a prefix, never a weaker digest). */
export function digest(secret: string): string {
  return hash('sha256', secret)
}

/** Compares two strings of any length without telling where they differ. */
export function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest())
}

const ALNUM = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/**
 * A new secret that scanners can recognise: `<prefix>_` + 40 alphanumeric characters (238 bits) + 8 hex characters of
 * checksum over what stands before them.
 */
export function newSecret(prefix: SecretPrefix): string {
  let body = `${prefix}_`
  while (body.length < prefix.length + 41) {
    // Rejection keeps every character equally likely.
    for (const byte of randomBytes(64)) if (byte < 248 && body.length < prefix.length + 41) body += ALNUM[byte % 62]
  }
  return body + digest(body).slice(0, 8)
}

/**
 * The one secret that follows another: the same each time it is asked for, and unknown to whoever has not both the key and what it
 * follows.
 *
 * @param key 32 bytes, derived for this purpose alone
 */
export function nextSecret(prefix: SecretPrefix, previous: string, key: Buffer): string {
  let body = `${prefix}_`
  for (let block = 0; body.length < prefix.length + 41; block++) {
    const bytes = createHmac('sha256', key).update(`${block}\0${previous}`).digest()
    for (const byte of bytes) if (byte < 248 && body.length < prefix.length + 41) body += ALNUM[byte % 62]
  }
  return body + digest(body).slice(0, 8)
}

/** A key for one purpose, of the ring's first. @param purpose names what it is for; two purposes have two keys */
export function deriveKey(ring: KeyRing, purpose: string): Buffer {
  const first = ring.keys[0]
  if (first === undefined) throw new Error('a key ring needs at least one key')
  return Buffer.from(hkdfSync('sha256', first.key, Buffer.alloc(0), `portico/${purpose}`, 32))
}

/** API token, access token, service token: three tokens, never confused, told apart at a glance. And a client's refresh token, and its secret. */
export type SecretPrefix = 'ptapi' | 'ptat' | 'ptst' | 'ptrt' | 'ptcs'

/** Whether a string has the form of one of our secrets with a right checksum; says nothing about whether it is known. */
export function looksLikeSecret(text: string, prefix: SecretPrefix): boolean {
  if (text.length !== prefix.length + 49 || !text.startsWith(`${prefix}_`)) return false
  return digest(text.slice(0, -8)).slice(0, 8) === text.slice(-8)
}
