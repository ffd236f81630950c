/** Installations that are really broken, each in one way, and what `portico doctor` says of them: what it is, and what to type. */
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { openSealer } from '../../src/base/secret.ts'
import { skewed } from '../../src/cli/doctor-database.ts'
import { checkRuntime } from '../../src/cli/doctor-runtime.ts'
import type { Finding } from '../../src/cli/finding.ts'
import { run } from '../../src/cli/program.ts'
import { openConfig, readSettings } from '../../src/config.ts'
import { inspectStore } from '../../src/store/inspect.ts'
import { proveKey } from '../../src/store/key-check.ts'
import { MIGRATIONS, migrate } from '../../src/store/migrate.ts'
import { openStore } from '../../src/store/open.ts'
import { freshPostgres } from '../databases.ts'
import { startLiar } from '../liar.ts'
import { startTestPortal } from '../portal.ts'
import { freePort, startPorticoProcess } from '../portico-process.ts'
import { startScripted } from '../scripted-server.ts'

let folder: string
let data: string
let keyFile: string
let env: Record<string, string>
const cleanups: (() => unknown)[] = []

/** An installation that was started once and is well, but not running. */
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portico-doctor-'))
  data = join(folder, 'data')
  env = {
    PATH: process.env.PATH ?? '',
    XDG_CONFIG_HOME: join(folder, 'config'),
    PORTICO_PORT: String(await freePort()),
  }
  const { config, keyFile: file } = openConfig(readSettings({ flags: {}, env, cwd: folder }), env)
  keyFile = file ?? ''
  const store = await openStore({ dir: data, databaseUrl: null, clock: systemClock, log: silentLog })
  await proveKey(store, openSealer(config.keys, 'store'))
  await store.close()
  writeFileSync(join(data, 'admin-token'), 'ptapi_none\n', { mode: 0o600 })
  for (const name of readdirSync(data)) chmodSync(join(data, name), 0o600)
})
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
  rmSync(folder, { recursive: true, force: true })
})

async function doctor(...options: string[]): Promise<{ code: number; out: string }> {
  let out = ''
  const sink = { write: (text: string) => (out += text) }
  const code = await run({ argv: [...options, 'doctor'], env, cwd: folder, stdout: sink, stderr: sink })
  return { code, out }
}

/** The findings that are not well, but for the portal's being stopped. */
async function ills() {
  const { code, out } = await doctor('--json')
  const findings: Finding[] = JSON.parse(out)
  const ill = findings.filter(({ verdict, text }) => verdict !== 'ok' && !text.startsWith('nobody answers'))
  if (ill.some(({ verdict }) => verdict === 'problem')) expect(code).toBe(1)
  return ill.map(({ check, verdict, text, hint }) => `${verdict} ${check}: ${text} => ${hint}`)
}

async function listening(server: Server, port: number): Promise<Server> {
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done))
  return server
}

test('one that is only stopped is told so, and nothing else', async () => {
  expect(await ills()).toEqual([])
  const { code, out } = await doctor()
  expect(code).toBe(1)
  expect(out).toMatch(/^PROBLEM {2}portal +nobody answers at http:\/\/127.0.0.1:\d+\n +portico start/m)
})

// [DOCTOR-1]
describe('the key', () => {
  test('is missing', async () => {
    rmSync(keyFile)
    expect(await ills()).toEqual([
      `problem key: ${keyFile} is missing; what is sealed in ${data} cannot be opened => Put your copy back: cp COPY '${keyFile}' && chmod 600 '${keyFile}'`,
    ])
  })
  test('can be read by others', async () => {
    chmodSync(keyFile, 0o644)
    expect(await ills()).toContain(`problem key: others may read ${keyFile} => chmod 600 '${keyFile}'`)
  })
  test('is a link', async () => {
    renameSync(keyFile, join(folder, 'elsewhere'))
    symlinkSync(join(folder, 'elsewhere'), keyFile)
    expect((await ills()).join()).toContain(`problem key: ${keyFile} is a link; the key itself must lie there => cp `)
  })
  test('lies in the data directory', async () => {
    mkdirSync(join(data, 'portico'), { mode: 0o700 })
    copyFileSync(keyFile, join(data, 'portico', keyFile.split('/').at(-1) ?? ''))
    env.XDG_CONFIG_HOME = data
    expect((await ills()).join()).toContain(
      'lies in the data directory: a copy of the data is a copy of the key => mv ',
    )
  })
  test('is another one than the data was written with', async () => {
    env.PORTICO_ENCRYPTION_KEY = randomBytes(32).toString('base64')
    expect((await ills()).join()).toContain(
      'problem key: the key here is not the one that this data was written with => ',
    )
  })
  test('was changed and the old one never dropped', async () => {
    writeFileSync(keyFile, `${randomBytes(32).toString('base64')},${readFileSync(keyFile, 'utf8')}`)
    expect(await ills()).toEqual([
      `warning key: ${keyFile} holds 2 keys: the older ones still open what is sealed => portico keys retire`,
    ])
  })
  test('is never printed, however broken things are', async () => {
    const key = readFileSync(keyFile, 'utf8').trim()
    chmodSync(keyFile, 0o644)
    chmodSync(data, 0o755)
    const told = [await doctor(), await doctor('--json')].map(({ out }) => out)
    for (const out of told) {
      expect(out).toContain('others may read')
      expect(out).not.toContain(key)
    }
  })
})

