/**
 * What becomes of connected accounts when the portal is restarted, given another key, restored from a backup or joined by another replica, and
 * when a mapping, a server or a person goes.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { run } from '../../src/cli/program.ts'
import { type FreshPostgres, freshPostgres } from '../databases.ts'
import { ADA } from '../page-journey.ts'
import { Person } from '../person.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'
import { connectAs } from '../support/oauth-upstream/connect.ts'
import type { OauthUpstream } from '../support/oauth-upstream/model.ts'
import { callOnce, type Shown } from '../support/oauth-upstream/room.ts'
import { startOauthUpstream } from '../support/oauth-upstream/start.ts'

const MCP = '/access/ai-controls/mcp'
const BOOTSTRAP = { PORTICO_BOOTSTRAP_ADMIN_EMAIL: ADA.email, PORTICO_BOOTSTRAP_ADMIN_PASSWORD: ADA.password }
/** Another replica looks twice a second; a portal that starts reads lists first. */
const PATIENCE = { timeout: 60_000, interval: 100 }

let folder: string
let upstream: OauthUpstream
let portal: PorticoProcess
let token: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portico-live-on-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(async () => {
  await portal?.end('SIGTERM')
  await portal?.remove()
  await upstream?.close()
})

/** A portal with two servers behind OAuth: `team` with the account that all share, `own` with each person's own; both are connected. */
async function open(settings: Record<string, string> = {}): Promise<void> {
  upstream = await startOauthUpstream()
  portal = await startPorticoProcess({ ...BOOTSTRAP, ...settings })
  for (const id of ['team', 'own']) {
    await portal.api('POST', `${MCP}/servers`, { id, name: id, hostname: upstream.url, auth_type: 'oauth' })
  }
  await offer('team', 'own')
  await mint()
  const { url } = await portal.api<{ url: string }>('POST', `${MCP}/servers/team/authorize`, {})
  await connectAs(new Person(portal.url), { link: url, account: 'robot' })
  await connectOwn()
  await both('robot', 'alice')
}

async function offer(...ids: string[]): Promise<void> {
  const servers = ids.map((id) => ({ server_id: id, on_behalf: id === 'own' }))
  await portal.api('PUT', `${MCP}/portals/default`, { servers })
}

async function mint(): Promise<void> {
  token = (await portal.api<{ token: string }>('POST', '/tokens/access', { email: ADA.email, portal: 'default' })).token
}

const connectOwn = () =>
  connectAs(new Person(portal.url), { link: `${portal.url}/connect/own`, who: ADA, account: 'alice' })

const call = async (id: string, at = portal.url) => {
  const { text, problem } = await callOnce(at, token, `${id}_whoami`)
  return text ?? problem
}

async function both(team: string, own: string, at = portal.url): Promise<void> {
  await expect.poll(() => call('team', at), PATIENCE).toBe(team)
  await expect.poll(() => call('own', at), PATIENCE).toBe(own)
}

const connections = (id: string) => portal.api<Shown[]>('GET', `${MCP}/servers/${id}/connections`)
const signIns = () => upstream.authorizations.length

/** At the place where the portal is stopped. */
async function offline(...argv: string[]) {
  let [out, err] = ['', '']
  const env = { HOME: join(portal.data, '..'), PORTICO_DATA: portal.data, ...extra }
  const code = await run({
    ...{ argv, env, cwd: folder },
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
  })
  return { code, out, err }
}
let extra: Record<string, string> = {}
beforeEach(() => {
  extra = {}
})

/** Whether any token that was ever given is still good at the server. */
async function living(): Promise<number> {
  const asked = upstream.secrets.map((secret) =>
    fetch(upstream.url, { headers: { authorization: `Bearer ${secret}` } }),
  )
  return (await Promise.all(asked)).filter(({ status }) => status !== 401).length
}

test('a restart keeps every connection: calls go on, and nobody signs in again', async () => {
  await open()
  const before = signIns()
  await portal.end('SIGTERM')
  await portal.start()
  await both('robot', 'alice')
  await portal.end('SIGKILL')
  await portal.start()
  upstream.endAccess()
  await both('robot', 'alice')
  expect(signIns()).toBe(before)
  expect(upstream.clients()).toBe(2)
})

