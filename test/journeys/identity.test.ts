/**
 * A server that lets in nobody without a signed statement of who calls, as `docs/guides/identity-for-servers.md` tells to build one: a real
 * MCP server behind a door that verifies with the keys that it fetches from the portal. Two replicas on PostgreSQL are that portal.
 */
import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FreshPostgres, freshPostgres } from '../databases.ts'
import { type Ledger, startLedger } from '../peers/ledger.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'
import { ask2026, bearer, messageOf, open2025, type RawCaller } from '../raw-mcp.ts'

const MCP = '/access/ai-controls/mcp'
const HEADER = 'Cf-Access-Jwt-Assertion'
const ISSUER = 'https://portal.acme.test'
/** A replica looks twice a second. */
const PATIENCE_MS = 60_000

interface Door {
  url: string
  /** Whom it let in, in order. */
  readonly let: { claims: JWTPayload; statement: string; method: string }[]
  readonly refused: string[]
  audience: string
  close(): Promise<void>
}

let database: FreshPostgres
let first: PorticoProcess
let second: PorticoProcess
let ledger: Ledger
let plain: Ledger
let door: Door
const tokens: Record<'ada' | 'eve', { token: string; user_id: string }> = {
  ada: { token: '', user_id: '' },
  eve: { token: '', user_id: '' },
}
let bot: { client_id: string; client_secret: string }

beforeAll(async () => {
  database = await freshPostgres(process.env.PORTICO_TEST_TEMPLATE)
  ledger = await startLedger()
  plain = await startLedger()
  const settings = {
    ...{ DATABASE_URL: database.url, PORTICO_ENCRYPTION_KEY: randomBytes(32).toString('base64') },
    ...{ PORTICO_PUBLIC_URL: ISSUER, LOG_LEVEL: 'debug' },
  }
  first = await startPorticoProcess(settings)
  second = await startPorticoProcess(settings)
  door = await openDoor(ledger.url, `${first.url}/cdn-cgi/access/certs`)
  const server = { name: 'S', auth_type: 'unauthenticated' }
  const made = await first.api<{ identity_audience: string }>('POST', `${MCP}/servers`, {
    ...server,
    ...{
      id: 'ledger',
      hostname: door.url,
      allow_private: [new URL(door.url).host],
      identity_header: HEADER,
      identity_claims: ['groups'],
    },
  })
  door.audience = made.identity_audience
  await first.api('POST', `${MCP}/servers/ledger/sync`)
  await first.api('POST', `${MCP}/servers`, {
    ...server,
    ...{ id: 'plain', hostname: plain.url, allow_private: [new URL(plain.url).host] },
  })
  const servers = [{ server_id: 'ledger' }, { server_id: 'plain' }]
  await first.api('PUT', `${MCP}/portals/default`, { servers })
  for (const who of ['ada', 'eve'] as const) {
    tokens[who] = await first.api('POST', '/tokens/access', { email: `${who}@acme.test`, portal: 'default' })
  }
  bot = await first.api('POST', '/access/service_tokens', { name: 'bot' })
})
afterAll(async () => {
  for (const replica of [first, second]) {
    await replica?.end('SIGTERM')
    await replica?.remove()
  }
  await door?.close()
  await ledger?.stop()
  await plain?.stop()
  await database?.drop()
})

