import { describe, expect, test } from 'vitest'
import { isIdentityHeader, isServiceTokenHeader } from './header-names.ts'

const FREE = ['Cf-Access-Jwt-Assertion', 'X-Portico-User', 'x-identity', 'Cf-Access-Token']
const TAKEN = [
  ...['Host', 'Connection', 'Content-Length', 'Transfer-Encoding', 'Content-Type', 'TE', 'Upgrade', 'Keep-Alive'],
  ...[
    'Cookie',
    'Set-Cookie',
    'Proxy-Authorization',
    'Proxy-Connection',
    'CF-Access-Client-Id',
    'cf-access-client-secret',
  ],
  ...[
    'Mcp-Session-Id',
    'MCP-Protocol-Version',
    'Mcp-Param-x',
    'Last-Event-ID',
    'Accept',
    'Accept-Encoding',
    'User-Agent',
  ],
  ...['X-Forwarded-For', 'x-forwarded-host', 'Forwarded', 'Via', 'X-Real-IP', 'traceparent', 'tracestate', 'baggage'],
  ...['Origin', 'Sec-Fetch-Site', 'If-None-Match', 'Range', 'Expect', 'Date', 'Access-Control-Request-Method'],
  ...['', ' ', 'a b', 'a:b', 'a\r\nb', 'ä', 'x'.repeat(129)],
]

describe('the header in which a server is told who calls', () => {
  test.each(FREE)('may be %j', (name) => expect(isIdentityHeader(name)).toBe(true))
  test.each([...TAKEN, 'Authorization', 'AUTHORIZATION'])('may not be %j', (name) => {
    expect(isIdentityHeader(name)).toBe(false)
  })
})

describe('the header that may hold a whole service token', () => {
  test.each([...FREE, 'Authorization'])('may be %j', (name) => expect(isServiceTokenHeader(name)).toBe(true))
  test.each(TAKEN)('may not be %j', (name) => expect(isServiceTokenHeader(name)).toBe(false))
})