describe('the data directory', () => {
  test('can be looked into by others', async () => {
    chmodSync(data, 0o755)
    expect(await ills()).toEqual([`problem data: others may read ${data} => chmod -R go= '${data}'`])
  })
  test('holds an owner token that others may read', async () => {
    chmodSync(join(data, 'admin-token'), 0o644)
    expect(await ills()).toEqual([
      `problem data: others may read ${data}/admin-token => chmod -R go= '${data}', and make another owner token: portico token create --api owner`,
    ])
  })
  test('holds a link where the program’s own file must be', async () => {
    rmSync(join(data, 'admin-token'))
    symlinkSync(join(folder, 'victim'), join(data, 'admin-token'))
    expect((await ills()).join()).toContain(`problem data: ${data}/admin-token: is a link`)
  })
  test('is on a disk with less room than the audit must have', async () => {
    env.PORTICO_AUDIT_MIN_FREE_MB = '999999999'
    expect((await ills()).join()).toMatch(
      /problem audit: \d+ MiB are free and audit.min_free_mb is 999999999: every call is refused => make room where /,
    )
  })
  test('holds the journal of a process that was killed', async () => {
    const portal = await startPorticoProcess()
    cleanups.push(() => portal.remove())
    await portal.end('SIGKILL')
    env.PORTICO_DATA = portal.data
    expect((await ills()).join()).toContain(
      'warning journal: 1 processes died and their last rows are not in the audit yet => portico start takes them in',
    )
  })
})

describe('the database', () => {
  test('was written by a newer program', async () => {
    const store = await openStore({ dir: data, databaseUrl: null, clock: systemClock, log: silentLog })
    await migrate(store.db, { ...MIGRATIONS, '9999-later': { up: async () => {} } })
    await store.close()
    expect(await ills()).toEqual([
      'problem database: written by a newer Portico (schema 9999-later); this program does not start on it => Start that version or a later one; or, with a backup of before: portico restore FILE --replace',
    ])
  })
  test('is locked by another program', async () => {
    const other = new DatabaseSync(join(data, 'portico.db'))
    cleanups.push(() => other.close())
    other.exec("pragma locking_mode = exclusive; begin exclusive; insert into settings values ('x', 'y'); commit")
    expect((await ills()).join()).toContain(
      `problem database: another program has ${data}/portico.db locked => fuser -v `,
    )
  })
  test('is no database any more', async () => {
    const file = openSync(join(data, 'portico.db'), 'r+')
    writeSync(file, randomBytes(4096), 0, 4096, 0)
    expect((await ills()).join()).toMatch(
      /problem database: \S+portico.db cannot be read: .+ => Keep a copy of the file/,
    )
  })
  for (const [what, url, text] of [
    ['does not answer', 'postgres://someone:hunter2@127.0.0.1:1/none', 'ECONNREFUSED'],
    ['is on a host that is not known', 'postgres://someone:hunter2@no-such-host.invalid/none', 'no such host'],
  ] as const) {
    test(`PostgreSQL ${what}`, async () => {
      env.DATABASE_URL = url
      const found = (await ills()).join()
      expect(found).toContain(`problem database: PostgreSQL cannot be used (`)
      expect(found).toContain(text)
      expect(found).not.toContain('hunter2')
    })
  }
  test('PostgreSQL has no such database', async () => {
    const postgres = await freshPostgres()
    await postgres.drop()
    env.DATABASE_URL = postgres.url
    expect((await ills()).join()).toContain('there is no such database => createdb NAME')
  })
  test('PostgreSQL has another idea of the time', async () => {
    const postgres = await freshPostgres()
    cleanups.push(() => postgres.drop())
    const log = silentLog
    await (await openStore({ dir: data, databaseUrl: postgres.url, clock: systemClock, log })).close()
    const late = { now: () => systemClock.now() - 90_000, elapsed: systemClock.elapsed }
    const found = await inspectStore(data, postgres.url, late)
    expect(found).toMatchObject({ state: 'current' })
    const skewMs = 'skewMs' in found ? (found.skewMs ?? 0) : 0
    expect(Math.abs(skewMs - 90_000)).toBeLessThan(30_000)
    expect(skewed(skewMs).text).toMatch(/this machine is \d+ seconds behind the database/)
    env.DATABASE_URL = postgres.url
    expect((await ills()).filter((line) => line.includes('clock'))).toEqual([])
  })
})

