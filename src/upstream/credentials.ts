/**
 * The portal's own credential for a server, as header names and values. A caller's token has no way in here, and nothing
 * in here reaches a log. Header names were checked when they were written; here they are checked again, because what is sent comes from the store.
 */
import { isAllowedHeader } from '../contract/credentials.ts'
import type { LiveCredential } from './connections/model.ts'
import { needlesOf } from './redact.ts'
import { Trouble } from './trouble.ts'

/** Nothing at all: for servers that want nothing, and for finding out what one wants. */
export const NO_CREDENTIAL: LiveCredential = fixedCredential('none', [])

/** The pool key of calls that are lent no credential, and are to have none; no connection has it for its id. */
export const NOBODYS_KEY = 'anonymous'

/**
 * @param secret as stored: a token, or `{"headers": {...}}` as JSON
 * @throws Trouble `not-ready` when there is nothing that could be sent
 */
export function bearerCredential(secret: string | null): LiveCredential {
  if (secret === null || secret === '') throw notReady('has no credential yet. Store one with the server.')
  return fixedCredential('bearer:admin', bearerHeaders(secret))
}

/** One that nothing can renew: what is refused stays refused. @param headers names and values in turn */
export function fixedCredential(name: string, headers: readonly string[]): LiveCredential {
  const secrets = headers.filter((_, i) => i % 2 === 1)
  return {
    poolKey: '',
    inventory: 'admin',
    name,
    headers,
    secrets,
    needles: needlesOf(secrets),
    isFresh: true,
    freshen: async () => {},
    refused: async ({ status }) => {
      throw new Trouble('status', 'the credential was refused', { status })
    },
  }
}

/** Names and values in turn, of a token or `{"headers": {...}}`. @throws Trouble `not-ready` */
export function bearerHeaders(secret: string): string[] {
  const headers = declaredHeaders(secret)
  if (headers === null) return ['authorization', visibleValue(`Bearer ${secret}`)]
  const seen = new Set<string>()
  const list: string[] = []
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase()
    if (!isAllowedHeader(lower) || seen.has(lower) || typeof value !== 'string') {
      throw notReady('has a credential with a header that may not be set. Store it again.')
    }
    seen.add(lower)
    list.push(lower, visibleValue(value))
  }
  return list
}

function declaredHeaders(secret: string): Record<string, unknown> | null {
  if (!secret.trimStart().startsWith('{')) return null
  try {
    const parsed: unknown = JSON.parse(secret)
    const headers = typeof parsed === 'object' && parsed !== null && 'headers' in parsed ? parsed.headers : null
    if (typeof headers === 'object' && headers !== null && !Array.isArray(headers)) return { ...headers }
  } catch {
    // Falls through: what looks like JSON and is none is no token either.
  }
  throw notReady('has a credential that is neither a token nor a list of headers. Store it again.')
}

function visibleValue(value: string): string {
  if (!/^[\x20-\x7e]+$/.test(value)) throw notReady('has a credential with characters that no header can carry.')
  return value
}

function notReady(rest: string): Trouble {
  return new Trouble('not-ready', 'the credential cannot be used', { hint: `{server} ${rest}` })
}
