/**
 * Where the forms of a page may lead, as sources of its Content-Security-Policy. Chromium follows no redirect that answers a form
 * unless the page's `form-action` names where it goes, however many steps later.
 */
import type { Pending } from '../identity/oauth/model.ts'

const LOOPBACK = ['http://127.0.0.1:*', 'http://localhost:*']

/**
 * To the client that waits for an authorization. By scheme, not by host: what a client does with its code may lead on from there (to a
 * page of thanks, to another of its hosts), and would be cut off. No text of the client's stands in a header.
 */
export function toClient(pending: Pending | null): readonly string[] {
  const uri = pending?.redirectUri ?? null
  if (uri === null) return []
  const scheme = /^([a-z][a-z0-9+.-]{0,63}):/i.exec(uri)?.[1]?.toLowerCase()
  if (scheme === 'https') return ['https:']
  // A source cannot name an IPv6 address, so who waits at one needs the whole scheme.
  if (scheme === 'http') return ['https:', ...(/^http:\/\/\[/i.test(uri) ? ['http:'] : LOOPBACK)]
  return scheme === undefined ? [] : ['https:', `${scheme}:`]
}

/** To an identity provider: https, and on a portal of this machine alone also one of this machine. */
export function toProvider(issuer: string): readonly string[] {
  return issuer.startsWith('https:') ? ['https:'] : ['https:', ...LOOPBACK]
}
