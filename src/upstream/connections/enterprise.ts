/**
 * Each person's credential on the word of their identity provider (SEP-990): the provider says who they are to this authorization server
 * alone, and that is worth a token (RFC 7523 section 2.1). Nobody meets a second consent, and whoever has left has nothing to renew with.
 */
import { type AssertionFor, IdentityAssertionTrouble } from '../../base/identity-assertion.ts'
import type { UserPrincipal } from '../../base/principal.ts'
import { type AuthServer, type OauthTarget, OauthTrouble, type OauthWays } from '../oauth/model.ts'
import type { ConnectionContent } from './connection-store.ts'
import { type Lives, writtenScope } from './machine.ts'

export interface OnWord {
  target: OauthTarget
  principal: UserPrincipal
  lives: Lives
}

/** @throws OauthTrouble, IdentityAssertionTrouble */
export async function grantOnWord(
  { ways, assertionFor }: { ways: OauthWays; assertionFor: AssertionFor | null },
  { target, principal, lives }: OnWord,
  server: AuthServer,
): Promise<ConnectionContent> {
  if (assertionFor === null) throw new IdentityAssertionTrouble('gone', 'nobody here vouches for people')
  // The assertion is made out to an issuer: without one it would be good anywhere.
  if (server.issuer === null) throw new OauthTrouble('not-found', 'the authorization server has no issuer')
  const client = await ways.clientOf(target, server)
  const scope = writtenScope(target)
  const wish = { provider: providerOf(target), audience: server.issuer, resource: server.resource, scope }
  const assertion = await assertionFor(principal, wish)
  const granted = await ways.assertionGrant(target, { server, client, assertion, scope })
  return {
    kind: 'enterprise',
    issuer: server.issuer,
    resource: server.resource,
    clientId: client.id,
    scope: granted.scope ?? scope,
    account: principal.label,
    // Never a refresh token: it would outlive the word that it was given on.
    tokens: { access: granted.access, type: granted.type, refresh: null },
    ...lives(granted.expiresIn, true),
  }
}

function providerOf({ written }: OauthTarget): string | null {
  return written?.auth_mode === 'enterprise' ? (written.config?.identity_provider ?? null) : null
}
