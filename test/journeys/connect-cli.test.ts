/** An admin at the command line: a server behind OAuth is added, its shared account connected through the link, looked at and ended. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../../src/cli/program.ts'
import { Person } from '../person.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { connectAs } from '../support/oauth-upstream/connect.ts'
import type { OauthUpstream } from '../support/oauth-upstream/model.ts'
import { startOauthUpstream } from '../support/oauth-upstream/start.ts'

let portal: TestPortal
let upstream: OauthUpstream
let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portico-connect-cli-'))
  portal = await startTestPortal()
  upstream = await startOauthUpstream()
})
afterAll(async () => {
  await portal?.close()
  await upstream?.close()
  rmSync(folder, { recursive: true, force: true })
})

function begin(argv: readonly string[], env: Record<string, string> = {}) {
  let [out, err] = ['', '']
  const code = run({
    argv,
    env: { PORTICO_URL: portal.url, PORTICO_TOKEN: portal.adminToken, ...env },
    cwd: folder,
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
  })
  return { code, out: () => out, err: () => err }
}

async function servers(...words: string[]) {
  const running = begin(['servers', ...words])
  return { code: await running.code, out: running.out(), err: running.err() }
}

const places = () => upstream.places.flatMap((place) => ['--allow-private', place])
const LINK = /http:\S+\/connect\/notes\?link=[\w-]{43}/

test('a server behind OAuth is added, and the next step is named', async () => {
  const added = await servers('add', 'Notes', upstream.url, '--oauth', ...places())
  expect(added).toMatchObject({ code: 0, out: expect.stringContaining('Added notes') })
  expect(added.err).toContain('portico servers connect notes')
  const shown = await servers('show', 'notes')
  expect(shown.out).toContain('sign-in    oauth; the portal makes itself known there\n')
  expect(shown.out).toContain('account    nobody has connected the shared one; portico servers connect notes\n')
  expect((await servers('connections', 'notes')).out).toBe('Nobody has an account connected at notes.\n')
})

test('the link is printed, the answer waits for the account, and what it brought is shown', async () => {
  const waiting = begin(['servers', 'connect', 'notes', '--wait'])
  await expect.poll(waiting.out).toMatch(LINK)
  const [link = ''] = LINK.exec(waiting.out()) ?? []
  expect(waiting.err()).toContain(`Leads to ${upstream.issuer}`)
  await connectAs(new Person(portal.url), { link, account: 'team' })
  expect(await waiting.code).toBe(0)
  expect(waiting.out()).toContain('notes: connected')
  const listed = await servers('connections', 'notes')
  expect(listed.out).toContain('everyone (shared)')
  expect(listed.out).toContain('ready')
  await expect.poll(async () => (await servers('show', 'notes')).out).toContain('ready, ')
  expect((await servers('show', 'notes')).out).toMatch(/^account {4}connected/m)
  for (const secret of upstream.secrets) expect(listed.out + waiting.out() + waiting.err()).not.toContain(secret)
})

test('whose account calls carry is told before anybody signs in, and changed by one word', async () => {
  const told = await servers('connect', 'notes')
  expect(told.err).toContain('In the portal default each person connects an account of their own')
  expect(told.err).toContain('portico portals attach default notes --shared')
  const attach = async (...words: string[]) => {
    const running = begin(['portals', 'attach', 'default', 'notes', ...words])
    return { code: await running.code, out: running.out(), err: running.err() }
  }
  expect(await attach('--shared')).toMatchObject({
    code: 0,
    out: expect.stringContaining('the account that all share'),
  })
  expect((await servers('connect', 'notes')).err).not.toContain('each person')
  expect(await attach('--own')).toMatchObject({ code: 0, out: expect.stringContaining('each person’s own account') })
  expect((await attach('--own', '--shared')).code).toBe(2)
  const { body } = await portal.api<{ servers: { server_id: string; on_behalf: boolean }[] }>(
    'GET',
    '/access/ai-controls/mcp/portals/default',
  )
  expect(body.result.servers.find(({ server_id }) => server_id === 'notes')?.on_behalf).toBe(true)
})

test('the browser of this machine is given the link alone', async () => {
  const seen = join(folder, 'seen')
  writeFileSync(join(folder, 'xdg-open'), `#!/bin/sh\nprintf '%s\\n' "$@" > "$SEEN"\n`)
  chmodSync(join(folder, 'xdg-open'), 0o755)
  const opening = begin(['servers', 'connect', 'notes', '--open'], { PATH: folder, SEEN: seen })
  expect(await opening.code).toBe(0)
  const [link = ''] = LINK.exec(opening.out()) ?? []
  await expect.poll(() => readOr(seen)).toBe(`${link}\n`)
  const nowhere = begin(['servers', 'connect', 'notes', '--open'], { PATH: join(folder, 'nowhere') })
  expect(await nowhere.code).toBe(0)
  expect(nowhere.err()).toContain('Open the link yourself')
})

test('an account that was taken back is named by the doctor, with what to type', async () => {
  upstream.revoke('team')
  await servers('sync', 'notes')
  const doctor = begin(['doctor'])
  await doctor.code
  expect(doctor.out()).toMatch(/PROBLEM +server notes +its shared account: /)
  expect(doctor.out()).toContain('portico servers connect notes')
  expect(doctor.out()).toContain('the portal has no public https address')
  expect((await servers('show', 'notes')).out).toMatch(/^to mend {4}portico servers connect notes$/m)
})

test('the shared account is ended, once', async () => {
  expect(await servers('disconnect', 'notes')).toMatchObject({
    code: 0,
    out: 'Ended the connection of everyone (shared) to notes.\n',
  })
  expect((await servers('list')).out).toMatch(/^notes +\w+, not connected /m)
  const again = await servers('disconnect', 'notes')
  expect(again).toMatchObject({ code: 1, err: expect.stringContaining('notes has no shared connection.') })
  const nobody = await servers('disconnect', 'notes', '--user', 'ada@acme.test')
  expect(nobody.err).toContain('ada@acme.test has no connection to notes.')
})

test('a client that is registered by hand is written down with its secret from a file', async () => {
  writeFileSync(join(folder, 'secret'), 'canary-1618033\n')
  const client = ['--client-id', 'c', '--client-secret-file', 'secret']
  const ends = ['--authorization-endpoint', 'https://as.test/a', '--token-endpoint', 'https://as.test/t']
  const added = await servers('add', 'By Hand', 'http://127.0.0.1:2/mcp', '--oauth', ...client, ...ends)
  expect(added.code).toBe(0)
  const shown = (await servers('show', 'by-hand')).out
  expect(shown).toContain('sign-in    oauth; the portal is registered there by hand\n')
  expect(shown).toContain(`way back   ${portal.url}/servers-callback/by-hand (must be registered there)\n`)
  expect(added.out + added.err + shown).not.toContain('canary')
  const machine = ['--client-credentials', ...client, '--token-endpoint', 'https://as.test/t']
  expect((await servers('add', 'Machine', 'http://127.0.0.1:2/mcp', ...machine)).code).toBe(0)
  const refused = await servers('connect', 'machine')
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('nobody connects it')])
})

test.each([
  [['--client-id', 'c'], '--client-id belongs to --oauth.'],
  [['--oauth', '--scope', 'a'], '--scope belongs to a client that is registered by hand'],
  [['--oauth', '--client-id', 'c'], 'needs --authorization-endpoint and --token-endpoint'],
  [['--client-credentials'], '--client-credentials needs --client-id.'],
  [['--client-credentials', '--enterprise', '--client-id', 'c'], 'Give one of'],
  [['--oauth', '--bearer', 't'], 'Give one of --oauth, --bearer'],
  [['--oauth', '--identity-provider', 'x'], '--identity-provider belongs to --enterprise.'],
])('servers add %j is wrong usage, and nothing is made', async (flags, says) => {
  const answer = await servers('add', 'Wrong', 'https://a.example/mcp', ...flags)
  expect(answer).toMatchObject({ code: 2, out: '', err: expect.stringContaining(says) })
})

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
