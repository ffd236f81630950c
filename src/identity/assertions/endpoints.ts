/**
 * What is below `/cdn-cgi/access/`: the keys by which a server proves who calls it, for everybody, and the identity of the person whose
 * browser asks, for that browser alone.
 */
import type { BrowserSession, BrowserSessions } from '../browser-session-store.ts'
import { SETTLE_MS, type SigningKeys } from './keys.ts'

export const CERTS_PATH = '/cdn-cgi/access/certs'
export const IDENTITY_PATH = '/cdn-cgi/access/get-identity'

export interface AccessEndpoints {
  fetch(request: Request): Promise<Response>
}

export interface AccessRooms {
  keys: Pick<SigningKeys, 'published'>
  browsers: Pick<BrowserSessions, 'look'>
}

export function openAccessEndpoints({ keys, browsers }: AccessRooms): AccessEndpoints {
  return {
    async fetch(request) {
      const { pathname } = new URL(request.url)
      if (pathname !== CERTS_PATH && pathname !== IDENTITY_PATH) {
        return say(404, { error: `There is nothing here. ${CERTS_PATH} has the keys of this portal.` })
      }
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        return say(405, { error: 'Ask with GET.' }, { allow: 'GET, HEAD' })
      }
      return pathname === CERTS_PATH ? certs(keys) : whoAmI(request, browsers)
    },
  }
}

/** RFC 7517, section 5. The portal makes no certificates, so the members that would hold them are empty. */
function certs(keys: AccessRooms['keys']): Response {
  const body = { keys: keys.published(), public_cert: null, public_certs: [] }
  return say(200, body, {
    // A new key signs only after it has been here for as long.
    'cache-control': `public, max-age=${SETTLE_MS / 1000}`,
    'access-control-allow-origin': '*',
  })
}

async function whoAmI(request: Request, browsers: AccessRooms['browsers']): Promise<Response> {
  const site = request.headers.get('sec-fetch-site')
  // A page of another site can send our cookie along in some browsers; it shall not learn from the answer, nor from its time.
  if (site !== 'same-origin' && site !== 'none') {
    return say(403, { error: 'This answers the browser itself and pages of this portal only.' })
  }
  const { session } = await browsers.look(request.headers.get('cookie'))
  if (session === null) return say(401, { error: 'Nobody is signed in here. Sign in at /sign-in, then ask again.' })
  return say(200, shown(session))
}

function shown({ userId, email, label, identity, createdAt, expiresAt }: BrowserSession) {
  return {
    id: userId,
    user_uuid: userId,
    email,
    name: label,
    /** Null where they are not known, which is not the same as none. */
    groups: identity.groups,
    amr: identity.amr,
    idp: { id: identity.provider, issuer: identity.issuer, subject: identity.subject },
    custom: identity.claims,
    iat: Math.floor(createdAt / 1000),
    exp: Math.floor(expiresAt / 1000),
  }
}

function say(status: number, body: object, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...headers,
    },
  })
}
