/** Two processes on one PostgreSQL behind one address, and a token that ends while both of them want it. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Balancer, startBalancer } from '../balancer.ts'
import { type FreshPostgres, freshPostgres } from '../databases.ts'
import { Person } from '../person.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'
import { connectAs } from '../support/oauth-upstream/connect.ts'
import type { OauthUpstream } from '../support/oauth-upstream/model.ts'
import { callOnce } from '../support/oauth-upstream/room.ts'
import { startOauthUpstream } from '../support/oauth-upstream/start.ts'

const ADA = { email: 'ada@example.com', password: 'correct horse battery staple' }
const MCP = '/access/ai-controls/mcp'
const PATIENCE_MS = 60_000

let database: FreshPostgres
let balancer: Balancer
let upstream: OauthUpstream
let replicas: PorticoProcess[] = []
let token = ''

beforeAll(async () => {
  ;[database, balancer, upstream] = await Promise.all([
    freshPostgres(process.env.PORTICO_TEST_TEMPLATE),
    startBalancer(),
    startOauthUpstream(),
  ])
  const settings = {
    DATABASE_URL: database.url,
    PORTICO_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    PORTICO_PUBLIC_URL: balancer.url,
    PORTICO_BOOTSTRAP_ADMIN_EMAIL: ADA.email,
    PORTICO_BOOTSTRAP_ADMIN_PASSWORD: ADA.password,
  }
  replicas = [await startPorticoProcess(settings), await startPorticoProcess(settings)]
  balancer.targets = replicas.map(({ url }) => url)
  const [first] = replicas
  const server = { id: 'notes', name: 'Notes', hostname: upstream.url, auth_type: 'oauth' }
  await first?.api('POST', `${MCP}/servers`, { ...server, allow_private: upstream.places })
  await first?.api('PUT', `${MCP}/portals/default`, { servers: [{ server_id: 'notes', on_behalf: true }] })
  const link = `${balancer.url}/connect/notes`
  await connectAs(new Person(balancer.url), { link, who: ADA, account: 'ada' })
  token =
    (await first?.api<{ token: string }>('POST', '/tokens/access', { email: ADA.email, portal: 'default' }))?.token ??
    ''
})
afterAll(async () => {
  for (const replica of replicas) {
    await replica.end('SIGTERM')
    await replica.remove()
  }
  await Promise.all([balancer?.close(), upstream?.close()])
  await database?.drop()
})

/** Each replica lists what the connection sees, a moment after it was made. */
async function bothAnswer(): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  for (const { url } of replicas) {
    for (;;) {
      const said = await callOnce(url, token, 'notes_whoami')
      if (said.text === 'ada') break
      if (Date.now() > deadline) throw new Error(`${url} says ${said.problem}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

// [OWN-2]
test('eight calls at two replicas that meet the end of a token lead to one renewal, and all are answered', async () => {
  await bothAnswer()
  upstream.endAccess('ada')
  const before = upstream.tokenRequests.length
  const said = await Promise.all(Array.from({ length: 8 }, () => callOnce(balancer.url, token, 'notes_whoami')))
  expect(said).toEqual(Array.from({ length: 8 }, () => ({ text: 'ada', problem: null })))
  expect(upstream.tokenRequests.slice(before)).toEqual([
    expect.objectContaining({ grantType: 'refresh_token', resource: upstream.url, status: 200 }),
  ])
  expect(Math.min(...balancer.served.values())).toBeGreaterThan(3)
})
