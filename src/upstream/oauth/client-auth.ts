/**
 * How the portal proves at a token endpoint who it is (RFC 6749 section 2.3.1, RFC 7523 section 2.2). Written here because the library
 * does not form-encode what it puts into a Basic header, and knows neither a key id nor EdDSA.
 */
import { createPrivateKey, type KeyObject, randomUUID } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { type AuthServer, type OauthClient, type OauthTarget, OauthTrouble } from './model.ts'

const ASSERTION_SECONDS = 60
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

export type Authenticate = (headers: Headers, form: URLSearchParams) => Promise<void>

/** @throws OauthTrouble `no-registration` where the client lacks what its method needs */
export function authenticationOf(
  clock: Clock,
  target: OauthTarget,
  { server, client }: { server: AuthServer; client: OauthClient },
): Authenticate {
  const { id, secret, method } = client
  return async (headers, form) => {
    if (method !== 'none' && (secret === null || secret === ''))
      throw new OauthTrouble('no-registration', 'the client has no secret, and its method needs one')
    switch (method) {
      case 'client_secret_basic':
        headers.set(
          'authorization',
          `Basic ${Buffer.from(`${encoded(id)}:${encoded(secret ?? '')}`).toString('base64')}`,
        )
        return
      case 'client_secret_post':
        form.set('client_id', id)
        form.set('client_secret', secret ?? '')
        return
      case 'private_key_jwt':
        form.set('client_id', id)
        form.set('client_assertion_type', ASSERTION_TYPE)
        form.set('client_assertion', await assertionOf(clock, target, { server, client }))
        return
      case 'none':
        form.set('client_id', id)
    }
  }
}

/** RFC 6749 appendix B. */
function encoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

async function assertionOf(
  clock: Clock,
  { written }: OauthTarget,
  { server, client }: { server: AuthServer; client: OauthClient },
): Promise<string> {
  const info = written === null || written.auth_mode === 'manual' ? null : written.registration_info
  const { SignJWT } = await import('jose')
  const key = privateKeyOf(client.secret ?? '')
  const now = Math.floor(clock.now() / 1000)
  const header = {
    alg: info?.signing_algorithm ?? algorithmOf(key),
    ...(info?.key_id === undefined ? {} : { kid: info.key_id }),
  }
  try {
    return await new SignJWT({})
      .setProtectedHeader({ ...header, typ: 'JWT' })
      .setIssuer(client.id)
      .setSubject(client.id)
      .setAudience(server.issuer ?? server.tokenEndpoint)
      .setJti(randomUUID())
      .setIssuedAt(now)
      .setExpirationTime(now + ASSERTION_SECONDS)
      .sign(key)
  } catch {
    // The cause could show what key it is.
    throw new OauthTrouble('no-registration', 'the private key does not fit the signing algorithm')
  }
}

function privateKeyOf(pem: string): KeyObject {
  try {
    return createPrivateKey({ key: pem, format: 'pem' })
  } catch {
    throw new OauthTrouble('no-registration', 'the client secret is no private key in PEM')
  }
}

function algorithmOf(key: KeyObject): string {
  if (key.asymmetricKeyType === 'ec') return key.asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 'ES384' : 'ES256'
  return key.asymmetricKeyType === 'ed25519' ? 'EdDSA' : 'RS256'
}