describe('the settings', () => {
  test('hold a key that is mistyped', async () => {
    writeFileSync(join(folder, 'portico.yaml'), 'prot: 8080\n')
    expect(await ills()).toEqual([
      `problem settings: ${folder}/portico.yaml:1: unknown key "prot"; did you mean "port"? => Change it there, then: portico config validate`,
    ])
  })
  test('name a public address without TLS', async () => {
    env.PORTICO_PUBLIC_URL = 'http://portal.example.com'
    expect((await ills()).join()).toMatch(
      /problem settings: PORTICO_PUBLIC_URL: must be https:.+ => .*portico config validate/,
    )
  })
  test('listen for everybody without a public address', async () => {
    env.PORTICO_HOST = '0.0.0.0'
    expect((await ills()).join()).toContain('can be reached from other machines, so public_url')
  })
  test('have a mistyped variable', async () => {
    env.PORTICO_PUBLIC_ULR = 'https://portal.example.com'
    expect((await ills()).join()).toContain('PORTICO_PUBLIC_ULR is no setting; did you mean PORTICO_PUBLIC_URL?')
  })
  test('hold a password in a file that others may read', async () => {
    const file = join(folder, 'portico.yaml')
    writeFileSync(file, 'database_url: postgres://someone:hunter2@127.0.0.1:1/none\n')
    chmodSync(file, 0o644)
    const found = (await ills()).join()
    expect(found).toContain(
      `problem settings: others may read ${file}, which holds database_url => chmod 600 '${file}'`,
    )
    expect(found).not.toContain('hunter2')
  })
})

describe('the port', () => {
  test('is taken by a program that does not speak HTTP', async () => {
    const speak = createServer((socket) => {
      // Whoever asked in HTTP hangs up on it.
      socket.on('error', () => {})
      socket.end('SSH-2.0-other\r\n', () => socket.destroy())
    })
    const other = await listening(speak, Number(env.PORTICO_PORT))
    cleanups.push(() => new Promise((done) => other.close(done)))
    expect(await ills()).toEqual([
      `problem portal: what listens at http://127.0.0.1:${env.PORTICO_PORT} is no portal: it does not speak HTTP => ss -ltnp 'sport = :${env.PORTICO_PORT}' shows which program; end it, or: portico start --port ANOTHER`,
    ])
  })
  test('is taken by another web server', async () => {
    const other = await listening(
      createHttpServer((_request, response) => response.end('hello')),
      Number(env.PORTICO_PORT),
    )
    cleanups.push(() => new Promise((done) => other.close(done)))
    expect((await ills()).join()).toContain('is no portal: it answers 200 to /healthz')
  })
})

