/**
 * Enterprise-managed authorization, all the way: people sign in at their company's provider, and a server's own authorization server gives them
 * tokens on that provider's word. Nobody meets a second browser step, and nobody has what is not their own.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { run } from '../../src/cli/program.ts'
import { openStore, type Store } from '../../src/store/open.ts'
import { type FreshPostgres, freshPostgres } from '../databases.ts'
import { registerClient } from '../oauth-client.ts'
import { Person } from '../person.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer } from '../raw-mcp.ts'
import type { OauthUpstream } from '../support/oauth-upstream/model.ts'
import { callOnce, type Row, type Shown } from '../support/oauth-upstream/room.ts'
import { startOauthUpstream } from '../support/oauth-upstream/start.ts'
import { ACCOUNTS } from '../support/provider/people.ts'
import { type RunningProvider, startProvider } from '../support/provider/start.ts'

const MCP = '/access/ai-controls/mcp'
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const CLIENT = { client_id: 'portico', client_secret: 'canary of the portal' }

let database: FreshPostgres
let portal: TestPortal
let store: Store
let provider: RunningProvider
let upstream: OauthUpstream
let providerId: string
let alice: Came
let bob: Came
let carol: Came

beforeAll(async () => {
  ;[database, provider] = await Promise.all([freshPostgres(), startProvider()])
  portal = await startTestPortal({ databaseUrl: database.url })
  store = await openStore({ dir: portal.data, databaseUrl: database.url, clock: systemClock, log: silentLog })
  upstream = await startOauthUpstream({
    ...{ trusts: provider.issuer, noRegistration: true },
    clients: [
      { ...CLIENT, redirect_uris: [], grant_types: [JWT_BEARER], token_endpoint_auth_method: 'client_secret_basic' },
    ],
  })
  const made = await portal.api<{ id: string }>('POST', '/access/identity_providers', {
    ...{ name: 'Acme account', type: 'oidc' },
    config: { ...CLIENT, issuer: provider.issuer, email_domains: ['acme.test'], allow_private: [provider.place] },
  })
  providerId = made.body.result.id
  await provider.addClient({
    ...CLIENT,
    redirect_uris: [`${portal.url}/sign-in/to/${providerId}/callback`],
    more: { grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:token-exchange'] },
  })
})
afterAll(async () => {
  await store?.close()
  await portal?.close()
  await upstream?.close()
  await provider?.stop()
  await database?.drop()
})

afterEach(async () => {
  await provider.mode('good')
  const shown = JSON.stringify([await connections(), await rows('phase=ended')])
  for (const secret of [...upstream.secrets, CLIENT.client_secret]) expect(shown).not.toContain(secret)
})

interface Came {
  person: Person
  token: string
}

/** Signs in at the company's provider on the way to let a client in; that is all that a person does. */
async function comeIn(name: string): Promise<Came> {
  const person = new Person(portal.url, provider.issuer)
  const client = await registerClient(portal.url)
  const { url, challenge } = client.authorizeUrl()
  const choice = await person.open(url)
  const asked = await person.submit(choice, `/sign-in/to/${providerId}`)
  const consent = await person.open(`${asked.url}?user=${name}`)
  const back = await person.submit(consent, new URL(consent.url).pathname, { decision: 'allow' })
  const { body } = await client.exchange(back.left?.searchParams.get('code') ?? '', challenge)
  return { person, token: body.access_token }
}

const rows = async (query: string) => (await portal.api<Row[]>('GET', `${MCP}/logs?limit=1000&${query}`)).body.result
const connections = async () => (await portal.api<Shown[]>('GET', `${MCP}/servers/files/connections`)).body.result
const connectionOf = async (name: string) =>
  (await connections()).find(({ user }) => user?.email === `${name}@acme.test`)
const lastCall = async (name: string) =>
  (await rows(`method=tools/call&phase=ended&server=files&actor=${name}@acme.test`)).at(0)
const given = () => upstream.tokenRequests.filter(({ grantType, status }) => grantType === JWT_BEARER && status === 200)
const tools = async (token: string) => (await ask2026(`${portal.url}/mcp`, bearer(token), 'tools/list')).text
const call = (token: string, tool = 'whoami') => callOnce(portal.url, token, `files_${tool}`)
/** What failed a moment ago is not tried at once. */
const PATIENCE = { timeout: 60_000, interval: 250 }

async function cli(...argv: string[]) {
  let [out, err] = ['', '']
  const env = { PORTICO_URL: portal.url, PORTICO_TOKEN: portal.adminToken }
  const code = await run({
    ...{ argv, env, cwd: portal.data },
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
  })
  return { code, out, err }
}

