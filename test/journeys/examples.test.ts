/** The examples run as they are printed. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signInAndAllow } from '../oauth-client.ts'
import { NODE } from '../peers/servers.ts'
import { Person } from '../person.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'
import { ask2026, bearer } from '../raw-mcp.ts'

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

  test.each(['sdk-v1.mjs', 'sdk-v2.mjs'])('%s lets its person sign in, and lists the tools', async (file) => {
    const program = fileURLToPath(new URL(`../../examples/own-client/${file}`, import.meta.url))
    const child = spawn(NODE, [program, `${portico.url}/mcp`], { stdio: ['ignore', 'pipe', 'pipe'] })
    let listed = ''
    child.stdout.on('data', (chunk: Buffer) => {
      listed += chunk.toString()
    })
    const ended = once(child, 'exit')
    const [said] = (await once(createInterface(child.stderr), 'line')) as [string]
    const person = new Person(portico.url)
    const page = await signInAndAllow(person, await person.open(said.replace('Open this in a browser: ', '')), ADA)
    expect((await fetch(page.left ?? '')).status).toBe(200)
    expect(await ended).toEqual([0, null])
    expect(listed).toContain('portal_list_servers\n')
  })
})