test('another encryption key seals them anew, and calls go on, also when the old key is dropped', async () => {
  // The key is in a file: only then can the command change it.
  await open({ PORTICO_ENCRYPTION_KEY: '' })
  const before = signIns()
  await portal.end('SIGTERM')
  expect(await offline('keys', 'rotate')).toMatchObject({
    code: 0,
    out: expect.stringContaining('are sealed with the key'),
  })
  await portal.start()
  await both('robot', 'alice')
  await portal.end('SIGTERM')
  expect(await offline('keys', 'rotate', '--retire')).toMatchObject({
    code: 0,
    out: expect.stringContaining('opens nothing any more'),
  })
  await portal.start()
  upstream.endAccess()
  await both('robot', 'alice')
  expect(signIns()).toBe(before)
})

describe('a restored backup', () => {
  test.each([
    ['ends them, as it says, and they are connected again', false],
    ['keeps them where that was asked for', true],
  ])('%s', async (_title, isKept) => {
    const key = randomBytes(32).toString('base64')
    await open({ PORTICO_ENCRYPTION_KEY: key })
    extra = { PORTICO_ENCRYPTION_KEY: key }
    const file = join(folder, `kept-${isKept}.backup`)
    expect((await offline('backup', file)).code).toBe(0)
    await portal.end('SIGTERM')
    const restored = await offline('restore', file, '--replace', ...(isKept ? ['--keep-sessions'] : []))
    expect(restored.code).toBe(0)
    const ended = 'Connections to servers ended: 1 of people, who connect anew, and 1 that all share'
    if (isKept) expect(restored.out).not.toContain(ended)
    else expect(restored.out).toContain(ended)
    await portal.start()
    if (isKept) return both('robot', 'alice')
    await mint()
    expect(await connections('own')).toEqual([])
    expect(await connections('team')).toMatchObject([{ status: 'needs_reauth', reason: 'restored' }])
    expect(await call('team')).toContain('has to be connected again by an administrator')
    const { url } = await portal.api<{ url: string }>('POST', `${MCP}/servers/team/authorize`, {})
    await connectAs(new Person(portal.url), { link: url, account: 'robot' })
    await connectOwn()
    await both('robot', 'alice')
  })
})

describe('with two replicas', () => {
  let database: FreshPostgres
  afterEach(() => database?.drop())
  test('one that is started later uses what was connected before, and what ends at one ends at both', async () => {
    database = await freshPostgres(process.env.PORTICO_TEST_TEMPLATE)
    const settings = { DATABASE_URL: database.url, PORTICO_ENCRYPTION_KEY: randomBytes(32).toString('base64') }
    await open(settings)
    const before = signIns()
    const later = await startPorticoProcess({ ...BOOTSTRAP, ...settings })
    try {
      await both('robot', 'alice', later.url)
      expect(signIns()).toBe(before)
      const [mine] = await connections('own')
      await portal.api('DELETE', `${MCP}/servers/own/connections/${mine?.id}`)
      await expect.poll(() => call('own', later.url), PATIENCE).not.toBe('alice')
      expect(await call('team', later.url)).toBe('robot')
    } finally {
      await later.end('SIGTERM')
      await later.remove()
      await portal.end('SIGTERM')
    }
  })
})

test('a mapping that goes takes nobody’s account away; a server that goes ends them, here and there', async () => {
  await open()
  await offer('team')
  expect(await call('own')).toContain('Unknown tool')
  expect(await connections('own')).toHaveLength(1)
  await offer('team', 'own')
  await both('robot', 'alice')
  await portal.api('DELETE', `${MCP}/servers/own`).catch(() => undefined)
  await offer('team')
  await portal.api('DELETE', `${MCP}/servers/own`).catch(() => undefined)
  await expect.poll(living, PATIENCE).toBe(1)
  expect(await call('team')).toBe('robot')
})

test('who is signed out everywhere keeps their accounts, unless those are to end too', async () => {
  await open()
  const [user] = (await portal.api<{ id: string; email: string }[]>('GET', '/access/users')).filter(
    ({ email }) => email === ADA.email,
  )
  await portal.api('POST', '/access/organizations/revoke_user', { user_uid: user?.id })
  await mint()
  await both('robot', 'alice')
  await portal.api('POST', '/access/organizations/revoke_user', { user_uid: user?.id, connections: true })
  await mint()
  expect(await connections('own')).toEqual([])
  expect(await call('own')).not.toBe('alice')
  expect(await call('team')).toBe('robot')
  await expect.poll(living, PATIENCE).toBe(1)
})
