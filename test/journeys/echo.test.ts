/** A server that echoes the credential it was sent in everything that it says about failing. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'
import { ask2026, bearer, messageOf, open2025 } from '../raw-mcp.ts'
import { json, legacy, modern, result, type ScriptedServer, type Seen, startScripted } from '../scripted-server.ts'

const SECRET = 'sk/live+"quoted"\\7f3Zq9'
const TENANT = 'tenant-key-000111222'
/** What a caller, a log reader or an auditor must never see, however it is written. */
const TRACES = [
  SECRET,
  JSON.stringify(SECRET).slice(1, -1),
  encodeURIComponent(SECRET),
  Buffer.from(SECRET).toString('base64'),
  Buffer.from(`Bearer ${SECRET}`).toString('base64'),
  Buffer.from(SECRET).toString('hex'),
  'live+',
  '7f3Zq9',
  TENANT,
]

/** Everything that a talkative server may make of a header. */
function echoes({ headers }: Seen): string {
  const sent = headers.authorization ?? headers['x-auth'] ?? ''
  const all = JSON.stringify(headers)
  const base64 = ['', 'x', 'xy'].map((before) => Buffer.from(`${before}${sent}`).toString('base64'))
  const others = [encodeURIComponent(sent), Buffer.from(sent).toString('hex'), ...base64]
  return [`denied for ${sent}`, all, ...others].join(' | ')
}

const ways: Record<string, (seen: Seen) => object> = {
  'a JSON-RPC error': (seen) => ({
    ...{ jsonrpc: '2.0', id: seen.body.id },
    error: { code: -32001, message: echoes(seen), data: { headers: seen.headers, [echoes(seen)]: 1 } },
  }),
  'a result that is an error': (seen) =>
    result(seen, { resultType: 'complete', isError: true, content: [{ type: 'text', text: echoes(seen) }] }),
  'a JSON-RPC error with the id behind it': (seen) => ({
    ...{ jsonrpc: '2.0', error: { code: -32001, message: echoes(seen) }, id: seen.body.id },
  }),
}

let portal: PorticoProcess
let token: string
let way: ((seen: Seen) => object) | 'status' = 'status'
const servers: ScriptedServer[] = []

beforeAll(async () => {
  portal = await startPorticoProcess({ LOG_LEVEL: 'debug' })
  const answer: Parameters<typeof modern>[0] = (seen, response) => {
    if (way === 'status') json(response, echoes(seen), 500)
    else json(response, way(seen))
  }
  const credentials = JSON.stringify({ headers: { 'x-auth': SECRET, 'x-tenant': TENANT } })
  for (const [id, script] of [
    ['modern', modern(answer)],
    ['legacy', legacy(answer)],
  ] as const) {
    const server = await startScripted(script)
    servers.push(server)
    await portal.api('POST', '/access/ai-controls/mcp/servers', {
      ...{ id, name: id, hostname: `${server.origin}/mcp`, auth_type: 'bearer', auth_credentials: credentials },
    })
    await portal.api('POST', `/access/ai-controls/mcp/servers/${id}/sync`)
  }
  const rows = [{ server_id: 'modern' }, { server_id: 'legacy' }]
  await portal.api('PUT', '/access/ai-controls/mcp/portals/default', { servers: rows })
  token = (await portal.api<{ token: string }>('POST', '/tokens/access', { email: 'ada@acme.test', portal: 'default' }))
    .token
})
afterAll(async () => {
  await portal?.end('SIGKILL')
  await portal?.remove()
  for (const server of servers) await server.close()
})

function seenIn(text: string): string[] {
  return TRACES.filter((trace) => text.includes(trace))
}

async function everythingKept(): Promise<string> {
  const rows = await portal.api('GET', '/access/ai-controls/mcp/logs?limit=1000')
  const shown = await portal.api('GET', '/access/ai-controls/mcp/servers')
  return JSON.stringify([rows, shown]) + portal.output()
}

describe.each(['modern', 'legacy'])('a server of the %s era', (id) => {
  const params = { name: `${id}_echo`, arguments: {} }

  // [CRED-6]
  test.each(Object.keys(ways))('that echoes its credential in %s shows it to nobody', async (name) => {
    way = ways[name] ?? 'status'
    const modernCaller = await ask2026(`${portal.url}/mcp`, bearer(token), 'tools/call', params)
    const session = await open2025(`${portal.url}/mcp`, bearer(token))
    const legacyCaller = await session.ask('tools/call', params)
    const server = servers[id === 'modern' ? 0 : 1]
    expect(server?.asked('tools/call').at(-1)?.headers).toMatchObject({ 'x-auth': SECRET, 'x-tenant': TENANT })
    for (const answer of [modernCaller, legacyCaller]) {
      expect(seenIn(answer.text)).toEqual([])
      expect(answer.text).toContain('denied for [redacted]')
      const message = messageOf(answer)
      expect(message.error ?? message.result).toBeDefined()
    }
    expect(seenIn(await everythingKept())).toEqual([])
  })

  test('that echoes it in an HTTP error shows nothing of what it said', async () => {
    way = 'status'
    const answer = await ask2026(`${portal.url}/mcp`, bearer(token), 'tools/call', params)
    expect(seenIn(answer.text)).toEqual([])
    expect(answer.text).not.toContain('denied')
    expect(await everythingKept()).not.toContain('denied for')
  })
})

test('an error of many MiB with a secret in it is not gone through but replaced, by a sentence that says what to do', async () => {
  const text = `${'\\\\'.repeat(50_000)}${TENANT} `.repeat(80)
  way = (seen) => result(seen, { resultType: 'complete', isError: true, content: [{ type: 'text', text }] })
  const answer = await ask2026(`${portal.url}/mcp`, bearer(token), 'tools/call', { name: 'modern_echo', arguments: {} })
  expect(seenIn(answer.text)).toEqual([])
  const said = messageOf(answer).result as { isError: boolean; content: { text: string }[] }
  expect(said.isError).toBe(true)
  expect(said.content[0]?.text.slice(0, 200)).toBe(
    'The server answered with something this portal cannot relay. Try again, or tell its administrator.',
  )
})

test('an error without a secret passes as it is, and one with a page for a message is cut', async () => {
  const data = { field: 'entry', big: 12345678901234567890n.toString(), text: '\\"x' }
  way = (seen) => ({ jsonrpc: '2.0', id: seen.body.id, error: { code: 4711, message: 'no such entry', data } })
  const call = () => ask2026(`${portal.url}/mcp`, bearer(token), 'tools/call', { name: 'modern_echo', arguments: {} })
  expect(messageOf(await call()).error).toEqual({ code: 4711, message: 'no such entry', data })
  way = (seen) => ({ jsonrpc: '2.0', id: seen.body.id, error: { code: 4711, message: 'é'.repeat(10_000), data } })
  const { error } = messageOf(await call())
  expect(error).toMatchObject({ code: 4711, data })
  expect(error?.message).toBe(`${'é'.repeat(2048)}…`)
})
