/** Backups, restores and new keys, with the program as an operator runs it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { run } from '../../src/cli/program.ts'
import { DATABASE_KINDS, type DatabaseKind, freshPostgres } from '../databases.ts'
import { startLedger } from '../peers/ledger.ts'
import { COMPILED, everythingStdio, NODE } from '../peers/servers.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'
import { PROGRAM } from '../program.ts'
import { ask2026, bearer, messageOf, open2025 } from '../raw-mcp.ts'

const SERVERS = '/access/ai-controls/mcp/servers'
const PORTALS = '/access/ai-controls/mcp/portals'
const LOGS = '/access/ai-controls/mcp/logs'
const SECRET = 'upstream-secret-3141592653'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

interface Operator {
  portal: PorticoProcess
  folder: string
  env: Record<string, string>
  /** The program in this process, as `portico ARGV`. */
  portico(...argv: string[]): Promise<{ code: number; out: string; err: string }>
}

/** A portal whose key is in its own file, and somebody at the terminal of that machine. */
async function operator(kind: DatabaseKind, settings: Record<string, string> = {}): Promise<Operator> {
  const postgres = kind === 'postgres' ? await freshPostgres() : null
  if (postgres) cleanups.push(() => postgres.drop())
  const database: Record<string, string> = postgres ? { DATABASE_URL: postgres.url } : {}
  const portal = await startPorticoProcess({ PORTICO_ENCRYPTION_KEY: '', ...database, ...settings })
  cleanups.push(() => portal.remove())
  cleanups.push(() => portal.end('SIGKILL'))
  const folder = dirname(portal.data)
  const env = { PATH: process.env.PATH ?? '', HOME: folder, PORTICO_DATA: portal.data, ...database, ...settings }
  return {
    portal,
    folder,
    env,
    async portico(...argv) {
      let [out, err] = ['', '']
      const stdout = { write: (text: string) => (out += text) }
      const stderr = { write: (text: string) => (err += text) }
      return { code: await run({ argv, env, cwd: folder, stdout, stderr }), out, err }
    },
  }
}

const keyFileOf = ({ folder }: Operator): string => {
  const place = join(folder, '.config', 'portico')
  return join(place, readdirSync(place).find((name) => /^key-[0-9a-f]{16}$/.test(name)) ?? '')
}

async function furnish({ portal }: Operator) {
  const ledger = await startLedger()
  cleanups.push(() => ledger.stop())
  await portal.api('POST', SERVERS, {
    ...{ id: 'ledger', name: 'Ledger', hostname: ledger.url, auth_type: 'bearer', auth_credentials: SECRET },
  })
  await portal.api('PUT', `${PORTALS}/default`, { servers: [{ server_id: 'ledger' }] })
  const made = await portal.api<{ id: string; token: string }>('POST', '/tokens/access', { email: 'ada@acme.test' })
  return { ledger, ...made }
}

