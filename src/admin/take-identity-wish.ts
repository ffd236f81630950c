/** How a server is told who calls, as it is sent. Only a server that is reached over HTTP can be: a header is all there is of it. */
import { parseBearerCredentials } from '../contract/credentials.ts'
import type { ServerUpdate } from '../contract/server.ts'
import type { AuthType, IdentityWish } from '../upstream/model.ts'
import { invalid } from './refusal.ts'

/**
 * What is left out stays; without a header there are no claims.
 *
 * @throws ApiRefusal 400
 */
export function takeIdentityWish(
  before: IdentityWish | null,
  sent: Pick<ServerUpdate, 'identity_header' | 'identity_claims'>,
  server: { hostname: string },
): IdentityWish | null {
  const header = sent.identity_header === undefined ? (before?.header ?? null) : sent.identity_header
  if (header === null) {
    if ((sent.identity_claims ?? []).length === 0) return null
    throw invalid('identity_claims', 'needs identity_header: the header in which the server is told')
  }
  if (server.hostname.startsWith('stdio://')) {
    throw invalid('identity_header', 'has no use for a stdio server, which gets no headers; leave it out')
  }
  return { header, claims: sent.identity_claims ?? before?.claims ?? [] }
}

/**
 * Two headers of one name would leave it to the server which of them it believes.
 *
 * @param credentials of type `bearer`, as stored or sent; null where there are none
 * @throws ApiRefusal 400
 */
export function refuseHeaderTwice(wish: IdentityWish | null, authType: AuthType, credentials: string | null): void {
  if (wish === null || authType !== 'bearer' || credentials === null) return
  const parsed = parseBearerCredentials(credentials)
  if (typeof parsed === 'string' || parsed.kind !== 'headers') return
  if (Object.hasOwn(parsed.headers, wish.header.toLowerCase())) {
    throw invalid('identity_header', 'is set by auth_credentials already; choose another header')
  }
}
