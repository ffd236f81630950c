/**
 * Every door through which somebody could make the portal run a program, tried with every credential that must not open it.
 * The program would leave a file behind; no file, no run.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../src/cli/program.ts'
import { type Ledger, startLedger } from '../peers/ledger.ts'
import { everythingStdio } from '../peers/servers.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'

const SERVERS = '/access/ai-controls/mcp/servers'
const LOGS = '/access/ai-controls/mcp/logs'

interface Row {
  method: string
  outcome: string
  actor: { label: string }
}

let portal: TestPortal
let ledger: Ledger
let folder: string
let marker: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portico-doors-'))
  marker = join(folder, 'spawned')
  portal = await startTestPortal()
  ledger = await startLedger()
  await portal.furnish([
    { id: 'ledger', url: ledger.url },
    { id: 'child', stdio: everythingStdio() },
  ])
})
afterAll(async () => {
  await portal?.close()
  await ledger?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const transport = () => ({ type: 'stdio', command: '/bin/sh', args: ['-c', `: > '${marker}'`] })
const stdio = (id: string) => ({
  id,
  name: id,
  hostname: `stdio://${id}`,
  auth_type: 'unauthenticated',
  transport: transport(),
})

/** Each through which a program could come in, or be changed. */
const DOORS: Record<string, () => [method: string, path: string, body: unknown]> = {
  'a new server': () => ['POST', SERVERS, stdio('shell')],
  'a new server with an HTTP address and a command': () => [
    'POST',
    SERVERS,
    { ...stdio('shell'), hostname: ledger.url },
  ],
  'an HTTP server that is given a command': () => ['PUT', `${SERVERS}/ledger`, { transport: transport() }],
  'an HTTP server that is given a command and its address': () => [
    'PUT',
    `${SERVERS}/ledger`,
    { hostname: 'stdio://ledger', transport: transport() },
  ],
  'a program that is given another command': () => ['PUT', `${SERVERS}/child`, { transport: transport() }],
  'a program that is given other variables': () => [
    'PUT',
    `${SERVERS}/child`,
    { transport: { ...everythingStdio(), type: 'stdio', env: { A: 'b' } } },
  ],
  'a sync that brings a command': () => ['POST', `${SERVERS}/ledger/sync`, stdio('ledger')],
  'a sync of a server that is not there': () => ['POST', `${SERVERS}/shell/sync`, stdio('shell')],
  'a test of a server': () => ['POST', `${SERVERS}/test`, stdio('shell')],
  'a preview of a server': () => ['POST', `${SERVERS}/preview`, stdio('shell')],
  'an import': () => ['POST', `${SERVERS}/import`, { mcpServers: { shell: transport() } }],
  'a portal that brings a server': () => [
    'POST',
    '/access/ai-controls/mcp/portals',
    { id: 'p', name: 'p', hostname: 'p.example.com', servers: [stdio('shell')] },
  ],
}

async function apiToken(role: string, scopes: string[] = []): Promise<string> {
  const made = await portal.api<{ token: string }>('POST', '/tokens/api', { name: `${role} ${scopes}`, role, scopes })
  return made.body.result.token
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** Each credential that is not the owner's own over a direct connection. */
const CREDENTIALS: Record<string, () => Promise<Record<string, string>>> = {
  'an owner token with scopes': async () => bearer(await apiToken('owner', ['servers:write'])),
  'an admin token': async () => bearer(await apiToken('admin')),
  'an admin token with scopes': async () => bearer(await apiToken('admin', ['servers:write', 'servers:read'])),
  'an auditor token': async () => bearer(await apiToken('auditor')),
  'a user’s access token': async () => bearer(await portal.userToken('ada@acme.test')),
  'a service token': async () => {
    const { client_id, client_secret } = await portal.serviceToken('bot')
    return { 'cf-access-client-id': client_id, 'cf-access-client-secret': client_secret }
  },
  'no token': async () => ({}),
  ...Object.fromEntries(
    ['x-forwarded-for', 'forwarded', 'via', 'x-real-ip', 'x-forwarded-host', 'x-forwarded-proto'].map((name) => [
      `the owner token through a proxy that says ${name}`,
      async () => ({ ...bearer(portal.adminToken), [name]: name === 'forwarded' ? 'for=192.0.2.1' : '192.0.2.1' }),
    ]),
  ),
}

describe.each(Object.entries(CREDENTIALS))('%s', (_who, headers) => {
  // [CHILD-1]
  test('runs no program through any door, and each refusal is in the audit', async () => {
    const sent = await headers()
    const statuses: Record<string, number> = {}
    for (const [name, door] of Object.entries(DOORS)) {
      const [method, path, body] = door()
      const response = await fetch(`${portal.url}/client/v4/accounts/default${path}`, {
        method,
        headers: { 'content-type': 'application/json', ...sent },
        body: JSON.stringify(body),
      })
      await response.arrayBuffer()
      statuses[name] = response.status
    }
    expect(statuses).toMatchObject(
      'authorization' in sent && !sent.authorization?.includes('ptat_')
        ? { 'a new server': 403, 'a program that is given other variables': 403 }
        : Object.fromEntries(Object.keys(DOORS).map((name) => [name, 401])),
    )
    // A sync is no way in: it takes no command, and starts what was registered before.
    const { 'a sync that brings a command': sync, ...others } = statuses
    expect(sync).toBeLessThan(500)
    for (const status of Object.values(others)) expect([400, 401, 403, 404]).toContain(status)
    expect(existsSync(marker)).toBe(false)
    const { body } = await portal.api<{ id: string; transport?: unknown }[]>('GET', SERVERS)
    expect(body.result.map(({ id }) => id)).toEqual(['ledger', 'child'])
    expect(body.result.find(({ id }) => id === 'ledger')?.transport).toBeUndefined()
    if (statuses['a new server'] !== 403) return
    const rows = await portal.api<Row[]>('GET', `${LOGS}?phase=ended&limit=${Object.keys(DOORS).length}`)
    expect(rows.body.result.map(({ outcome }) => outcome)).toContain('refused')
  })
})

test('the command line is no door of its own: it has what its token has', async () => {
  const admin = await apiToken('admin')
  const portico = async (...argv: string[]) => {
    let said = ''
    const write = (text: string) => {
      said += text
      return true
    }
    const surroundings = { argv: ['--url', portal.url, ...argv], env: { PORTICO_TOKEN: admin }, cwd: folder }
    const code = await run({ ...surroundings, stdout: { write }, stderr: { write } })
    return { code, said }
  }
  const { command, args } = transport()
  const added = await portico('servers', 'add', 'Shell', '--', command, ...args)
  expect(added).toMatchObject({ code: 1, said: expect.stringContaining('loopback') })
  for (const input of [
    { command: 'add_server', name: 'Shell', url: 'stdio://shell' },
    { command: 'add_server', name: 'Shell', url: ledger.url, transport: transport() },
    { command: 'add_server', name: 'Shell', command_line: [command, ...args] },
  ]) {
    expect((await portico('setup-mcp-portal', '--input-json', JSON.stringify(input))).code).not.toBe(0)
  }
  expect(existsSync(marker)).toBe(false)
})

test('the same words from the owner, directly, do run: the marker shows it', async () => {
  const answer = await portal.api('POST', SERVERS, stdio('shell'))
  expect(answer.status).toBe(200)
  expect(existsSync(marker)).toBe(true)
})
