/** A new encryption key, brought in beside the old one as the guide says, while people's own accounts are connected: nobody connects anew. */
import { randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { run } from '../../src/cli/program.ts'
import { freshPostgres } from '../databases.ts'
import { Person } from '../person.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'
import { connectAs } from '../support/oauth-upstream/connect.ts'
import { callOnce } from '../support/oauth-upstream/room.ts'
import { startOauthUpstream } from '../support/oauth-upstream/start.ts'

const MCP = '/access/ai-controls/mcp'
const ADA = { email: 'ada@example.com', password: 'correct horse battery staple' }

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

// [OWN-7]
test('an account stays connected through a new key, and is renewed when the old key is gone', async () => {
  const [old, fresh] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')]
  const database = await freshPostgres(process.env.PORTICO_TEST_TEMPLATE)
  cleanups.push(() => database.drop())
  const upstream = await startOauthUpstream()
  cleanups.push(() => upstream.close())
  const bootstrap = { PORTICO_BOOTSTRAP_ADMIN_EMAIL: ADA.email, PORTICO_BOOTSTRAP_ADMIN_PASSWORD: ADA.password }
  const settings = { DATABASE_URL: database.url, ...bootstrap }
  const first = await startPorticoProcess({ ...settings, PORTICO_ENCRYPTION_KEY: old })
  const place = { PORTICO_DATA: first.data, HOME: dirname(first.data) }
  const started = (process: PorticoProcess) => {
    cleanups.push(() => process.remove())
    cleanups.push(() => process.end('SIGKILL'))
    return process
  }
  started(first)
  await first.api('POST', `${MCP}/servers`, { id: 'notes', name: 'Notes', hostname: upstream.url, auth_type: 'oauth' })
  await first.api('PUT', `${MCP}/portals/default`, { servers: [{ server_id: 'notes', on_behalf: true }] })
  const page = await connectAs(new Person(first.url), { link: `${first.url}/connect/notes`, who: ADA, account: 'ada' })
  expect(page.status).toBe(200)
  const { token } = await first.api<{ token: string }>('POST', '/tokens/access', {
    email: ADA.email,
    portal: 'default',
  })
  const whoami = async ({ url }: PorticoProcess) => (await callOnce(url, token, 'notes_whoami')).text
  await expect.poll(() => whoami(first)).toBe('ada')
  await first.end('SIGTERM')

  const ring = { ...settings, ...place, PORTICO_ENCRYPTION_KEY: `${fresh},${old}` }
  const both = started(await startPorticoProcess(ring))
  expect(await whoami(both)).toBe('ada')
  expect(await retire(ring)).toBe(0)
  expect(await whoami(both)).toBe('ada')
  await both.end('SIGTERM')

  const last = started(await startPorticoProcess({ ...ring, PORTICO_ENCRYPTION_KEY: fresh }))
  expect(await whoami(last)).toBe('ada')
  // The refresh token came through too; that each portal had an address of its own is nothing to it.
  upstream.endAccess('ada')
  expect(await whoami(last)).toBe('ada')
  expect(upstream.tokenRequests.map(({ grantType }) => grantType)).toEqual(['authorization_code', 'refresh_token'])
})

/** `portico keys retire`, beside the portal that runs. */
async function retire(settings: Record<string, string>): Promise<number> {
  const env = { PATH: process.env.PATH ?? '', ...settings }
  const silent = { write: () => true }
  return run({ argv: ['keys', 'retire'], env, cwd: settings.HOME ?? '', stdout: silent, stderr: silent })
}
