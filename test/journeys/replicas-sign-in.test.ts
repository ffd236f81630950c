/** Two processes on one PostgreSQL behind one address: a sign-in that begins at one goes on at the other, at every step. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Balancer, startBalancer } from '../balancer.ts'
import { type FreshPostgres, freshPostgres } from '../databases.ts'
import { letIn, type OauthClient, registerClient } from '../oauth-client.ts'
import { Person } from '../person.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'
import { ask2026, bearer } from '../raw-mcp.ts'

const ADA = { email: 'ada@example.com', password: 'correct horse battery staple' }

let database: FreshPostgres
let balancer: Balancer
let replicas: PorticoProcess[] = []
let client: OauthClient
let ada: Person

beforeAll(async () => {
  database = await freshPostgres(process.env.PORTICO_TEST_TEMPLATE)
  balancer = await startBalancer()
  const settings = {
    DATABASE_URL: database.url,
    PORTICO_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    PORTICO_PUBLIC_URL: balancer.url,
    PORTICO_BOOTSTRAP_ADMIN_EMAIL: ADA.email,
    PORTICO_BOOTSTRAP_ADMIN_PASSWORD: ADA.password,
  }
  replicas = [await startPorticoProcess(settings), await startPorticoProcess(settings)]
  balancer.targets = replicas.map(({ url }) => url)
  client = await registerClient(balancer.url)
  ada = new Person(balancer.url)
})
afterAll(async () => {
  for (const replica of replicas) {
    await replica.end('SIGTERM')
    await replica.remove()
  }
  await balancer?.close()
  await database?.drop()
})

const opens = async (token: string, at = balancer.url) =>
  (await ask2026(`${at}/mcp`, bearer(token), 'tools/list')).status

// [OAUTH-9]
test('a sign-in whose every request goes to the other replica than the one before succeeds', async () => {
  const { tokens } = await letIn(ada, client, ADA)
  expect(Math.min(...balancer.served.values())).toBeGreaterThan(3)
  for (const { url } of replicas) expect(await opens(tokens.access_token, url)).toBe(200)
})

test('refreshes of one token at both replicas at the same time give one successor', async () => {
  const { tokens } = await letIn(ada, client, ADA)
  const answers = await Promise.all(Array.from({ length: 6 }, () => client.refresh(tokens.refresh_token)))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200])
  expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1)
})

test('a token that was given back at one is refused at the other within a second', async () => {
  const { tokens } = await letIn(ada, client, ADA)
  for (const { url } of replicas) expect(await opens(tokens.access_token, url)).toBe(200)
  await client.revoke(tokens.refresh_token)
  const deadline = Date.now() + 60_000
  for (const { url } of replicas) {
    while ((await opens(tokens.access_token, url)) !== 401) {
      if (Date.now() > deadline) throw new Error('the token is still good at one replica')
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
})
