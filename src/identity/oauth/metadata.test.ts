import { describe, expect, test } from 'vitest'
import { answerWellKnown, wellKnownOf } from './metadata.ts'

const ISSUER = 'https://mcp.example.com'
const RESOURCE = '/.well-known/oauth-protected-resource'
const server = { issuer: ISSUER, device: false, registration: true, documents: true }
const ask = (method: string, path: string, origin = ISSUER) =>
  answerWellKnown({ method, url: `http://localhost${path}` }, origin, server)
const json = async (path: string, origin = ISSUER) => ask('GET', path, origin).json()

describe('metadata of a protected resource, RFC 9728', () => {
  const cases = [
    { path: RESOURCE, resource: `${ISSUER}/mcp` },
    { path: `${RESOURCE}/mcp`, resource: `${ISSUER}/mcp` },
    { path: `${RESOURCE}/p/sales/mcp`, resource: `${ISSUER}/p/sales/mcp` },
    { path: `${RESOURCE}/p/sales/s/crm/mcp`, resource: `${ISSUER}/p/sales/s/crm/mcp` },
    { path: '/.well-known/cloudflare-access-protected-resource/mcp', resource: `${ISSUER}/mcp` },
  ]
  test.each(cases)('$path speaks of $resource', async ({ path, resource }) => {
    expect(await json(path)).toMatchObject({
      resource,
      authorization_servers: [ISSUER],
      bearer_methods_supported: ['header'],
    })
  })

  test('it echoes the host that was asked, and names the one issuer', async () => {
    expect(await json(`${RESOURCE}/mcp`, 'https://sales.example.com')).toMatchObject({
      resource: 'https://sales.example.com/mcp',
      authorization_servers: [ISSUER],
    })
  })

  test('a portal that is not there has the same document as one that is, apart from its path', async () => {
    const [one, other] = await Promise.all([json(`${RESOURCE}/p/there/mcp`), json(`${RESOURCE}/p/never/mcp`)])
    expect(JSON.stringify(one).replaceAll('there', 'X')).toBe(JSON.stringify(other).replaceAll('never', 'X'))
  })

  test.each(['/p/Sales/mcp', '/p//mcp', '/admin', '/mcp/', '/p/a/s/b', '/p/..%2Fx/mcp'])(
    'there is none for %s',
    (path) => {
      expect(wellKnownOf(RESOURCE + path, ISSUER).kind).toBe('nothing')
    },
  )
})

describe('metadata of the authorization server, RFC 8414', () => {
  test('it is the same at the root and with the path of a resource after it', async () => {
    const root = await json('/.well-known/oauth-authorization-server')
    expect(root).toMatchObject({
      issuer: ISSUER,
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
    })
    expect(await json('/.well-known/oauth-authorization-server/p/sales/mcp')).toEqual(root)
  })

  test('any page may read it', async () => {
    const answer = ask('GET', '/.well-known/oauth-authorization-server')
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
  })

  test('what only reads may ask', () => {
    expect(ask('POST', RESOURCE).status).toBe(405)
  })
})
