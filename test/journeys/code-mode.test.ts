/** Code of a model that calls tools of real servers, through real clients of both eras. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AuditRow } from '../../src/audit/event.ts'
import { type ClientName, connectClient, type McpClient } from '../peers/clients.ts'
import { everythingStdio, memoryStdio } from '../peers/servers.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf } from '../raw-mcp.ts'

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

describe.each(CLIENTS)('%s', (name) => {
  let client: McpClient
  beforeAll(async () => {
    client = await connectClient(name, { url: `${portal.url}/mcp?codemode=search_and_execute`, token: ada })
  })
  afterAll(() => client?.close())

  test('finds tools by words and by code, and calls several of them in one run', async () => {
    const text = async (tool: string, args: Record<string, unknown>) =>
      (await client.callTool(tool, args)).content.map(({ text }) => text).join('\n')
    const names = await client.listTools()
    expect(names).toEqual(expect.arrayContaining(['portal_codemode_execute', 'portal_codemode_search']))
    expect(names).not.toContain('every_echo')
    expect(await text('portal_codemode_search', { query: 'sum of two numbers' })).toContain('every_get_sum(input: {')
    const keys =
      'async () => (await codemode.tools()).filter((t) => t.name === "every_echo").map((t) => Object.keys(t.inputSchema.properties))'
    expect(await text('portal_codemode_search', { code: keys })).toBe('[["message"]]')
    const code = `async () => {
      const [said, sum] = await Promise.all([codemode.every_echo({ message: 'hi' }), codemode.every_get_sum({ a: 2, b: 40 })])
      console.log('two calls')
      return { said, sum }
    }`
    const ran = await text('portal_codemode_execute', { code })
    expect(ran).toContain('"said":"Echo: hi"')
    expect(ran).toContain('42')
    expect(ran).toContain('two calls')
  })
})

const URL_OF = () => `${portal.url}/mcp?codemode=search_and_execute`

async function execute(code: string) {
  const params = { name: 'portal_codemode_execute', arguments: { code } }
  const answer = messageOf(await ask2026(URL_OF(), bearer(ada), 'tools/call', params))
  const { result } = answer as unknown as { result: { content: { text: string }[]; isError?: boolean } }
  return { text: result.content[0]?.text ?? '', isError: result.isError === true }
}

test('each call of the code is a deed of its own, part of the run', async () => {
  await execute('codemode.every_echo({ message: "x" })')
  const last = async (capability: string) =>
    (await portal.api<AuditRow[]>('GET', `${LOGS}?${new URLSearchParams({ capability, limit: '1' })}`)).body.result[0]
  const outer = await last('portal_codemode_execute')
  expect(await last('every_echo')).toMatchObject({ outcome: 'answered', server: 'every', parent: outer?.deed })
})

test('what a tool says in failing is thrown in the code, and what is thrown there is told', async () => {
  const failed = await execute('async () => codemode.every_get_sum({ a: "x" })')
  expect(failed.isError).toBe(true)
  expect(failed.text).toMatch(/^Error: .*(expected number|Invalid)/s)
  const caught = await execute(
    'async () => { try { await codemode.every_get_sum({}) } catch (e) { return "caught " + e.message.length } }',
  )
  expect(caught.text).toMatch(/^caught \d+$/)
  expect(await execute('async () => { throw new Error("mine") }')).toEqual({ text: 'Error: mine', isError: true })
  expect((await execute('async () => codemode.nothing_here({})')).isError).toBe(true)
})

test('code of more than 64 KiB is refused, and one of 64 KiB is run', async () => {
  const of = (length: number) => 'async () => 1'.padEnd(length, ' ')
  expect(await execute(of(64 * 1024))).toEqual({ text: '1', isError: false })
  expect(await execute(of(64 * 1024 + 1))).toEqual({ text: '"code" has at most 65536 characters.', isError: true })
})

test('what is no code is told where it is wrong, and nothing runs', async () => {
  expect((await execute('async () => {')).text).toContain('This is no JavaScript')
  expect((await execute('import fs from "node:fs"')).text).toContain('cannot import')
})
