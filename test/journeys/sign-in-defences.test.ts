/** What somebody tries who wants to be signed in as another, or wants another to be: hosts, cookies, forms and links. */
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parsePlace } from '../../src/base/destination.ts'
import { localCertificate, trustIt } from '../certificate.ts'
import { letIn, type OauthClient, registerClient } from '../oauth-client.ts'
import { Person } from '../person.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { rawRequest } from '../raw-http.ts'

const ADA = { email: 'ada@example.com', password: 'correct horse battery staple' }

let portal: TestPortal

beforeAll(async () => {
  portal = await startTestPortal({ config: { bootstrap: ADA } })
})
afterAll(() => portal?.close())

const ROUTES = [
  ...['GET /', 'GET /sign-in', 'GET /sign-in?return_to=/consent/x', 'POST /sign-in/local', 'POST /sign-in/pin'],
  ...['GET /sign-out', 'GET /consent/x', 'GET /authorize?elicitationId=x', 'GET /setup', 'GET /device', 'GET /nothing'],
  ...['GET /oauth/authorize?client_id=x', 'POST /oauth/token', 'POST /oauth/register', 'POST /oauth/revoke'],
  ...[
    'GET /oauth/jwks',
    'POST /oauth/device_authorization',
    'GET /oauth/authorize/x',
    'GET /sign-in/to/x/callback?state=x',
  ],
  ...['GET /.well-known/oauth-authorization-server', 'GET /.well-known/oauth-protected-resource/mcp', 'POST /mcp'],
  ...['GET /cdn-cgi/access/certs', 'GET /cdn-cgi/access/get-identity', 'GET /openapi.json'],
]

describe.each(ROUTES)('%s', (route) => {
  const [method = '', path = ''] = route.split(' ')

  test('is refused under a host that is not ours, and repeats nothing of it', async () => {
    const answer = await rawRequest(portal.url + path, { host: 'evil.example' }, method)
    expect(answer.status).toBe(403)
    expect(JSON.stringify(answer)).not.toContain('evil')
  })

  test('takes nothing from a forwarded host, which nobody trusted has sent', async () => {
    const forged = {
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'gopher',
      forwarded: 'host=evil.example;proto=gopher',
    }
    const answer = await rawRequest(portal.url + path, forged, method)
    expect(answer.status).toBeLessThan(500)
    expect(JSON.stringify(answer)).not.toMatch(/evil|gopher/)
  })
})

describe('a browser', () => {
  const signIn = async (person: Person) =>
    person.submit(await person.open(`${portal.url}/sign-in`), '/sign-in/local', ADA)
  const sessionOf = (person: Person) => /portico-session=([^;]+)/.exec(person.cookies(portal.url))?.[1]

  test('has another session after each sign-in, and the one before is over', async () => {
    const person = new Person(portal.url)
    await signIn(person)
    const before = sessionOf(person)
    await signIn(person)
    expect(sessionOf(person)).not.toBe(before)
    const home = await fetch(portal.url, { headers: { cookie: `portico-session=${before}` } })
    expect(await home.text()).not.toContain(ADA.email)
  })

  test('that was given a session cookie by somebody else is not signed in as anybody by it', async () => {
    const planted = 'A'.repeat(43)
    const home = await fetch(portal.url, { headers: { cookie: `portico-session=${planted}` } })
    expect(home.status).toBe(200)
    expect(await home.text()).not.toContain(ADA.email)
  })

  test('with two session cookies is signed in with neither', async () => {
    const person = new Person(portal.url)
    await signIn(person)
    const cookie = `portico-session=${'A'.repeat(43)}; portico-session=${sessionOf(person)}`
    expect(await (await fetch(portal.url, { headers: { cookie } })).text()).not.toContain(ADA.email)
  })

  test.each([
    ['/sign-in/local', { email: ADA.email, password: ADA.password }],
    ['/sign-out', {}],
  ])('sends %s nothing from a form that is not ours', async (path, fields) => {
    const person = new Person(portal.url)
    await signIn(person)
    const send = (more: Record<string, string>, headers: Record<string, string> = {}) =>
      fetch(`${portal.url}${path}`, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie: person.cookies(portal.url), ...headers },
        body: new URLSearchParams({ ...fields, ...more }),
      })
    expect((await send({})).status).toBe(403)
    expect((await send({ form_token: 'A'.repeat(64) })).status).toBe(403)
    const own = /name="form_token" value="([^"]+)"/.exec((await person.open(`${portal.url}/sign-out`)).text)?.[1] ?? ''
    expect((await send({ form_token: own }, { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await send({ form_token: own }, { origin: 'https://evil.example' })).status).toBe(403)
    expect((await person.open(portal.url)).text).toContain(ADA.email)
  })

  test.each([
    '//evil.example',
    'https://evil.example/',
    '/\\evil.example',
    '/consent/../../evil',
    'javascript:alert(1)',
    '/sign-out',
  ])('is not sent on to %s by signing in', async (target) => {
    const person = new Person(portal.url)
    const page = await person.open(`${portal.url}/sign-in?return_to=${encodeURIComponent(target)}`)
    const landed = await person.submit(page, '/sign-in/local', { ...ADA, return_to: target })
    expect(landed.left).toBeNull()
    expect(new URL(landed.url).pathname).toBe('/')
  })
})

