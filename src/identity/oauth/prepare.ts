/**
 * A request of an OAuth client on its way to the library: our own host and address in place of whatever the connection says, cross-origin
 * answers where the field wants them, and what real clients leave out or write otherwise.
 */

import type { StartBudget } from '../providers/start-budget.ts'
import type { Clients } from './clients/clients.ts'
import { normaliseDevice } from './devices.ts'
import type { Provider } from './library.ts'
import type { NodeRequest, NodeResponse } from './node.ts'
import { isOpenToOrigins } from './open-to-origins.ts'
import { readWhole, replay } from './replay.ts'
import { normaliseAuthorize, normaliseToken } from './requests.ts'
import type { OauthRooms } from './rooms.ts'

/**
 * All that reaches the library, letter by letter. Its own router knows more (pages that take a device's code from a link, logout), and takes
 * each address in any case and with a slash at its end: spellings at which nothing below would be done.
 */
const REACHES = /^(?:GET \/oauth\/authorize(?:\/[\w-]{1,64})?|POST \/oauth\/(?:token|revoke|device_authorization))$/

const DEVICE_AUTHORIZATION = '/oauth/device_authorization'
const NOTHING = { error: 'not_found', error_description: 'There is no such address.' }

interface Preparing {
  provider: Provider
  rooms: OauthRooms
  clients: Clients
  /** Of authorizations: each writes a row, with all that its request said, before anybody is known. */
  starts: StartBudget
}

/** @returns what the library is to read, or null where the answer was given already */
export async function prepare(
  request: NodeRequest,
  response: NodeResponse,
  clientIp: string,
  { provider, rooms, clients, starts }: Preparing,
): Promise<NodeRequest | null> {
  const target = request.url ?? ''
  const [path = ''] = target.split('?', 1)
  const names = { portalOf: rooms.describePortal, defaultResource: rooms.defaultResource }
  const { host = '' } = request.headers
  asIssuer(request, rooms.issuer, clientIp)
  if (isOpenToOrigins(path)) {
    response.setHeader('access-control-allow-origin', '*')
    if (request.method === 'OPTIONS' && !path.startsWith('/oauth/register')) return preflight(response)
  }
  if (path === '/oauth/register' || path.startsWith('/oauth/register/')) {
    await clients.register(request, response, clientIp)
    return null
  }
  if (!REACHES.test(`${request.method} ${path}`)) return refuse(response, 404, NOTHING)
  if (path === '/oauth/authorize') {
    if (!starts.take(clientIp)) return refuseFlood(response, clientIp, rooms)
    return replay(request, normaliseAuthorize(target, host, names), null)
  }
  if (path !== '/oauth/token' && path !== DEVICE_AUTHORIZATION) return request
  const body = await readWhole(request)
  if (body === null) return refuseLong(response)
  const form = new URLSearchParams(body.toString('utf8'))
  if (path === DEVICE_AUTHORIZATION) {
    const device = await normaliseDevice(form, { host, clientIp }, names, rooms)
    return 'error' in device ? refuse(response, 400, device) : replay(request, target, Buffer.from(device.toString()))
  }
  const normal = normaliseToken(form, await grantedResource(form, provider), names)
  return replay(request, target, Buffer.from(normal.toString()))
}

/** The library believes these headers, and here they are ours. */
function asIssuer(request: NodeRequest, issuer: string, clientIp: string): void {
  const { host, protocol } = new URL(issuer)
  request.headers.host = host
  request.headers['x-forwarded-host'] = host
  request.headers['x-forwarded-proto'] = protocol.slice(0, -1)
  request.headers['x-forwarded-for'] = clientIp
  delete request.headers.forwarded
}

function preflight(response: NodeResponse): null {
  response.writeHead(204, {
    'access-control-allow-methods': 'GET, POST, PUT, DELETE',
    'access-control-allow-headers': 'authorization, content-type, mcp-protocol-version',
    'access-control-max-age': '3600',
  })
  response.end()
  return null
}

async function refuseFlood(
  response: NodeResponse,
  clientIp: string,
  { audit, showProblem }: OauthRooms,
): Promise<null> {
  audit.refused('bad-client', clientIp)
  const page = await showProblem('temporarily_unavailable', undefined)
  response.writeHead(page.status, { ...Object.fromEntries(page.headers), 'retry-after': '60' })
  response.end(await page.text())
  return null
}

function refuseLong(response: NodeResponse): null {
  response.setHeader('connection', 'close')
  return refuse(response, 413, { error: 'invalid_request', error_description: 'The body is longer than 56 KiB.' })
}

function refuse(response: NodeResponse, status: number, body: { error: string; error_description: string }): null {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify(body))
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
