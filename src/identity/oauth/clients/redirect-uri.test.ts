import { describe, expect, test } from 'vitest'
import { isSameRedirect, judgeRedirectUri, type RedirectFault, type RedirectKind, redirectKey } from './redirect-uri.ts'

const SANE: readonly (readonly [uri: string, kind: RedirectKind, key?: string])[] = [
  ['https://claude.ai/api/mcp/auth_callback', 'https'],
  ['https://vscode.dev/redirect', 'https'],
  ['https://example.com', 'https'],
  ['https://example.com:8443/cb?tenant=1', 'https'],
  ['https://192.0.2.7/cb', 'https'],
  ['https://xn--bcher-kva.example/cb', 'https'],
  ['https://ai.example/oauth/clients/mcp:crm/callback', 'https'],
  ['https://example.com/a%20b?next=%2Fhome', 'https'],
  ['http://127.0.0.1:33418/', 'loopback', 'http://127.0.0.1/'],
  ['http://127.0.0.1', 'loopback', 'http://127.0.0.1/'],
  ['http://localhost:58135/callback', 'loopback', 'http://localhost/callback'],
  ['http://localhost/callback?a=b', 'loopback', 'http://localhost/callback?a=b'],
  ['http://[::1]:41927/oauth_callback', 'loopback', 'http://[::1]/oauth_callback'],
  ['com.example.app:/oauth2redirect', 'private-use'],
  ['com.example.app://callback', 'private-use'],
  ['cursor://anysphere.cursor-mcp/oauth/callback', 'private-use'],
  ['cursor://anysphere.cursor-retrieval/oauth/user-crm/callback', 'private-use'],
  ['vscode://saoudrizwan.claude-dev/mcp-auth/callback', 'private-use'],
  ['vscode-insiders://ms-vscode.remote/did-authenticate', 'private-use'],
  ['windsurf://codeium.windsurf/callback', 'private-use'],
  ['warp://mcp/oauth2callback', 'private-use'],
]

const TRICKS: readonly (readonly [uri: string, why: RedirectFault])[] = [
  ['javascript:alert(1)', 'scheme'],
  ['JavaScript://example.com/%0aalert(1)', 'bad-escape'],
  ['JaVaScRiPt:/alert(1)', 'scheme'],
  ['java\tscript:alert(1)', 'characters'],
  ['\u0001javascript:alert(1)', 'characters'],
  [' javascript:alert(1)', 'characters'],
  ['data:text/html,hi', 'scheme'],
  ['DATA:text/html,hi', 'scheme'],
  ['vbscript:msgbox', 'scheme'],
  ['file:///etc/passwd', 'scheme'],
  ['blob:https://example.com/6f1c', 'scheme'],
  ['about:blank', 'scheme'],
  ['view-source:https://example.com/', 'scheme'],
  ['intent://scan/', 'scheme'],
  ['ftp://example.com/cb', 'scheme'],
  ['http://example.com/cb', 'plain-http'],
  ['http://localhost.evil.example/cb', 'plain-http'],
  ['http://localhost.:3000/cb', 'not-canonical'],
  ['http://127.0.0.1.evil.example/cb', 'plain-http'],
  ['http://127.0.0.2/cb', 'plain-http'],
  ['http://127.1/cb', 'not-canonical'],
  ['http://0x7f000001/cb', 'not-canonical'],
  ['http://2130706433/cb', 'not-canonical'],
  ['http://0177.0.0.1/cb', 'not-canonical'],
  ['http://[0:0:0:0:0:0:0:1]/cb', 'not-canonical'],
  ['http://[::ffff:7f00:1]/cb', 'plain-http'],
  ['http://0.0.0.0/cb', 'plain-http'],
  ['http://localhost:80/cb', 'not-canonical'],
  ['HTTP://localhost/cb', 'not-canonical'],
  ['http://LOCALHOST/cb', 'not-canonical'],
  ['https://Example.com/cb', 'not-canonical'],
  ['https://example.com:443/cb', 'not-canonical'],
  ['https://example.com./cb', 'not-canonical'],
  ['https://a..example/cb', 'not-canonical'],
  ['https:/example.com/cb', 'not-canonical'],
  ['https:example.com', 'not-canonical'],
  ['https:///example.com/cb', 'not-canonical'],
  ['https://claude.ai@evil.example/cb', 'user'],
  ['https://claude.ai:pw@evil.example/cb', 'user'],
  ['https://@evil.example/cb', 'user'],
  ['https://evil.example\\@claude.ai/cb', 'characters'],
  ['https:\\\\evil.example/cb', 'characters'],
  ['https://example.com/cb#code', 'fragment'],
  ['https://example.com/cb#', 'fragment'],
  ['https://example.com/a/../cb', 'dots'],
  ['https://example.com/./cb', 'dots'],
  ['https://example.com/a/%2e%2e/cb', 'bad-escape'],
  ['https://example.com/a/.%2E/cb', 'bad-escape'],
  ['https://example.com/a%2f..%2fcb', 'bad-escape'],
  ['https://example.com/a%5ccb', 'bad-escape'],
  ['https://example.com/%252e%252e/cb', 'bad-escape'],
  ['https://example.com/cb%00', 'bad-escape'],
  ['https://example.com/cb?x=%0d%0aSet-Cookie:a', 'bad-escape'],
  ['https://example.com/cb%zz', 'bad-escape'],
  ['https://example.com/c b', 'characters'],
  ['https://example.com/cb\r\n', 'characters'],
  ['https://\u0435xample.com/cb', 'characters'],
  ['https://example.com/caf\u00e9', 'characters'],
  ['https://example%2ecom/cb', 'bad-escape'],
  ['https://', 'not-a-uri'],
  ['/cb', 'not-a-uri'],
  ['//example.com/cb', 'not-a-uri'],
  ['', 'characters'],
  ['https://*.example.com/cb', 'not-canonical'],
  ['app://callback', 'unknown-scheme'],
  ['cursor://evil.example/oauth/callback', 'unknown-scheme'],
  ['vscode://callback', 'unknown-scheme'],
  ['constructor://x.y/cb', 'unknown-scheme'],
  ['com.example.app:callback', 'opaque'],
  ['com.example.app:/a/../cb', 'dots'],
  ['com.example.app://u@x/cb', 'user'],
  ['com..app:/cb', 'unknown-scheme'],
  [`https://example.com/${'a'.repeat(2048)}`, 'too-long'],
]

