/** Against sites that lie: each document is served over real HTTP, and what reached which site is looked at. */
import { afterEach, describe, expect, test } from 'vitest'
import { testEgress } from '../../../test/support/desk-room.ts'
import {
  type HostileSite,
  type SiteAnswer,
  type SiteHandler,
  startHostileSite,
} from '../../../test/support/hostile-site.ts'
import { type Place, parsePlace } from '../../base/destination.ts'
import type { Egress } from '../../base/egress.ts'
import type { ServerId, ServerUid } from '../../base/ids.ts'
import type { WrittenOauth } from '../../contract/credentials.ts'
import { discoverServer } from './discover.ts'
import { type AuthServer, type OauthTarget, OauthTrouble } from './model.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})

async function site(answer?: SiteHandler): Promise<HostileSite> {
  const started = await startHostileSite(answer)
  open.push(started)
  return started
}

function targetAt(url: string, more: Partial<OauthTarget> = {}): OauthTarget {
  const ids = { uid: 'u1' as ServerUid, id: 'notes' as ServerId, name: 'Notes' }
  const client = { written: null, clientSecret: null, sharedCallback: false }
  return { ...ids, url: new URL(url), allowed: [], ...client, ...more }
}

function find(target: OauthTarget, { egress, hint = null }: { egress?: Egress; hint?: string | null } = {}) {
  const guard = egress ?? testEgress()
  if (egress === undefined) open.push(guard)
  return discoverServer(guard, target, hint)
}

async function troubleOf(work: Promise<AuthServer>): Promise<string> {
  const error = await work.catch((thrown: unknown) => thrown)
  if (!(error instanceof OauthTrouble)) throw new Error(`no trouble: ${JSON.stringify(error)}`)
  return error.kind
}

const PRM = '/.well-known/oauth-protected-resource'
const ASM = '/.well-known/oauth-authorization-server'

function metadata(issuer: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    registration_endpoint: `${issuer}/register`,
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    ...more,
  }
}

/** A server that is its own authorization server; `resource` and `server` are laid over its documents. */
async function whole(more: { resource?: object; server?: Record<string, unknown> } = {}): Promise<HostileSite> {
  const made = await site(({ path }): SiteAnswer | undefined => {
    const { origin } = made
    if (path === `${PRM}/mcp`)
      return { body: { resource: `${origin}/mcp`, authorization_servers: [origin], ...more.resource } }
    return path === ASM ? { body: metadata(origin, more.server) } : undefined
  })
  return made
}

describe('a server that says what it should', () => {
  test('is known by exactly what its documents say', async () => {
    const { origin } = await whole({
      resource: { scopes_supported: ['read', 'write', 'b"ad', 'read'] },
      server: {
        scopes_supported: ['openid', 'email'],
        authorization_response_iss_parameter_supported: true,
        client_id_metadata_document_supported: true,
        token_endpoint_auth_methods_supported: ['none'],
        grant_types_supported: ['authorization_code'],
        revocation_endpoint: 'http://127.0.0.1:1/revoke',
        userinfo_endpoint: 'https://elsewhere.example/me',
      },
    })
    expect(await find(targetAt(`${origin}/mcp`))).toEqual({
      issuer: origin,
      resource: `${origin}/mcp`,
      authorizationEndpoint: `${origin}/authorize`,
      tokenEndpoint: `${origin}/token`,
      registrationEndpoint: `${origin}/register`,
      revocationEndpoint: 'http://127.0.0.1:1/revoke',
      // Not the issuer's own: no token goes there.
      userinfoEndpoint: null,
      hasIss: true,
      takesDocuments: true,
      authMethods: ['none'],
      grantTypes: ['authorization_code'],
      scopes: ['read', 'write'],
      challenged: null,
      serverScopes: ['openid', 'email'],
    })
  })

  test('may have no metadata of its own: then its origin is asked, and must have some', async () => {
    const made = await site(({ path }) => (path === ASM ? { body: metadata(made.origin) } : undefined))
    const found = await find(targetAt(`${made.origin}/deep/mcp?x=1`))
    expect(found).toMatchObject({ issuer: made.origin, resource: `${made.origin}/deep/mcp?x=1`, scopes: null })
    expect(made.seen.map(({ path }) => path)).toEqual(['/deep/mcp', `${PRM}/deep/mcp`, PRM, ASM])
  })

  test('that answers every address with a page has no metadata', async () => {
    const made = await site(() => ({ headers: { 'content-type': 'text/html' }, body: '<html>' }))
    expect(await troubleOf(find(targetAt(`${made.origin}/mcp`)))).toBe('not-found')
  })

  test('may name its metadata in a challenge, and an empty place there is no leave to look elsewhere', async () => {
    const made = await site(({ path }) => {
      const { origin } = made
      if (path === '/odd') return { body: { resource: origin, authorization_servers: [`${origin}/tenant`] } }
      return path === `${ASM}/tenant` ? { body: metadata(`${origin}/tenant`) } : undefined
    })
    const target = targetAt(`${made.origin}/mcp`)
    const found = await find(target, { hint: `${made.origin}/odd` })
    expect(found).toMatchObject({ issuer: `${made.origin}/tenant`, resource: made.origin })
    expect(await troubleOf(find(target, { hint: `${made.origin}/empty` }))).toBe('not-found')
  })

  test('that nobody has called yet is asked for its challenge, which says where its metadata is and what it wants', async () => {
    const made = await site(({ path }) => {
      const { origin } = made
      const challenge = { 'www-authenticate': `Bearer error="x", scope="a b", resource_metadata="${origin}/odd"` }
      if (path === '/mcp') return { status: 401, headers: challenge }
      if (path === '/odd') return { body: { resource: origin, authorization_servers: [`${origin}/tenant`] } }
      return path === `${ASM}/tenant` ? { body: metadata(`${origin}/tenant`) } : undefined
    })
    expect(await find(targetAt(`${made.origin}/mcp`))).toMatchObject({
      issuer: `${made.origin}/tenant`,
      challenged: 'a b',
    })
    expect(made.seen.find(({ path }) => path === '/mcp')?.headers).not.toHaveProperty('authorization')
  })

  test('may write its issuer with a slash that the issuer does not have: what the issuer itself says counts', async () => {
    const made = await site(({ path }) => {
      const { origin } = made
      if (path === `${PRM}/mcp`) return { body: { resource: `${origin}/mcp`, authorization_servers: [`${origin}/`] } }
      return path === ASM ? { body: metadata(origin) } : undefined
    })
    expect(await find(targetAt(`${made.origin}/mcp`))).toMatchObject({ issuer: made.origin })
  })
})