describe('a client', () => {
  let client: OauthClient
  beforeAll(async () => {
    client = await registerClient(portal.url)
  })

  test('is not asked about without its person having signed in anew, where it asks for that', async () => {
    const client = await registerClient(portal.url)
    const person = new Person(portal.url)
    await person.submit(await person.open(`${portal.url}/sign-in`), '/sign-in/local', ADA)
    const page = await person.open(client.authorizeUrl({ prompt: 'login' }).url)
    expect(new URL(page.url).pathname).toBe('/sign-in')
  })

  test('that wants no page shown is told that a person is needed', async () => {
    const client = await registerClient(portal.url)
    const page = await new Person(portal.url).open(client.authorizeUrl({ prompt: 'none' }).url)
    expect(page.left?.searchParams.get('error')).toBe('login_required')
  })

  // What is not on our list never reaches the library, whose router knows more addresses and more spellings of ours.
  test.each([
    ...['GET /oauth/Authorize', 'GET /oauth/authorize/', 'HEAD /oauth/authorize', 'POST /oauth/authorize'],
    ...['GET /oauth/jwks', 'GET /oauth/end', 'POST /oauth/end/confirm', 'GET /oauth/me', 'POST /oauth/Token'],
    ...['POST /oauth/token/', 'POST /oauth/REVOKE', 'GET /oauth/token', 'GET /oauth/authorize/x/y', 'PUT /oauth/token'],
    ...['GET /oauth/Register', 'POST /oauth/', 'GET /oauth/.well-known/openid-configuration'],
  ])('finds nothing at %s', async (asked) => {
    const [method = '', path = ''] = asked.split(' ')
    const query = new URL(client.authorizeUrl().url).search
    const body = new URLSearchParams(query)
    const answer = await fetch(`${portal.url}${path}${method === 'POST' ? '' : query}`, {
      ...{ method, redirect: 'manual' },
      ...(method === 'POST' || method === 'PUT' ? { body } : {}),
    })
    expect([answer.status, answer.headers.get('set-cookie'), answer.headers.get('location')]).toEqual([404, null, null])
    expect(answer.headers.get('cache-control')).toBe('no-store')
  })

  test('that signs who it is does so for an hour at most, or what it signed would be kept for ever', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const signing = await registerClient(portal.url, {
      ...{ token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: 'ES256' },
      jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256', use: 'sig' }] },
    })
    const ask = async (seconds: number) => {
      const assertion = await new SignJWT({ jti: crypto.randomUUID() })
        .setProtectedHeader({ alg: 'ES256', kid: 'k' })
        .setIssuer(signing.id)
        .setSubject(signing.id)
        .setAudience(portal.url)
        .setIssuedAt()
        .setExpirationTime(Math.floor(Date.now() / 1000) + seconds)
        .sign(privateKey)
      const body = new URLSearchParams({
        ...{ grant_type: 'refresh_token', refresh_token: 'none', client_assertion: assertion },
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      })
      const answer = await fetch(`${portal.url}/oauth/token`, { method: 'POST', body })
      return ((await answer.json()) as { error: string }).error
    }
    expect(await ask(300)).toBe('invalid_grant')
    expect(await ask(2 * 3600)).toBe('invalid_client')
    expect(await ask(1e12)).toBe('invalid_client')
  })

  test.each(['form_post', 'fragment', 'web_message'])('is never sent its code by %s', async (mode) => {
    const page = await new Person(portal.url).open(client.authorizeUrl({ response_mode: mode, prompt: 'none' }).url)
    expect([page.left?.searchParams.get('error'), page.left?.hash]).toEqual(['login_required', ''])
  })

  test('cannot be another’s name on its loopback address without the person being asked', async () => {
    const person = new Person(portal.url)
    const first = await registerClient(portal.url, { client_name: 'Editor' })
    const signIn = await person.open(first.authorizeUrl().url)
    const consent = await person.submit(signIn, '/sign-in/local', ADA)
    expect(consent.text).toContain('A program on this computer receives the access')
    const allowed = await person.submit(consent, new URL(consent.url).pathname, { decision: 'allow' })
    expect(allowed.left?.searchParams.get('code')).toBeTruthy()
    expect((await person.open(first.authorizeUrl().url)).left).toBeNull()
    const second = await registerClient(portal.url, { client_name: 'Editor' })
    expect((await person.open(second.authorizeUrl().url)).left).toBeNull()
  })
})

