/** The authorization side: who comes is believed, and all that was ever shown or given here is repeated. */
import { randomBytes } from 'node:crypto'
import type { SiteAnswer, SiteHandler, SiteRequest } from '../hostile-site.ts'
import { type Desk, everything, fresh, inHeader, note, oddHeaders, type TokenWay } from './model.ts'

export function authorizes(desk: Desk): SiteHandler {
  return (request) => {
    const { at } = desk
    const form = new URLSearchParams(request.body.startsWith('{') ? '' : request.body)
    noteRequest(desk, request, form)
    if (request.path.startsWith('/.well-known/')) return { body: metadata(desk) }
    if (request.path === '/authorize') return authorize(desk, request)
    if (at.tokenWay !== 'good') return refused(desk, at.tokenWay)
    if (request.path === '/register') return register(desk, request)
    if (request.path === '/token') return { body: tokens(desk, form) }
    if (request.path === '/userinfo')
      return { body: { email: at.tellsTokens ? [...desk.good].at(-1) : 'alice@notes.example' } }
    return { status: 400, body: { error: 'invalid_request', error_description: everything(desk) } }
  }
}

function noteRequest(desk: Desk, { headers, url }: SiteRequest, form: URLSearchParams): void {
  for (const kind of ['code', 'code_verifier', 'client_secret', 'client_assertion', 'assertion', 'refresh_token'])
    note(desk, form.get(kind), kind)
  note(desk, url.searchParams.get('state'), 'state')
  const [, basic = ''] = /^Basic (.*)$/.exec(headers.authorization ?? '') ?? []
  const [, secret = ''] = Buffer.from(basic, 'base64').toString().split(':')
  note(desk, new URLSearchParams(`s=${secret}`).get('s'), 'client_secret')
}

function metadata(desk: Desk): object {
  const { issuer } = desk.at
  return {
    ...{ issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` },
    ...{ registration_endpoint: `${issuer}/register`, revocation_endpoint: `${issuer}/revoke` },
    ...{ userinfo_endpoint: `${issuer}/userinfo`, scopes_supported: ['openid', 'read', 'offline_access'] },
    ...{ response_types_supported: ['code'], code_challenge_methods_supported: ['S256'] },
    authorization_response_iss_parameter_supported: true,
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
    service_documentation: `https://docs.example/?${encodeURIComponent(everything(desk))}`,
  }
}

function authorize(desk: Desk, { url }: SiteRequest): SiteAnswer {
  const code = fresh('code')
  note(desk, code, 'code')
  const back = new URL(url.searchParams.get('redirect_uri') ?? '')
  for (const [name, value] of [
    ['code', code],
    ['state', url.searchParams.get('state') ?? ''],
    ['iss', desk.at.issuer],
  ] as const)
    back.searchParams.set(name, value)
  return { status: 302, headers: { location: back.href } }
}

function register(desk: Desk, { body }: SiteRequest): SiteAnswer {
  const [secret, managing] = [`${fresh('dcr')} "&%`, fresh('registration')]
  note(desk, secret, 'client_secret')
  note(desk, managing, 'registration_access_token')
  const wish = JSON.parse(body) as object
  const kept = { client_secret: secret, client_secret_expires_at: 0, registration_access_token: managing }
  const client_id = `client-${randomBytes(6).toString('hex')}`
  return { status: 201, body: { ...wish, ...kept, client_id, client_name: secret } }
}

function tokens(desk: Desk, form: URLSearchParams): object {
  const access = fresh('access', desk.isPlain)
  const shown = form.get('refresh_token') ?? form.get('grant_type') ?? ''
  desk.before.set(access, desk.before.get(shown) ?? access)
  desk.good.add(access)
  note(desk, access, 'access_token', 'both')
  const isPersons = ['authorization_code', 'refresh_token'].includes(form.get('grant_type') ?? '')
  const refresh = isPersons ? fresh('refresh', desk.isPlain) : null
  desk.before.set(refresh ?? shown, access)
  note(desk, refresh, 'refresh_token')
  const hasName = !desk.at.tellsTokens
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = {
    iss: desk.at.issuer,
    sub: 'alice',
    nonce: fresh('nonce'),
    ...(hasName ? {} : { email: refresh ?? access }),
  }
  const idToken = `${part({ alg: 'ES256' })}.${part(claims)}.${fresh('signature')}`
  note(desk, idToken, 'id_token')
  const scope = hasName ? 'openid read' : `openid read ${access} ${refresh ?? ''}`.trim()
  return {
    ...{ access_token: access, token_type: 'Bearer', expires_in: 3600, id_token: idToken, scope },
    ...(refresh === null ? {} : { refresh_token: refresh }),
    note: everything(desk),
  }
}

function refused(desk: Desk, way: Exclude<TokenWay, 'good'>): SiteAnswer {
  const said = everything(desk)
  const mine = [...desk.planted.all].filter(([, one]) => one.server === desk.at.id).map(([value]) => value)
  // One that has the letters of an error code, where there is one.
  const last = mine.findLast((value) => /^\w+$/.test(value)) ?? mine.at(-1) ?? ''
  const authenticate = `Basic realm="${inHeader(said)}"`
  switch (way) {
    case 'error':
      return {
        ...{ status: 400, headers: { 'www-authenticate': authenticate } },
        body: {
          error: 'invalid_request',
          error_description: said,
          error_uri: `https://e.example/?${encodeURIComponent(said)}`,
        },
      }
    case 'error code':
      return { status: 400, body: { error: last, error_description: said } }
    case 'HTTP 500':
      return { status: 500, body: said }
    case 'HTML':
      return { status: 200, headers: { 'content-type': 'text/html' }, body: `<!doctype html><title>${said}</title>` }
    case 'redirect':
      return {
        status: 307,
        headers: { location: `${desk.elsewhere}/from-issuer?${encodeURIComponent(said).slice(0, 6000)}` },
      }
    case 'odd headers':
      return { status: 401, headers: oddHeaders(last, said), body: { error: 'temporarily_unavailable' } }
    case 'no token':
      return { status: 200, body: { access_token: `two words ${last}`, token_type: said } }
  }
}