/** The whole of what the guide asks of a server: issuer, audience, algorithm, time, signature, on every request. */
async function openDoor(behind: string, certs: string): Promise<Door> {
  const keys = createRemoteJWKSet(new URL(certs))
  const opened: Pick<Door, 'let' | 'refused' | 'audience'> = { let: [], refused: [], audience: '' }
  const receive = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const statement = String(request.headers[HEADER.toLowerCase()] ?? '')
    try {
      const options = { issuer: ISSUER, audience: opened.audience, algorithms: ['RS256'] }
      const { payload } = await jwtVerify(statement, keys, options)
      const { method = '' } = body.length === 0 ? {} : JSON.parse(body.toString())
      opened.let.push({ claims: payload, statement, method })
    } catch (error) {
      opened.refused.push(String(error))
      response.writeHead(403).end('Missing or bad statement of who calls')
      return
    }
    const { host: _, ...headers } = request.headers
    const onward = forward(behind, { method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    response.on('close', () => onward.destroy())
    onward.on('error', () => response.destroy())
    onward.end(body)
  }
  const server = createServer((request, response) => void receive(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(opened, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  })
}

const botCaller = (): RawCaller => ({
  credentials: { 'cf-access-client-id': bot.client_id, 'cf-access-client-secret': bot.client_secret },
})

const post = (replica: PorticoProcess, caller: RawCaller, entry: string) =>
  ask2026(`${replica.url}/mcp`, caller, 'tools/call', { name: 'ledger_post', arguments: { entry } })

async function eventually(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('it did not come about')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const calls = () => door.let.filter(({ method }) => method === 'tools/call')
const published = async (replica: PorticoProcess) =>
  ((await (await fetch(`${replica.url}/cdn-cgi/access/certs`)).json()) as { keys: { kid: string }[] }).keys

// [IDENTITY-1]
test('a real server that verifies is told of each caller on its shared connection, by both replicas', async () => {
  await eventually(async () => messageOf(await post(second, bearer(tokens.ada.token), 'warm')).result !== undefined)
  const before = calls().length
  const answers = await Promise.all([
    post(first, bearer(tokens.ada.token), 'one'),
    post(first, bearer(tokens.eve.token), 'two'),
    post(second, bearer(tokens.eve.token), 'three'),
    post(second, bearer(tokens.ada.token), 'four'),
    (await open2025(`${first.url}/mcp`, bearer(tokens.ada.token))).ask('tools/call', {
      ...{ name: 'ledger_post', arguments: { entry: 'five' } },
    }),
  ])
  for (const answer of answers) expect(messageOf(answer).result).toMatchObject({ content: [{ type: 'text' }] })
  const told = calls().slice(before)
  expect(told.map(({ claims }) => claims.email).sort()).toEqual([
    ...['ada@acme.test', 'ada@acme.test', 'ada@acme.test', 'eve@acme.test', 'eve@acme.test'],
  ])
  for (const { claims } of told) {
    expect(claims.sub).toBe(claims.email === 'ada@acme.test' ? tokens.ada.user_id : tokens.eve.user_id)
    expect(claims).toMatchObject({ type: 'app', iss: ISSUER, aud: [door.audience], unknown_claims: ['groups'] })
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBeLessThanOrEqual(300)
  }
  expect(told.filter(({ statement }) => statement === told[0]?.statement).length).toBeLessThan(told.length)
})

test('a service token is told of by its client id, and is nobody', async () => {
  expect(messageOf(await post(first, botCaller(), 'bot')).result).toBeDefined()
  const claims = calls().at(-1)?.claims
  expect(claims).toMatchObject({ sub: '', common_name: bot.client_id })
  expect(claims).not.toHaveProperty('email')
})

test('a service token that is switched off at one replica opens nothing at the other', async () => {
  const made = await first.api<{ id: string } & typeof bot>('POST', '/access/service_tokens', { name: 'short' })
  const credentials = { 'cf-access-client-id': made.client_id, 'cf-access-client-secret': made.client_secret }
  expect((await post(second, { credentials }, 'short')).status).toBe(200)
  await first.api('PUT', `/access/service_tokens/${made.id}`, { enabled: false })
  await eventually(async () => (await post(second, { credentials }, 'short')).status === 401)
})

// [IDENTITY-3]
test('a server that did not ask is told nothing', async () => {
  const asked = { name: 'plain_post', arguments: { entry: 'quiet' } }
  const answer = await ask2026(`${first.url}/mcp`, bearer(tokens.ada.token), 'tools/call', asked)
  expect(messageOf(answer).result).toBeDefined()
  expect(JSON.stringify(plain.headers)).not.toMatch(/jwt|eyJ|ada/i)
})

test('what a caller claims to be in that header reaches nobody', async () => {
  const forged = { credentials: { ...bearer(tokens.eve.token).credentials, [HEADER]: 'eyJhbGciOiJub25lIn0.e30.' } }
  expect(messageOf(await post(first, forged, 'forged')).result).toBeDefined()
  expect(calls().at(-1)?.claims.email).toBe('eve@acme.test')
})

test('a key that was replaced still proves what it signed, at both replicas', async () => {
  const old = calls().at(-1)?.statement ?? ''
  const before = await published(first)
  await first.api('POST', '/access/keys/rotate')
  for (const replica of [first, second]) {
    await eventually(async () => (await published(replica)).length === before.length + 1)
    const keys = createRemoteJWKSet(new URL(`${replica.url}/cdn-cgi/access/certs`))
    expect((await jwtVerify(old, keys, { issuer: ISSUER, audience: door.audience })).payload.type).toBe('app')
  }
  expect(messageOf(await post(second, bearer(tokens.ada.token), 'after')).result).toBeDefined()
})

test('another header is used at once, and the old one no more; taken away, the server is told nothing', async () => {
  const refusals = door.refused.length
  await first.api('PUT', `${MCP}/servers/ledger`, { identity_header: 'X-Who' })
  await post(first, bearer(tokens.ada.token), 'moved')
  expect(door.refused.length).toBeGreaterThan(refusals)
  await first.api('PUT', `${MCP}/servers/ledger`, { identity_header: HEADER })
  await eventually(async () => messageOf(await post(first, bearer(tokens.ada.token), 'back')).result !== undefined)
  expect(calls().at(-1)?.claims.email).toBe('ada@acme.test')
})

describe('below /cdn-cgi/access', () => {
  test('the keys are public, may be kept for as long as a new one waits, and hold nothing private', async () => {
    const answer = await fetch(`${first.url}/cdn-cgi/access/certs`)
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'public, max-age=300'])
    const body = (await answer.json()) as { keys: Record<string, string>[] }
    expect(body).toMatchObject({ public_cert: null, public_certs: [] })
    for (const key of body.keys) {
      expect(Object.keys(key).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use'])
    }
    expect((await fetch(`${first.url}/cdn-cgi/access/certs`, { method: 'POST' })).status).toBe(405)
    expect((await fetch(`${first.url}/cdn-cgi/access/nothing`)).status).toBe(404)
  })

  test('nobody who is not signed in is told who they are, and no other site is answered', async () => {
    const ask = async (site: string | null) => {
      const headers = site === null ? {} : { 'sec-fetch-site': site }
      return (await fetch(`${first.url}/cdn-cgi/access/get-identity`, { headers })).status
    }
    expect([await ask('none'), await ask('same-origin')]).toEqual([401, 401])
    expect([await ask('cross-site'), await ask('same-site'), await ask(null)]).toEqual([403, 403, 403])
  })
})

// [IDENTITY-5]
test('no statement is in the audit, the log, the database or on disk', async () => {
  const statements = [...new Set(door.let.map(({ statement }) => statement))]
  expect(statements.length).toBeGreaterThan(2)
  const places: [name: string, text: string][] = []
  for (const replica of [first, second]) {
    places.push(['the log', replica.output()])
    for (const file of await readdir(replica.data, { recursive: true, withFileTypes: true })) {
      if (file.isFile()) places.push([file.name, (await readFile(join(file.parentPath, file.name))).toString('latin1')])
    }
  }
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  const { rows } = await client.query<{ name: string }>(
    "select table_name as name from information_schema.tables where table_schema = 'public'",
  )
  for (const { name } of rows) {
    const { rows: all } = await client.query(`select t::text as text from "${name}" t`)
    places.push([name, all.map(({ text }) => text).join('\n')])
  }
  await client.end()
  expect(places.length).toBeGreaterThan(20)
  for (const statement of statements) {
    const [, payload = '', signature = ''] = statement.split('.')
    const found = places.filter(([, text]) => text.includes(signature) || text.includes(payload))
    expect(found.map(([name]) => name)).toEqual([])
  }
})
