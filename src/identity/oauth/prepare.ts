/**
 * A request of an OAuth client on its way to the library: our own host and address in place of whatever the connection says, cross-origin
 * answers where the field wants them, and what real clients leave out or write otherwise.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from './library.ts'
import { readWhole, replay } from './replay.ts'
import { normaliseAuthorize, normaliseToken } from './requests.ts'
import type { OauthRooms } from './rooms.ts'

/** Pages of any origin may ask these; they carry no cookie, so there is nothing to steal. */
const OPEN = /^\/oauth\/(?:token|register(?:\/[\w.~-]+)?|revoke|jwks|device_authorization)$/

export function isOpenToOrigins(path: string): boolean {
  return OPEN.test(path) || path.startsWith('/.well-known/') || path === '/cdn-cgi/access/certs'
}

/** @returns what the library is to read, or null where the answer was given already */
export async function prepare(
  request: IncomingMessage,
  response: ServerResponse,
  clientIp: string,
  { provider, rooms }: { provider: Provider; rooms: OauthRooms },
): Promise<IncomingMessage | null> {
  const target = request.url ?? ''
  const [path = ''] = target.split('?', 1)
  const names = { portalOf: rooms.describePortal, defaultResource: rooms.defaultResource }
  const { host = '' } = request.headers
  asIssuer(request, rooms.issuer, clientIp)
  if (isOpenToOrigins(path)) {
    response.setHeader('access-control-allow-origin', '*')
    if (request.method === 'OPTIONS') return preflight(response)
  }
  if (request.method === 'GET' && path === '/oauth/authorize') {
    return replay(request, normaliseAuthorize(target, host, names), null)
  }
  if (request.method !== 'POST' || (path !== '/oauth/token' && path !== '/oauth/register')) return request
  const body = await readWhole(request)
  if (body === null)
    return refuse(response, { status: 413, error: 'invalid_request', description: 'The body is longer than 56 KiB.' })
  if (path === '/oauth/token') {
    const form = new URLSearchParams(body.toString('utf8'))
    const normal = normaliseToken(form, await grantedResource(form, provider), names)
    return replay(request, target, Buffer.from(normal.toString()))
  }
  const registered = await rooms.clients.register(jsonOf(body), clientIp)
  if (registered.kind === 'refused') return refuse(response, registered)
  return replay(request, target, Buffer.from(JSON.stringify(registered.metadata)))
}

/** The library believes these headers, and here they are ours. */
function asIssuer(request: IncomingMessage, issuer: string, clientIp: string): void {
  const { host, protocol } = new URL(issuer)
  request.headers.host = host
  request.headers['x-forwarded-host'] = host
  request.headers['x-forwarded-proto'] = protocol.slice(0, -1)
  request.headers['x-forwarded-for'] = clientIp
  delete request.headers.forwarded
}

function preflight(response: ServerResponse): null {
  response.writeHead(204, {
    'access-control-allow-methods': 'GET, POST, PUT, DELETE',
    'access-control-allow-headers': 'authorization, content-type, mcp-protocol-version',
    'access-control-max-age': '3600',
  })
  response.end()
  return null
}

interface Refusal {
  status: number
  error: string
  description: string
  retryAfter?: number
}

function refuse(response: ServerResponse, { status, error, description, retryAfter }: Refusal): null {
  const bytes = Buffer.from(JSON.stringify({ error, error_description: description }))
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': bytes.length,
    'cache-control': 'no-store',
    ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
  })
  response.end(bytes)
  return null
}

/** What a code or a refresh token was given for, or null where there is no such one. */
async function grantedResource(form: URLSearchParams, provider: Provider): Promise<string | null> {
  const code = form.get('code')
  const token = form.get('refresh_token')
  const model = code !== null ? provider.AuthorizationCode : provider.RefreshToken
  const found = await model.find(code ?? token ?? '', { ignoreExpiration: true })
  return typeof found?.resource === 'string' ? found.resource : null
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    // Said by whoever looks at it: it is no registration.
    return undefined
  }
}
