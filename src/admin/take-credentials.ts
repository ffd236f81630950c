/**
 * Credentials on their way in. A stored secret follows only the destination that it was given for: where that changes and the
 * secret is not sent anew, it is forgotten, so that re-pointing a server never hands its secret to someone else. What people
 * connected at the old destination is forgotten with it.
 */
import {
  connectionGround,
  isAutomaticOauth,
  needsSecret,
  parseBearerCredentials,
  parseWrittenOauth,
  secretDestination,
  type WrittenOauth,
} from '../contract/credentials.ts'
import type { ServerCreate, ServerUpdate } from '../contract/server.ts'
import type { AuthenticationStatus, ServerSecrets, StoredServer } from '../upstream/server-store.ts'
import { type ApiRefusal, invalid } from './refusal.ts'
import { type OwnPlace, refuseSecret, takeWritten } from './take-oauth.ts'

type Sent = Pick<ServerUpdate, 'auth_credentials' | 'client_secret'>

export interface TakenCredentials {
  secrets: Partial<ServerSecrets>
  /** Set where what was learned with the old credential no longer holds. */
  authenticationStatus?: AuthenticationStatus
  /** Everything that was connected for this server was given for something else. */
  moved?: boolean
}

/**
 * @param at the server, as far as addresses of an OAuth client are judged by it
 * @throws ApiRefusal 400 that never repeats what was sent
 */
export function newCredentials(
  body: ServerCreate,
  at: OwnPlace,
): { secrets: ServerSecrets; authenticationStatus: AuthenticationStatus } {
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
    case 'oauth':
      return newOauth(body, at, none)
  }
}

function newOauth(body: ServerCreate, at: OwnPlace, none: ServerSecrets) {
  const { auth_credentials: text, client_secret: secret } = body
  if (text === undefined || isAutomaticOauth(text)) {
    refuseClientSecret(body)
    return { secrets: none, authenticationStatus: 'required' as const }
  }
  const client = takeWritten(text, at)
  refuseSecret(client, secret)
  if (needsSecret(client) && secret === undefined) throw secretRequired()
  const secrets = { ...none, authCredentials: text, clientSecret: secret ?? null }
  return { secrets, authenticationStatus: 'manual' as const }
}

/**
 * @param stored what the server has now, or null where it does not open
 * @throws ApiRefusal 400 that never repeats what was sent
 */
export function changedCredentials(
  server: StoredServer,
  body: Sent,
  stored: ServerSecrets | null,
  at: OwnPlace,
): TakenCredentials {
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
      return changedOauth(server, body, stored, at)
  }
}

function changedOauth(server: StoredServer, body: Sent, stored: ServerSecrets | null, at: OwnPlace): TakenCredentials {
  const { auth_credentials: sent, client_secret: secret } = body
  if (sent === undefined && secret === undefined) return { secrets: {} }
  if (sent !== undefined && isAutomaticOauth(sent)) return madeAutomatic(server, body)
  const text = sent ?? stored?.authCredentials ?? null
  if (text === null) throw invalid('client_secret', 'belongs to a written OAuth client; send auth_credentials with it')
  const before = stored?.authCredentials ? writtenOf(stored.authCredentials) : null
  const client = sent === undefined && before !== null ? before : takeWritten(text, at)
  refuseSecret(client, secret)
  if (startsToNeed(client, before) && secret === undefined) throw secretRequired()
  const aimed = before !== null && secretDestination(client) === secretDestination(before)
  const clientSecret = keptSecret({ client, aimed, secret, stored })
  const secrets: Partial<ServerSecrets> = {
    ...(text === stored?.authCredentials ? {} : { authCredentials: text }),
    ...(clientSecret === undefined ? {} : { clientSecret }),
  }
  if (Object.keys(secrets).length === 0) return { secrets }
  // What the portal gets by itself it gets anew, and so it finds out at once whether the new secret is good.
  const moved = connectionGround(client) !== connectionGround(before) || client.auth_mode !== 'manual'
  return { secrets, authenticationStatus: 'manual', moved }
}

/** Nothing is written down any more. */
function madeAutomatic(server: StoredServer, body: Sent): TakenCredentials {
  refuseClientSecret(body)
  if (!server.hasAuthCredentials) return { secrets: {} }
  return { secrets: { authCredentials: null, clientSecret: null }, authenticationStatus: 'required', moved: true }
}

/** As it stands there: it was judged when it was written. */
function writtenOf(text: string): WrittenOauth | null {
  const parsed = parseWrittenOauth(text)
  return typeof parsed === 'string' ? null : parsed
}

/** Where it needed one before, it may have been forgotten since, and what is asked for now is another change. */
function startsToNeed(client: WrittenOauth, before: WrittenOauth | null): boolean {
  return needsSecret(client) && (before === null || before.auth_mode !== client.auth_mode || !needsSecret(before))
}

interface Keeping {
  client: WrittenOauth
  /** It goes where the stored one was meant for. */
  aimed: boolean
  secret: string | undefined
  stored: ServerSecrets | null
}

/** @returns undefined where the stored one stays as it is */
function keptSecret({ client, aimed, secret, stored }: Keeping): string | null | undefined {
  if (secret !== undefined) return aimed && secret === stored?.clientSecret ? undefined : secret
  const isKept = aimed && needsSecret(client)
  return isKept || stored?.clientSecret === null ? undefined : null
}

function takeBearer(body: Sent): { authCredentials: string } {
  refuseClientSecret(body)
  const text = body.auth_credentials ?? ''
  const parsed = parseBearerCredentials(text)
  if (typeof parsed === 'string') throw invalid('auth_credentials', parsed)
  return { authCredentials: text }
}

function secretRequired(): ApiRefusal {
  return invalid(
    'client_secret',
    'is required for a written OAuth client, unless its token_endpoint_auth_method is "none"',
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
    throw invalid('client_secret', 'belongs to a written OAuth client only; leave it out')
  }
}
