/**
 * What real clients send, made into what the standard asks for, before the library reads it: a missing `resource` means this portal (RFC 8707 lets
 * the server decide), scopes that we do not have are left out instead of refused, and another spelling of the same resource is the same.
 * Nothing here lets anybody in who would not be: redirect, client and challenge are the library's to check.
 */
import type { PortalUid } from '../../base/ids.ts'

/** The one scope: everything that the policies allow. What a person may do is theirs to say, not a scope's. */
export const SCOPE = 'mcp'

export interface ResourceNames {
  /** The portal that an identifier means, or null where it is none of ours. */
  portalOf(resource: string): { uid: PortalUid } | null
  /** The identifier of the portal that is asked for when nobody says. @param host the guarded Host header */
  defaultResource(host: string): string
}

/**
 * @param target path and query of an authorization request
 * @returns the same with `resource` and `scope` as they must be; a second `resource` stays and is refused by the library
 */
export function normaliseAuthorize(target: string, host: string, names: ResourceNames): string {
  const at = target.indexOf('?')
  const path = at === -1 ? target : target.slice(0, at)
  const query = new URLSearchParams(at === -1 ? '' : target.slice(at + 1))
  if (!query.has('resource') || query.getAll('resource').join('') === '')
    query.set('resource', names.defaultResource(host))
  query.set('scope', SCOPE)
  // The library knows ways to answer that our metadata does not name: in a fragment, or by a form that it makes itself. A code that comes
  // where its client does not look for it lies there for others to find.
  query.delete('response_mode')
  return `${path}?${query}`
}

/**
 * @param body a token request
 * @param granted the identifier that the grant was given for, or null where there is no such grant
 * @returns the same, with the granted spelling where the client's means the same portal
 */
export function normaliseToken(
  body: URLSearchParams,
  granted: string | null,
  names: Pick<ResourceNames, 'portalOf'>,
): URLSearchParams {
  const asked = body.getAll('resource')
  const [only] = asked
  if (granted !== null && asked.length === 1 && only !== undefined && only !== granted) {
    const portal = names.portalOf(only)
    if (portal !== null && portal.uid === names.portalOf(granted)?.uid) body.set('resource', granted)
  }
  // It can only narrow, and there is nothing narrower.
  body.delete('scope')
  return body
}
