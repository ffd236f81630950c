/** Clients at the authorize endpoint of a whole portal: where they may be sent, what a person is shown of them, and what an admin makes of them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../src/cli/program.ts'
import { clientOf, letIn, type OauthClient, registerClient } from '../oauth-client.ts'
import { Person } from '../person.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer } from '../raw-mcp.ts'

const ADA = { email: 'ada@example.com', password: 'correct horse battery staple' }
const DEFAULT = '/access/ai-controls/mcp/portals/default'

let portal: TestPortal
let ada: Person

beforeAll(async () => {
  portal = await startTestPortal({ config: { bootstrap: ADA } })
  ada = new Person(portal.url)
  await ada.submit(await ada.open(`${portal.url}/sign-in`), '/sign-in/local', ADA)
})
afterAll(() => portal?.close())

const opens = async (token: string) => (await ask2026(`${portal.url}/mcp`, bearer(token), 'tools/list')).status

async function portico(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', '']
  const code = await run({
    argv,
    env: { PORTICO_URL: portal.url, PORTICO_TOKEN: portal.adminToken },
    cwd: process.cwd(),
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
  })
  return { code, out, err }
}

describe('SEC-O4: a redirect that is not the registered one ends on a page of ours', () => {
  let client: OauthClient
  beforeAll(async () => {
    const redirects = ['http://localhost:3000/cb', 'https://agent.example/cb', 'com.example.app:/cb']
    client = await registerClient(portal.url, { redirect_uris: redirects })
  })
  const good = [
    'http://localhost:3000/cb',
    'http://localhost:49152/cb',
    'http://localhost/cb',
    'https://agent.example/cb',
    'com.example.app:/cb',
  ]
  const bad = [
    ...[
      'https://evil.example/cb',
      'https://agent.example/cb/',
      'https://agent.example/cb?x=1',
      'https://agent.example/cb#x',
    ],
    ...['https://agent.example:8443/cb', 'https://agent.example/cb/../../x', 'https://agent.example\\@evil.example/cb'],
    ...[
      'https://agent.example@evil.example/cb',
      'https://AGENT.example/cb',
      'https://agent.example./cb',
      'http://agent.example/cb',
    ],
    ...['http://localhost.evil.example:3000/cb', 'http://localhost:3000@evil.example/cb', 'http://127.0.0.1:3000/cb'],
    ...[
      'http://localhost:3000/cb/more',
      'http://localhost:3000/cb?x=1',
      'https://localhost:3000/cb',
      'http://localhost:0x50/cb',
    ],
    ...['com.example.app:/cb/', 'COM.example.app:/cb', 'com.example.app://cb', 'com.example.app2:/cb'],
    ...['javascript:alert(1)', 'data:text/html,x', 'java\tscript:alert(1)', '/cb', '//agent.example/cb', ''],
  ]
  for (const uri of good) {
    test(`${uri} is taken`, async () => {
      const page = await ada.open(client.authorizeUrl({ redirect_uri: uri }).url)
      expect([page.status, page.left, page.url]).toEqual([200, null, expect.stringContaining('/consent/')])
    })
  }
  for (const uri of bad) {
    test(`${JSON.stringify(uri)} is not`, async () => {
      const page = await ada.open(client.authorizeUrl({ redirect_uri: uri }).url)
      expect([page.left, page.headers.get('location')]).toEqual([null, null])
      expect(page.status).toBe(400)
      expect(page.text).not.toContain('evil.example')
    })
  }
})

describe('SEC-O2: what a client says of itself is quoted, and stripped of what would deceive', () => {
  const names: readonly (readonly [name: string, shown: string, warns: boolean])[] = [
    ['Claude\u202e\u2066 <b>verified</b> \u2714\ufe0f', 'Claude &lt;b&gt;verified&lt;/b&gt;', true],
    ['Сlаudе', 'Сlаudе', true],
    ['C\u200blaude"', 'Claude&#39;', true],
    [`Report ${'x'.repeat(10_000)}`, `Report ${'x'.repeat(57)}”`, false],
    ['Acme CRM', 'Acme CRM', false],
  ]
  for (const [name, shown, warns] of names) {
    test(`${JSON.stringify(name.slice(0, 40))}`, async () => {
      const redirects = ['https://agent.example/cb']
      const logo = 'https://agent.example/logo.png'
      const client = await registerClient(portal.url, { client_name: name, redirect_uris: redirects, logo_uri: logo })
      const { text } = await ada.open(client.authorizeUrl().url)
      expect(text).toContain(`“${shown}`)
      expect(/[\u200b-\u200f\u202a-\u202e\u2066-\u2069]/.test(text)).toBe(false)
      expect(text.includes('belongs to a well-known client')).toBe(warns)
      expect(text).not.toContain('logo.png')
      expect(text).toContain('Not verified')
    })
  }
})

describe('clients of an admin', () => {
  test('the command line writes one down, it lets people in with its secret, and deleting it ends that', async () => {
    const made = await portico(
      'clients',
      'add',
      'Report runner',
      '--redirect',
      'https://reports.example/cb',
      '--auth',
      'client_secret_post',
    )
    expect(made).toMatchObject({ code: 0, err: expect.stringContaining('shown this once') })
    const [, id = ''] = /client_id: (\S+)/.exec(made.out) ?? []
    const [, secret = ''] = /client_secret: (ptcs_\S+)/.exec(made.out) ?? []
    const client = clientOf(portal.url, { id, secret, redirectUri: 'https://reports.example/cb' })
    const { tokens } = await letIn(ada, client, ADA)
    expect(await opens(tokens.access_token)).toBe(200)
    const thief = clientOf(portal.url, { id, secret: `${secret}x`, redirectUri: client.redirectUri })
    expect((await thief.refresh(tokens.refresh_token)).status).toBe(401)

    expect((await portico('clients', 'list')).out).toContain(id)
    const shown = await portico('clients', 'show', id)
    expect(shown.out).toContain('https://reports.example/cb')
    expect(shown.out + shown.err).not.toContain(secret)
    expect(await portico('clients', 'remove', id)).toMatchObject({ code: 0, out: `Removed ${id}.\n` })
    expect(await opens(tokens.access_token)).toBe(401)
    expect((await client.refresh(tokens.refresh_token)).status).toBe(401)
    expect((await portico('clients', 'remove', id)).code).toBe(1)
    expect((await portico('clients', 'add', 'x')).err).toContain('--redirect')
  })

  test('a portal that closes itself to clients that introduce themselves lets only written-down ones in', async () => {
    const own = await registerClient(portal.url)
    const made = await portal.api<{ id: string }>('POST', '/access/oauth/clients', {
      client_name: 'Allowed',
      redirect_uris: ['https://reports.example/cb'],
    })
    await portal.api('PUT', DEFAULT, { oauth_configuration: { dynamic_client_registration: { enabled: false } } })
    const refused = await ada.open(own.authorizeUrl().url)
    expect([refused.left, refused.status >= 400]).toEqual([null, true])
    const { id } = made.body.result
    const client = clientOf(portal.url, { id, secret: null, redirectUri: 'https://reports.example/cb' })
    expect(await opens((await letIn(ada, client, ADA)).tokens.access_token)).toBe(200)
    await portal.api('PUT', DEFAULT, { oauth_configuration: null })
    expect((await ada.open(own.authorizeUrl().url)).status).toBe(200)
  })

  test('an organisation that allows some redirects registers no other client', async () => {
    const rules = {
      dynamic_client_registration: { allow_any_on_loopback: true, allowed_uris: ['https://claude.ai/*'] },
    }
    await portal.api('PUT', '/access/oauth/configuration', rules)
    const register = async (uri: string) => {
      const response = await fetch(`${portal.url}/oauth/register`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ redirect_uris: [uri], token_endpoint_auth_method: 'none' }),
      })
      return [response.status, ((await response.json()) as { error_description?: string }).error_description]
    }
    expect(await register('http://127.0.0.1:3000/cb')).toEqual([201, undefined])
    expect(await register('https://claude.ai/api/mcp/auth_callback')).toEqual([201, undefined])
    const no = [400, 'redirect_uri is not allowed by the account configuration']
    expect(await register('https://agent.example/cb')).toEqual(no)
    expect(await register('http://localhost:3000/cb')).toEqual(no)
    await portal.api('PUT', '/access/oauth/configuration', { dynamic_client_registration: { enabled: false } })
    const metadata = await (await fetch(`${portal.url}/.well-known/oauth-authorization-server`)).json()
    expect(metadata).toMatchObject({ client_id_metadata_document_supported: false })
    expect(metadata).not.toHaveProperty('registration_endpoint')
    expect((await register('http://127.0.0.1:3000/cb'))[0]).toBe(403)
    await portal.api('PUT', '/access/oauth/configuration', {})
  })
})

test('a client that renews what it has stays registered', async () => {
  const client = await registerClient(portal.url)
  const { tokens } = await letIn(ada, client, ADA)
  const shown = async () =>
    (await portal.api<{ last_used_at: string; expires_at: string }>('GET', `/access/oauth/clients/${client.id}`)).body
      .result
  const { expires_at: before } = await shown()
  expect(Date.parse(before) - Date.now()).toBeGreaterThan(89 * 86_400_000)
  expect((await client.refresh(tokens.refresh_token)).status).toBe(200)
  expect((await shown()).last_used_at).not.toBeNull()
})
