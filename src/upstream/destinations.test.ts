import { afterEach, describe, expect, test } from 'vitest'
import { startConnectProxy } from '../../test/connect-proxy.ts'
import {
  json,
  legacy,
  modern,
  result,
  type ScriptedServer,
  type Seen,
  startScripted,
} from '../../test/scripted-server.ts'
import { localEgress, openRoom, type Room, type RoomOptions, textOf } from '../../test/upstream-room.ts'
import type { Answer } from '../base/egress.ts'
import { listServers } from './server-store.ts'

const endings: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

async function start(script = tool): Promise<ScriptedServer> {
  const server = await startScripted(script)
  endings.push(() => server.close())
  return server
}

async function room(options: RoomOptions): Promise<Room> {
  const opened = await openRoom({ limits: { refusedMs: 100 }, ...options })
  endings.push(() => opened.close())
  return opened
}

const tool = modern((seen, response) =>
  json(response, result(seen, { resultType: 'complete', content: [{ type: 'text', text: 'done' }] })),
)

/** The guard of a portal that others can reach, with names that lead where a test says. */
function published(names: Record<string, readonly string[]> = {}) {
  const resolve = async (name: string): Promise<Answer[]> => {
    const list = names[name]
    if (list === undefined) throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })
    return list.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  }
  const egress = localEgress({ host: '0.0.0.0', publicUrl: 'https://mcp.example.com', resolve })
  return { egress }
}

async function stateOf(at: Room, id: string) {
  const { status, error, errorDetails } = (await listServers(at.store.db)).find((server) => server.id === id) ?? {}
  return { status, error, errorDetails }
}

describe('a server at an address inside', () => {
  // [EGRESS-2]
  test('is not connected to, whether its port is open, closed or silent, and one body says so', async () => {
    const server = await start()
    const names = { 'open.example': ['127.0.0.1'], 'closed.example': ['127.0.0.1'], 'silent.example': ['10.255.255.1'] }
    const at = await room(published(names))
    const targets = {
      open: `http://open.example:${server.port}/mcp`,
      closed: 'http://closed.example:2/mcp',
      silent: 'http://silent.example:81/mcp',
      nameless: 'http://nameless.example/mcp',
      metadata: 'http://169.254.169.254/mcp',
      literal: `http://127.0.0.1:${server.port}/mcp`,
    }
    const told = new Set<string>()
    for (const [id, url] of Object.entries(targets)) {
      const uid = await at.add(id, { url })
      told.add(JSON.stringify(await stateOf(at, id)).replaceAll(id, 'x'))
      await expect(at.tool(uid, 'echo', {})).rejects.toMatchObject({
        code: 'upstream-unreachable',
        message: `Server ${id} cannot be reached. Nothing was sent; try again in a moment.`,
      })
    }
    expect([...told]).toHaveLength(1)
    expect([...told][0]).toContain('cannot be reached')
    expect(server.seen).toEqual([])
  })

  test('is told about no sooner than a dead one', async () => {
    const at = await room({ ...published({ 'inner.example': ['10.0.0.5'] }), limits: { refusedMs: 400 } })
    const from = performance.now()
    await at.add('inner', { url: 'http://inner.example/mcp' })
    // A floor and not a ceiling: a slow machine cannot break it.
    expect(performance.now() - from).toBeGreaterThanOrEqual(400)
  })

  test('is reached once its host and port are opened, and given up when they are closed again', async () => {
    const server = await start()
    const at = await room(published({ 'ledger.internal': ['127.0.0.1'] }))
    const url = `http://ledger.internal:${server.port}/mcp`
    const uid = await at.add('ledger', { url, allowPrivate: [`ledger.internal:${server.port}`] })
    expect(textOf(await at.tool(uid, 'echo', {}))).toBe('done')
    expect(server.asked('tools/call')[0]?.headers.host).toBe(`ledger.internal:${server.port}`)
    const byAddress = await at.add('address', { url, allowPrivate: [`127.0.0.1:${server.port}`] })
    expect(textOf(await at.tool(byAddress, 'echo', {}))).toBe('done')
    const before = server.seen.length
    for (const allowPrivate of [[], [`ledger.internal:${server.port + 1}`], [`other.internal:${server.port}`]]) {
      await at.allow(uid, allowPrivate)
      await expect(at.tool(uid, 'echo', {})).rejects.toMatchObject({ code: 'upstream-unreachable' })
    }
    expect(server.seen).toHaveLength(before)
  })
})

test('a name that leads inside later is followed on no new socket, and calls on the old ones go on', async () => {
  const server = await start()
  const answers: Record<string, string[]> = { 'rebinding.example': ['127.0.0.1'] }
  const at = await room(published(answers))
  const allowPrivate = [`127.0.0.1:${server.port}`]
  const uid = await at.add('s', { url: `http://rebinding.example:${server.port}/mcp`, allowPrivate })
  answers['rebinding.example'] = ['10.255.0.1']
  expect(textOf(await at.tool(uid, 'echo', {}))).toBe('done')
  // Eight at once need more sockets than there are.
  const held: (() => void)[] = []
  server.script = modern((...asked) => void held.push(() => tool(...asked)))
  const failures: unknown[] = []
  const calls = Array.from({ length: 8 }, () => at.tool(uid, 'echo', {}).catch((error) => failures.push(error)))
  while (held.length + failures.length < calls.length) await new Promise((resolve) => setImmediate(resolve))
  for (const release of held) release()
  await Promise.all(calls)
  expect(held.length).toBeGreaterThan(0)
  expect(failures.length).toBeGreaterThan(0)
  for (const failure of failures) expect(failure).toMatchObject({ code: 'upstream-unreachable' })
})