describe('SEC-O4 SEC-O5: a redirect URI is what it looks like, or nothing', () => {
  for (const [uri, kind, key = uri] of SANE) {
    test(`${uri} is ${kind}`, () => {
      expect(judgeRedirectUri(uri)).toMatchObject({ ok: true, kind, key })
    })
  }
  for (const [uri, why] of TRICKS) {
    test(`${JSON.stringify(uri.slice(0, 60))} is refused: ${why}`, () => {
      expect(judgeRedirectUri(uri)).toEqual({ ok: false, why })
      expect(redirectKey(uri)).toBeNull()
    })
  }

  test('no setting opens a scheme that a browser would run', () => {
    for (const uri of ['javascript:/x', 'data:/x', 'file:///x', 'vbscript:/x', 'blob:/x', 'about:/x']) {
      expect(judgeRedirectUri(uri, [uri])).toEqual({ ok: false, why: 'scheme' })
    }
  })

  test('a private-use scheme without a dot is taken where an admin allowed it letter by letter', () => {
    const mine = 'acme-agent://oauth/callback'
    expect(judgeRedirectUri(mine)).toEqual({ ok: false, why: 'unknown-scheme' })
    expect(judgeRedirectUri(mine, [mine])).toMatchObject({ ok: true, kind: 'private-use', host: 'acme-agent' })
    expect(judgeRedirectUri(`${mine}/more`, [mine])).toEqual({ ok: false, why: 'unknown-scheme' })
  })
})

describe('SEC-O4: the same redirect is the same text, but for the port of a loopback address', () => {
  const same: readonly (readonly [string, string])[] = [
    ['https://a.example/cb', 'https://a.example/cb'],
    ['http://localhost/callback', 'http://localhost:58135/callback'],
    ['http://127.0.0.1:1/cb', 'http://127.0.0.1:65535/cb'],
    ['http://[::1]/cb', 'http://[::1]:8080/cb'],
    ['http://127.0.0.1:33418/', 'http://127.0.0.1:59656'],
  ]
  const other: readonly (readonly [string, string])[] = [
    ['https://a.example/cb', 'https://a.example/cb/'],
    ['https://a.example/cb', 'https://a.example/cb?x=1'],
    ['https://a.example/cb', 'https://a.example:8443/cb'],
    ['https://a.example/cb', 'https://a.example/CB'],
    ['https://localhost/cb', 'https://localhost:8443/cb'],
    ['http://localhost/cb', 'http://127.0.0.1/cb'],
    ['http://localhost/cb', 'http://localhost:3000/other'],
    ['http://localhost/cb', 'http://localhost:3000/cb?x=1'],
    ['http://localhost/cb', 'http://localhost.evil.example:3000/cb'],
    ['http://localhost/cb', 'http://localhost:3000@evil.example/cb'],
    ['http://localhost/cb', 'https://localhost/cb'],
    ['com.example.app:/cb', 'com.example.app:/cb/'],
    ['cursor://anysphere.cursor-mcp/cb', 'cursor://anysphere.cursor-mcp:80/cb'],
  ]
  for (const [registered, asked] of same) {
    test(`${asked} is good for ${registered}`, () => expect(isSameRedirect(registered, asked)).toBe(true))
  }
  for (const [registered, asked] of other) {
    test(`${asked} is not ${registered}`, () => expect(isSameRedirect(registered, asked)).toBe(false))
  }
})
