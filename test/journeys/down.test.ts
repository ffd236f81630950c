/** A server that is down takes nothing from the others, says why, and is back with the next call once it is back. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../../src/cli/program.ts'
import { type Ledger, startLedger } from '../peers/ledger.ts'
import { type HttpPeer, startEverythingHttp } from '../peers/servers.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { freePort } from '../portico-process.ts'
import { ask2026, bearer, messageOf } from '../raw-mcp.ts'

let portal: TestPortal
let ledger: Ledger
let everything: HttpPeer
let token: string
const url = () => `${portal.url}/mcp`

beforeAll(async () => {
  portal = await startTestPortal()
  ledger = await startLedger()
  // It dies and comes back at the same place, which nobody may take meanwhile.
  everything = await startEverythingHttp(await freePort())
  await portal.furnish([
    { id: 'everything', url: everything.url },
    { id: 'ledger', url: ledger.url },
  ])
  token = await portal.userToken('ada@acme.test')
})
afterAll(async () => {
  await portal?.close()
  await ledger?.stop()
  await everything?.stop()
})

const echo = () =>
  ask2026(url(), bearer(token), 'tools/call', { name: 'everything_echo', arguments: { message: 'hi' } })
const count = () => ask2026(url(), bearer(token), 'tools/call', { name: 'ledger_count', arguments: {} })

/** The command line, in this process. @returns what it prints */
async function cli(...words: string[]): Promise<string> {
  let out = ''
  const stdout = { write: (text: string) => (out += text) }
  const argv = [...words, '--url', portal.url, '--token', portal.adminToken]
  expect(await run({ argv, env: {}, cwd: portal.data, stdout, stderr: stdout })).toBe(0)
  return out
}

interface Shown {
  servers: { id: string; status: string; error: string | null; circuit: string; asked_again_at?: string }[]
}

async function listServers(): Promise<Shown['servers']> {
  const answer = await ask2026(url(), bearer(token), 'tools/call', { name: 'portal_list_servers', arguments: {} })
  const result = messageOf(answer).result as { structuredContent: Shown }
  return result.structuredContent.servers
}

// [HEAL-3]
test('a dead server fails its own call with a sentence, while the others answer and every list stays whole', async () => {
  expect(messageOf(await echo()).result).toMatchObject({ content: [{ text: 'Echo: hi' }] })
  const before = (await ask2026(url(), bearer(token), 'tools/list')).text
  const { port } = everything
  await everything.stop()

  const failing = echo()
  const order: string[] = []
  void failing.then(() => order.push('dead'))
  expect(messageOf(await count()).result).toMatchObject({ content: [{ text: '0' }] })
  order.push('alive')
  expect((await ask2026(url(), bearer(token), 'tools/list')).text).toBe(before)

  const failed = messageOf(await failing).result as { isError: boolean; content: { text: string }[] }
  expect(order).toEqual(['alive', 'dead'])
  expect(failed.isError).toBe(true)
  expect(failed.content[0]?.text).toContain('everything')
  expect(failed.content[0]?.text).not.toContain('127.0.0.1')

  const rows = await listServers()
  expect(rows.find(({ id }) => id === 'ledger')).toMatchObject({ status: 'ready', error: null })

  everything = await startEverythingHttp(port)
  expect(messageOf(await echo()).result).toMatchObject({ content: [{ text: 'Echo: hi' }] })
})

// [HEAL-5]
test('a dead server fails later calls at once, says when it is asked again, and is back when it is', async () => {
  const { port } = everything
  await everything.stop()
  await echo()
  const open = () => listServers().then((rows) => rows.find(({ id }) => id === 'everything')?.circuit !== 'closed')
  while (!(await open())) await new Promise((resolve) => setTimeout(resolve, 20))

  const refused = messageOf(await echo()).result as { isError: boolean; content: { text: string }[] }
  expect(refused).toMatchObject({
    isError: true,
    content: [{ text: expect.stringContaining('is asked again in about') }],
  })
  const path = '/access/ai-controls/mcp/servers/everything'
  const { body } = await portal.api<{ circuit: Record<string, unknown> }>('GET', path)
  expect(body.result.circuit).toMatchObject({ since: expect.stringMatching(/Z$/), failures: expect.any(Number) })
  expect(await cli('servers', 'list')).toMatch(/everything +\w+, circuit open /)
  expect(await cli('servers', 'show', 'everything')).toMatch(
    /^circuit +open since .+Z, (asked again at .+Z|being asked now)$/m,
  )
  expect(await cli('servers', 'show', 'ledger')).not.toContain('circuit')
  // What was read may be sent back whole.
  expect((await portal.api('PUT', path, body.result)).status).toBe(200)
  expect((await listServers()).find(({ id }) => id === 'ledger')).toMatchObject({ circuit: 'closed' })

  everything = await startEverythingHttp(port)
  while (await open()) await new Promise((resolve) => setTimeout(resolve, 20))
  expect(messageOf(await echo()).result).toMatchObject({ content: [{ text: 'Echo: hi' }] })
  const shown = (await listServers()).find(({ id }) => id === 'everything')
  expect(shown).toMatchObject({ circuit: 'closed' })
  expect(shown).not.toHaveProperty('asked_again_at')
})

test('a sync that fails is told with its reason, to the API and to portal_list_servers, and takes no tool away', async () => {
  const { port } = everything
  await everything.stop()
  const path = '/access/ai-controls/mcp/servers/everything'
  const { body } = await portal.api<{ status: string; error: string }>('POST', `${path}/sync`)
  // Its tools are known from before; a server that was never listed would be `error`.
  expect(body.result.status).toBe('stale')
  expect(body.result.error).toMatch(/\w+ .*\./)
  const shown = (await listServers()).find(({ id }) => id === 'everything')
  expect(shown).toMatchObject({ status: 'stale', error: body.result.error })
  expect((await ask2026(url(), bearer(token), 'tools/list')).text).toContain('everything_echo')
  everything = await startEverythingHttp(port)
  await portal.api('POST', `${path}/sync`)
  expect((await listServers()).find(({ id }) => id === 'everything')).toMatchObject({ status: 'ready', error: null })
})
