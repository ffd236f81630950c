/** The examples run as they are printed. */
import { spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../src/cli/program.ts'
import { signInAndAllow } from '../oauth-client.ts'
import { type Ledger, startLedger } from '../peers/ledger.ts'
import { NODE } from '../peers/servers.ts'
import { Person } from '../person.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'
import { ask2026, bearer, messageOf, type RawCaller } from '../raw-mcp.ts'

const MCP = '/access/ai-controls/mcp'
const FILE = fileURLToPath(new URL('../../examples/team-in-a-file/portico.yaml', import.meta.url))

interface Declared {
  id: string
  origin: string
}

describe('a team’s portal in one file', () => {
  let portico: PorticoProcess
  beforeAll(async () => {
    portico = await startPorticoProcess({ PORTICO_CONFIG: FILE, LEDGER_TOKEN: 'a-token-that-nobody-sees' })
  })
  afterAll(async () => {
    await portico?.end('SIGTERM')
    await portico?.remove()
  })

  test('shows what the file declares, and no secret of it', async () => {
    const portals = await portico.api<(Declared & { servers: { server_id: string }[] })[]>('GET', `${MCP}/portals`)
    const servers = await portico.api<Declared[]>('GET', `${MCP}/servers`)
    const team = portals.find(({ id }) => id === 'team')
    expect(team?.servers.map(({ server_id }) => server_id)).toEqual(['ledger', 'notes'])
    expect([team, ...servers].map((one) => one?.origin)).toEqual(['file', 'file', 'file'])
    expect(JSON.stringify([portals, servers])).not.toContain('a-token-that-nobody-sees')
  })

  test('refuses to change it by the API, and names the file', async () => {
    const change = portico.api('PUT', `${MCP}/portals/team`, { name: 'Mine' })
    await expect(change).rejects.toThrow(/403 .*portico\.yaml/)
    await expect(portico.api('DELETE', `${MCP}/servers/ledger`)).rejects.toThrow(/403/)
  })

  test('lets the team in and the intern not', async () => {
    const status = async (email: string) => {
      const { token } = await portico.api<{ token: string }>('POST', '/tokens/access', { email, portal: 'team' })
      return (await ask2026(`${portico.url}/p/team/mcp`, bearer(token), 'tools/list')).status
    }
    expect([await status('ada@example.com'), await status('intern@example.com')]).toEqual([200, 403])
  })
})

describe('whose credential calls carry, in one file', () => {
  const file = fileURLToPath(new URL('../../examples/accounts-in-a-file/portico.yaml', import.meta.url))
  const secrets = {
    TRACKER_SECRET: 'canary-of-tracker',
    FILES_SECRET: 'canary-of-files',
    BILLING_KEY: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
  }
  let portico: PorticoProcess
  beforeAll(async () => {
    portico = await startPorticoProcess({ PORTICO_CONFIG: file, ...secrets } as Record<string, string>)
  })
  afterAll(async () => {
    await portico?.end('SIGTERM')
    await portico?.remove()
  })

  test('each server has its way to a credential, and no secret is shown', async () => {
    const servers = await portico.api<{ id: string; auth_config_summary: { auth_mode: string } }[]>(
      'GET',
      `${MCP}/servers`,
    )
    expect(Object.fromEntries(servers.map(({ id, auth_config_summary: { auth_mode } }) => [id, auth_mode]))).toEqual({
      ...{ notes: 'dcr', tracker: 'manual', billing: 'client_credentials', files: 'enterprise' },
    })
    const team = await portico.api<{ servers: { server_id: string; on_behalf: boolean }[] }>(
      'GET',
      `${MCP}/portals/team`,
    )
    expect(team.servers.map(({ server_id, on_behalf }) => [server_id, on_behalf])).toEqual([
      ...[
        ['notes', true],
        ['tracker', false],
        ['billing', false],
        ['files', true],
      ],
    ])
    for (const secret of ['canary-of', 'PRIVATE KEY']) {
      expect(JSON.stringify([servers, team])).not.toContain(secret)
      expect(portico.output()).not.toContain(secret)
    }
  })
})

describe('finance and engineering, a contractor and robots, in one file', () => {
  const file = fileURLToPath(new URL('../../examples/finance-and-engineering/portico.yaml', import.meta.url))
  let portico: PorticoProcess
  let [ledger, releases]: (Ledger | undefined)[] = []
  const callers = new Map<string, RawCaller>()

  beforeAll(async () => {
    ;[ledger, releases] = [await startLedger(), await startLedger()]
    const urls = { LEDGER_URL: ledger.url, RELEASES_URL: releases.url }
    portico = await startPorticoProcess({ PORTICO_CONFIG: file, ...urls })
    for (const id of ['ledger', 'releases']) await portico.api('POST', `${MCP}/servers/${id}/sync`)
    for (const email of ['carol@example.com', 'dave@example.com', 'pat@contractor.example', 'eve@evil.example']) {
      const { token } = await portico.api<{ token: string }>('POST', '/tokens/access', { email, portal: 'company' })
      callers.set(email, bearer(token))
    }
    const bot = await portico.api<{ client_id: string; client_secret: string }>('POST', '/access/service_tokens', {
      name: 'nightly',
    })
    const credentials = { 'cf-access-client-id': bot.client_id, 'cf-access-client-secret': bot.client_secret }
    callers.set('nightly', { credentials })
  })
  afterAll(async () => {
    await portico?.end('SIGTERM')
    await portico?.remove()
    await ledger?.stop()
    await releases?.stop()
  })

  const ask = (who: string, method: string, params = {}) =>
    ask2026(`${portico.url}/p/company/mcp`, callers.get(who) ?? bearer('nobody'), method, params)

  async function toolsOf(who: string): Promise<string[]> {
    const { result = {} } = messageOf(await ask(who, 'tools/list'))
    const names = ((result.tools ?? []) as { name: string }[]).map(({ name }) => name)
    return names.filter((name) => !name.startsWith('portal_')).sort()
  }

  async function explain(...words: string[]) {
    let out = ''
    const sink = { write: (text: string) => (out += text) }
    const env = { PORTICO_URL: portico.url, PORTICO_DATA: portico.data }
    const argv = ['policy', 'explain', ...words, '--portal', 'company']
    const code = await run({ argv, env, cwd: join(portico.data, '..'), stdout: sink, stderr: sink })
    return { code, out }
  }

  const seen = [
    { who: 'carol@example.com', tools: ['ledger_count', 'ledger_post'] },
    { who: 'dave@example.com', tools: ['ledger_count', 'releases_count', 'releases_post'] },
    { who: 'pat@contractor.example', tools: ['releases_count'] },
    { who: 'nightly', tools: ['ledger_count', 'releases_count'] },
  ]

  test.each(seen)('$who sees $tools, and an explanation says the same of every tool', async ({ who, tools }) => {
    expect(await toolsOf(who)).toEqual(tools)
    for (const name of ['ledger_count', 'ledger_post', 'releases_count', 'releases_post']) {
      const bot = who.includes('@') ? [] : ['--service-token']
      const args = name.endsWith('post') ? ['--args', '{"entry":"42"}'] : []
      const { code, out } = await explain(who, name, ...bot, ...args)
      expect(code, out).toBe(tools.includes(name) ? 0 : 1)
    }
  })

  test('who is of none of them does not come in', async () => {
    expect((await ask('eve@evil.example', 'tools/list')).status).toBe(403)
    expect(await explain('eve@evil.example')).toMatchObject({ code: 1, out: expect.stringMatching(/^DENIED/) })
  })

  test('a large entry is refused by its arguments and never reaches the ledger', async () => {
    const post = (entry: string) =>
      ask('carol@example.com', 'tools/call', { name: 'ledger_post', arguments: { entry } })
    expect(messageOf(await post('12 for pens')).result?.isError).not.toBe(true)
    expect(messageOf(await post('1200000 for a boat')).result?.isError).toBe(true)
    expect(ledger?.posted).toEqual(['12 for pens'])
    const { code, out } = await explain('carol@example.com', 'ledger_post', '--args', '{"entry":"1200000 for a boat"}')
    expect({ code, out }).toMatchObject({ code: 1, out: expect.stringContaining('"No large entries"') })
  })

  test('a release waits for another person', async () => {
    const answer = await ask('dave@example.com', 'tools/call', { name: 'releases_post', arguments: { entry: 'v2' } })
    expect(answer.text).not.toContain('posted v2')
    expect(releases?.posted).toEqual([])
    const { out } = await explain('dave@example.com', 'releases_post', '--args', '{"entry":"v2"}')
    expect(out).toContain('approval by 1 of dave@example.com, erin@example.com')
  })
})

describe('a program of one’s own', () => {
  const ADA = { email: 'ada@example.com', password: 'seven blue otters swim' }
  let portico: PorticoProcess
  beforeAll(async () => {
    portico = await startPorticoProcess({
      PORTICO_BOOTSTRAP_ADMIN_EMAIL: ADA.email,
      PORTICO_BOOTSTRAP_ADMIN_PASSWORD: ADA.password,
    })
  })
  afterAll(async () => {
    await portico?.end('SIGTERM')
    await portico?.remove()
  })

  const addresses = ['sdk-v1.mjs', 'sdk-v2.mjs'].flatMap((file) => [
    { file, path: '/mcp', tool: 'portal_list_servers' },
    { file, path: '/mcp?codemode=search_and_execute', tool: 'portal_codemode_execute' },
  ])

  test.each(addresses)('$file lets its person sign in at $path, and lists the tools', async ({ file, path, tool }) => {
    const program = fileURLToPath(new URL(`../../examples/own-client/${file}`, import.meta.url))
    const child = spawn(NODE, [program, `${portico.url}${path}`], { stdio: ['ignore', 'pipe', 'pipe'] })
    let listed = ''
    child.stdout.on('data', (chunk: Buffer) => {
      listed += chunk.toString()
    })
    const ended = once(child, 'close')
    const [said] = (await once(createInterface(child.stderr), 'line')) as [string]
    const person = new Person(portico.url)
    const page = await signInAndAllow(person, await person.open(said.replace('Open this in a browser: ', '')), ADA)
    expect((await fetch(page.left ?? '')).status).toBe(200)
    expect(await ended).toEqual([0, null])
    expect(listed).toContain(`${tool}\n`)
  })
})
