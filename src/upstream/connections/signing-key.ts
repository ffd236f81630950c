/** The private key by which the portal proves who it is at a token endpoint (`private_key_jwt`): PKCS #8 in PEM, as it is written down. */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import type { SIGNING_ALGORITHMS } from '../../contract/credentials.ts'

export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number]

export interface SigningKey {
  key: KeyObject
  algorithm: SigningAlgorithm
}

const LEAST_RSA_BITS = 2048

/**
 * @param wanted the algorithm that was written down; undefined: the one that fits the key
 * @returns the key, or one sentence about what is wrong that repeats nothing of it
 */
export function readSigningKey(pem: string, wanted: SigningAlgorithm | undefined): SigningKey | string {
  const key = importKey(pem)
  if (key === null) return 'must be a private key: PKCS #8 in PEM, not encrypted ("-----BEGIN PRIVATE KEY-----")'
  const fitting = algorithmsOf(key)
  const [usual] = fitting
  if (usual === undefined)
    return `is a key that cannot be used: P-256, P-384, Ed25519, or RSA of at least ${LEAST_RSA_BITS} bits`
  if (wanted !== undefined && !fitting.includes(wanted))
    return `is no key for the signing_algorithm "${wanted}"; it fits ${fitting.join(' or ')}`
  return { key, algorithm: wanted ?? usual }
}

function importKey(pem: string): KeyObject | null {
  // Other forms that the library reads too are not what was asked for, and what else is in a file is nobody's business.
  if (!/^-----BEGIN PRIVATE KEY-----\r?\n[A-Za-z0-9+/=\r\n]+-----END PRIVATE KEY-----\s*$/.test(pem)) return null
  try {
    return createPrivateKey({ key: pem, format: 'pem' })
  } catch {
    return null
  }
}

/** The usual one first. RFC 7518 section 3.1, RFC 8037 section 3.1. */
function algorithmsOf(key: KeyObject): readonly SigningAlgorithm[] {
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {}
  switch (key.asymmetricKeyType) {
    case 'ec':
      if (namedCurve === 'prime256v1') return ['ES256']
      return namedCurve === 'secp384r1' ? ['ES384'] : []
    case 'rsa':
      return modulusLength >= LEAST_RSA_BITS ? ['RS256', 'PS256'] : []
    case 'ed25519':
      return ['EdDSA']
    default:
      return []
  }
}
