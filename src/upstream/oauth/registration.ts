/** Makes the portal known to an authorization server (RFC 7591), where nobody wrote a client down and its document is not taken. */
import type { OAuthClientInformationFull } from '@modelcontextprotocol/client'
import { kindOfAddress } from '../../base/address.ts'
import { hostOf, isLoopbackName } from '../../base/destination.ts'
import { CLIENT_NAME } from './client-document.ts'
import type { RegisteredClient } from './client-store.ts'
import { register } from './library.ts'
import { type AuthServer, type OauthClient, OauthTrouble } from './model.ts'
import type { Net } from './net.ts'
import { registrationScope } from './scopes.ts'
import { oauthTroubleOf } from './trouble-of.ts'

type Method = Exclude<OauthClient['method'], 'private_key_jwt'>
const METHODS: readonly Method[] = ['client_secret_basic', 'client_secret_post', 'none']

/** @throws OauthTrouble `no-registration` where it takes none, `unreachable` where it does not answer */
export async function registerClient(
  net: Net,
  server: AuthServer,
  { redirectUri, issuer }: { redirectUri: string; issuer: string },
): Promise<RegisteredClient> {
  if (server.registrationEndpoint === null)
    throw new OauthTrouble('no-registration', 'it registers nobody: an admin has to write a client down')
  const wish = {
    redirect_uris: [redirectUri],
    token_endpoint_auth_method: methodFor(server),
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    application_type: isHere(redirectUri) ? 'native' : 'web',
    client_name: CLIENT_NAME,
    client_uri: issuer,
  }
  const scope = registrationScope(server)
  const ask = (scope: string | null) => register(server, { ...wish, ...(scope === null ? {} : { scope }) }, net.send)
  try {
    // Some know scopes at authorization that they do not know at registration.
    const answer = await ask(scope).catch((error: unknown) =>
      scope !== null && isRejected(error) ? ask(null) : rethrow(error),
    )
    return taken(answer, redirectUri)
  } catch (error) {
    throw oauthTroubleOf(error, 'no-registration', 'registering the portal')
  }
}

function taken(answer: OAuthClientInformationFull, redirectUri: string): RegisteredClient {
  const { client_id: id, client_secret: secret, client_secret_expires_at: ends } = answer
  const isGood = isText(id) && (secret === undefined || isText(secret)) && answer.redirect_uris.includes(redirectUri)
  if (!isGood) throw new OauthTrouble('no-registration', 'what it registered is not what was asked for')
  const said = answer.token_endpoint_auth_method ?? (secret === undefined ? 'none' : 'client_secret_basic')
  const method = secret === undefined ? 'none' : METHODS.find((one) => one === said)
  if (method === undefined) throw new OauthTrouble('no-registration', 'it wants a method that the portal does not have')
  const client = { id, secret: secret ?? null, method, kind: 'registered' as const }
  return { client, redirectUri, expiresAt: ends === undefined || ends <= 0 ? null : ends * 1000 }
}

/** The portal can keep a secret, so it asks for one. RFC 8414: what is not said is Basic. */
function methodFor({ authMethods }: AuthServer): Method {
  if (authMethods.length === 0) return 'client_secret_basic'
  return METHODS.find((method) => authMethods.includes(method)) ?? 'client_secret_basic'
}

/** OpenID registration: a web client may not lead to this machine (MCP: `application_type`). */
export function isHere(redirectUri: string): boolean {
  const host = hostOf(new URL(redirectUri))
  return isLoopbackName(host) || kindOfAddress(host) === 'loopback'
}

function isText(text: string): boolean {
  return text.length <= 2048 && /^[\x20-\x7e]+$/.test(text)
}

function isRejected(error: unknown): boolean {
  return error instanceof Error && error.name === 'RegistrationRejectedError'
}

function rethrow(error: unknown): never {
  throw error
}
