/** The authorization server takes the word of an identity provider for its people: ID-JAG by the grant of RFC 7523, section 2.1. */
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose'
import { type Context, errors, type Model, type Provider } from '../../../src/identity/oauth/library.ts'
import type { Desk } from './authorization-server.ts'

export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

interface Extensible extends Provider {
  registerGrantType(
    name: string,
    handler: (ctx: Context) => Promise<void>,
    parameters: readonly string[],
    duplicates: readonly string[],
  ): void
}

interface Made extends Model {
  setAudience(audience: string): void
  scope?: string
}

/** @param issuer of the identity provider whose word counts */
export function takeWordOf(running: Provider, issuer: string, desk: Desk): void {
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`))
  const used = new Set<string>()
  const grant = async (ctx: Context): Promise<void> => {
    const { params, client } = ctx.oidc
    const verified = await jwtVerify(String(params.assertion), keys, {
      ...{ issuer, audience: running.issuer, typ: 'oauth-id-jag+jwt', requiredClaims: ['jti', 'sub', 'exp'] },
    }).catch(() => refuse('the assertion is not good'))
    const { sub = '' } = judged(verified.payload, { clientId: client?.clientId, desk, used })
    await answer(ctx, running, desk, sub)
  }
  ;(running as Extensible).registerGrantType(JWT_BEARER, grant, ['assertion', 'scope'], [])
}

/** It was made for this client and this resource, and is shown for the first time. */
function judged(
  claims: JWTPayload,
  { clientId, desk, used }: { clientId: string | undefined; desk: Desk; used: Set<string> },
): JWTPayload {
  const jti = String(claims.jti)
  if (claims.client_id !== clientId || claims.resource !== desk.resource) refuse('it was made for somebody else')
  if (used.has(jti)) refuse('it was shown before')
  used.add(jti)
  return claims
}

async function answer(ctx: Context, running: Provider, desk: Desk, account: string): Promise<void> {
  const { client, params } = ctx.oidc
  const scope = String(params.scope ?? 'notes:read')
  const token = new running.AccessToken({ accountId: account, client, gty: 'jwt-bearer', scope }) as Made
  token.setAudience(desk.resource)
  const access = await token.save(desk.lifetime)
  ctx.oidc.entities.Account = { accountId: account } as unknown as Model
  ctx.body = { access_token: access, token_type: 'Bearer', expires_in: desk.lifetime, scope }
}

function refuse(why: string): never {
  throw new errors.InvalidGrant(why)
}
