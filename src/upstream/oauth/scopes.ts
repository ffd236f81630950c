/** What is asked for (MCP authorization, scope selection; RFC 6749 section 3.3). Pure. */
import type { AuthServer } from './model.ts'

const TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/
const MOST = 100

/** The single words, each once, in order; what no scope may be is left out. */
export function scopeWords(...scopes: readonly (string | null | undefined)[]): string[] {
  const words = scopes.flatMap((scope) => (scope ?? '').split(' '))
  return [...new Set(words.filter((word) => TOKEN.test(word)))].slice(0, MOST)
}

/** All of them together, or null where there is none. */
export function unionScopes(...scopes: readonly (string | null | undefined)[]): string | null {
  const words = scopeWords(...scopes)
  return words.length === 0 ? null : words.join(' ')
}

/** What of `wanted` is not in `held`. */
export function addedScopes(wanted: string | null, held: string | null): string[] {
  const had = new Set(scopeWords(held))
  return scopeWords(wanted).filter((word) => !had.has(word))
}

/** Scopes are shown and stored: a server that puts what it was given among them must not have it shown. */
export function withoutThose(scope: string | null, secrets: readonly string[]): string | null {
  if (scope === null) return null
  const words = scope.split(' ').filter((word) => !secrets.some((secret) => word.includes(secret)))
  return words.length === 0 ? null : words.join(' ')
}

/** What the portal asks for at every connection; many authorization servers grant it without saying so. */
export const ALWAYS_ASKED = ['offline_access', 'openid', 'email']

type Known = Pick<AuthServer, 'scopes' | 'serverScopes' | 'challenged'>

/**
 * What is asked for at a first connection: what the challenge says, else what the server lists, else nothing. Where there is something to
 * ask for, a refresh token is asked for besides, where the authorization server knows how; and who the account is, where it can say so.
 *
 * @param challenged all scopes that a call found missing, or null
 */
export function chooseScope(known: Known, challenged: string | null): string | null {
  const base = unionScopes(challenged) ?? unionScopes(known.challenged) ?? unionScopes(known.scopes?.join(' '))
  return unionScopes(base, extraScopes(known, base !== null).join(' '))
}

/** At the time of registration nobody knows which rights will be missing: all that the server lists and the authorization server knows. */
export function registrationScope(known: Known): string | null {
  const base = scopeWords(known.challenged, known.scopes?.join(' ')).filter(
    (word) => known.serverScopes.length === 0 || known.serverScopes.includes(word),
  )
  return unionScopes(base.join(' '), extraScopes(known, base.length > 0).join(' '))
}

function extraScopes({ serverScopes }: Known, hasBase: boolean): string[] {
  return ALWAYS_ASKED.filter((word) => serverScopes.includes(word) && (hasBase || word !== 'offline_access'))
}