describe('what a server answers leads nowhere else', () => {
  const chain = (to: string) => (status: number) => (_: Seen, response: { writeHead: Writes }) =>
    void response.writeHead(status, { location: to }).end()
  type Writes = (status: number, headers: Record<string, string>) => { end(): void }

  test.each([301, 302, 303, 307, 308])('no redirect of status %i is followed, in any exchange', async (status) => {
    const canary = await start()
    const credential = 'secret-of-the-portal'
    const redirect = chain(`${canary.origin}/mcp`)(status)
    const always = await start(redirect)
    const later = await start(modern(redirect))
    const old = await start(legacy(redirect))
    const at = await room({})
    for (const [id, server] of Object.entries({ always, later, old })) {
      const uid = await at.add(id, { url: `${server.origin}/mcp`, authType: 'bearer', credential })
      await expect(at.tool(uid, 'echo', {})).rejects.toThrow()
      expect(server.seen.length).toBeGreaterThan(0)
    }
    const events = await start(redirect)
    await at.add('events', { url: `${events.origin}/sse`, authType: 'bearer', credential })
    expect(events.seen).toHaveLength(1)
    expect(canary.seen).toEqual([])
  })

  test.each([
    ...[
      '//evil.example/messages',
      'https://127.0.0.1/messages',
      'http://localhost:{port}/messages',
      'http://127.0.0.1:2/',
    ],
    ...['http://user@127.0.0.1:{canary}/', 'file:///etc/passwd', 'http://[::1]:{port}/', 'HTTP://127.1:{canary}/'],
  ])('an SSE endpoint of %s gets nothing', async (endpoint) => {
    const canary = await start()
    const server = await start((seen, response) => {
      if (seen.method !== 'GET') return json(response, {})
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const data = endpoint.replace('{port}', String(server.port)).replace('{canary}', String(canary.port))
      response.write(`event: endpoint\ndata: ${data}\n\n`)
    })
    const at = await room({})
    const uid = await at.add('s', { url: `${server.origin}/sse`, authType: 'bearer', credential: 'secret' })
    expect(await stateOf(at, 's')).toMatchObject({ status: 'error' })
    await expect(at.tool(uid, 'echo', {})).rejects.toMatchObject({ code: 'upstream-bad-answer' })
    expect(server.seen.filter(({ method }) => method === 'POST')).toEqual([])
    expect(canary.seen).toEqual([])
  })
})

const CODINGS: [string, string][] = [
  ...['gzip', 'br', 'zstd', 'deflate', 'GZIP', 'identity, gzip'].map((coding): [string, string] => [coding, coding]),
  ['a thousand times over', Array(1000).fill('gzip').join(', ')],
]

test.each(CODINGS)('a stream or an answer that is coded %s is refused before it is read', async (_, coding) => {
  const headers = { 'content-encoding': coding }
  const server = await start(
    modern((seen, response) => {
      if (seen.body.params?.name === 'stream') {
        response.writeHead(200, { 'content-type': 'text/event-stream', ...headers })
        response.write('data: {}\n\n')
      } else json(response, result(seen, { resultType: 'complete', content: [] }), 200, headers)
    }),
  )
  const at = await room({})
  const uid = await at.add('s', { url: `${server.origin}/mcp` })
  for (const name of ['echo', 'stream']) {
    await expect(at.tool(uid, name, {})).rejects.toMatchObject({ code: 'upstream-bad-answer' })
  }
  expect(server.asked('tools/call').map(({ headers }) => headers['accept-encoding'])).toEqual(['identity', 'identity'])
})

test('an answer with headers without end is an end, and the server’s other calls go on', async () => {
  const server = await start(
    modern((seen, response) => {
      if (seen.body.params?.name !== 'flood') return tool(seen, response, undefined as never)
      const headers = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`x-${at}`, 'x'.repeat(1000)]))
      return json(response, result(seen, { resultType: 'complete', content: [] }), 200, headers)
    }),
  )
  const at = await room({})
  const uid = await at.add('s', { url: `${server.origin}/mcp` })
  await expect(at.tool(uid, 'flood', {})).rejects.toMatchObject({ code: 'upstream-lost' })
  expect(textOf(await at.tool(uid, 'echo', {}))).toBe('done')
})

test('with a proxy, a server with a public name is spoken to through it', async () => {
  const server = await start()
  const proxy = await startConnectProxy(server.port)
  endings.push(() => proxy.close())
  const egress = localEgress({ proxy: `http://127.0.0.1:${proxy.port}` })
  endings.push(() => egress.close())
  const at = await room({ egress })
  const uid = await at.add('public', { url: 'http://public.example/mcp' })
  expect(textOf(await at.tool(uid, 'echo', {}))).toBe('done')
  expect(server.asked('tools/call')[0]?.headers.host).toBe('public.example')
  const before = proxy.connections
  const metadata = await at.add('metadata', { url: 'http://169.254.169.254/mcp' })
  await expect(at.tool(metadata, 'echo', {})).rejects.toMatchObject({ code: 'upstream-unreachable' })
  const here = await at.add('here', { url: `${server.origin}/mcp` })
  expect(textOf(await at.tool(here, 'echo', {}))).toBe('done')
  expect(proxy.connections).toBe(before)
  expect(new Set(proxy.asked)).toEqual(new Set(['public.example:80']))
})