describe('a flood', () => {
  test('of authorizations from one network is written down so far and no further, and the rest goes on', async () => {
    const from = Date.now()
    const flooded = await startTestPortal()
    try {
      const client = await registerClient(flooded.url)
      const statuses: number[] = []
      while (!statuses.includes(503)) {
        const begin = () => fetch(client.authorizeUrl().url, { redirect: 'manual' })
        statuses.push(...(await Promise.all(Array.from({ length: 20 }, begin))).map(({ status }) => status))
      }
      // Three hundred a minute, and that is one unless the machine is slow.
      const minutes = Math.ceil((Date.now() - from) / 60_000)
      const begun = statuses.filter((status) => status === 303).length
      expect(begun).toBeGreaterThanOrEqual(300)
      expect(begun).toBeLessThanOrEqual(300 * minutes)
      expect(statuses.filter((status) => status === 503)).toHaveLength(statuses.length - begun)
      expect((await client.refresh('none')).body.error).toBe('invalid_grant')
    } finally {
      await flooded.close()
    }
  })
})

test('a client whose person is let in no more writes itself into the audit so often, and is then counted', async () => {
  const strict = await startTestPortal({ config: { bootstrap: ADA } })
  try {
    const client = await registerClient(strict.url)
    const { tokens } = await letIn(new Person(strict.url), client, ADA)
    await strict.api('PUT', '/access/ai-controls/mcp/portals/default', { policies: [] })
    for (let i = 0; i < 130; i++) expect((await client.refresh(tokens.refresh_token)).body.error).toBe('invalid_grant')
    const { body } = await strict.api<{ error: string }[]>(
      'GET',
      '/access/ai-controls/mcp/logs?method=renew&phase=ended&limit=1000',
    )
    expect(body.result.length).toBeGreaterThan(0)
    // Sixty a minute; a minute may end in between.
    expect(body.result.length).toBeLessThanOrEqual(120)
  } finally {
    await strict.close()
  }
})

describe('a client that signs', () => {
  test('SEC-O8: cannot have the portal fetch an address of its choice over and over', async () => {
    trustIt()
    const fetched: string[] = []
    const keys = createServer(localCertificate, (request, response) => {
      fetched.push(request.url ?? '')
      response.end('no keys at all')
    })
    await new Promise<void>((resolve) => keys.listen(0, '127.0.0.1', resolve))
    const place = `127.0.0.1:${(keys.address() as AddressInfo).port}`
    const allowed = parsePlace(place)
    const asked = await startTestPortal({ config: { allowedDocuments: allowed === null ? [] : [allowed] } })
    try {
      const { privateKey } = await generateKeyPair('ES256')
      const askAs = async (path: string, times: number) => {
        const { id } = await registerClient(asked.url, {
          ...{ token_endpoint_auth_method: 'private_key_jwt', jwks_uri: `https://${place}${path}` },
        })
        const assertion = await new SignJWT({ jti: 'x' })
          .setProtectedHeader({ alg: 'ES256', kid: 'k' })
          .setIssuer(id)
          .setSubject(id)
          .setAudience(asked.url)
          .setExpirationTime('5m')
          .sign(privateKey)
        for (let i = 0; i < times; i++) {
          const body = new URLSearchParams({
            ...{ grant_type: 'refresh_token', refresh_token: 'none', client_assertion: assertion },
            client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          })
          expect((await fetch(`${asked.url}/oauth/token`, { method: 'POST', body })).status).toBe(401)
        }
      }
      await askAs('/keys', 30)
      await askAs('/keys', 5)
      await askAs('/others', 5)
      expect(fetched).toEqual(['/keys', '/others'])
    } finally {
      await asked.close()
      keys.close()
    }
  })
})

