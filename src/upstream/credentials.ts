/**
 * The portal's own credential for a server, as header names and values. A caller's token has no way in here, and nothing
 * in here reaches a log. Header names were checked when they were written; here they are checked again, because what is sent comes from the store.
 */
import { digest } from '../base/secret.ts'
import { isAllowedHeader } from '../contract/credentials.ts'
import type { AuthType } from './model.ts'
import { Trouble } from './trouble.ts'

export interface Credential {
  /** The audit's name: `none`, `bearer:admin`. */
  name: string
  /** Changes with the secret: connections of an old one are closed. */
  version: string
  /** Names and values in turn. */
  headers: readonly string[]
}

/**
 * @param secret as stored: a token, or `{"headers": {...}}` as JSON
 * @throws Trouble `not-ready` when there is nothing that could be sent
 */
export function credentialFor(authType: AuthType, secret: string | null): Credential {
  switch (authType) {
    case 'unauthenticated':
      return { name: 'none', version: '', headers: [] }
    case 'bearer':
      if (secret === null || secret === '') throw notReady('has no credential yet. Store one with the server.')
      return { name: 'bearer:admin', version: digest(secret).slice(0, 16), headers: bearerHeaders(secret) }
    case 'oauth':
      throw notReady('needs to be connected by an administrator first.')
  }
}

function bearerHeaders(secret: string): string[] {
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
