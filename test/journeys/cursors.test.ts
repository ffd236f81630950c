/** Cursors in other hands, and arguments that travel in headers: what one caller was given leads another to nothing that is not theirs. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JsonObject } from '../../src/protocol/model.ts'
import { connectClient } from '../peers/clients.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, open2025, request2026, send } from '../raw-mcp.ts'
import { MCP, must } from '../relay-room.ts'
import { json, modern, result, type Script, type ScriptedServer, startScripted } from '../scripted-server.ts'

const inputSchema: JsonObject = {
  type: 'object',
  properties: { region: { type: 'string', 'x-mcp-header': 'Region' }, other: { type: 'string' } },
}
const tools = (count: number): Script => {
  const all = Array.from({ length: count }, (_, n) => ({ name: `tool_${n}`, inputSchema }))
  return (seen, response, request) =>
    seen.body.method === 'tools/list'
      ? json(response, result(seen, { resultType: 'complete', tools: all, ttlMs: 0, cacheScope: 'public' }))
      : modern((call, answer) => json(answer, result(call, { resultType: 'complete', content: [] })))(
          seen,
          response,
          request,
        )
}

let portal: TestPortal
const servers: ScriptedServer[] = []
let url: string
let ada: string
let bob: string

beforeAll(async () => {
  portal = await startTestPortal()
  servers.push(await startScripted(tools(1200)), await startScripted(tools(1100)))
  const at = (index: number) => `${servers[index]?.origin}/mcp`
  await portal.furnish([
    { id: 'secret', url: at(0) },
    { id: 'open', url: at(1) },
  ])
  const { policies } = await must<{ policies: string[] }>(portal, 'GET', `${MCP}/portals/default`)
  const deny = await must<{ id: string }>(portal, 'POST', '/access/policies', {
    ...{ name: 'Not Bob', decision: 'deny', include: [{ email: { email: 'bob@acme.test' } }] },
    capabilities: [{ servers: ['secret'] }],
  })
  await must(portal, 'PUT', `${MCP}/portals/default`, { policies: [deny.id, ...policies] })
  ada = await portal.userToken('ada@acme.test')
  bob = await portal.userToken('bob@acme.test')
  url = `${portal.url}/mcp`
})
afterAll(async () => {
  await portal?.close()
  for (const server of servers) await server.close()
})

type Page = { names: string[]; next: string | undefined }
async function page(token: string, cursor?: string): Promise<Page> {
  const { result: got = {} } = messageOf(
    await ask2026(url, bearer(token), 'tools/list', cursor === undefined ? {} : { cursor }),
  )
  const names = (got.tools as { name: string }[]).map(({ name }) => name)
  return { names, next: got.nextCursor as string | undefined }
}

test('a cursor of somebody who sees more shows nothing of that to who sees less, on any page', async () => {
  const cursors: string[] = []
  let all: string[] = []
  for (let at: Page | null = await page(ada); at !== null; ) {
    all = [...all, ...at.names]
    if (at.next !== undefined) cursors.push(at.next)
    at = at.next === undefined ? null : await page(ada, at.next)
  }
  expect(all.filter((name) => name.startsWith('secret_'))).toHaveLength(1200)
  expect(cursors.length).toBeGreaterThan(1)
  const own = new Set([...(await page(bob)).names, ...(await page(bob, cursors[0])).names])
  expect([...own].filter((name) => name.startsWith('open_'))).toHaveLength(1100)
  for (const cursor of cursors)
    expect((await page(bob, cursor)).names.filter((name) => name.startsWith('secret_') || !own.has(name))).toEqual([])
})

// [ERA-2]
test('an argument that travels in a header goes on in one that the portal wrote, from clients of either era', async () => {
  const name = 'open_tool_1'
  const input = { region: 'Zürich', other: 'x' }
  const seen = () => servers[1]?.asked('tools/call').at(-1)
  const wanted = `=?base64?${Buffer.from('Zürich').toString('base64')}?=`
  const session = await open2025(url, bearer(ada))
  await session.ask('tools/call', { name, arguments: input })
  expect([seen()?.headers['mcp-param-region'], seen()?.headers['mcp-name']]).toEqual([wanted, 'tool_1'])
  const said = {
    ...bearer(ada).credentials,
    ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name },
    // A stranger's header of that kind is not the tool's, and is nobody's business.
    ...{ 'mcp-param-region': wanted, 'mcp-param-other': 'x' },
  }
  const body = request2026('tools/call', { name, arguments: input })
  expect((await send(url, body, said)).status).toBe(200)
  expect(seen()?.headers['mcp-param-region']).toBe(wanted)
  expect(seen()?.headers).not.toHaveProperty('mcp-param-other')
  const before = servers[1]?.asked('tools/call').length
  const lie = await send(url, body, { ...said, 'mcp-param-region': 'Bern' })
  expect([lie.status, JSON.parse(lie.text).error.code]).toEqual([400, -32020])
  expect(servers[1]?.asked('tools/call').length).toBe(before)
})

// [ERA-2]
test('a client that is not shown a schema calls without the headers that stand in it, and a header that lies is refused', async () => {
  const seen = () => servers[1]?.asked('tools/call').at(-1)?.headers['mcp-param-region']
  const url = `${portal.url}/mcp?optimize_context=minimize_tools`
  const client = await connectClient('SDK v2 pinned', { url, token: ada })
  expect(await client.listTools()).toContain('open_tool_1')
  expect(await client.callTool('open_tool_1', { region: 'Basel' })).not.toHaveProperty('isError')
  expect(seen()).toBe('Basel')
  await client.close()
  const before = servers[1]?.asked('tools/call').length
  const lie = await send(url, request2026('tools/call', { name: 'open_tool_1', arguments: { region: 'Basel' } }), {
    ...bearer(ada).credentials,
    ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'open_tool_1' },
    'mcp-param-region': 'Bern',
  })
  expect([lie.status, JSON.parse(lie.text).error.code]).toEqual([400, -32020])
  expect(servers[1]?.asked('tools/call').length).toBe(before)
})
