/** Makes ID tokens anew: with more in them, or wrong as a mode says. */
import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, sign, type webcrypto } from 'node:crypto'
import type { Mode } from './mode.ts'
import type { Claims } from './people.ts'

export type Key = webcrypto.JsonWebKey & { kid: string; alg: 'RS256' | 'ES256'; use: 'sig' }

export function newKey(alg: Key['alg'], kid: string): Key {
  const { privateKey } =
    alg === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { ...privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' }
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

export interface Signing {
  key: Key
  /** Of the client. */
  secret: string
}

/** @param token as the provider made it */
export function remake(token: string, mode: Mode, more: Claims, { key, secret }: Signing): string {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Claims
  const said = { ...claims, ...more, ...wrongClaims(mode, claims) }
  for (const [name, value] of Object.entries(said)) if (value === undefined) delete said[name]
  const head = (header: Claims): string => `${encode({ typ: 'JWT', ...header })}.${encode(said)}`
  switch (mode) {
    case 'alg-none':
      return `${head({ alg: 'none' })}.`
    case 'hs-secret':
      return withMac(head({ alg: 'HS256', kid: key.kid }), secret)
    case 'no-kid-hs':
      return withMac(head({ alg: 'HS256' }), secret)
    case 'hs-public':
      return withMac(head({ alg: 'HS256', kid: key.kid }), pemOf(key))
    case 'foreign-key':
      return signed(head({ alg: key.alg, kid: key.kid }), newKey(key.alg, key.kid))
    case 'unknown-kid':
      return signed(head({ alg: key.alg, kid: '../../etc/passwd' }), key)
    default:
      return signed(head({ alg: key.alg, kid: key.kid }), key)
  }
}

function wrongClaims(mode: Mode, { aud }: Claims): Claims {
  switch (mode) {
    case 'wrong-nonce':
      return { nonce: 'that of somebody else' }
    case 'no-nonce':
      return { nonce: undefined }
    case 'wrong-issuer':
      return { iss: 'https://accounts.google.com' }
    case 'wrong-audience':
      return { aud: 'another-client' }
    case 'audiences':
      return { aud: [aud, 'another-client'] }
    case 'wrong-party':
      return { azp: 'another-client' }
    case 'no-subject':
      return { sub: undefined }
    case 'expired':
      return { iat: Math.floor(Date.now() / 1000) - 7200, exp: Math.floor(Date.now() / 1000) - 3600 }
    default:
      return {}
  }
}

function withMac(text: string, secret: string): string {
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}

function signed(text: string, key: Key): string {
  const secret = createPrivateKey({ key, format: 'jwk' })
  const dsaEncoding = key.alg === 'ES256' ? ({ dsaEncoding: 'ieee-p1363' } as const) : {}
  return `${text}.${sign('sha256', Buffer.from(text), { key: secret, ...dsaEncoding }).toString('base64url')}`
}

function pemOf(key: Key): string {
  return createPublicKey(createPrivateKey({ key, format: 'jwk' }))
    .export({ type: 'spki', format: 'pem' })
    .toString()
}

export function signedBy(key: Key, header: Claims, claims: Claims): string {
  return signed(`${encode({ alg: key.alg, kid: key.kid, ...header })}.${encode(claims)}`, key)
}

export function claimsOf(token: string): Claims {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Claims
}
