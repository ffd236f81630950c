/**
 * A small authorization server that gives tokens to who has a grant, counts what it is asked, and can be made slow, forgetful or somebody
 * else. It rotates refresh tokens as strict servers do: an old one that is shown again ends everything that came of its grant.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Given {
  access: string
  refresh: string
}

export interface TokenServer {
  /** Of the MCP server that its tokens are for. */
  url: URL
  /** `host:port` */
  place: string
  issuer: string
  /** Requests by `grant_type`, and `register`, `revoke`, `discover`. */
  counts: Record<string, number>
  /** As the token requests had them. */
  requests: URLSearchParams[]
  /** Seconds; null leaves it out. */
  expiresIn: number | null
  delayMs: number
  /** Token requests are answered after it. */
  mayAnswer: Promise<void> | null
  /** What token requests are answered with instead. */
  failure: { status: number; error: string } | null
  /** Named as the authorization server by the resource, instead of this one. */
  movedTo: string | null
  /** Refresh tokens that were shown a second time. */
  reused: number
  revoked: string[]
  /** As if a person had agreed. */
  grant(owner: string, clientId: string): Given
  /** What a person does at the server's side. */
  revokeGrant(owner: string): void
  forgetClients(): void
  /** Whose each access token is, dead or alive, by the header that carries it. */
  everGiven: Map<string, string>
  /** Whose access token it is, while it is good. */
  ownerOf(header: string | undefined): string | null
  close(): Promise<void>
}

interface Grant {
  owner: string
  clientId: string
  access: Set<string>
  refresh: string | null
  old: Set<string>
}

const fresh = (kind: string) => `${kind}-${randomBytes(12).toString('base64url')}`

export async function startTokenServer(): Promise<TokenServer> {
  const grants = new Set<Grant>()
  const clients = new Set<string>()
  const count = (name: string): void => {
    at.counts[name] = (at.counts[name] ?? 0) + 1
  }
  const http = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const place = `127.0.0.1:${(http.address() as AddressInfo).port}`
  const issuer = `http://${place}`

  const at: TokenServer = {
    ...{ url: new URL(`${issuer}/mcp`), place, issuer, counts: {}, requests: [], expiresIn: 3600, delayMs: 0 },
    ...{ mayAnswer: null, failure: null, movedTo: null, reused: 0, revoked: [], everGiven: new Map() },
    grant(owner, clientId) {
      const made: Grant = { owner, clientId, access: new Set([fresh('at')]), refresh: fresh('rt'), old: new Set() }
      grants.add(made)
      for (const access of made.access) at.everGiven.set(`Bearer ${access}`, owner)
      return { access: [...made.access][0] ?? '', refresh: made.refresh ?? '' }
    },
    revokeGrant(owner) {
      for (const one of grants) if (one.owner === owner) end(one)
    },
    forgetClients: () => clients.clear(),
    ownerOf(header) {
      const token = header?.replace(/^Bearer /, '') ?? ''
      return [...grants].find(({ access }) => access.has(token))?.owner ?? null
    },
    async close() {
      http.closeAllConnections()
      http.close()
      await once(http, 'close')
    },
  }

  function end(grant: Grant): void {
    grant.access.clear()
    if (grant.refresh !== null) grant.old.add(grant.refresh)
    grant.refresh = null
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? ''
    const json = (body: object, status = 200): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (path === '/.well-known/oauth-protected-resource/mcp') {
      count('discover')
      return json({ resource: at.url.href, authorization_servers: [at.movedTo ?? issuer] })
    }
    if (path === '/.well-known/oauth-authorization-server') return json(metadata())
    const body = await bodyOf(request)
    if (path === '/register') {
      count('register')
      const clientId = fresh('client')
      clients.add(clientId)
      return json({ ...JSON.parse(body), client_id: clientId }, 201)
    }
    const form = new URLSearchParams(body)
    if (path === '/revoke') {
      count('revoke')
      at.revoked.push(form.get('token') ?? '')
      for (const one of grants) if (one.refresh === form.get('token')) end(one)
      return json({})
    }
    if (path !== '/token') return json({ error: 'not found' }, 404)
    count(form.get('grant_type')?.split(':').at(-1) ?? '')
    at.requests.push(form)
    // What it decides, it decides when it is asked; the answer is what is slow.
    const [status, answered] = token(form, request.headers.authorization)
    await new Promise((resolve) => setTimeout(resolve, at.delayMs))
    await at.mayAnswer
    json(answered, status)
  }

  function metadata() {
    return {
      ...{ issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` },
      ...{ registration_endpoint: `${issuer}/register`, revocation_endpoint: `${issuer}/revoke` },
      ...{ response_types_supported: ['code'], code_challenge_methods_supported: ['S256'] },
      ...{ token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'] },
      grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
    }
  }

  function token(form: URLSearchParams, authorization: string | undefined): [number, object] {
    if (at.failure !== null) return [at.failure.status, { error: at.failure.error }]
    const basic = Buffer.from(authorization?.replace(/^Basic /, '') ?? '', 'base64').toString()
    const clientId = form.get('client_id') ?? decodeURIComponent(basic.split(':')[0] ?? '')
    switch (form.get('grant_type')) {
      case 'refresh_token':
        return refreshed(form.get('refresh_token') ?? '', clientId)
      case 'client_credentials':
        return [
          200,
          given({ owner: `machine of ${clientId}`, clientId, access: new Set(), refresh: null, old: new Set() }),
        ]
      case 'urn:ietf:params:oauth:grant-type:jwt-bearer': {
        const owner = form.get('assertion') ?? ''
        return [200, given({ owner, clientId, access: new Set(), refresh: null, old: new Set() })]
      }
      default:
        return [400, { error: 'unsupported_grant_type' }]
    }
  }

  function refreshed(refresh: string, clientId: string): [number, object] {
    if (!clients.has(clientId)) return [401, { error: 'invalid_client' }]
    const replayed = [...grants].find(({ old }) => old.has(refresh))
    if (replayed !== undefined) {
      at.reused++
      end(replayed)
      return [400, { error: 'invalid_grant' }]
    }
    const grant = [...grants].find((one) => one.refresh === refresh && one.clientId === clientId)
    if (grant === undefined) return [400, { error: 'invalid_grant' }]
    grant.old.add(refresh)
    grant.access.clear()
    grant.refresh = fresh('rt')
    return [200, given(grant)]
  }

  function given(grant: Grant): object {
    grants.add(grant)
    const access = fresh('at')
    grant.access.add(access)
    at.everGiven.set(`Bearer ${access}`, grant.owner)
    return {
      ...{ access_token: access, token_type: 'Bearer' },
      ...(grant.refresh === null ? {} : { refresh_token: grant.refresh }),
      ...(at.expiresIn === null ? {} : { expires_in: at.expiresIn }),
    }
  }

  return at
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  return body
}
