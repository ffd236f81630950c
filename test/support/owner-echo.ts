/**
 * A server of 2026 behind OAuth in one small program, for a great many calls: it answers each with the account whose token came, and keeps
 * account of every token that it gave. An access token and a refresh token of one account are a family; a refresh token that is shown
 * twice ends its family, as real ones do.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Given {
  access: string
  refresh: string
}

export interface OwnerEcho {
  /** Of the MCP endpoint, which is the resource. */
  url: string
  issuer: string
  clientId: string
  /** Calls whose token was not of the account that the portal called for. */
  readonly mixed: readonly string[]
  readonly calls: number
  readonly refusedCalls: number
  readonly renewals: number
  /** Refresh tokens that were shown a second time. */
  readonly shownTwice: number
  /** A new family, as a sign-in makes one. */
  give(account: string): Given
  /** The access tokens of an account are dead. */
  endAccess(account: string): void
  /** Its families are dead. */
  revoke(account: string): void
  close(): Promise<void>
}

interface Family {
  account: string
  access: string
  refresh: string
  endsAt: number
}

/** @param seconds that an access token lives */
export async function startOwnerEcho(seconds: number): Promise<OwnerEcho> {
  const byAccess = new Map<string, Family>()
  const byRefresh = new Map<string, Family>()
  const spent = new Map<string, Family>()
  const mixed: string[] = []
  const tally = { calls: 0, refusedCalls: 0, renewals: 0, shownTwice: 0 }
  let serial = 0

  function arm(family: Family): Family {
    serial++
    family.access = `access.${family.account}.${serial}`
    family.refresh = `refresh.${family.account}.${serial}`
    family.endsAt = performance.now() + seconds * 1000
    byAccess.set(family.access, family)
    byRefresh.set(family.refresh, family)
    return family
  }

  function disarm(family: Family): void {
    byAccess.delete(family.access)
    byRefresh.delete(family.refresh)
    spent.set(family.refresh, family)
  }

  function accountOf(request: IncomingMessage): string | null {
    const token = (request.headers.authorization ?? '').slice('Bearer '.length)
    const family = byAccess.get(token)
    return family !== undefined && performance.now() < family.endsAt ? family.account : null
  }

  function answerToken(form: URLSearchParams, response: ServerResponse): void {
    const shown = form.get('refresh_token') ?? ''
    const family = byRefresh.get(shown)
    if (family === undefined || form.get('resource') !== here.url) {
      const thief = spent.get(shown)
      if (thief !== undefined) tally.shownTwice++
      if (thief !== undefined) disarm(thief)
      json(response, 400, { error: 'invalid_grant' })
      return
    }
    disarm(family)
    const { access, refresh } = arm(family)
    tally.renewals++
    json(response, 200, { access_token: access, refresh_token: refresh, token_type: 'Bearer', expires_in: seconds })
  }

  function answerMcp(request: IncomingMessage, body: string, response: ServerResponse): void {
    const { id, method, params } = JSON.parse(body) as Message
    const account = accountOf(request)
    if (account === null) {
      tally.refusedCalls++
      const challenge = `Bearer error="invalid_token", resource_metadata="${here.issuer}/.well-known/oauth-protected-resource/mcp"`
      response.setHeader('www-authenticate', challenge)
      json(response, 401, { error: 'invalid_token' })
      return
    }
    if (method === 'tools/call') {
      tally.calls++
      const caller = params.arguments?.who
      if (caller !== account) mixed.push(`a call for ${caller} carried a token of ${account}`)
    }
    json(response, 200, { jsonrpc: '2.0', id, result: resultOf(method, account) })
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      const path = request.url ?? ''
      if (path === '/mcp' && request.method === 'POST') answerMcp(request, body, response)
      else if (path === '/token') answerToken(new URLSearchParams(body), response)
      else if (path === '/register') json(response, 201, { ...JSON.parse(body), client_id: here.clientId })
      else {
        const document = documentsOf(here)[path]
        json(response, document === undefined ? 404 : 200, document ?? {})
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const families = (account: string) => [...byRefresh.values()].filter((family) => family.account === account)
  const here: OwnerEcho = {
    ...{ url: `${issuer}/mcp`, issuer, clientId: 'the-portal', mixed },
    get calls() {
      return tally.calls
    },
    get refusedCalls() {
      return tally.refusedCalls
    },
    get renewals() {
      return tally.renewals
    },
    get shownTwice() {
      return tally.shownTwice
    },
    give(account) {
      const { access, refresh } = arm({ account, access: '', refresh: '', endsAt: 0 })
      return { access, refresh }
    },
    endAccess(account) {
      for (const family of families(account)) byAccess.delete(family.access)
    },
    revoke(account) {
      for (const family of families(account)) {
        byAccess.delete(family.access)
        byRefresh.delete(family.refresh)
      }
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return here
}

interface Message {
  id: number
  method: string
  params: { arguments?: { who?: string } }
}

function resultOf(method: string, account: string): object {
  switch (method) {
    case 'server/discover':
      return {
        ...{ resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: { tools: {} } },
        ...{ ttlMs: 0, cacheScope: 'private' },
      }
    case 'tools/list':
      return { resultType: 'complete', tools: [WHOAMI], ttlMs: 0, cacheScope: 'private' }
    default:
      return { resultType: 'complete', content: [{ type: 'text', text: account }] }
  }
}

const WHOAMI = { name: 'whoami', inputSchema: { type: 'object', properties: { who: { type: 'string' } } } }

function documentsOf({ url, issuer }: OwnerEcho): Readonly<Record<string, object>> {
  return {
    '/.well-known/oauth-protected-resource/mcp': { resource: url, authorization_servers: [issuer] },
    '/.well-known/oauth-authorization-server': {
      ...{ issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` },
      ...{ registration_endpoint: `${issuer}/register`, response_types_supported: ['code'] },
      ...{ grant_types_supported: ['authorization_code', 'refresh_token'] },
      ...{ code_challenge_methods_supported: ['S256'], token_endpoint_auth_methods_supported: ['none'] },
      authorization_response_iss_parameter_supported: true,
    },
  }
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
