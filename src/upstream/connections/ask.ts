/**
 * What is asked of an authorization server for a connection that is there: always the one that it was made at. A server behind the portal
 * that names another one by now may mean harm: nothing of the old one, tokens or client, goes there.
 */
import type { AssertionFor } from '../../base/identity-assertion.ts'
import type { UserPrincipal } from '../../base/principal.ts'
import { type AuthServer, type OauthTarget, OauthTrouble, type OauthWays } from '../oauth/model.ts'
import type { ConnectionContent, OpenedConnection } from './connection-store.ts'
import { grantOnWord } from './enterprise.ts'
import type { Life } from './life.ts'
import { grantAsMachine, type Lives } from './machine.ts'
import type { ConnectionRecord, GrantedTokens } from './model.ts'

export interface AskDeps {
  ways: OauthWays
  assertionFor: AssertionFor | null
}

export interface Question {
  target: OauthTarget
  lives: Lives
  /** Null where no person stands behind the question: some tokens can then not be renewed. */
  principal: UserPrincipal | null
  /** The token was refused: what is remembered of the authorization server may be wrong. */
  wasRefused: boolean
  resourceMetadata: string | null
}

/** @returns the answer and where it came from; null where nobody could be asked @throws OauthTrouble, IdentityAssertionTrouble */
export async function askAnew(
  deps: AskDeps,
  question: Question,
  { record, tokens }: OpenedConnection,
): Promise<ConnectionContent | null> {
  if (record.kind === 'token') return null
  const server = await serverOf(deps.ways, question, record)
  switch (record.kind) {
    case 'machine':
      return grantAsMachine(deps.ways, question, server)
    case 'enterprise':
      return question.principal === null
        ? null
        : grantOnWord(deps, { ...question, principal: question.principal }, server)
    case 'oauth':
      return tokens === null || tokens.refresh === null
        ? null
        : refreshed(deps.ways, question, { server, record, refreshToken: tokens.refresh })
  }
}

/** @throws OauthTrouble `moved` */
async function serverOf(ways: OauthWays, question: Question, record: ConnectionRecord): Promise<AuthServer> {
  const { target, wasRefused, resourceMetadata } = question
  const server = await ways.discover(target, { resourceMetadata, anew: wasRefused })
  if (server.issuer === record.issuer && server.resource === record.resource) return server
  // It may have been found out a while ago: before a connection is given up for it, it is asked again.
  const again = wasRefused ? server : await ways.discover(target, { resourceMetadata, anew: true })
  if (again.issuer === record.issuer && again.resource === record.resource) return again
  throw new OauthTrouble('moved', 'the server names another authorization server, or another resource')
}

interface Refreshing {
  server: AuthServer
  record: ConnectionRecord
  refreshToken: string
}

async function refreshed(
  ways: OauthWays,
  { target, lives }: Question,
  { server, record, refreshToken }: Refreshing,
): Promise<ConnectionContent> {
  const client = await ways.clientOf(target, server, { holder: record.clientId })
  // RFC 6749 section 6: a refresh token is bound to its client; another one that shows it looks like a thief.
  if (client.id !== record.clientId) throw new OauthTrouble('no-registration', 'the portal is another client by now')
  try {
    const granted = await ways.refresh(target, { server, client, refreshToken })
    return { ...contentOf(record, granted, refreshToken), ...lives(granted.expiresIn, true) }
  } catch (error) {
    // The next person who connects must not meet a client that nobody knows.
    const isUnknown = error instanceof OauthTrouble && error.kind === 'invalid_client'
    if (isUnknown && client.kind === 'registered') await registeredAnew(ways, target, server)
    throw error
  }
}

async function registeredAnew(ways: OauthWays, target: OauthTarget, server: AuthServer): Promise<void> {
  try {
    await ways.clientOf(target, server, { anew: true })
  } catch (error) {
    // It is tried again when somebody connects; what matters now is that the client is gone.
    if (!(error instanceof OauthTrouble)) throw error
  }
}

/** @param old stays where the answer holds no other (RFC 6749 section 6) */
function contentOf(record: ConnectionRecord, granted: GrantedTokens, old: string): Omit<ConnectionContent, keyof Life> {
  const refresh = granted.refresh ?? old
  const { kind, issuer, resource, clientId, account } = record
  return {
    ...{ kind, issuer, resource, clientId, account },
    scope: granted.scope ?? record.scope,
    tokens: { access: granted.access, type: granted.type, refresh },
  }
}