describe('a server that cannot be trusted with a code is refused', () => {
  const resources: { when: string; resource: (origin: string) => object; kind: string }[] = [
    { when: 'another path', resource: (origin) => ({ resource: `${origin}/other` }), kind: 'resource-mismatch' },
    {
      when: 'a path that only begins alike',
      resource: (origin) => ({ resource: `${origin}/mc` }),
      kind: 'resource-mismatch',
    },
    { when: 'another origin', resource: () => ({ resource: 'https://notes.example/mcp' }), kind: 'resource-mismatch' },
    { when: 'a fragment', resource: (origin) => ({ resource: `${origin}/mcp#x` }), kind: 'resource-mismatch' },
    { when: 'no authorization server', resource: () => ({ authorization_servers: [] }), kind: 'not-found' },
    {
      when: 'an issuer in clear text',
      resource: () => ({ authorization_servers: ['http://as.example'] }),
      kind: 'insecure',
    },
    {
      when: 'an issuer with a query',
      resource: (origin) => ({ authorization_servers: [`${origin}?a=b`] }),
      kind: 'insecure',
    },
  ]
  for (const { when, resource, kind } of resources) {
    test(`the metadata of the resource names ${when}: ${kind}`, async () => {
      let origin = ''
      const made = await site(({ path }) => {
        if (path === ASM) return { body: metadata(origin) }
        const body = { resource: `${origin}/mcp`, authorization_servers: [origin], ...resource(origin) }
        return path === `${PRM}/mcp` ? { body } : undefined
      })
      origin = made.origin
      expect(await troubleOf(find(targetAt(`${origin}/mcp`)))).toBe(kind)
      if (kind !== 'insecure') expect(made.seen.every(({ path }) => path.startsWith(PRM) || path === '/mcp')).toBe(true)
    })
  }

  const servers: { when: string; server: Record<string, unknown>; kind: string }[] = [
    { when: 'another issuer', server: { issuer: 'https://login.example' }, kind: 'issuer-mismatch' },
    { when: 'nothing of PKCE', server: { code_challenge_methods_supported: undefined }, kind: 'no-pkce' },
    { when: 'PKCE without S256', server: { code_challenge_methods_supported: ['plain'] }, kind: 'no-pkce' },
    {
      when: 'its token endpoint at another party',
      server: { token_endpoint: 'https://evil.example/token' },
      kind: 'foreign-endpoint',
    },
    {
      when: 'its token endpoint at another name of this machine',
      server: { token_endpoint: 'http://localhost:1/t' },
      kind: 'foreign-endpoint',
    },
    {
      when: 'a real authorization endpoint of somebody else',
      server: { authorization_endpoint: 'https://accounts.google.com/o/oauth2/v2/auth' },
      kind: 'foreign-endpoint',
    },
    {
      when: 'its registration at another party',
      server: { registration_endpoint: 'https://evil.example/r' },
      kind: 'foreign-endpoint',
    },
    { when: 'a token endpoint in clear text', server: { token_endpoint: 'http://as.example/token' }, kind: 'insecure' },
    {
      when: 'a token endpoint with a password',
      server: { token_endpoint: 'https://a:b@as.example/token' },
      kind: 'insecure',
    },
  ]
  for (const { when, server, kind } of servers) {
    test(`the metadata of the authorization server names ${when}: ${kind}`, async () => {
      const { origin } = await whole({ server })
      expect(await troubleOf(find(targetAt(`${origin}/mcp`)))).toBe(kind)
    })
  }

  for (const scheme of [
    'javascript:alert(1)',
    'file:///etc/passwd',
    'data:text/html,x',
    'ms-msdt:/id',
    'vbscript:x',
    'ftp://as.example/x',
  ]) {
    // [DESK-3]
    test(`an authorization endpoint of ${scheme} is never left for`, async () => {
      const { origin } = await whole({ server: { authorization_endpoint: scheme } })
      expect(await troubleOf(find(targetAt(`${origin}/mcp`)))).toBe('insecure')
    })
  }

  test('a client that sends no code needs no PKCE', async () => {
    const { origin } = await whole({ server: { code_challenge_methods_supported: undefined } })
    const written: WrittenOauth = { auth_mode: 'client_credentials', registration_info: { client_id: 'bot' } }
    expect(await find(targetAt(`${origin}/mcp`, { written }))).toMatchObject({ tokenEndpoint: `${origin}/token` })
  })

  test('what an admin wrote down is agreed to, foreign or not, and nobody is asked; clear text never is', async () => {
    const made = await site()
    const config = {
      authorization_endpoint: 'https://accounts.google.com/o/oauth2/v2/auth',
      token_endpoint: 'https://oauth2.googleapis.com/token',
    }
    const written: WrittenOauth = { auth_mode: 'manual', config, registration_info: { client_id: 'c', scope: 'a b' } }
    const target = targetAt(`${made.origin}/mcp`, { written })
    expect(await find(target)).toMatchObject({ issuer: null, resource: `${made.origin}/mcp`, scopes: ['a', 'b'] })
    const insecure = { ...written, config: { ...config, token_endpoint: 'http://as.example/token' } }
    expect(await troubleOf(find({ ...target, written: insecure }))).toBe('insecure')
    expect(made.seen).toEqual([])
  })
})

