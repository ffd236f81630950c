/**
 * Credentials on their way in. A stored secret follows only the destination that it was given for: where that changes and the
 * secret is not sent anew, it is forgotten, so that re-pointing a server never hands its secret to someone else.
 */
import {
  type ManualOauth,
  parseBearerCredentials,
  parseManualOauth,
  secretDestination,
} from '../contract/credentials.ts'
import type { ServerCreate, ServerUpdate } from '../contract/server.ts'
import type { AuthenticationStatus, ServerSecrets, StoredServer } from '../upstream/server-store.ts'
import { type ApiRefusal, invalid } from './refusal.ts'

type Sent = Pick<ServerUpdate, 'auth_credentials' | 'client_secret'>

export interface TakenCredentials {
  secrets: Partial<ServerSecrets>
  /** Set where what was learned with the old credential no longer holds. */
  authenticationStatus?: AuthenticationStatus
}

/** @throws ApiRefusal 400 that never repeats what was sent */
export function newCredentials(body: ServerCreate): {
  secrets: ServerSecrets
  authenticationStatus: AuthenticationStatus
} {
  const none = { authCredentials: null, clientSecret: null, env: body.transport?.env ?? {} }
  switch (body.auth_type) {
    case 'unauthenticated':
      refuseAny(body)
      return { secrets: none, authenticationStatus: 'not_required' }
    case 'bearer':
      if (body.auth_credentials === undefined) {
        throw invalid('auth_credentials', 'is required for auth_type "bearer": the token, or JSON of headers')
      }
      return { secrets: { ...none, ...takeBearer(body) }, authenticationStatus: 'not_required' }
    case 'oauth': {
      if (body.auth_credentials === undefined) {
        refuseClientSecret(body)
        return { secrets: none, authenticationStatus: 'required' }
      }
      const client = takeManual(body.auth_credentials)
      if (needsSecret(client) && body.client_secret === undefined) throw secretRequired()
      const secrets = { ...none, authCredentials: body.auth_credentials, clientSecret: body.client_secret ?? null }
      return { secrets, authenticationStatus: 'manual' }
    }
  }
}

/**
 * @param stored the OAuth client that the server has now, or null
 * @throws ApiRefusal 400 that never repeats what was sent
 */
export function changedCredentials(server: StoredServer, body: Sent, stored: ManualOauth | null): TakenCredentials {
  switch (server.authType) {
    case 'unauthenticated':
      refuseAny(body)
      return { secrets: {} }
    case 'bearer':
      if (body.auth_credentials === undefined) {
        refuseClientSecret(body)
        return { secrets: {} }
      }
      return { secrets: takeBearer(body), authenticationStatus: 'not_required' }
    case 'oauth':
      return changedOauth(body, stored)
  }
}

function changedOauth(body: Sent, stored: ManualOauth | null): TakenCredentials {
  if (body.auth_credentials === undefined) {
    if (body.client_secret === undefined) return { secrets: {} }
    if (stored === null)
      throw invalid('client_secret', 'belongs to a manual OAuth client; send auth_credentials with it')
    return { secrets: { clientSecret: body.client_secret }, authenticationStatus: 'manual' }
  }
  const client = takeManual(body.auth_credentials)
  if (stored === null && needsSecret(client) && body.client_secret === undefined) throw secretRequired()
  const moved = stored === null || secretDestination(client) !== secretDestination(stored)
  const secrets: Partial<ServerSecrets> = { authCredentials: body.auth_credentials }
  if (body.client_secret !== undefined) secrets.clientSecret = body.client_secret
  else if (moved) secrets.clientSecret = null
  return { secrets, authenticationStatus: 'manual' }
}

function takeBearer(body: Sent): { authCredentials: string } {
  refuseClientSecret(body)
  const text = body.auth_credentials ?? ''
  const parsed = parseBearerCredentials(text)
  if (typeof parsed === 'string') throw invalid('auth_credentials', parsed)
  return { authCredentials: text }
}

function takeManual(text: string): ManualOauth {
  const parsed = parseManualOauth(text)
  if (typeof parsed === 'string') throw invalid('auth_credentials', parsed)
  return parsed
}

function needsSecret(client: ManualOauth): boolean {
  return client.registration_info.token_endpoint_auth_method !== 'none'
}

function secretRequired(): ApiRefusal {
  return invalid(
    'client_secret',
    'is required for a manual OAuth client, unless its token_endpoint_auth_method is "none"',
  )
}

function refuseAny(body: Sent): void {
  if (body.auth_credentials !== undefined) {
    throw invalid('auth_credentials', 'has no use where auth_type is "unauthenticated"; leave it out')
  }
  refuseClientSecret(body)
}

function refuseClientSecret(body: Sent): void {
  if (body.client_secret !== undefined) {
    throw invalid('client_secret', 'belongs to a manual OAuth client only; leave it out')
  }
}
