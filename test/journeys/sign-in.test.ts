/** A person signs in, a client gets tokens, and what becomes of them: the authorization server from outside, on both databases. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DATABASE_KINDS, type FreshPostgres, freshPostgres } from '../databases.ts'
import { clientOf, letIn, type OauthClient, REDIRECT, registerClient, signInAndAllow } from '../oauth-client.ts'
import { newChallenge, type Page, Person } from '../person.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer } from '../raw-mcp.ts'

const ADA = { email: 'ada@example.com', password: 'correct horse battery staple' }
const MCP = '/access/ai-controls/mcp'

describe.each(DATABASE_KINDS)('signing in, on %s', (kind) => {
  let database: FreshPostgres | undefined
  let portal: TestPortal
  let client: OauthClient

  beforeAll(async () => {
    database = kind === 'postgres' ? await freshPostgres(process.env.PORTICO_TEST_TEMPLATE) : undefined
    portal = await startTestPortal({
      config: { bootstrap: ADA },
      ...(database === undefined ? {} : { databaseUrl: database.url }),
    })
    client = await registerClient(portal.url)
    ada = new Person(portal.url)
    await ada.submit(await ada.open(`${portal.url}/sign-in`), '/sign-in/local', ADA)
  })
  afterAll(async () => {
    await portal?.close()
    await database?.drop()
  })

  const opens = async (token: string, path = '/mcp') =>
    (await ask2026(`${portal.url}${path}`, bearer(token), 'tools/list')).status
  /** Signed in once: a password costs a second of work on purpose. */
  let ada: Person
  const enter = (who = client, parameters = {}) => letIn(ada, who, ADA, parameters)

  interface Row {
    method: string
    outcome?: string
    error?: string | null
    actor: { label: string }
  }
  const audited = async (method: string): Promise<Row[]> => {
    const answer = await portal.api<Row[]>(
      'GET',
      `${MCP}/logs?method=${encodeURIComponent(method)}&phase=ended&limit=50`,
    )
    return answer.body.result
  }

  // [OAUTH-1]
  test('a client that registered gets tokens that open the portal, and both deeds are in the audit', async () => {
    const { tokens } = await enter()
    expect(tokens).toMatchObject({ token_type: 'Bearer', expires_in: 900, scope: 'mcp' })
    expect(tokens.access_token).toMatch(/^ptat_/)
    expect(tokens.refresh_token).toMatch(/^ptrt_/)
    expect(await opens(tokens.access_token)).toBe(200)
    expect(await audited('sign-in local')).toMatchObject([{ outcome: 'answered' }])
    expect(await audited('allow client')).toMatchObject([{ outcome: 'answered', actor: { label: ADA.email } }])
  })

  test('without a token, the door says where to find out how to get one', async () => {
    const answer = await fetch(`${portal.url}/p/default/mcp`, { method: 'POST', body: '{}' })
    const document = `${portal.url}/.well-known/oauth-protected-resource/p/default/mcp`
    expect(answer.headers.get('www-authenticate')).toBe(
      `Bearer realm="OAuth", error="invalid_token", resource_metadata="${document}", scope="mcp"`,
    )
    expect(await (await fetch(document)).json()).toMatchObject({
      resource: `${portal.url}/p/default/mcp`,
      authorization_servers: [portal.url],
    })
  })

  test('a client that names no resource gets a token for the portal that it asked', async () => {
    const { tokens } = await enter(client, { resource: null })
    expect(await opens(tokens.access_token)).toBe(200)
  })

  test('the answer to an authorization names its issuer', async () => {
    const page = await signInAndAllow(ada, await ada.open(client.authorizeUrl().url), ADA)
    expect(page.left?.searchParams.get('iss')).toBe(portal.url)
  })

  test('a person who says no sends the client an error, and no code', async () => {
    const consent = await ada.open(client.authorizeUrl().url)
    const page = await ada.submit(consent, new URL(consent.url).pathname, { decision: 'deny' })
    expect(page.left?.searchParams.get('error')).toBe('access_denied')
    expect(page.left?.searchParams.get('code')).toBeNull()
  })

  // [OAUTH-2]
  test('five refreshes of one token at the same time give one successor, and all work', async () => {
    const { tokens } = await enter()
    const answers = await Promise.all(Array.from({ length: 5 }, () => client.refresh(tokens.refresh_token)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1)
    for (const { body } of answers) expect(await opens(body.access_token)).toBe(200)
    const again = await client.refresh(answers[0]?.body.refresh_token ?? '')
    expect(again.status).toBe(200)
    expect(again.body.refresh_token).not.toBe(tokens.refresh_token)
  })

  test('a refresh token is of no use to another client', async () => {
    const { tokens } = await enter()
    const other = await registerClient(portal.url)
    expect((await other.refresh(tokens.refresh_token)).body.error).toBe('invalid_grant')
    expect(await opens(tokens.access_token)).toBe(200)
  })

  // [OAUTH-3]
  test('a code that is shown twice ends what the first one got', async () => {
    const { tokens, code, challenge } = await enter()
    expect(await opens(tokens.access_token)).toBe(200)
    expect((await client.exchange(code, challenge)).body.error).toBe('invalid_grant')
    expect(await opens(tokens.access_token)).toBe(401)
    expect((await client.refresh(tokens.refresh_token)).body.error).toBe('invalid_grant')
    expect(await audited('revoke grant')).toContainEqual(expect.objectContaining({ error: 'replayed' }))
  })

  test('of two exchanges of one code at the same time, not both succeed', async () => {
    const { code, challenge } = await codeOf(client)
    const answers = await Promise.all([client.exchange(code, challenge), client.exchange(code, challenge)])
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThan(2)
  })

  test('each code that was shown twice is in the audit, also where it was shown at the same time', async () => {
    const replays = async () => (await audited('revoke grant')).filter(({ error }) => error === 'replayed').length
    const before = await replays()
    for (let i = 0; i < 5; i++) {
      const { code, challenge } = await codeOf(client)
      await Promise.all([1, 2, 3].map(() => client.exchange(code, challenge)))
    }
    await expect.poll(replays).toBeGreaterThanOrEqual(before + 5)
  })

  test.each([
    ['to another client', async (code: string) => (await registerClient(portal.url)).exchange(code, newChallenge())],
    ['with another verifier', (code: string) => client.exchange(code, newChallenge())],
    ['without a verifier', (code: string, its: Codes) => client.exchange(code, its.challenge, { code_verifier: null })],
    [
      'with another redirect',
      (code: string, its: Codes) => client.exchange(code, its.challenge, { redirect_uri: `${REDIRECT}/` }),
    ],
    [
      'for another resource',
      (code: string, its: Codes) => client.exchange(code, its.challenge, { resource: 'https://elsewhere.example/mcp' }),
    ],
  ])('a code is not exchanged %s', async (_how, exchange) => {
    const its = await codeOf(client)
    const answer = await exchange(its.code, its)
    expect(answer.status).toBe(400)
    expect(answer.body.access_token).toBeUndefined()
  })

  // [OAUTH-4]
  test.each([
    ['no challenge', { code_challenge: null, code_challenge_method: null }],
    ['the plain method', { code_challenge_method: 'plain' }],
    ['no method, which means plain', { code_challenge_method: null }],
    ['a method that is not known', { code_challenge_method: 'S512' }],
  ])('an authorization with %s is refused', async (_what, parameters) => {
    const page = await new Person(portal.url).open(client.authorizeUrl(parameters).url)
    expect(page.left?.searchParams.get('error')).toBe('invalid_request')
  })

  test('a client with a secret needs a challenge as well, and its secret, which is nowhere in the database', async () => {
    const secretive = await registerClient(portal.url, { token_endpoint_auth_method: 'client_secret_post' })
    const page = await new Person(portal.url).open(secretive.authorizeUrl({ code_challenge: null }).url)
    expect(page.left?.searchParams.get('error')).toBe('invalid_request')
    const { tokens } = await enter(secretive)
    expect(await opens(tokens.access_token)).toBe(200)
    const without = clientOf(portal.url, { ...secretive, secret: 'wrong' })
    expect((await without.refresh(tokens.refresh_token)).status).toBe(401)
  })

  test.each([
    ['an unknown client', { client_id: 'nobody' }],
    ['a redirect that the client did not register', { redirect_uri: 'https://evil.example/callback' }],
    ['another path of a registered redirect', { redirect_uri: `${REDIRECT}/more` }],
  ])('%s is told on a page, never by a redirect', async (_what, parameters) => {
    const page = await new Person(portal.url).open(client.authorizeUrl(parameters).url)
    expect(page.left).toBeNull()
    expect(page.status).toBe(400)
    expect(page.headers.get('content-type')).toMatch(/text\/html/)
    expect(page.text).not.toContain('evil.example')
  })

  test('a loopback redirect may have any port', async () => {
    const { tokens } = await letIn(
      new Person(portal.url),
      {
        ...client,
        redirectUri: REDIRECT,
        exchange: (code, challenge) => client.exchange(code, challenge, { redirect_uri: MOVED }),
      },
      ADA,
      { redirect_uri: MOVED },
    )
    expect(await opens(tokens.access_token)).toBe(200)
  })

  test.each([
    ['of somebody else', 'https://mcp.elsewhere.example/mcp'],
    ['of a portal that is not there', '/p/never/mcp'],
    ['with a fragment', '/mcp#x'],
    ['of the REST API', '/client/v4/accounts/default'],
  ])('an authorization for a resource %s is refused', async (_what, resource) => {
    const wanted = resource.startsWith('/') ? `${portal.url}${resource}` : resource
    const page = await new Person(portal.url).open(client.authorizeUrl({ resource: wanted }).url)
    expect(page.left?.searchParams.get('error')).toBe('invalid_target')
  })

  // [OAUTH-5]
  test('a token opens each address of its portal and nothing else', async () => {
    await portal.api('POST', `${MCP}/portals`, { id: 'second', hostname: 'second.example.com', name: 'Second' })
    const everybody = { name: 'Everybody', decision: 'allow', include: [{ everyone: {} }] }
    const policy = await portal.api<{ id: string }>('POST', '/access/policies', everybody)
    await portal.api('PUT', `${MCP}/portals/second`, { policies: [policy.body.result.id] })
    const resources = ['/mcp', '/p/default/mcp', '/p/second/mcp', '/p/second/s/none/mcp']
    const paths = ['/mcp', '/p/default/mcp', '/p/second/mcp', '/client/v4/accounts/default/tokens/api']
    const seen: Record<string, number[]> = {}
    for (const resource of resources) {
      const { tokens } = await enter(client, { resource: `${portal.url}${resource}` })
      seen[resource] = await Promise.all(
        paths.map(async (path) =>
          path.startsWith('/client')
            ? (await fetch(portal.url + path, { headers: { authorization: `Bearer ${tokens.access_token}` } })).status
            : opens(tokens.access_token, path),
        ),
      )
    }
    expect(seen).toEqual({
      '/mcp': [200, 200, 401, 401],
      '/p/default/mcp': [200, 200, 401, 401],
      '/p/second/mcp': [401, 401, 200, 401],
      '/p/second/s/none/mcp': [401, 401, 200, 401],
    })
  })

  test('a token request for another portal than the grant is refused', async () => {
    const { code, challenge } = await codeOf(client)
    const answer = await client.exchange(code, challenge, { resource: `${portal.url}/p/second/mcp` })
    expect(answer.body.error).toBe('invalid_target')
  })

  // [OAUTH-6]
  test('who is not let in by a policy any more gets nothing from a refresh', async () => {
    await portal.api('POST', `${MCP}/portals`, { id: 'third', hostname: 'third.example.com', name: 'Third' })
    const only = { name: 'Ada', decision: 'allow', include: [{ email: { email: ADA.email } }] }
    const policy = await portal.api<{ id: string }>('POST', '/access/policies', only)
    await portal.api('PUT', `${MCP}/portals/third`, { policies: [policy.body.result.id] })
    const { tokens } = await enter(client, { resource: `${portal.url}/p/third/mcp` })
    expect(await opens(tokens.access_token, '/p/third/mcp')).toBe(200)
    await portal.api('PUT', `${MCP}/portals/third`, { policies: [] })
    expect((await client.refresh(tokens.refresh_token)).body.error).toBe('invalid_grant')
    expect(await audited('renew')).toMatchObject([{ error: 'not-allowed', actor: { label: ADA.email } }])
    const again = await ada.open(client.authorizeUrl({ resource: `${portal.url}/p/third/mcp` }).url)
    expect([again.status, again.left]).toEqual([403, null])
  })

  // [OAUTH-7]
  test('a client that gives its token back has ended its grant', async () => {
    const { tokens } = await enter()
    const other = await registerClient(portal.url)
    expect(await other.revoke(tokens.refresh_token)).toBe(200)
    expect(await opens(tokens.access_token)).toBe(200)
    expect(await client.revoke(tokens.refresh_token)).toBe(200)
    expect(await opens(tokens.access_token)).toBe(401)
    expect((await client.refresh(tokens.refresh_token)).body.error).toBe('invalid_grant')
  })

  test('what is kept of codes and tokens cannot be used by who reads the database', async () => {
    const { tokens, code } = await enter()
    const dump = database === undefined ? filesOf(portal.data) : await everyRow(database.url)
    expect(dump).toContain(ADA.email)
    for (const secret of [tokens.access_token, tokens.refresh_token, code, ADA.password]) {
      for (const form of [
        secret,
        Buffer.from(secret).toString('hex'),
        Buffer.from(secret).toString('base64').replace(/=+$/, ''),
      ])
        expect(dump.includes(form)).toBe(false)
    }
  })

  // [OAUTH-8]
  test('a consent that began in one browser is not answered in another', async () => {
    const attacker = new Person(portal.url)
    const page = await attacker.open(client.authorizeUrl().url)
    const uid = new URL(page.url).searchParams.get('return_to')?.split('/').at(-1) ?? ''
    expect(uid).not.toBe('')
    const victim = new Person(portal.url)
    const signIn = await victim.open(`${portal.url}/sign-in?return_to=/consent/${uid}`)
    const landed = await victim.submit(signIn, '/sign-in/local', ADA)
    expect(landed.status).toBe(400)
    expect(landed.left).toBeNull()
    expect(landed.text).not.toContain('value="allow"')
    const resumed = await victim.open(`${portal.url}/oauth/authorize/${uid}`)
    expect(resumed.left).toBeNull()
  })

  test('another client, and another redirect of the same, are asked about anew', async () => {
    const person = new Person(portal.url)
    const first = await registerClient(portal.url, {
      redirect_uris: ['https://one.example/cb', 'https://two.example/cb'],
    })
    const remembered = async (who: OauthClient, parameters = {}): Promise<Page> =>
      person.open(who.authorizeUrl(parameters).url)
    const signIn = await remembered(first, { redirect_uri: 'https://one.example/cb' })
    const consent = await person.submit(signIn, '/sign-in/local', ADA)
    const allowed = await person.submit(consent, new URL(consent.url).pathname, { decision: 'allow', remember: 'yes' })
    expect(allowed.left?.host).toBe('one.example')
    expect((await remembered(first, { redirect_uri: 'https://one.example/cb' })).left?.host).toBe('one.example')
    expect((await remembered(first, { redirect_uri: 'https://two.example/cb' })).left).toBeNull()
    const second = await registerClient(portal.url, { redirect_uris: ['https://one.example/cb'] })
    expect((await remembered(second)).left).toBeNull()
  })

  const MOVED = 'http://127.0.0.1:40123/callback'

  interface Codes {
    code: string
    challenge: ReturnType<typeof newChallenge>
  }

  async function codeOf(who: OauthClient): Promise<Codes> {
    const { url, challenge } = who.authorizeUrl()
    const page = await signInAndAllow(ada, await ada.open(url), ADA)
    return { code: page.left?.searchParams.get('code') ?? '', challenge }
  }
})

/** The database and the journal, as whoever copies the disk has them. */
function filesOf(dir: string): string {
  const names = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(dir, name)).isFile(),
  )
  return names
    .filter((name) => name !== 'admin-token')
    .map((name) => readFileSync(join(dir, name), 'latin1'))
    .join('\n')
}

async function everyRow(url: string): Promise<string> {
  const db = new pg.Client({ connectionString: url })
  await db.connect()
  try {
    const tables = await db.query(
      "select table_name as name from information_schema.tables where table_schema = 'public'",
    )
    const texts: string[] = []
    for (const { name } of tables.rows) {
      texts.push(JSON.stringify((await db.query(`select * from "${name}"`)).rows))
    }
    return texts.join('\n')
  } finally {
    await db.end()
  }
}