/** What its home says of the connections of somebody. */
async function home({ person }: Came): Promise<string> {
  const { text } = await person.open(portal.url)
  const [, own = ''] = text.split('Your connections')
  return (
    own
      .replace(/<[^>]+>/g, ' ')
      .replace(/\s+/g, ' ')
      .split('Connect a client')[0] ?? ''
  )
}

/** What a model reads of the server. */
async function listed(token: string): Promise<Record<string, unknown> | undefined> {
  const said = await callOnce(portal.url, token, 'portal_list_servers')
  const { servers } = JSON.parse(said.text ?? '') as { servers: { id: string; connection: Record<string, unknown> }[] }
  return servers.find(({ id }) => id === 'files')?.connection
}

test('an admin adds the server with one command, and reads that nobody has to connect it', async () => {
  writeFileSync(join(portal.data, 'secret'), CLIENT.client_secret)
  const client = ['--client-id', CLIENT.client_id, '--client-secret-file', 'secret', '--scope', 'notes:read']
  const added = await cli('servers', 'add', 'Files', upstream.url, '--enterprise', ...client)
  const own = 'each user has their own tools, from their first use on'
  expect(added).toEqual({ code: 0, out: `Added files to the portal default: ${own}\n`, err: '' })
  const shown = (await cli('servers', 'show', 'files')).out
  expect(shown).toContain(`Files (files): ${own}\n`)
  expect(shown).toContain("sign-in    oauth; each user's own account, by the word of their identity provider\n")
  expect((await cli('servers', 'list')).out).toMatch(/^files +users only /m)
  expect((await cli('doctor')).out).toMatch(/^ok +server files +works with each user's own account/m)
  const synced = await cli('servers', 'sync', 'files')
  expect(synced.err).toContain('No account that all share is there to ask it with.')
  expect((await cli('servers', 'connections', 'files')).out).toBe('Nobody has an account connected at files.\n')
})

test('who signed in at the company reaches the server as themselves, with no other step in a browser', async () => {
  ;[alice, bob] = [await comeIn('alice'), await comeIn('bob')]
  expect(await home(alice)).toContain('The portal connects you by itself, when you first use it.')
  // Whoever looks begins it: it may be there by now.
  expect(await listed(alice.token)).toMatchObject({
    uses: 'yours',
    status: expect.stringMatching(/^(not_)?connected$/),
  })
  for (const [name, came] of [
    ['alice', alice],
    ['bob', bob],
  ] as const) {
    await expect.poll(() => tools(came.token), PATIENCE).toContain('"files_whoami"')
    expect(await call(came.token)).toEqual({ text: name, problem: null })
    const { id } = (await connectionOf(name)) ?? {}
    expect(await lastCall(name)).toMatchObject({ outcome: 'answered', credential: `enterprise:user:${id}:ready` })
  }
  expect(upstream.authorizations).toEqual([])
  expect(given()).toHaveLength(2)
  expect(await tools(alice.token)).toContain('"files_alices_tool"')
  expect(await tools(bob.token)).not.toContain('alices_tool')
  // Nothing but each one's own account was shown to the server.
  expect(new Set(upstream.seen.map(({ account }) => account))).toEqual(new Set([null, 'alice', 'bob']))
})

test('home, the connect page, portal_list_servers and the command line say that it stands', async () => {
  expect(await home(alice)).toMatch(/Files files alice@acme.test , connected .*renewed by itself/)
  const page = (await alice.person.open(`${portal.url}/connect/files`)).text
  expect(page).toContain('There is nothing to do here')
  expect(page).not.toContain('/connect/files/disconnect')
  expect(await listed(alice.token)).toMatchObject({ uses: 'yours', status: 'connected', account: 'alice@acme.test' })
  const shown = (await cli('servers', 'connections', 'files')).out
  expect(shown).toMatch(/^alice@acme\.test +alice@acme\.test +ready /m)
  expect(shown).toMatch(/^bob@acme\.test +bob@acme\.test +ready /m)
})

test('a service token has neither the server nor its tools', async () => {
  const { client_id, client_secret } = await portal.serviceToken('bot')
  const credentials = { 'cf-access-client-id': client_id, 'cf-access-client-secret': client_secret }
  const asked = (method: string, params = {}) => ask2026(`${portal.url}/mcp`, { credentials }, method, params)
  const before = upstream.seen.length
  expect((await asked('tools/list')).text).not.toContain('files_')
  expect((await asked('tools/call', { name: 'files_whoami', arguments: {} })).text).toContain('Unknown tool')
  expect((await asked('tools/call', { name: 'portal_list_servers', arguments: {} })).text).not.toContain('Files')
  expect(upstream.seen).toHaveLength(before)
  expect(await rows('phase=ended&actor=bot&method=tools/call')).toContainEqual(
    expect.objectContaining({ outcome: 'refused', error: 'not-offered' }),
  )
})

test('a token that an admin made has no sign-in behind it, and does not use the account of the person', async () => {
  const minted = await portal.userToken('alice@acme.test')
  const before = upstream.seen.length
  expect((await call(minted)).problem).toContain('does not vouch for you at Files')
  expect(upstream.seen).toHaveLength(before)
  expect(await call(alice.token)).toEqual({ text: 'alice', problem: null })
})

test('where the ID token has ended, the refresh token brings another, and no person is asked', async () => {
  const { claims } = ACCOUNTS.carol ?? { claims: {} }
  // Good for as long as she needs to come in, and of no use to the portal, which wants a minute.
  await provider.account('carol', { claims, token: { exp: Math.floor(Date.now() / 1000) + 55 } })
  carol = await comeIn('carol')
  await provider.account('carol', { claims })
  // As if she had signed in a minute ago: a provider is not asked twice in a moment.
  await store.db
    .updateTable('identities')
    .set(({ eb }) => ({ checked_at: eb('checked_at', '-', 60_000) }))
    .execute()
  await expect.poll(() => tools(carol.token), PATIENCE).toContain('"files_whoami"')
  expect(await call(carol.token)).toEqual({ text: 'carol', problem: null })
})

test('a token that ends is had again on a new word of the provider, and nobody notices', async () => {
  const before = given().length
  upstream.endAccess('carol')
  expect(await call(carol.token)).toEqual({ text: 'carol', problem: null })
  expect(given()).toHaveLength(before + 1)
  expect((await lastCall('carol'))?.credential).toMatch(/^enterprise:user:[\w-]+:renewed$/)
})

test('whom the provider does not vouch for any more loses it and reads what to do, others do not, and it is back with the word', async () => {
  await provider.mode('no-word')
  upstream.endAccess('alice')
  const told =
    'Your identity provider does not vouch for you at Files. Sign in to the portal again, or ask an administrator.'
  expect(await call(alice.token)).toEqual({ text: null, problem: told })
  expect(await lastCall('alice')).toMatchObject({
    ...{ outcome: 'failed', error: 'upstream-not-ready' },
    credential: expect.stringMatching(/^enterprise:user:[\w-]+:needs_reauth$/),
  })
  expect(await call(bob.token)).toEqual({ text: 'bob', problem: null })
  expect(await connectionOf('alice')).toMatchObject({ status: 'needs_reauth', reason: 'identity', mend: null })
  expect(await home(alice)).toContain('Your company’s sign-in does not vouch for you at this server.')
  expect(await listed(alice.token)).toMatchObject({
    status: 'needs_reconnect',
    problem: expect.stringContaining('does not vouch'),
  })
  await provider.mode('good')
  await expect.poll(() => call(alice.token), PATIENCE).toEqual({ text: 'alice', problem: null })
})

test('who was removed at the provider has no account any more when the token ends, although their client is still let in', async () => {
  await provider.gone('bob')
  upstream.endAccess('bob')
  const before = given().length
  for (let i = 0; i < 2; i++) expect((await call(bob.token)).problem).toContain('does not vouch for you at Files')
  expect(given()).toHaveLength(before)
  expect(await connectionOf('bob')).toMatchObject({ status: 'needs_reauth', reason: 'identity' })
  expect(await call(alice.token)).toEqual({ text: 'alice', problem: null })
})

test('a wrong secret of the portal ends what people had, and the right one gives it back to whoever comes next', async () => {
  writeFileSync(join(portal.data, 'wrong'), 'canary wrong')
  expect((await cli('servers', 'secret', 'files', '--client-secret-file', 'wrong')).code).toBe(0)
  expect(await connections()).toEqual([])
  await expect.poll(() => tools(alice.token), PATIENCE).not.toContain('files_')
  expect(await call(alice.token)).toMatchObject({ text: null, problem: expect.any(String) })
  expect((await cli('servers', 'secret', 'files', '--client-secret-file', 'secret')).code).toBe(0)
  await expect.poll(() => tools(alice.token), PATIENCE).toContain('"files_whoami"')
  expect(await call(alice.token)).toEqual({ text: 'alice', problem: null })
})
