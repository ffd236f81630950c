/** A server that everybody reaches as the portal itself, by OAuth client credentials: made, used, renewed, and mended when its secret is another. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { run } from '../../src/cli/program.ts'
import type { ServerShown } from '../../src/contract/server.ts'
import { freshPostgres } from '../databases.ts'
import { withEnoughTime } from '../enough-time.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { startPorticoProcess } from '../portico-process.ts'
import { ask2026, messageOf } from '../raw-mcp.ts'
import type { OauthUpstream, RegisteredByHand } from '../support/oauth-upstream/model.ts'
import type { Row } from '../support/oauth-upstream/room.ts'
import { startOauthUpstream } from '../support/oauth-upstream/start.ts'

const MCP = '/access/ai-controls/mcp'
type Id = 'basic' | 'post' | 'es' | 'rs'

const es = keyOf('ES256')
const rs = keyOf('RS256')
const SECRETS: Readonly<Record<Id, string>> = {
  basic: 'canary basic: a+b/c%20',
  post: 'canary post: a+b/c%20',
  ...{ es: es.pem, rs: rs.pem },
}
/** As the authorization server knows them. */
const clients: Record<Id, RegisteredByHand> = {
  basic: machine('basic', { client_secret: SECRETS.basic, token_endpoint_auth_method: 'client_secret_basic' }),
  post: machine('post', { client_secret: SECRETS.post, token_endpoint_auth_method: 'client_secret_post' }),
  es: machine('es', { ...withKey('ES256'), jwks: { keys: [es.jwk] } }),
  rs: machine('rs', { ...withKey('RS256'), jwks: { keys: [rs.jwk] } }),
}
/** As an admin writes them down. */
const WRITTEN: Readonly<Record<Id, Record<string, string>>> = {
  basic: { token_endpoint_auth_method: 'client_secret_basic' },
  post: { token_endpoint_auth_method: 'client_secret_post' },
  es: { token_endpoint_auth_method: 'private_key_jwt' },
  rs: { token_endpoint_auth_method: 'private_key_jwt', signing_algorithm: 'RS256', key_id: 'key RS256' },
}

function machine(client_id: Id, more: Partial<RegisteredByHand>): RegisteredByHand {
  return { client_id, redirect_uris: [], grant_types: ['client_credentials'], ...more }
}

function withKey(alg: string) {
  return { token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: alg }
}

function keyOf(alg: 'ES256' | 'RS256') {
  const pair =
    alg === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  return { pem, jwk: { ...pair.publicKey.export({ format: 'jwk' }), kid: `key ${alg}`, alg, use: 'sig' } }
}

let portal: TestPortal
let upstream: OauthUpstream
let folder: string
let callers: Record<'user' | 'bot', Record<string, string>>

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portico-machines-'))
  ;[portal, upstream] = await Promise.all([
    startTestPortal(),
    startOauthUpstream({ clients: Object.values(clients), noRegistration: true }),
  ])
  const bot = await portal.serviceToken('bot')
  callers = {
    user: { authorization: `Bearer ${await portal.userToken('ada@acme.test')}` },
    bot: { 'cf-access-client-id': bot.client_id, 'cf-access-client-secret': bot.client_secret },
  }
})
afterAll(async () => {
  await portal?.close()
  await upstream?.close()
  rmSync(folder, { recursive: true, force: true })
})
afterEach(() => upstream.lifetime(3600))

/** The server with its own client, in the words of the API. */
function describeServer(id: string, client: Id) {
  const registration_info = { client_id: client, scope: 'notes:read', ...WRITTEN[client] }
  const auth_credentials = JSON.stringify({ auth_mode: 'client_credentials', registration_info })
  const secret = { auth_credentials, client_secret: SECRETS[client] }
  return { id, name: `Ledger ${id}`, hostname: upstream.url, auth_type: 'oauth', ...secret }
}

const show = async (id: string) => (await portal.api<ServerShown>('GET', `${MCP}/servers/${id}`)).body.result
const made: string[] = []
async function offer(id: string): Promise<void> {
  made.push(id)
  const servers = made.map((server_id) => ({ server_id }))
  expect((await portal.api('PUT', `${MCP}/portals/default`, { servers })).status).toBe(200)
}

/** @returns what the caller reads, and how the audit has it */
async function call(id: string, who: 'user' | 'bot' = 'user') {
  const name = `${id}_whoami`
  const caller = { credentials: callers[who] }
  const { result } = messageOf(await ask2026(`${portal.url}/mcp`, caller, 'tools/call', { name, arguments: {} }))
  const [row] = (await portal.api<Row[]>('GET', `${MCP}/logs?phase=ended&method=tools/call&limit=1`)).body.result
  const { content = [], isError = false } = result as unknown as { content?: { text: string }[]; isError?: boolean }
  return { text: content[0]?.text, isError, credential: row?.credential, error: row?.error }
}

