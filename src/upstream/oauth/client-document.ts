/**
 * The portal's own document as a client (OAuth Client ID Metadata Document): authorization servers fetch it, and its URL is the client id.
 * Only a portal that they can reach may be known by it.
 */
import { addressBytes, kindOfAddress } from '../../base/address.ts'
import { hostOf, isLoopbackName } from '../../base/destination.ts'

export const CLIENT_DOCUMENT_PATH = '/client-metadata.json'
export const CLIENT_NAME = 'Portico'
/** The way back where the authorization server says who answers (RFC 9207); else `/{server_id}` follows. */
export const CALLBACK_PATH = '/servers-callback'

/** Names that no public resolver knows (RFC 6761, RFC 6762, RFC 8375, ICANN). */
const INNER_SUFFIX = /(^|\.)(localhost|local|internal|intranet|lan|home|corp|private|test|example|invalid|home\.arpa)$/

/**
 * @param issuer the portal's own, without a slash at the end
 * @param reader the authorization server that would read it, where it is known: one that stands inside reads what stands inside
 * @returns null where it could not be read
 */
export function documentUrl(issuer: string, reader: string | null = null): string | null {
  const url = URL.parse(issuer)
  if (url === null || url.protocol !== 'https:') return null
  const isRead = isPublicName(hostOf(url)) || (isInnerName(hostOf(url)) && isInside(reader))
  return isRead ? `${issuer}${CLIENT_DOCUMENT_PATH}` : null
}

/** A name of somebody's own network, and no machine's own. */
function isInnerName(host: string): boolean {
  return addressBytes(host) === null && host.includes('.') && !isLoopbackName(host)
}

function isInside(reader: string | null): boolean {
  const url = reader === null ? null : URL.parse(reader)
  return url !== null && !isPublicName(hostOf(url))
}

/** What stands at that URL. `client_id` is the URL itself, or nobody believes it. */
export function clientDocument(issuer: string): Readonly<Record<string, unknown>> {
  return {
    client_id: `${issuer}${CLIENT_DOCUMENT_PATH}`,
    client_name: CLIENT_NAME,
    client_uri: issuer,
    redirect_uris: [`${issuer}${CALLBACK_PATH}`],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    application_type: 'web',
  }
}

function isPublicName(host: string): boolean {
  if (addressBytes(host) !== null) return kindOfAddress(host) === 'public'
  return host.includes('.') && !isLoopbackName(host) && !INNER_SUFFIX.test(host)
}
