/** The command line about people, against a running portal in which somebody has signed in. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { keyRing, openSealer } from '../../src/base/secret.ts'
import { run } from '../../src/cli/program.ts'
import { openBrowserSessions } from '../../src/identity/browser-session-store.ts'
import { readPortal } from '../../src/portal/portal-store.ts'
import { openStore, type Store } from '../../src/store/open.ts'
import { type FreshPostgres, freshPostgres } from '../databases.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer } from '../raw-mcp.ts'
import { giveRole, letClientIn, type People, signIn } from '../support/people.ts'

let database: FreshPostgres
let portal: TestPortal
let store: Store
let people: People

beforeAll(async () => {
  database = await freshPostgres(process.env.PORTICO_TEST_TEMPLATE)
  portal = await startTestPortal({ databaseUrl: database.url })
  store = await openStore({ dir: portal.data, databaseUrl: database.url, clock: systemClock, log: silentLog })
  const sealer = openSealer(keyRing([randomBytes(32)]), 'store')
  people = { store, sealer, browsers: openBrowserSessions(store, () => portal.url) }
})
afterAll(async () => {
  await store?.close()
  await portal?.close()
  await database?.drop()
})

async function portico(...argv: string[]) {
  let [out, err] = ['', '']
  const stdout = { write: (text: string) => (out += text) }
  const stderr = { write: (text: string) => (err += text) }
  const env = { PORTICO_URL: portal.url, PORTICO_TOKEN: portal.adminToken }
  const code = await run({ argv, env, cwd: portal.data, stdout, stderr })
  return { code, out, err }
}

async function clientOf(email: string, more: object = {}) {
  const who = await signIn(people, email, more)
  const found = await readPortal(store.db, 'default')
  if (found === undefined) throw new Error('there is no default portal')
  const { token } = await letClientIn(store, who, found.uid, Date.now() + 3_600_000)
  return { ...who, token }
}

const status = async (token: string) => (await ask2026(`${portal.url}/mcp`, bearer(token), 'tools/list')).status

test('a person is listed, shown, revoked, disabled and enabled, by address or by id', async () => {
  const ada = await clientOf('ada@acme.test', { name: 'Ada \u001b[2J', groups: null })
  const listed = await portico('users', 'list')
  expect(listed).toMatchObject({ code: 0, out: expect.stringMatching(/ada@acme\.test .*may sign in/) })
  // A name is what a provider says, and a terminal would obey it.
  expect(listed.out).not.toContain('\u001b')
  const shown = await portico('users', 'show', 'ADA@acme.test')
  expect(shown.out).toContain(ada.userId)
  expect(shown.out).toMatch(/through company; groups: not known\./)
  expect(shown.out).toMatch(/client +A client +default/)
  expect(shown.out).toMatch(/browser +Browser of a test/)
  expect(shown.out).not.toContain(ada.token)

  expect(await status(ada.token)).toBe(200)
  expect(await portico('users', 'revoke', 'ada@acme.test')).toMatchObject({
    code: 0,
    out: expect.stringContaining('Signed ada@acme.test out'),
  })
  expect(await status(ada.token)).toBe(401)
  expect((await portico('users', 'show', ada.userId)).out).toContain('Signed in nowhere.')

  expect((await portico('users', 'disable', ada.userId)).out).toContain('Disabled ada@acme.test')
  await expect(signIn(people, 'ada@acme.test')).rejects.toThrow('disabled')
  expect((await portico('users', 'enable', 'ada@acme.test')).out).toContain('ada@acme.test may sign in again.')
  expect(await status((await clientOf('ada@acme.test')).token)).toBe(200)

  const nobody = await portico('users', 'revoke', 'nobody@acme.test')
  expect(nobody).toMatchObject({ code: 1, err: expect.stringContaining('There is no user "nobody@acme.test".') })
})

test('the last owner is not disabled, and it is said what to do', async () => {
  await giveRole(store, 'owner', 'olga@acme.test')
  await signIn(people, 'olga@acme.test')
  const refused = await portico('users', 'disable', 'olga@acme.test')
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('Give another person the role') })
})

test('what is settled about signing in is shown and changed', async () => {
  const argv = ['org', 'set', '--name', 'Acme', '--session', '8h', '--access-token', '5m', '--key-rotation', '30']
  const changed = await portico('--json', ...argv)
  expect(JSON.parse(changed.out)).toMatchObject({
    ...{ name: 'Acme', session_duration: '8h', access_token_lifetime: '5m', key_rotation_interval_days: 30 },
  })
  expect((await portico('org', 'show')).out).toMatch(/session_duration +8h/)
  const locked = await portico('org', 'set', '--access-token', '2h')
  expect(locked).toMatchObject({ code: 1, err: expect.stringContaining('access_token_lifetime: give a duration') })
  expect(await portico('org', 'set')).toMatchObject({ code: 2, err: expect.stringContaining('Say what to change.') })
})