async function cli(...argv: string[]) {
  let [out, err] = ['', '']
  const code = await run({
    ...{ argv, cwd: folder, env: { PORTICO_URL: portal.url, PORTICO_TOKEN: portal.adminToken } },
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
  })
  for (const secret of [...upstream.secrets, 'canary', 'PRIVATE KEY']) expect(out + err).not.toContain(secret)
  return { code, out, err }
}

function expectNoSecret(shown: unknown): void {
  for (const secret of [...upstream.secrets, 'canary', 'PRIVATE KEY'])
    expect(JSON.stringify(shown)).not.toContain(secret)
}

const READY = (id: string) => ({
  text: id,
  isError: false,
  credential: expect.stringMatching(/^machine:[\w-]+:ready$/),
})

test.each(['basic', 'post', 'es', 'rs'] as const)(
  '%s: a server added by the API works for a user and for a service token with one token, and shows how it stands',
  async (client) => {
    const id = `api-${client}`
    expect((await portal.api('POST', `${MCP}/servers`, describeServer(id, client))).status).toBe(200)
    await offer(id)
    const asked = upstream.tokenRequests.length
    expect(await call(id, 'user')).toMatchObject(READY(client))
    expect(await call(id, 'bot')).toMatchObject(READY(client))
    expect(upstream.tokenRequests).toHaveLength(asked)
    const last = upstream.tokenRequests.at(-1)
    expect(last).toMatchObject({
      grantType: 'client_credentials',
      clientId: client,
      resource: upstream.url,
      status: 200,
    })
    const shown = await show(id)
    expect(shown).toMatchObject({
      ...{ status: 'ready', authentication_status: 'connected' },
      auth_config_summary: { auth_mode: 'client_credentials', has_client_secret: true, client_secret_version: 1 },
      connection: { kind: 'machine', status: 'ready', problem: null, mend: null, issuer: upstream.issuer },
    })
    expect(shown.auth_config_summary?.registration_info).toMatchObject({ client_id: client, ...WRITTEN[client] })
    expectNoSecret(shown)
  },
)

test.each(['basic', 'es'] as const)(
  '%s: a server added at the command line works at once, and says whose account it is',
  async (client) => {
    const id = `cli-${client}`
    writeFileSync(join(folder, 'secret'), `${SECRETS[client]}\n`)
    const method = ['--client-auth', WRITTEN[client].token_endpoint_auth_method ?? '']
    const flags = ['--client-id', client, '--client-secret-file', 'secret', ...method, '--scope', 'notes:read']
    const added = await cli('servers', 'add', id, upstream.url, '--client-credentials', ...flags)
    expect(added).toEqual({ code: 0, out: `Added ${id} to the portal default: ready, 3 tools\n`, err: '' })
    made.push(id)
    for (const who of ['user', 'bot'] as const) expect(await call(id, who)).toMatchObject(READY(client))
    const shown = (await cli('servers', 'show', id)).out
    expect(shown).toContain("sign-in    oauth; the portal's own account (client credentials)\n")
    expect(shown).toMatch(/^account {4}connected; the token is good until /m)
    expect((await cli('servers', 'connections', id)).out).toMatch(/^the portal itself +ready /m)
  },
)