describe.each(DATABASE_KINDS)('on %s', (kind) => {
  // [BACKUP-1]
  test('a token that was revoked after the backup is refused after the restore, as is every other of before', async () => {
    const at = await operator(kind)
    const { portal } = at
    const { ledger, id, token } = await furnish(at)
    const post = (credential: string, entry: string) =>
      ask2026(`${portal.url}/mcp`, bearer(credential), 'tools/call', { name: 'ledger_post', arguments: { entry } })
    expect((await post(token, '1')).status).toBe(200)
    const service = await portal.api<{ client_id: string; client_secret: string }>('POST', '/access/service_tokens', {
      name: 'bot',
    })
    const other = await portal.api<{ token: string }>('POST', '/tokens/access', { email: 'bob@acme.test' })
    const session = await open2025(`${portal.url}/mcp`, bearer(other.token))
    const owner = readFileSync(join(portal.data, 'admin-token'), 'utf8').trim()

    expect(await at.portico('backup', 'b.portico')).toMatchObject({ code: 0 })
    await portal.api('DELETE', `/tokens/access/${id}`)
    await portal.end('SIGTERM')
    expect(await at.portico('restore', 'b.portico', '--replace')).toMatchObject({
      code: 0,
      out: expect.stringMatching(
        /2 access tokens and 1 API tokens(?:.|\n)*roles that were taken away and passwords that were changed/,
      ),
    })
    await portal.start()

    const before = ledger.posted.length
    expect((await post(token, '2')).status).toBe(401)
    expect((await post(other.token, '3')).status).toBe(401)
    const bot = {
      credentials: { 'cf-access-client-id': service.client_id, 'cf-access-client-secret': service.client_secret },
    }
    expect((await ask2026(`${portal.url}/mcp`, bot, 'tools/list')).status).toBe(401)
    expect((await ask2026(`${portal.url}/mcp`, bearer(owner), 'tools/list')).status).toBe(401)
    expect(ledger.posted).toHaveLength(before)
    // The owner gets in by the new file, and what is configured is there, its credential included.
    expect(readFileSync(join(portal.data, 'admin-token'), 'utf8').trim()).not.toBe(owner)
    const anew = await portal.api<{ token: string }>('POST', '/tokens/access', { email: 'bob@acme.test' })
    expect((await post(anew.token, '4')).status).toBe(200)
    // A session of before is over also for its own principal with a new token.
    const revived = await fetch(`${portal.url}/mcp`, {
      method: 'POST',
      headers: {
        ...session.headers,
        authorization: `Bearer ${anew.token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    })
    expect(revived.status).toBe(404)
    const rows = await portal.api<{ phase: string; outcome?: string }[]>('GET', `${LOGS}?method=restore`)
    expect(rows.map(({ phase, outcome }) => [phase, outcome])).toEqual([
      ['ended', 'answered'],
      ['begun', undefined],
    ])
  })

  // [KEYS-1]
  test('after keys rotate --retire the old key opens nothing, the servers’ secrets still work, and no key was printed', async () => {
    const at = await operator(kind)
    const { portal } = at
    const { ledger, token } = await furnish(at)
    expect(await at.portico('keys', 'rotate')).toMatchObject({ code: 1, err: expect.stringMatching(/is running on/) })
    await portal.end('SIGTERM')
    const file = keyFileOf(at)
    const old = readFileSync(file, 'utf8').trim()
    const rotated = await at.portico('keys', 'rotate')
    expect(rotated).toMatchObject({ code: 0, err: '' })
    const both = readFileSync(file, 'utf8').trim().split(',')
    expect(both).toEqual([expect.any(String), old])
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const retired = await at.portico('keys', 'retire')
    expect(retired.code).toBe(0)
    expect(readFileSync(file, 'utf8').trim()).toBe(both[0])
    for (const key of both) expect(rotated.out + retired.out + rotated.err + retired.err).not.toContain(key)

    await portal.start()
    const call = { name: 'ledger_post', arguments: { entry: '1' } }
    expect(messageOf(await ask2026(`${portal.url}/mcp`, bearer(token), 'tools/call', call)).result).toBeDefined()
    expect(ledger.posted).toEqual(['1'])
    const status = await at.portico('--json', 'keys', 'status')
    expect(JSON.parse(status.out)).toMatchObject({ opened_by_none: 0, keys: [{ seals: true }] })
    await portal.end('SIGTERM')
    copyFileSync(file, join(at.folder, 'new-key'))
    writeFileSync(file, `${old}\n`, { mode: 0o600 })
    await expect(portal.start()).rejects.toThrow('not the one that this data was written with')
    expect(JSON.parse((await at.portico('--json', 'keys', 'status')).out)).toMatchObject({ keys: [{ opens: 0 }] })
  })
})

describe('where the key is a setting', () => {
  test('keys rotate with one key changes nothing and says the four steps', async () => {
    const key = randomBytes(32).toString('base64')
    const at = await operator('sqlite', { PORTICO_ENCRYPTION_KEY: key })
    await at.portal.end('SIGTERM')
    const { code, out, err } = await at.portico('keys', 'rotate')
    expect(code).toBe(1)
    expect(out).toBe('')
    expect(err).toContain('1. Make a key: openssl rand -base64 32')
    expect(err).toContain('2. Set PORTICO_ENCRYPTION_KEY to OLD,NEW and restart every portal')
    expect(err).not.toContain(key)
  })

  test('with a new key before the old one, keys retire works beside the portal that runs, which goes on', async () => {
    const [old, fresh] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')]
    const at = await operator('postgres', { PORTICO_ENCRYPTION_KEY: old })
    const { token, ledger } = await furnish(at)
    await at.portal.end('SIGTERM')
    const ring = { DATABASE_URL: at.env.DATABASE_URL ?? '', PORTICO_ENCRYPTION_KEY: `${fresh},${old}` }
    const running = await startPorticoProcess({ ...ring, PORTICO_DATA: at.portal.data, HOME: at.folder })
    cleanups.push(() => running.remove())
    cleanups.push(() => running.end('SIGKILL'))
    at.env.PORTICO_ENCRYPTION_KEY = ring.PORTICO_ENCRYPTION_KEY
    const { code, out, err } = await at.portico('keys', 'retire')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('set PORTICO_ENCRYPTION_KEY to the first key alone and restart')
    expect(out).not.toContain(fresh)
    const call = { name: 'ledger_post', arguments: { entry: '1' } }
    expect((await ask2026(`${running.url}/mcp`, bearer(token), 'tools/call', call)).status).toBe(200)
    expect(ledger.posted).toEqual(['1'])
    at.env.PORTICO_ENCRYPTION_KEY = old
    expect(JSON.parse((await at.portico('--json', 'keys', 'status')).out)).toMatchObject({ keys: [{ opens: 0 }] })
    at.env.PORTICO_ENCRYPTION_KEY = fresh
    expect(JSON.parse((await at.portico('--json', 'keys', 'status')).out)).toMatchObject({ opened_by_none: 0 })
  })
})

test('every file of a portal that ran, with a child and a backup, is for its owner alone', async () => {
  const at = await operator('sqlite')
  const { command, args } = everythingStdio()
  await at.portal.api('POST', SERVERS, {
    ...{ id: 'kid', name: 'Kid', hostname: 'stdio://kid', auth_type: 'unauthenticated' },
    transport: { type: 'stdio', command, args },
  })
  expect(await at.portico('backup', 'b.portico')).toMatchObject({ code: 0 })
  const places = [at.portal.data, join(at.folder, '.config')]
  const paths = places.flatMap((place) => [
    place,
    ...readdirSync(place, { recursive: true, encoding: 'utf8' }).map((name) => join(place, name)),
  ])
  paths.push(join(at.folder, 'b.portico'))
  const open = paths.filter((path) => {
    const stat = lstatSync(path, { throwIfNoEntry: false })
    return stat !== undefined && !stat.isSymbolicLink() && (stat.mode & 0o077) !== 0
  })
  expect(open).toEqual([])
  for (const name of ['audit.db', 'portico.db', 'portico.db-wal', 'journal', 'admin-token', 'key-id'])
    expect(paths).toContain(join(at.portal.data, name))
})

describe('a backup', () => {
  // [BACKUP-3]
  test('holds no key, no token and no secret of a server, and says what is not in it', async () => {
    const at = await operator('sqlite')
    const { token } = await furnish(at)
    const { code, out } = await at.portico('backup', 'b.portico')
    expect(code).toBe(0)
    expect(out).toContain(`keep a copy of ${keyFileOf(at)}`)
    expect(out).toContain('the audit')
    const path = join(at.folder, 'b.portico')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const text = gunzipSync(readFileSync(path)).toString()
    expect(text).toContain('"ledger"')
    const key = readFileSync(keyFileOf(at), 'utf8').trim()
    const owner = readFileSync(join(at.portal.data, 'admin-token'), 'utf8').trim()
    for (const secret of [key, Buffer.from(key, 'base64').toString('hex'), token, owner, SECRET])
      for (const form of [
        secret,
        Buffer.from(secret).toString('base64').replace(/=+$/, ''),
        Buffer.from(secret).toString('hex'),
      ])
        expect(text.includes(form)).toBe(false)
  })

  test('moves a portal from SQLite to PostgreSQL with its credentials', async () => {
    const at = await operator('sqlite')
    await furnish(at)
    expect(await at.portico('backup', 'b.portico')).toMatchObject({ code: 0 })
    await at.portal.end('SIGTERM')
    const postgres = await freshPostgres()
    cleanups.push(() => postgres.drop())
    at.env.DATABASE_URL = postgres.url
    expect(await at.portico('restore', 'b.portico')).toMatchObject({ code: 0, err: '' })
    const moved = await startPorticoProcess({
      ...{ PORTICO_ENCRYPTION_KEY: '', DATABASE_URL: postgres.url, PORTICO_DATA: at.portal.data, HOME: at.folder },
    })
    cleanups.push(() => moved.remove())
    cleanups.push(() => moved.end('SIGKILL'))
    // Its own data directory is the old one, so the token stands there.
    const owner = readFileSync(join(at.portal.data, 'admin-token'), 'utf8').trim()
    const synced = await fetch(`${moved.url}/client/v4/accounts/default${SERVERS}/ledger/sync`, {
      method: 'POST',
      headers: { authorization: `Bearer ${owner}` },
    })
    expect(await synced.json()).toMatchObject({ result: { status: 'ready' } })
  })

  test('is restored into an empty data directory with the key file that it names, and not where that file is missing', async () => {
    const at = await operator('sqlite')
    const { ledger } = await furnish(at)
    expect(await at.portico('backup', 'b.portico')).toMatchObject({ code: 0 })
    await at.portal.end('SIGTERM')
    const file = keyFileOf(at)
    renameSync(file, `${file}.away`)
    const fresh = join(at.folder, 'fresh')
    const without = await at.portico('restore', 'b.portico', '--data', fresh)
    expect(without).toMatchObject({ code: 1, err: expect.stringContaining(`${file} is missing`) })
    expect(existsSync(fresh)).toBe(false)
    renameSync(`${file}.away`, file)
    expect(await at.portico('restore', 'b.portico', '--data', fresh)).toMatchObject({ code: 0, err: '' })
    const moved = await startPorticoProcess({ PORTICO_ENCRYPTION_KEY: '', PORTICO_DATA: fresh, HOME: at.folder })
    cleanups.push(() => moved.remove())
    cleanups.push(() => moved.end('SIGKILL'))
    const owner = readFileSync(join(fresh, 'admin-token'), 'utf8').trim()
    const headers = { authorization: `Bearer ${owner}` }
    const synced = await fetch(`${moved.url}/client/v4/accounts/default${SERVERS}/ledger/sync`, {
      method: 'POST',
      headers,
    })
    expect(await synced.json()).toMatchObject({ result: { status: 'ready' } })
    expect(ledger.headers.authorization).toBe(`Bearer ${SECRET}`)
  })

  test('is not restored with another key, from a damaged file, over a running portal or over data, and nothing changes', async () => {
    const at = await operator('sqlite')
    await furnish(at)
    expect(await at.portico('backup', 'b.portico')).toMatchObject({ code: 0 })
    const running = await at.portico('restore', 'b.portico', '--replace')
    expect(running).toMatchObject({ code: 1, err: expect.stringContaining('Another Portico is running') })
    await at.portal.end('SIGTERM')
    const before = readFileSync(join(at.portal.data, 'portico.db'))
    expect(await at.portico('restore', 'b.portico')).toMatchObject({
      code: 1,
      err: expect.stringContaining('--replace'),
    })
    at.env.PORTICO_ENCRYPTION_KEY = randomBytes(32).toString('base64')
    const foreign = await at.portico('restore', 'b.portico', '--replace')
    expect(foreign).toMatchObject({ code: 1, err: expect.stringContaining('another encryption key') })
    delete at.env.PORTICO_ENCRYPTION_KEY
    const bytes = readFileSync(join(at.folder, 'b.portico'))
    writeFileSync(join(at.folder, 'cut.portico'), bytes.subarray(0, bytes.length - 40))
    const cut = await at.portico('restore', 'cut.portico', '--replace')
    expect(cut).toMatchObject({ code: 1, err: expect.stringContaining('damaged or was cut off') })
    expect(await at.portico('restore', 'none.portico')).toMatchObject({
      code: 1,
      err: expect.stringContaining('ENOENT'),
    })
    expect(await at.portico('restore', '--check', 'b.portico')).toMatchObject({ code: 0 })
    const nowhere = await at.portico('backup', 'no/such/folder/b.portico')
    expect(nowhere).toMatchObject({
      code: 1,
      err: expect.stringMatching(/There is no directory .+\/no\/such\/folder\./),
    })
    writeFileSync(join(at.folder, 'letter.txt'), 'Dear all')
    expect((await at.portico('restore', '--check', 'letter.txt')).err).toContain('This is no backup of Portico')
    const unreachable = { ...at.env, DATABASE_URL: 'postgres://someone:hunter2@127.0.0.1:1/none' }
    for (const argv of [
      ['backup', 'c.portico'],
      ['restore', 'b.portico'],
      ['keys', 'rotate'],
    ]) {
      let err = ''
      const sink = { write: (text: string) => (err += text) }
      const code = await run({ argv, env: unreachable, cwd: at.folder, stdout: sink, stderr: sink })
      expect([code, err]).toEqual([1, expect.stringMatching(/^(The database|PostgreSQL)/)])
      expect(err).not.toContain('hunter2')
    }
    expect(readFileSync(join(at.portal.data, 'portico.db'))).toEqual(before)
  })
})

/** Runs a command as a process of its own and kills it when it changes something on the disk for the `moment`th time. */
async function killedAt(at: Operator, argv: string[], moment: number): Promise<void> {
  const hook = join(import.meta.dirname, '..', 'die-at.ts')
  const child: ChildProcess = spawn(NODE, ['--import', hook, PROGRAM, ...argv], {
    cwd: at.folder,
    env: { ...at.env, ...COMPILED, DIE_AT: String(moment) },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await once(child, 'exit')
}

test('keys rotate that is killed at any moment loses nothing, and can be done again', async () => {
  const at = await operator('sqlite')
  const { token, ledger } = await furnish(at)
  await at.portal.end('SIGTERM')
  let killed = 0
  for (let moment = 1; moment < 1000; moment += 3) {
    await killedAt(at, ['keys', 'rotate', '--retire'], moment)
    const done = existsSync(join(at.folder, 'DONE'))
    const { code, out } = await at.portico('--json', 'keys', 'status')
    expect([code, JSON.parse(out).opened_by_none]).toEqual([0, 0])
    if (done) break
    killed++
  }
  expect(killed).toBeGreaterThan(5)
  expect(await at.portico('keys', 'retire')).toMatchObject({ code: 0 })
  expect(readFileSync(keyFileOf(at), 'utf8')).not.toContain(',')
  await at.portal.start()
  const call = { name: 'ledger_post', arguments: { entry: '1' } }
  expect((await ask2026(`${at.portal.url}/mcp`, bearer(token), 'tools/call', call)).status).toBe(200)
  expect(ledger.posted).toEqual(['1'])
}, 600_000)

test('a restore that is killed at any moment leaves the data of before or the restored one, never a part', async () => {
  const at = await operator('sqlite')
  await furnish(at)
  expect(await at.portico('backup', 'b.portico')).toMatchObject({ code: 0 })
  await at.portal.api('POST', SERVERS, {
    ...{ id: 'later', name: 'Later', hostname: 'http://127.0.0.1:65000/mcp', auth_type: 'unauthenticated' },
  })
  await at.portal.end('SIGTERM')
  let killed = 0
  for (let moment = 1; moment < 2000; moment += 12) {
    await killedAt(at, ['restore', 'b.portico', '--replace'], moment)
    const done = existsSync(join(at.folder, 'DONE'))
    if (!done) killed++
    const again = await at.portico('backup', `after-${moment}.portico`)
    expect(again).toMatchObject({ code: 0 })
    const ids = gunzipSync(readFileSync(join(at.folder, `after-${moment}.portico`)))
      .toString()
      .split('\n')
      .filter((line) => line.startsWith('["servers",'))
      .map((line) => JSON.parse(line)[1].id)
    expect(done ? ['ledger'] : expect.arrayContaining(['ledger'])).toEqual(ids)
    if (done) break
  }
  expect(killed).toBeGreaterThan(3)
}, 600_000)
