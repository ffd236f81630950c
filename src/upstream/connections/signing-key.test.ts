import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { readSigningKey, type SigningAlgorithm } from './signing-key.ts'

const pkcs8 = { type: 'pkcs8', format: 'pem' } as const
const ec = (namedCurve: string) => String(generateKeyPairSync('ec', { namedCurve }).privateKey.export(pkcs8))
const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength }).privateKey
const P256 = ec('prime256v1')
const RSA = String(rsa(2048).export(pkcs8))
const ED = String(generateKeyPairSync('ed25519').privateKey.export(pkcs8))

describe('a private key for private_key_jwt', () => {
  const good: [string, string, SigningAlgorithm | undefined, SigningAlgorithm][] = [
    ['P-256', P256, undefined, 'ES256'],
    ['P-384', ec('secp384r1'), 'ES384', 'ES384'],
    ['RSA', RSA, undefined, 'RS256'],
    ['RSA for PS256', RSA, 'PS256', 'PS256'],
    ['Ed25519', ED, undefined, 'EdDSA'],
    ['line ends of another system', P256.replaceAll('\n', '\r\n'), 'ES256', 'ES256'],
  ]
  test.each(good)('%s is taken', (_, pem, wanted, algorithm) => {
    expect(readSigningKey(pem, wanted)).toMatchObject({ algorithm, key: { type: 'private' } })
  })

  const bad: [string, string, SigningAlgorithm | undefined, string][] = [
    ['a password', 'hunter2', undefined, 'must be a private key'],
    ['a key of another algorithm', P256, 'RS256', 'it fits ES256'],
    ['P-256 for ES384', P256, 'ES384', 'it fits ES256'],
    ['a curve that no algorithm here has', ec('secp256k1'), undefined, 'cannot be used'],
    ['RSA of 1024 bits', String(rsa(1024).export(pkcs8)), undefined, 'at least 2048 bits'],
    ['PKCS #1', String(rsa(2048).export({ type: 'pkcs1', format: 'pem' })), undefined, 'PKCS #8'],
    [
      'a key with a passphrase',
      String(rsa(2048).export({ ...pkcs8, cipher: 'aes-256-cbc', passphrase: 'x' })),
      undefined,
      'not encrypted',
    ],
    [
      'a public key',
      String(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey.export({ type: 'spki', format: 'pem' })),
      undefined,
      'must be a private key',
    ],
    [
      'what only looks like one',
      '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
      undefined,
      'must be a',
    ],
    ['two at once', P256 + RSA, undefined, 'must be a private key'],
  ]
  test.each(bad)('%s is refused, and nothing of it is repeated', (_, pem, wanted, said) => {
    const verdict = readSigningKey(pem, wanted)
    expect(verdict).toContain(said)
    expect(verdict).not.toContain(pem.split('\n')[1] ?? pem)
  })
})