test('the token is renewed before it ends, and again when the server does not take it, and no call fails', {
  timeout: 300_000,
}, async () => {
  const refused = () =>
    upstream.seen.filter(({ method, account }) => method === 'tools/call' && account === null).length
  const { id, ended } = await withEnoughTime(10, async (lifetime) => {
    const id = `renewed-${lifetime}`
    upstream.lifetime(lifetime)
    await portal.api('POST', `${MCP}/servers`, describeServer(id, 'basic'))
    await offer(id)
    const [before, asked] = [refused(), upstream.tokenRequests.length]
    while (upstream.tokenRequests.length < asked + 1) {
      expect(await call(id)).toMatchObject({ text: 'basic', isError: false })
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const ended = refused() - before
    // On a machine that stands still for a fifth of that life, a token may end on its way.
    return ended > 0 && lifetime < 60 ? null : { id, ended }
  })
  expect(ended).toBe(0)
  upstream.lifetime(3600)
  upstream.endAccess('basic')
  expect(await call(id, 'bot')).toMatchObject({
    text: 'basic',
    credential: expect.stringMatching(/^machine:.*:renewed$/),
  })
})

test('a secret that was changed there stops the calls, says so to whoever looks, and a new one by PUT or the command line mends it', async () => {
  const id = 'rotated'
  await portal.api('POST', `${MCP}/servers`, describeServer(id, 'post'))
  await offer(id)
  // One secret after the other, as an operator rotates them.
  const rotate = (client_secret: string) => {
    clients.post.client_secret = client_secret
    upstream.rotateKeys()
    upstream.endAccess('post')
  }
  rotate('canary second')
  const told =
    'Ledger rotated does not accept the portal as a client. An administrator has to look at its client id and its secret.'
  for (const who of ['user', 'bot', 'user'] as const) {
    const said = await call(id, who)
    expect(said).toMatchObject({ text: told, isError: true, error: 'upstream-not-ready' })
    expect(said.credential).toMatch(/^machine:[\w-]+:needs_reauth$/)
  }
  const wrong = 'the client id, or its secret or key, is not what is registered there.'
  expect(await show(id)).toMatchObject({
    authentication_status: 'stale',
    connection: {
      ...{ status: 'needs_reauth', reason: 'client-gone', problem: expect.stringContaining(wrong) },
      mend: `portico servers secret ${id} --client-secret-file FILE`,
    },
  })
  const listed = (await cli('servers', 'show', id)).out
  expect(listed).toMatch(/^account {4}does not work now\. The authorization server does not take the portal/m)
  expect((await cli('servers', 'list')).out).toMatch(/^rotated +\w+, no token /m)
  expect((await cli('doctor')).out).toMatch(/PROBLEM +server rotated +the portal's own account: /)
  const put = await portal.api<ServerShown>('PUT', `${MCP}/servers/${id}`, { client_secret: 'canary second' })
  expect(put.body.result).toMatchObject({ auth_config_summary: { client_secret_version: 2 } })
  expect(await call(id, 'bot')).toMatchObject(READY('post'))
  expect(await show(id)).toMatchObject({ status: 'ready', authentication_status: 'connected' })
  rotate('canary third')
  expect((await call(id)).isError).toBe(true)
  writeFileSync(join(folder, 'third'), 'canary third\n')
  const mended = await cli('servers', 'secret', id, '--client-secret-file', 'third')
  expect(mended).toEqual({ code: 0, out: `${id} has its new secret: ready\n`, err: '' })
  expect(await call(id)).toMatchObject(READY('post'))
  expect((await show(id)).auth_config_summary?.client_secret_version).toBe(3)
  expectNoSecret(await show(id))
})

test('a server added with a wrong secret is kept, says what is wrong, and is mended at the command line', async () => {
  const id = 'wrong'
  const answer = await portal.api<ServerShown>('POST', `${MCP}/servers`, {
    ...describeServer(id, 'basic'),
    client_secret: 'canary of somebody else',
  })
  expect(answer.status).toBe(200)
  await offer(id)
  expect(await show(id)).toMatchObject({
    ...{ status: 'error', authentication_status: 'manual', error_details: { cause: 'not-ready', retryable: false } },
    error: expect.stringContaining('look at its client id and its secret'),
  })
  const shown = (await cli('servers', 'show', id)).out
  expect(shown).toContain(
    `account    none: the portal could not get it. A new secret: portico servers secret ${id} --client-secret-file FILE\n`,
  )
  expect((await cli('doctor')).out).toMatch(/PROBLEM +server wrong /)
  writeFileSync(join(folder, 'right'), SECRETS.basic)
  // Right away: what failed a moment ago does not rest when an admin has changed it.
  expect(await cli('servers', 'secret', id, '--client-secret-file', 'right')).toMatchObject({
    code: 0,
    out: `${id} has its new secret: ready\n`,
  })
  expect(await call(id, 'bot')).toMatchObject(READY('basic'))
  expect(await show(id)).toMatchObject({ status: 'ready', authentication_status: 'connected' })
})

test.each([[['secret', 'wrong']], [['secret', 'wrong', '--bearer-file', 'right', '--client-secret-file', 'right']]])(
  'servers %j is wrong usage',
  async (words) => {
    const answer = await cli('servers', ...words)
    expect(answer).toMatchObject({
      code: 2,
      err: expect.stringContaining('Give one of --client-secret-file and --bearer-file.'),
    })
  },
)

test('two replicas on PostgreSQL get one token, and both use it', async () => {
  const database = await freshPostgres(process.env.PORTICO_TEST_TEMPLATE)
  const settings = { DATABASE_URL: database.url, PORTICO_ENCRYPTION_KEY: randomBytes(32).toString('base64') }
  const replicas = [await startPorticoProcess(settings), await startPorticoProcess(settings)]
  const [first, second] = replicas
  try {
    const asked = upstream.tokenRequests.length
    await first?.api('POST', `${MCP}/servers`, describeServer('ledger', 'rs'))
    await first?.api('PUT', `${MCP}/portals/default`, { servers: [{ server_id: 'ledger' }] })
    const access = await first?.api<{ token: string }>('POST', '/tokens/access', {
      email: 'ada@acme.test',
      portal: 'default',
    })
    const credentials = { authorization: `Bearer ${access?.token}` }
    const text = async (url = '') =>
      (await ask2026(`${url}/mcp`, { credentials }, 'tools/call', { name: 'ledger_whoami', arguments: {} })).text
    for (const { url } of replicas) await expect.poll(() => text(url), { timeout: 60_000 }).toContain('"text":"rs"')
    expect(upstream.tokenRequests).toHaveLength(asked + 1)
    // Refused at both at once, it is renewed by one of them.
    upstream.endAccess('rs')
    const both = await Promise.all([text(first?.url), text(second?.url), text(first?.url), text(second?.url)])
    for (const one of both) expect(one).toContain('"text":"rs"')
    expect(upstream.tokenRequests).toHaveLength(asked + 2)
  } finally {
    for (const replica of replicas) {
      await replica.end('SIGTERM')
      await replica.remove()
    }
    await database.drop()
  }
})
