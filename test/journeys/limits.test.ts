/** Each limit of the table, reached over real HTTP: who reaches it is told, and nobody else notices. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LIMITS } from '../../src/config/limits.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, send } from '../raw-mcp.ts'
import { openRaw } from '../raw-socket.ts'
import { json, modern, result, type ScriptedServer, startScripted } from '../scripted-server.ts'

let portal: TestPortal
let witness: ScriptedServer
let token: string
let url: string

beforeAll(async () => {
  portal = await startTestPortal()
  witness = await startScripted(
    modern((seen, response) => json(response, result(seen, { resultType: 'complete', content: [] }))),
  )
  await portal.furnish([{ id: 'witness', url: `${witness.origin}/mcp` }])
  token = await portal.userToken('ada@acme.test')
  url = `${portal.url}/mcp`
})
afterAll(async () => {
  await portal?.close()
  await witness?.close()
})

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}
const HEADERS = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'witness_echo' }

/** A call of a tool that takes any arguments, with these as its own. @returns status, error code, calls of the server */
async function callWith(input: string) {
  const before = witness.asked('tools/call').length
  const params = { name: 'witness_echo', arguments: { HERE: 0 }, _meta: META }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }).replace(
    '{"HERE":0}',
    () => input,
  )
  const answer = await send(url, body, { ...bearer(token).credentials, ...HEADERS })
  return {
    status: answer.status,
    code: messageOf(answer).error?.code,
    calls: witness.asked('tools/call').length - before,
    length: body.length,
  }
}

test('a message over 4 MiB is 413, and one of 4 MiB is read', async () => {
  const overhead = (await callWith('{"x":""}')).length
  const fill = (length: number) => callWith(`{"x":"${'x'.repeat(length - overhead)}"}`)
  expect(await fill(LIMITS.body.value)).toMatchObject({ status: 200, calls: 1 })
  expect(await fill(LIMITS.body.value + 1)).toMatchObject({ status: 413, code: -32600, calls: 0 })
})

test('a message of more than 64 levels is 400, and one of 64 is read', async () => {
  // The message, its params and the arguments are three of them.
  const nest = (levels: number) => callWith(`${'{"a":'.repeat(levels - 2)}1${'}'.repeat(levels - 2)}`)
  expect(await nest(LIMITS.depth.value)).toMatchObject({ status: 200, calls: 1 })
  expect(await nest(LIMITS.depth.value + 1)).toMatchObject({ status: 400, code: -32600, calls: 0 })
})

test('an object of more than 10,000 members is 400, and one of 10,000 is read', async () => {
  const wide = (count: number) => callWith(`{${Array.from({ length: count }, (_, i) => `"k${i}":0`).join()}}`)
  expect(await wide(LIMITS.members.value)).toMatchObject({ status: 200, calls: 1 })
  expect(await wide(LIMITS.members.value + 1)).toMatchObject({ status: 400, code: -32600, calls: 0 })
})

test('a head over 16 KiB is 431, and the connection ends', async () => {
  const { host } = new URL(portal.url)
  const ask = (length: number) => {
    const connection = openRaw(portal.url)
    connection.write(
      `GET /healthz HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\nx-long: ${'x'.repeat(length)}\r\n\r\n`,
    )
    return connection.closed
  }
  expect(await ask(LIMITS.header_bytes.value - 200)).toMatch(/^HTTP\/1\.1 200 /)
  expect(await ask(LIMITS.header_bytes.value)).toMatch(/^HTTP\/1\.1 431 /)
})

test('of a server that lists 10,001 tools the first 10,000 are there', async () => {
  const tools = Array.from({ length: LIMITS.tools.value + 1 }, (_, i) => ({
    name: `t${i}`,
    inputSchema: { type: 'object' },
  }))
  const many = modern(() => {})
  const server = await startScripted((seen, response, request) => {
    if (seen.body.method !== 'tools/list') return many(seen, response, request)
    json(response, result(seen, { resultType: 'complete', tools, ttlMs: 0, cacheScope: 'public' }))
  })
  await portal.furnish([{ id: 'many', url: `${server.origin}/mcp` }])
  const listed = await portal.api<{ tools: unknown[] }>('GET', '/access/ai-controls/mcp/servers/many')
  expect(listed.body.result.tools).toHaveLength(LIMITS.tools.value)
  const names = new Set<string>()
  let cursor: string | undefined
  do {
    const page = messageOf(
      await ask2026(
        `${portal.url}/p/default/s/many/mcp`,
        bearer(token),
        'tools/list',
        cursor === undefined ? {} : { cursor },
      ),
    ).result
    for (const { name } of (page?.tools ?? []) as { name: string }[]) names.add(name)
    cursor = page?.nextCursor as string | undefined
  } while (cursor !== undefined)
  expect(names.size).toBe(LIMITS.tools.value)
  expect(names.has(`t${LIMITS.tools.value}`)).toBe(false)
  await portal.furnish([])
  await server.close()
})
