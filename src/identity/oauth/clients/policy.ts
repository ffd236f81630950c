/**
 * Which clients may introduce themselves, and where they may be sent: Cloudflare's `oauth_configuration`, for the organisation and for each
 * portal. A registration names no portal, so the organisation's rules then; both rule when a person is about to be sent back.
 */
import { isSameRedirect, judgeRedirectUri } from './redirect-uri.ts'

export interface ClientPolicy {
  dynamic_client_registration?: {
    /** Absent is on. Off leaves only the clients that an admin wrote down. */
    enabled?: boolean
    /** `localhost`, at any port and path. */
    allow_any_on_localhost?: boolean
    /** 127.0.0.1 and [::1], at any port and path. */
    allow_any_on_loopback?: boolean
    /** https and loopback http may end in `/*`; anything else is letter by letter. */
    allowed_uris?: readonly string[]
  }
  /** RFC 8628; absent is off. */
  device_authorization?: { enabled?: boolean }
}

/** Cloudflare's sentences. */
export const NOT_ALLOWED_AT_REGISTRATION = 'redirect_uri is not allowed by the account configuration'
export const NOT_ALLOWED_AT_AUTHORIZE = 'Redirect URI not allowed by application configuration'

/** How a client came to be known. `metadata-url` is its document, `admin` was written down here. */
export type ClientKind = 'metadata-url' | 'registered' | 'admin'

/** Whether clients that nobody wrote down may come at all. */
export function mayIntroduceThemselves(policy: ClientPolicy | null): boolean {
  return policy?.dynamic_client_registration?.enabled !== false
}

/**
 * Whether a policy lets a client be sent to a URI. A policy that says nothing about URIs allows each that `judgeRedirectUri` does; one that
 * says something allows that and no more.
 */
export function mayRedirect(policy: ClientPolicy | null, uri: string, kind: ClientKind = 'registered'): boolean {
  const rules = policy?.dynamic_client_registration
  const allowed = rules?.allowed_uris ?? []
  const verdict = judgeRedirectUri(uri, kind === 'admin' ? [uri] : allowed)
  if (!verdict.ok) return false
  // The admin who wrote it down has allowed it already.
  if (kind === 'admin' || rules === undefined) return true
  if (rules.enabled === false) return false
  const { allow_any_on_localhost: localhost, allow_any_on_loopback: loopback } = rules
  if (localhost === undefined && loopback === undefined && rules.allowed_uris === undefined) return true
  if (verdict.kind === 'loopback' && (verdict.host === 'localhost' ? localhost : loopback) === true) return true
  return allowed.some((entry) => matches(entry, uri))
}

function matches(entry: string, uri: string): boolean {
  if (!entry.endsWith('/*')) return isSameRedirect(entry, uri)
  const [under, url] = [judgeRedirectUri(entry.slice(0, -1)), URL.parse(uri)]
  // Never for a private-use scheme: the program that has it decides what its paths mean.
  if (!under.ok || under.kind === 'private-use' || url === null) return false
  const base = new URL(entry.slice(0, -1))
  const isSamePlace = under.kind === 'loopback' ? base.hostname === url.hostname : base.host === url.host
  return isSamePlace && base.protocol === url.protocol && url.pathname.startsWith(base.pathname)
}

/** What speaks against an entry of `allowed_uris`, or null. */
export function faultOfEntry(entry: string): string | null {
  const isOpen = entry.endsWith('/*')
  const text = isOpen ? entry.slice(0, -1) : entry
  const verdict = judgeRedirectUri(text, [text])
  if (!verdict.ok) return 'is no redirect URI that could ever be used'
  if (text.includes('*')) return 'may hold "*" only at its end, after a "/"'
  return isOpen && verdict.kind === 'private-use' ? 'may end in "/*" only with https, or http on this machine' : null
}

/** @param text JSON as it stands in the store; what cannot be read is no policy that anybody made */
export function parsePolicy(text: string | null): ClientPolicy | null {
  return text === null ? null : (JSON.parse(text) as ClientPolicy)
}