describe('under a domain that it shares with others', () => {
  const HOST = { host: 'portal.example.test' }
  let shared: TestPortal
  let client: OauthClient
  beforeAll(async () => {
    shared = await startTestPortal({ config: { bootstrap: ADA, publicUrl: 'https://portal.example.test' } })
    client = await registerClient(shared.url, { redirect_uris: ['https://client.example/cb'] })
  })
  afterAll(() => shared?.close())

  const begin = async (cookie = '') => {
    const { url } = client.authorizeUrl({ resource: null })
    const answer = await rawRequest(url, { ...HOST, ...(cookie === '' ? {} : { cookie }) })
    const cookies = [answer.headers['set-cookie'] ?? []].flat()
    return { uid: String(answer.headers.location).split('/').at(-1) ?? '', cookies }
  }
  const pairs = (cookies: readonly string[]) => cookies.map((one) => one.split(';')[0] ?? '').join('; ')
  const ask = async (uid: string, cookie: string) =>
    (await rawRequest(`${shared.url}/consent/${uid}`, { ...HOST, cookie })).status

  test('SEC-O3: no neighbour can plant what ties an authorization to its browser', async () => {
    const { uid, cookies } = await begin()
    expect(await ask(uid, pairs(cookies))).toBe(303)
    // What another host of the domain may set in a person's browser: anything but the names that begin with `__Host-`.
    const plantable = cookies.filter((one) => !one.startsWith('__Host-'))
    expect(plantable.length).toBeGreaterThan(0)
    expect(await ask(uid, pairs(plantable))).toBe(400)
    for (const own of cookies.filter((one) => one.startsWith('__Host-'))) {
      expect(own).toMatch(/; Path=\/;.*; Secure$/)
      expect(own).not.toMatch(/domain=/i)
    }
  })

  test('several authorizations wait side by side in one browser, and not without end', async () => {
    const first = await begin()
    const second = await begin(pairs(first.cookies))
    const both = `${pairs(first.cookies)}; ${pairs(second.cookies)}`
    expect([await ask(first.uid, both), await ask(second.uid, both)]).toEqual([303, 303])
    const many = Array.from({ length: 30 }, (_, i) => `__Host-portico-begun-old${i}=1`).join('; ')
    const gone = (await begin(many)).cookies.filter((one) => one.includes('Max-Age=0')).map((one) => one.split('=')[0])
    expect(gone).toEqual(Array.from({ length: 11 }, (_, i) => `__Host-portico-begun-old${i}`))
  })
})

test('a portal that cannot fetch documents says so, and takes no client by one', async () => {
  const offline = await startTestPortal({ config: { bootstrap: ADA, clientDocuments: false } })
  try {
    const metadata = await (await fetch(`${offline.url}/.well-known/oauth-authorization-server`)).json()
    expect(metadata).toMatchObject({ client_id_metadata_document_supported: false })
    expect(metadata).toHaveProperty('registration_endpoint')
    const query = new URLSearchParams({
      ...{ client_id: 'https://client.example/document.json', response_type: 'code', code_challenge: 'A'.repeat(43) },
      ...{ redirect_uri: 'http://127.0.0.1/cb', code_challenge_method: 'S256' },
    })
    const page = await new Person(offline.url).open(`${offline.url}/oauth/authorize?${query}`)
    expect([page.status, page.left]).toEqual([400, null])
  } finally {
    await offline.close()
  }
})