describe('the Node', () => {
  test('is too old', async () => {
    expect(await checkRuntime('22.20.0')).toContainEqual({
      ...{ check: 'node', verdict: 'problem', text: 'Node 22.20.0 is too old: 24 or newer is needed' },
      hint: 'npm ci (it brings Node 26), then: npx portico start',
    })
  })
  // [SUPPLY-1]
  test('that npm brought has one byte that is another', async () => {
    const from = join(import.meta.dirname, '..', '..', 'node_modules')
    const brought = readdirSync(from).find((name) => /^node-(bin-)?(linux|darwin|win)-/.test(name)) ?? ''
    const name = process.platform === 'win32' ? 'node.exe' : 'node'
    const copy = join(folder, 'node_modules', brought, 'bin', name)
    mkdirSync(dirname(copy), { recursive: true })
    cpSync(join(from, brought, 'bin', name), copy)
    expect(await checkRuntime('26.10.0', folder)).toMatchObject([{ verdict: 'ok' }, { verdict: 'ok' }])
    const file = openSync(copy, 'r+')
    writeSync(file, 'X', 1_000_000)
    expect(await checkRuntime('26.10.0', folder)).toMatchObject([
      { verdict: 'ok' },
      {
        check: 'brought node',
        verdict: 'problem',
        hint: 'Do not run it. rm -rf node_modules && npm ci --ignore-scripts',
      },
    ])
  })
})

describe('a portal that runs', () => {
  test('has servers that refuse its credential or do not answer, and an owner token that is refused', async () => {
    const refusing = await startScripted((_seen, response) => response.writeHead(401).end())
    cleanups.push(() => refusing.close())
    const key = randomBytes(32).toString('base64')
    const portal = await startPorticoProcess({ PORTICO_ENCRYPTION_KEY: key })
    cleanups.push(() => portal.remove())
    cleanups.push(() => portal.end('SIGKILL'))
    const common = { auth_type: 'bearer', auth_credentials: 'expired' }
    const servers = '/access/ai-controls/mcp/servers'
    await portal.api('POST', servers, { id: 'locked', name: 'Locked', hostname: `${refusing.origin}/mcp`, ...common })
    const gone = `http://127.0.0.1:${await freePort()}/mcp`
    await portal.api('POST', servers, { id: 'gone', name: 'Gone', hostname: gone, ...common })
    Object.assign(env, { PORTICO_URL: portal.url, PORTICO_DATA: portal.data, PORTICO_ENCRYPTION_KEY: key })
    const found = await ills()
    expect(found.find((line) => line.includes('server locked'))).toMatch(
      /^problem .*credential.*portico servers sync locked$/,
    )
    expect(found.find((line) => line.includes('server gone'))).toMatch(/^problem .*portico servers sync gone$/)
    expect(found.join()).not.toContain('expired')
    writeFileSync(join(portal.data, 'admin-token'), `ptapi_${'a'.repeat(48)}\n`)
    expect((await ills()).join()).toMatch(/problem servers: .+ => .+/)
  })
  test('has definitions that wait for an admin', async () => {
    const word = { name: 'say', description: 'one', inputSchema: { type: 'object' } }
    const liar = await startLiar([word])
    cleanups.push(() => liar.server.close())
    const portal = await startTestPortal()
    cleanups.push(() => portal.close())
    await portal.furnish([{ id: 'liar', url: liar.url }])
    Object.assign(env, { PORTICO_URL: portal.url, PORTICO_TOKEN: portal.adminToken })
    expect((await ills()).join()).not.toContain('held')
    liar.lists.tools = [{ ...word, description: 'two' }]
    await portal.api('POST', '/access/ai-controls/mcp/servers/liar/sync')
    expect(await ills()).toContain(
      'warning server liar: a definition is held: nobody sees it or can call it => portico servers definitions liar --held, then approve or reject',
    )
  })

  test('is published, and has servers that are closed by that', async () => {
    const liar = await startLiar([])
    cleanups.push(() => liar.server.close())
    const portal = await startTestPortal()
    cleanups.push(() => portal.close())
    await portal.furnish([{ id: 'liar', url: liar.url }])
    Object.assign(env, { PORTICO_URL: portal.url, PORTICO_TOKEN: portal.adminToken })
    const place = new URL(liar.url).host
    expect((await ills()).join()).not.toContain('allow_private')
    env.PORTICO_PUBLIC_URL = 'https://portal.example.com'
    const path = '/access/ai-controls/mcp/servers/liar'
    expect(await ills()).toContain(
      `problem server liar: ${place} is this machine or inside your network, and this portal connects there only where allow_private says so => curl -X PUT '${portal.url}/client/v4/accounts/default${path}' -H 'Authorization: Bearer OWNER_TOKEN' -H 'Content-Type: application/json' -d '{"allow_private":["${place}"]}'`,
    )
    await portal.api('PUT', path, { allow_private: [place] })
    expect((await ills()).join()).not.toContain('allow_private')
  })
})
