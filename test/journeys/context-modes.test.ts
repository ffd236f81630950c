/** The modes in which a portal shows less of its tools, in front of real servers and through real clients. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AuditRow } from '../../src/audit/event.ts'
import { type ClientName, connectClient, type McpClient } from '../peers/clients.ts'
import { everythingStdio, memoryStdio } from '../peers/servers.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf } from '../raw-mcp.ts'

const PORTALS = '/access/ai-controls/mcp/portals'
const LOGS = '/access/ai-controls/mcp/logs'
const CLIENTS: readonly ClientName[] = ['SDK v1', 'SDK v2 pinned', 'Inspector legacy', 'Inspector modern']

let portal: TestPortal
let ada: string
let notes: string

beforeAll(async () => {
  notes = await mkdtemp(join(tmpdir(), 'portico-notes-'))
  portal = await startTestPortal()
  await portal.furnish([
    { id: 'every', stdio: everythingStdio() },
    { id: 'notes', stdio: memoryStdio(join(notes, 'notes.json')) },
  ])
  ada = await portal.userToken('ada@acme.test')
}, 60_000)
afterAll(async () => {
  await portal?.close()
  await rm(notes, { recursive: true, force: true })
})

const OWN = ['portal_list_servers', 'portal_toggle_servers', 'portal_toggle_single_server']

describe.each(CLIENTS)('%s', (name) => {
  let client: McpClient | undefined
  const connect = async (query: string) => {
    client = await connectClient(name, { url: `${portal.url}/mcp${query}`, token: ada })
    return client
  }
  const textOf = async (tool: string, args: Record<string, unknown>) =>
    ((await client?.callTool(tool, args))?.content ?? []).map(({ text }) => text).join('\n')

  test('minimize_tools: names stay, a search tells the rest, and calls go as always', async () => {
    const { listTools } = await connect('?optimize_context=minimize_tools')
    const names = await listTools()
    expect(names).toEqual(expect.arrayContaining([...OWN, 'portal_query_tools', 'every_echo', 'notes_read_graph']))
    expect(names).not.toContain('portal_execute')
    expect(await textOf('portal_query_tools', { query: 'echo message' })).toContain('every_echo(input: {')
    expect(await textOf('every_echo', { message: 'hello' })).toBe('Echo: hello')
    await client?.close()
  })

  test('search_and_execute: nothing is listed, what is found is called by its name', async () => {
    const { listTools } = await connect('?optimize_context=search_and_execute')
    expect((await listTools()).sort()).toEqual([...OWN, 'portal_execute', 'portal_query_tools'].sort())
    expect(await textOf('portal_query_tools', { regex: '^every_.*sum$' })).toContain('every_get-sum(')
    expect(await textOf('portal_execute', { name: 'every_get-sum', arguments: { a: 2, b: 3 } })).toContain('5')
    expect(await textOf('portal_execute', { name: 'notes_read_graph' })).toContain('"entities"')
    await client?.close()
  })
})

test('a tool that is called by its name is a deed of its own, part of the call that named it', async () => {
  const url = `${portal.url}/mcp?optimize_context=search_and_execute`
  const params = { name: 'portal_execute', arguments: { name: 'every_echo', arguments: { message: 'x' } } }
  const answer = messageOf(await ask2026(url, bearer(ada), 'tools/call', params))
  expect(answer).toMatchObject({ result: { content: [{ type: 'text', text: 'Echo: x' }] } })
  const last = async (capability: string) =>
    (await portal.api<AuditRow[]>('GET', `${LOGS}?${new URLSearchParams({ capability, limit: '1' })}`)).body.result[0]
  const outer = await last('portal_execute')
  const inner = await last('every_echo')
  expect(inner).toMatchObject({ outcome: 'answered', server: 'every', original: 'echo', parent: outer?.deed })
})

test('in other modes the tools of a mode are not there', async () => {
  const unknown = async (query: string, name: string) =>
    messageOf(await ask2026(`${portal.url}/mcp${query}`, bearer(ada), 'tools/call', { name, arguments: {} }))
  for (const [query, name] of [
    ['', 'portal_execute'],
    ['', 'portal_query_tools'],
    ['?optimize_context=minimize_tools', 'portal_execute'],
  ] as const)
    expect(await unknown(query, name)).toMatchObject({ error: { code: -32602, message: `Unknown tool: ${name}` } })
})

test('a portal has a mode of its own, and a URL that asks for one that there is none of is told so', async () => {
  await portal.api('PUT', `${PORTALS}/default`, { optimize_context: 'search_and_execute' })
  const list = async (query: string) =>
    messageOf(await ask2026(`${portal.url}/mcp${query}`, bearer(ada), 'tools/list', {}))
  const names = async (query: string) =>
    ((await list(query)) as unknown as { result: { tools: { name: string }[] } }).result.tools.map(({ name }) => name)
  expect(await names('')).not.toContain('every_echo')
  expect(await names('?optimize_context=off')).toContain('every_echo')
  await portal.api('PUT', `${PORTALS}/default`, { optimize_context: 'off' })
  expect(await list('?codemode=yes')).toMatchObject({
    error: {
      code: -32600,
      message: expect.stringContaining('"codemode" must be one of search_and_execute, off, false'),
    },
  })
})
