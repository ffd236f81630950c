/**
 * What the server's side calls the account that was connected: a label by which a person recognises it, and nothing else. The ID token came
 * from the token endpoint itself, over TLS, so its signature adds nothing here (OpenID Connect Core 3.1.3.7, 6).
 */
import { fetchJson } from '../../base/safe-fetch.ts'
import { visible } from '../../base/visible.ts'
import type { GrantedTokens } from '../connections/model.ts'
import type { AuthServer } from './model.ts'
import type { Net } from './net.ts'
import { scopeWords } from './scopes.ts'
import { secretsIn } from './token-answer.ts'
import { oauthTroubleOf } from './trouble-of.ts'

const LONGEST = 200
/** The first that is there: what people know themselves by, before what machines do. */
const NAMES = ['email', 'preferred_username', 'upn', 'name', 'nickname', 'login']

export async function accountOf(net: Net, server: AuthServer, tokens: GrantedTokens): Promise<string | null> {
  const token = claimsOf(tokens.idToken)
  const name = (claims: unknown, names = NAMES) => nameIn(claims, names, secretsIn(tokens))
  return name(token) ?? name(await userinfo(net, server, tokens)) ?? name(token, ['sub'])
}

async function userinfo(
  net: Net,
  { userinfoEndpoint }: AuthServer,
  { access, scope }: GrantedTokens,
): Promise<unknown> {
  const isWanted = scope === null || scopeWords(scope).includes('openid')
  if (userinfoEndpoint === null || !isWanted) return null
  try {
    return await fetchJson(
      (input) => net.send(input, { headers: { authorization: `Bearer ${access}` } }),
      userinfoEndpoint,
    )
  } catch (error) {
    // Tokens for the server are often not taken there; then the account has no name.
    oauthTroubleOf(error, 'refused', 'asking who the account is')
    return null
  }
}

/** Of an ID token, unverified. Null for what is none. */
function claimsOf(idToken: string | null): unknown {
  const body = idToken === null || idToken.length > 64 * 1024 ? undefined : idToken.split('.')[1]
  if (body === undefined) return null
  try {
    return JSON.parse(Buffer.from(body, 'base64url').toString())
  } catch {
    // A label that cannot be read is no label.
    return null
  }
}

/** @param secrets a label is stored and shown, so none that holds one of them is a name */
function nameIn(claims: unknown, names: readonly string[], secrets: readonly string[]): string | null {
  if (typeof claims !== 'object' || claims === null) return null
  for (const name of names) {
    const value = Object.hasOwn(claims, name) ? (claims as Record<string, unknown>)[name] : undefined
    if (typeof value !== 'string' || value.trim() === '' || secrets.some((one) => value.includes(one))) continue
    return label(value)
  }
  return null
}

/** Cut before it is made visible, and after: each hidden character grows to many. */
function label(value: string): string {
  return visible([...value.trim()].slice(0, LONGEST).join('')).slice(0, LONGEST)
}
