/** What came from a token endpoint, taken for good only where it can be used as it is (RFC 6749 section 5.1, RFC 6750 section 2.1). */
import type { OAuthTokens } from '@modelcontextprotocol/client'
import type { GrantedTokens } from '../connections/model.ts'
import { OauthTrouble } from './model.ts'
import { unionScopes, withoutThose } from './scopes.ts'

const MAX_TOKEN = 16 * 1024
/** What is shorter would be found in any text. */
const SHORTEST_SECRET = 8
const VISIBLE = /^[\x21-\x7e]+$/
/** What outlives ten years is no lifetime. */
const MAX_SECONDS = 10 * 365 * 86_400

/** @throws OauthTrouble `bad-answer` */
export function grantedTokens(answer: OAuthTokens): GrantedTokens {
  const { access_token: access, token_type: type, refresh_token: refresh } = answer
  if (type.toLowerCase() !== 'bearer') throw new OauthTrouble('bad-answer', 'the token is of another type than Bearer')
  if (!isToken(access)) throw new OauthTrouble('bad-answer', 'the access token cannot be put into a header')
  if (refresh !== undefined && !isToken(refresh))
    throw new OauthTrouble('bad-answer', 'the refresh token is too long, or not of visible ASCII')
  const tokens = { access, refresh: refresh ?? null, idToken: answer.id_token ?? null }
  return {
    ...tokens,
    type: 'Bearer',
    expiresIn: secondsOf(answer.expires_in),
    scope: answer.scope === undefined ? null : withoutThose(unionScopes(answer.scope), secretsIn(tokens)),
  }
}

/** What may be shown nowhere. */
export function secretsIn({
  access,
  refresh,
  idToken,
}: Pick<GrantedTokens, 'access' | 'refresh' | 'idToken'>): string[] {
  return [access, refresh, idToken].filter((one) => one !== null && one.length >= SHORTEST_SECRET) as string[]
}

/** Whether a header can carry it. */
export function isToken(text: string): boolean {
  return text.length <= MAX_TOKEN && VISIBLE.test(text)
}

function secondsOf(said: number | undefined): number | null {
  if (said === undefined || !Number.isFinite(said) || said < 0) return null
  return Math.min(Math.floor(said), MAX_SECONDS)
}
