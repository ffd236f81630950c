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
 * @param stored what the server has now, or null where it does not open
 * @throws ApiRefusal 400 that never repeats what was sent
 */
export function changedCredentials(server: StoredServer, body: Sent, stored: ServerSecrets | null): TakenCredentials {
  switch (server.authType) {
    case 'unauthenticated':
      refuseAny(body)
      return { secrets: {} }
    case 'bearer': {
      refuseClientSecret(body)
      if (body.auth_credentials === undefined) return { secrets: {} }
      const secrets = takeBearer(body)
      // Terraform sends the same credential with every change; nothing is to be learned anew then.
      if (secrets.authCredentials === stored?.authCredentials) return { secrets: {} }
      return { secrets, authenticationStatus: 'not_required' }
    }
    case 'oauth':
      return changedOauth(body, stored)
  }
}

function changedOauth(body: Sent, stored: ServerSecrets | null): TakenCredentials {
  const { auth_credentials: credentials = stored?.authCredentials ?? undefined, client_secret: secret } = body
  if (credentials === undefined) {
    if (secret === undefined) return { secrets: {} }
    throw invalid('client_secret', 'belongs to a manual OAuth client; send auth_credentials with it')
  }
  const client = takeManual(credentials)
  const before = stored?.authCredentials ? takeManual(stored.authCredentials) : null
  if (before === null && needsSecret(client) && secret === undefined) throw secretRequired()
  const moved = before === null || secretDestination(client) !== secretDestination(before)
  const secrets: Partial<ServerSecrets> = {}
  if (credentials !== stored?.authCredentials) secrets.authCredentials = credentials
  if (secret !== undefined && (moved || secret !== stored?.clientSecret)) secrets.clientSecret = secret
  else if (moved && secret === undefined) secrets.clientSecret = null
  return Object.keys(secrets).length === 0 ? { secrets } : { secrets, authenticationStatus: 'manual' }
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
