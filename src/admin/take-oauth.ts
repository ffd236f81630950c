/** An OAuth client that an admin wrote down, judged: where it leads, how it comes back, and whether its secret is one. */
import type { Egress } from '../base/egress.ts'
import { isKeyClient, needsSecret, parseWrittenOauth, scopeSchema, type WrittenOauth } from '../contract/credentials.ts'
import { readSigningKey } from '../upstream/connections/signing-key.ts'
import { callbacksOf, isAtOrigin, isSafeAddress } from '../upstream/oauth/written-addresses.ts'
import { refuseDestination } from './destination-gate.ts'
import { invalid } from './refusal.ts'

/** What addresses of a client are judged by. */
export interface OwnPlace {
  /** Of the server. */
  id: string
  allowPrivate: readonly string[]
  /** The base URL under which people sign in. */
  issuer: string
  egress: Pick<Egress, 'judge'>
}

const FIELD = 'auth_credentials'

/** @throws ApiRefusal 400 that never repeats what was sent */
export function takeWritten(text: string, at: OwnPlace): WrittenOauth {
  const client = parseWrittenOauth(text)
  if (typeof client === 'string') throw invalid(FIELD, client)
  const { scope } = client.registration_info
  if (scope !== undefined && scope !== '' && !scopeSchema.safeParse(scope).success) {
    throw invalid(`${FIELD}.registration_info.scope`, 'must be scopes separated by single spaces')
  }
  refuseEndpoints(client, at)
  if (client.auth_mode === 'manual') refuseCallbacks(client.registration_info.redirect_uris ?? [], at)
  else refuseSigning(client)
  return client
}

/** @throws ApiRefusal 400 where what came as `client_secret` is none for this client; it is never repeated */
export function refuseSecret(client: WrittenOauth, secret: string | undefined): void {
  if (secret === undefined) return
  if (!needsSecret(client)) {
    throw invalid('client_secret', 'has no use where token_endpoint_auth_method is "none"; leave it out')
  }
  if (client.auth_mode === 'manual' || !isKeyClient(client)) return
  const key = readSigningKey(secret, client.registration_info.signing_algorithm)
  if (typeof key === 'string') throw invalid('client_secret', key)
}

/** A code, a secret or a token goes there: not in the clear, and nowhere that the portal may not go. */
function refuseEndpoints(client: WrittenOauth, at: OwnPlace): void {
  for (const [name, url] of Object.entries(client.config ?? {})) {
    // The one is only named, the other is no address.
    if (url === undefined || name === 'resource' || name === 'identity_provider') continue
    const field = `${FIELD}.config.${name}`
    if (!isSafeAddress(url)) throw invalid(field, 'must begin with https://: what is sent there is secret')
    // Only the person's browser goes to the authorization endpoint.
    if (name !== 'authorization_endpoint') refuseDestination(at.egress, url, at.allowPrivate, field)
  }
}

/** Another portal's may stand there too, for a move from one to the other: they are kept, and no use is made of them. */
function refuseCallbacks(uris: readonly string[], { id, issuer }: OwnPlace): void {
  const own = callbacksOf(issuer, id)
  for (const [index, uri] of uris.entries()) {
    if (!isAtOrigin(uri, issuer) || uri === own.shared || uri === own.single) continue
    const path = `${FIELD}.registration_info.redirect_uris.${index}`
    throw invalid(path, `is no way back to this portal; for this server it is ${own.single}, or ${own.shared}`)
  }
}

function refuseSigning(client: Exclude<WrittenOauth, { auth_mode: 'manual' }>): void {
  if (isKeyClient(client)) return
  const { signing_algorithm, key_id } = client.registration_info
  if (signing_algorithm === undefined && key_id === undefined) return
  const name = signing_algorithm === undefined ? 'key_id' : 'signing_algorithm'
  throw invalid(
    `${FIELD}.registration_info.${name}`,
    'belongs to token_endpoint_auth_method "private_key_jwt"; leave it out',
  )
}
