/** The resource's side: who shows a good token reaches the MCP server as that account, in the era that they speak; others learn where to get one. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import {
  type AuthInfo,
  createMcpHandler,
  getOAuthProtectedResourceMetadataUrl,
  isLegacyRequest,
  type McpHttpHandler,
  type McpServer,
  OAuthError,
  OAuthErrorCode,
  requireBearerAuth,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'
import { type Access, SCOPES } from './authorization-server.ts'
import type { OauthUpstreamOptions, Seen } from './model.ts'
import { addExtra, makeNotes, type NotesState } from './notes.ts'

export interface ResourceServer {
  url: string
  /** Who is in charge, once known. */
  issuer: string
  seen: Seen[]
  introspect(token: string): Promise<Access | undefined>
  /** Those of one account hear that it has one more tool. */
  toolGiven(account: string, tool: string): void
  noteChanged(account: string): void
  close(): Promise<void>
}

interface Session {
  account: string
  server: McpServer
  transport: WebStandardStreamableHTTPServerTransport
  subscribed: Set<string>
}

export async function startResourceServer(
  { era = 'both' }: OauthUpstreamOptions,
  state: NotesState,
): Promise<ResourceServer> {
  const modern = new Map<string, McpHttpHandler>()
  const sessions = new Map<string, Session>()
  const http = createServer()
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const url = `${origin}/mcp`
  const metadataUrl = getOAuthProtectedResourceMetadataUrl(new URL(url))
  const seen: Seen[] = []

  const here: ResourceServer = {
    ...{ url, seen, issuer: '' },
    introspect: () => Promise.resolve(undefined),
    toolGiven(account, tool) {
      // Made anew for each request there, and once for each session here.
      modern.get(account)?.notify.toolsChanged()
      for (const one of sessions.values()) if (one.account === account) addExtra(one.server, account, tool)
    },
    noteChanged(account) {
      modern.get(account)?.notify.resourceUpdated('note://mine')
      for (const one of sessions.values()) {
        if (one.account !== account || !one.subscribed.has('note://mine')) continue
        void one.server.server.sendResourceUpdated({ uri: 'note://mine' }).catch(() => undefined)
      }
    },
    async close() {
      const closed = new Promise((resolve) => http.close(resolve))
      http.closeAllConnections()
      await closed
      await Promise.all([...modern.values()].map((handler) => handler.close()))
      await Promise.all([...sessions.values()].map(({ server }) => server.close()))
    },
  }

  const gate = requireBearerAuth({
    verifier: { verifyAccessToken: (token) => verify(here, token) },
    requiredScopes: ['notes:read'],
    resourceMetadataUrl: metadataUrl,
    expectedResource: new URL(url),
  })

  async function answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    if (pathname === new URL(metadataUrl).pathname) return Response.json(metadataOf(here))
    if (pathname !== '/mcp') return new Response(null, { status: 404 })
    const note: Seen = { http: request.method, method: await methodOf(request), account: null, headers: {} }
    note.headers = Object.fromEntries(request.headers)
    seen.push(note)
    const authInfo = await gate(request)
    if (authInfo instanceof Response) return authInfo
    note.account = accountOf(authInfo)
    if (era === '2025' || (await isLegacyRequest(request))) return inSession(request, authInfo)
    return handlerOf(note.account).fetch(request, { authInfo })
  }

  function handlerOf(account: string): McpHttpHandler {
    const made = modern.get(account) ?? createMcpHandler(() => makeNotes(account, state), { legacy: 'reject' })
    modern.set(account, made)
    return made
  }

  async function inSession(request: Request, authInfo: AuthInfo): Promise<Response> {
    const id = request.headers.get('mcp-session-id')
    const known = id === null ? await openSession(accountOf(authInfo)) : sessions.get(id)
    // A session of another account is as unknown as one that never was.
    if (known === undefined || known.account !== accountOf(authInfo)) return new Response(null, { status: 404 })
    return known.transport.handleRequest(request, { authInfo })
  }

  async function openSession(account: string): Promise<Session> {
    const server = makeNotes(account, state)
    const subscribed = new Set<string>()
    server.server.setRequestHandler('resources/subscribe', ({ params }) => {
      subscribed.add(params.uri)
      return {}
    })
    server.server.setRequestHandler('resources/unsubscribe', ({ params }) => {
      subscribed.delete(params.uri)
      return {}
    })
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (id) => void sessions.set(id, session),
      onsessionclosed: (id) => void sessions.delete(id),
    })
    const session: Session = { account, server, transport, subscribed }
    await server.connect(transport)
    return session
  }

  const listener = getRequestListener(answer, { overrideGlobalObjects: false })
  http.on('request', (request: IncomingMessage, response) => void listener(request, response))
  return here
}

async function verify(here: ResourceServer, token: string): Promise<AuthInfo> {
  const access = await here.introspect(token)
  if (access === undefined) throw new OAuthError(OAuthErrorCode.InvalidToken, 'this token is not good')
  return {
    token,
    clientId: access.clientId,
    scopes: access.scopes,
    expiresAt: access.expiresAt,
    resource: new URL(here.url),
    extra: { account: access.account },
  }
}

function accountOf({ extra }: AuthInfo): string {
  return String(extra?.account)
}

/** RFC 9728. */
function metadataOf({ url, issuer }: ResourceServer): object {
  return {
    resource: url,
    authorization_servers: [issuer],
    scopes_supported: SCOPES,
    bearer_methods_supported: ['header'],
    resource_name: 'Notes',
  }
}

async function methodOf(request: Request): Promise<string | null> {
  if (request.method !== 'POST') return null
  try {
    const body = (await request.clone().json()) as { method?: string }
    return body.method ?? null
  } catch {
    return null
  }
}
