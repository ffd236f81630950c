/** The MCP side: it repeats the tokens that came with a call, and the one that was renewed for it. */
import type { SiteAnswer, SiteHandler } from '../hostile-site.ts'
import { type Desk, everything, inHeader, oddHeaders } from './model.ts'

interface Asked {
  id?: number
  method?: string
  params?: { _meta?: { progressToken?: unknown } }
}

export function serves(desk: Desk): SiteHandler {
  const { at } = desk
  const metadataUrl = `${at.mcp.origin}/.well-known/oauth-protected-resource/mcp`
  return (request) => {
    const { path, headers, method, body } = request
    if (path === '/.well-known/oauth-protected-resource/mcp')
      return {
        body: {
          resource: at.url,
          authorization_servers: [at.issuer],
          scopes_supported: ['read'],
          resource_name: told(desk),
        },
      }
    if (path !== '/mcp' || method !== 'POST') return { status: 405 }
    const asked = JSON.parse(body) as Asked
    const token = headers.authorization?.replace(/^Bearer /, '') ?? ''
    desk.heard = [token, desk.before.get(token) ?? token]
    const isGood = desk.good.has(token) || desk.planted.all.get(token)?.kind === 'pasted'
    const isRefused = !isGood || (at.callWay === 'no token is good' && asked.method === 'tools/call')
    if (isRefused) {
      const challenge = `Bearer error="invalid_token", error_description="${inHeader(told(desk))}", scope="read"`
      return {
        status: 401,
        headers: { 'www-authenticate': `${challenge}, resource_metadata="${metadataUrl}"` },
        body: told(desk),
      }
    }
    return spoken(desk, asked) ?? called(desk, asked)
  }
}

/** What a server knows of a call by itself. */
const told = (desk: Desk) => everything(desk, (value) => desk.heard.includes(value))

/** Greeting and lists. */
function spoken(desk: Desk, { id, method }: Asked): SiteAnswer | undefined {
  const isModern = desk.era === '2026'
  const result = (value: object) => ({
    body: {
      jsonrpc: '2.0',
      id,
      result: isModern ? { resultType: 'complete', ttlMs: 0, cacheScope: 'public', ...value } : value,
    },
  })
  const said = desk.at.listsEcho ? told(desk) : 'says nothing'
  const capabilities = { tools: {}, logging: {} }
  const described = { serverInfo: { name: said, version: '1' }, instructions: said, capabilities }
  switch (method) {
    case 'server/discover':
      if (!isModern) return { status: 400, body: { jsonrpc: '2.0', id: null, error: { code: -32000, message: said } } }
      return result({ supportedVersions: ['2026-07-28'], ...described })
    case 'initialize':
      return result({ protocolVersion: '2025-11-25', ...described })
    case 'notifications/initialized':
      return { status: 202 }
    case 'logging/setLevel':
      return result({})
    case 'tools/list': {
      const schema = {
        type: 'object',
        properties: { [desk.at.listsEcho ? inHeader(said).slice(0, 400) : 'a']: { type: 'string' } },
      }
      return result({
        tools: [{ name: 'ask', title: said, description: said, inputSchema: schema, annotations: { title: said } }],
      })
    }
    default:
      return undefined
  }
}

function called(desk: Desk, { id, params }: Asked): SiteAnswer {
  const { at, era } = desk
  const said = told(desk)
  const content = [{ type: 'text', text: said }]
  const result = (value: object) => ({
    jsonrpc: '2.0',
    id,
    result: era === '2026' ? { resultType: 'complete', ...value } : value,
  })
  const error = {
    jsonrpc: '2.0',
    id,
    error: { code: -32001, message: `denied: ${said}`.slice(0, 1500), data: { said, [said]: 1 } },
  }
  const events = (...messages: object[]): SiteAnswer => ({
    headers: { 'content-type': 'text/event-stream' },
    body: messages.map((one) => `event: message\ndata: ${JSON.stringify(one)}\n\n`).join(''),
  })
  const message = (method: string, params: object) => ({ jsonrpc: '2.0', method, params })
  switch (at.callWay) {
    case 'JSON-RPC error':
      return { body: error }
    case 'isError result':
      return { body: result({ content, isError: true }) }
    case 'error on a stream':
      return events(error)
    case 'messages before the answer':
      return events(
        message('notifications/progress', {
          progressToken: params?._meta?.progressToken ?? id,
          progress: 1,
          message: said,
        }),
        message('notifications/message', { level: 'error', logger: said, data: { said, [said]: 1 } }),
        result({ content: [{ type: 'text', text: 'done' }] }),
      )
    case 'HTTP 500':
      return { status: 500, body: said }
    case 'HTML':
      return { headers: { 'content-type': 'text/html' }, body: `<title>${said}</title>` }
    case 'redirect':
      return { status: 307, headers: { location: `${desk.elsewhere}/from-server` } }
    case 'insufficient_scope': {
      const [token = ''] = desk.heard
      const challenge = `Bearer error="insufficient_scope", scope="read write ${token}", error_description="${inHeader(said)}"`
      return { status: 403, headers: { 'www-authenticate': challenge }, body: said }
    }
    case 'odd headers':
      return { headers: oddHeaders(desk.heard[0] ?? '', said), body: error }
    default:
      return { body: result({ content: [{ type: 'text', text: 'done' }] }) }
  }
}
