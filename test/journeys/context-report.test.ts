/** `portico context report`, as somebody at a terminal meets it, beside what a real client is listed. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../../src/cli/program.ts'
import type { ShownContext } from '../../src/contract/shown-context.ts'
import { everythingStdio, memoryStdio } from '../peers/servers.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf } from '../raw-mcp.ts'

const PORTALS = '/access/ai-controls/mcp/portals'
const QUERIES = {
  all: '?codemode=off&optimize_context=off',
  minimize_tools: '?codemode=off&optimize_context=minimize_tools',
  search_and_execute: '?codemode=off&optimize_context=search_and_execute',
  code_mode: '?codemode=search_and_execute',
}

interface Report {
  modes: {
    mode: keyof typeof QUERIES
    usual: boolean
    offered: boolean
    tools: number
    definitions: number
    instructions: number
    total: number
    saves: number
  }[]
  servers: { server: string; tools: number; tokens: number }[]
  heaviest: { tool: string; server: string; tokens: number }[]
}

let portal: TestPortal
let notes: string

beforeAll(async () => {
  notes = await mkdtemp(join(tmpdir(), 'portico-notes-'))
  portal = await startTestPortal()
  await portal.furnish([
    { id: 'every', stdio: everythingStdio() },
    { id: 'notes', stdio: memoryStdio(join(notes, 'notes.json')) },
  ])
  const body = {
    name: 'No deletions',
    decision: 'deny',
    include: [{ everyone: {} }],
    capabilities: [{ patterns: ['delete_.*'] }],
  }
  const made = await portal.api<{ id: string }>('POST', '/access/policies', body)
  const allow = await portal.api<{ id: string }>('POST', '/access/policies', {
    ...{ name: 'Acme', decision: 'allow', include: [{ email_domain: { domain: 'acme.test' } }] },
  })
  const policies = [made.body.result.id, allow.body.result.id]
  expect((await portal.api('PUT', `${PORTALS}/default`, { policies })).status).toBe(200)
})
afterAll(async () => {
  await portal?.close()
  await rm(notes, { recursive: true, force: true })
})

async function portico(...argv: string[]) {
  let [out, err] = ['', '']
  const stdout = { write: (text: string) => (out += text) }
  const stderr = { write: (text: string) => (err += text) }
  const env = { PORTICO_URL: portal.url, PORTICO_TOKEN: portal.adminToken }
  const code = await run({ argv, env, cwd: portal.data, stdout, stderr })
  return { code, out, err }
}

async function reportOf(...argv: string[]): Promise<Report> {
  const { code, out, err } = await portico('context', 'report', '--json', ...argv)
  expect(code, err).toBe(0)
  return JSON.parse(out)
}

/** What a client of theirs is given, to the token. */
async function given(query: string, token: string) {
  const client = new Client({ name: 'c', version: '1' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } })
  const headers = { Authorization: `Bearer ${token}` }
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${portal.url}/mcp${query}`), { requestInit: { headers } }),
  )
  const { tools } = await client.listTools()
  const instructions = countTokens(client.getInstructions() ?? '')
  await client.close()
  return { names: tools.map(({ name }) => name).sort(), instructions }
}

// [COST-2]
test('tells of each mode what a client of that person is listed and told, and which tools are heaviest', async () => {
  const ada = await portal.userToken('ada@acme.test')
  const told = await reportOf('--user', 'ada@acme.test')
  const { body } = await portal.api<ShownContext>('GET', `${PORTALS}/default/context?user=ada@acme.test`)
  for (const { mode, tools, instructions, definitions, total, saves } of told.modes) {
    const real = await given(QUERIES[mode], ada)
    const shown = body.result.modes.find((one) => one.mode === mode)?.tools ?? []
    expect(shown.map(({ definition }) => definition.name).sort(), mode).toEqual(real.names)
    const listed = messageOf(await ask2026(`${portal.url}/mcp${QUERIES[mode]}`, bearer(ada), 'tools/list', {}))
    const definitionsListed = (listed as unknown as { result: { tools: unknown[] } }).result.tools
    expect(JSON.stringify(shown.map(({ definition }) => definition))).toBe(JSON.stringify(definitionsListed))
    expect({ tools, instructions }, mode).toEqual({ tools: real.names.length, instructions: real.instructions })
    expect(definitions).toBe(countTokens(JSON.stringify(shown.map(({ definition }) => definition))))
    expect(saves).toBe((told.modes[0]?.total ?? 0) - total)
  }
  expect(told.modes.filter(({ usual }) => usual).map(({ mode }) => mode)).toEqual(['all'])
  expect(told.servers.map(({ server }) => server).sort()).toEqual(['', 'every', 'notes'])
  expect(told.servers.map(({ tokens }) => tokens)).toEqual(
    told.servers.map(({ tokens }) => tokens).sort((a, b) => b - a),
  )
  expect(told.heaviest).toHaveLength(10)
  const all = await given(QUERIES.all, ada)
  expect(all.names).not.toContain('notes_delete_entities')
})

test('is for a person to read, and says what is not known of somebody who never came', async () => {
  const { out, err } = await portico('context', 'report', '--user', 'new@acme.test')
  expect(out).toMatch(/^default: tokens before a model does anything/)
  expect(out).toMatch(/code_mode +5 +\d+ +\d+ +[\d,]+/)
  expect(out).toContain('HEAVIEST TOOLS')
  expect(err).toContain('Nobody with this address has signed in')
})

test('says who may not enter, and is told of the portal’s own modes, which portals update sets', async () => {
  const stranger = await portico('context', 'report', '--user', 'eve@elsewhere.test')
  expect(stranger).toMatchObject({ code: 1, out: '', err: expect.stringContaining('do not let them in') })
  expect((await portico('context', 'report')).code).toBe(2)
  expect((await portico('context', 'report', '--user', 'a@acme.test', '--service-token', 'b')).code).toBe(2)
  expect((await portico('portals', 'update', 'default')).code).toBe(2)
  const changed = await portico(
    'portals',
    'update',
    'default',
    '--code-mode',
    'enforced',
    '--optimize-context',
    'minimize_tools',
  )
  expect(changed).toMatchObject({ code: 0, out: 'Changed default.\n' })
  const modes = (await reportOf('--user', 'ada@acme.test')).modes.map(({ mode, usual, offered }) => [
    mode,
    usual,
    offered,
  ])
  expect(modes).toEqual([
    ['all', false, false],
    ['minimize_tools', false, false],
    ['search_and_execute', false, false],
    ['code_mode', true, true],
  ])
  await portico('portals', 'update', 'default', '--code-mode', 'off', '--optimize-context', 'off')
  const off = (await reportOf('--user', 'ada@acme.test')).modes.filter(({ offered }) => !offered)
  expect(off.map(({ mode }) => mode)).toEqual(['code_mode'])
  expect(
    (
      await portico(
        'portals',
        'create',
        'Lean',
        '--optimize-context',
        'search_and_execute',
        '--code-mode',
        'default_on',
      )
    ).code,
  ).toBe(0)
  const made = await portal.api<{ code_mode: string; optimize_context: string }>('GET', `${PORTALS}/lean`)
  expect(made.body.result).toMatchObject({ code_mode: 'default_on', optimize_context: 'search_and_execute' })
})