describe('on the way to metadata', () => {
  test('three redirects are followed, and no fourth', async () => {
    const made = await site(({ path, url }) => {
      const { origin } = made
      const left = Number(url.searchParams.get('left') ?? (path === `${PRM}/mcp` ? 'NaN' : '0'))
      if (path === '/hop' && left > 0) return { status: 302, headers: { location: `/hop?left=${left - 1}` } }
      if (path === '/hop') return { body: { resource: `${origin}/mcp`, authorization_servers: [origin] } }
      return path === ASM ? { body: metadata(origin) } : undefined
    })
    const target = targetAt(`${made.origin}/mcp`)
    expect(await find(target, { hint: `${made.origin}/hop?left=3` })).toMatchObject({ issuer: made.origin })
    expect(await troubleOf(find(target, { hint: `${made.origin}/hop?left=4` }))).toBe('unreachable')
  })

  // [DESK-2]
  test('a redirect to a place inside that nobody opened reaches nothing there', async () => {
    const inner = await site(() => ({ body: { secret: 'inside' } }))
    const front = await site(() => ({ status: 302, headers: { location: `${inner.origin}/latest/meta-data` } }))
    // Others can reach this portal, so its own machine is closed but for what is opened for the server.
    const egress = testEgress({ host: '0.0.0.0', publicUrl: 'https://portal.acme.com' })
    open.push(egress)
    const allowed = [parsePlace(front.place)].filter((place): place is Place => place !== null)
    const target = targetAt(`${front.origin}/mcp`, { allowed })
    expect(await troubleOf(find(target, { egress }))).toBe('insecure')
    expect([front.seen.length > 0, inner.seen.length]).toEqual([true, 0])
  })

  test('nothing is asked of a place that the portal may not go to', async () => {
    const made = await whole()
    const egress = testEgress({ host: '0.0.0.0', publicUrl: 'https://portal.acme.com' })
    open.push(egress)
    expect(await troubleOf(find(targetAt(`${made.origin}/mcp`), { egress }))).toBe('insecure')
    expect(made.seen).toEqual([])
  })

  test('an answer without end, one that is no JSON, and one of a server in trouble are no metadata', async () => {
    const huge = await site(() => ({ body: { resource: 'x'.repeat(300 * 1024) } }))
    const odd = await site(() => ({ headers: { 'content-type': 'application/json' }, body: 'not json' }))
    const ill = await site(() => ({ status: 500, body: {} }))
    for (const { origin } of [huge, odd, ill])
      expect(await troubleOf(find(targetAt(`${origin}/mcp`)))).toBe('unreachable')
  })

  test('nothing of a hostile answer is in the message', async () => {
    const made = await site(() => ({ status: 200, body: { resource: 'CANARY', authorization_servers: 'CANARY' } }))
    const error = await find(targetAt(`${made.origin}/mcp`)).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(OauthTrouble)
    expect(JSON.stringify([String(error), (error as Error).cause ?? null])).not.toContain('CANARY')
  })
})
