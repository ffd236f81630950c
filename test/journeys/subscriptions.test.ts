/** Clients of either era hear that a resource changed, of real servers of either era and transport, which change it themselves. */
import { fileURLToPath } from 'node:url'
import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2 } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { BUILDS, type Fixture, startFixture } from '../conformance/fixture/http.ts'
import { openEventStream } from '../event-stream.ts'
import { everythingStdio, type HttpPeer, startEverythingHttp, startEverythingSse } from '../peers/servers.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, open2025 } from '../raw-mcp.ts'
import { type Listener, listen2026, type Session2025, session2025, UPDATED } from '../watching.ts'

const MAIN = fileURLToPath(new URL('../conformance/fixture/main.ts', import.meta.url))
const WATCHED = 'test://watched-resource'
const TEMPLATED = 'demo://resource/dynamic/text/1'
const FIXTURES = ['modern', 'legacy', 'dual', 'piped'] as const
const EVERYTHING = ['streamed', 'sse', 'child'] as const

let portal: TestPortal
let token: string
const fixtures: Fixture[] = []
const peers: HttpPeer[] = []
const open: { stream: { close(): void } }[] = []

beforeAll(async () => {
  portal = await startTestPortal()
  fixtures.push(...(await Promise.all(BUILDS.map(startFixture))))
  peers.push(...(await Promise.all([startEverythingHttp(), startEverythingSse()])))
  await portal.furnish([
    ...BUILDS.map((id, at) => ({ id, url: fixtures[at]?.url ?? '' })),
    { id: 'piped', stdio: { command: process.execPath, args: [MAIN, 'stdio'], env: {} } },
    ...(['streamed', 'sse'] as const).map((id, at) => ({ id, url: peers[at]?.url ?? '' })),
    { id: 'child', stdio: everythingStdio() },
  ])
  token = await portal.userToken('ada@acme.test')
})
afterEach(() => {
  for (const { stream } of open.splice(0)) stream.close()
})
afterAll(async () => {
  await portal?.close()
  await Promise.all(fixtures.map((fixture) => fixture.close()))
  await Promise.all(peers.map((peer) => peer.stop()))
})

const at = (server: string) => `${portal.url}/p/default/s/${server}/mcp`
const opened = <T extends Listener | Session2025>(one: T): T => {
  open.push(one)
  return one
}
const listen = async (server: string, uris: readonly unknown[], id?: string | number, as = token) =>
  opened(await listen2026(at(server), as, uris, id))
const session = async (server: string, as = token) => opened(await session2025(at(server), as))
const call = async (server: string, name: string) =>
  messageOf(await ask2026(at(server), bearer(token), 'tools/call', { name, arguments: {} })).result
const change = (server: string) => call(server, 'test_trigger_resource_update')

describe.each(FIXTURES)('of a server that is %s', (server) => {
  // [SUB-1]
  test('a listener of 2026 hears what it was told that it would, under the id of its request', async () => {
    const ada = await listen(server, [WATCHED, 'test://no-such'], 7)
    expect(ada.acknowledged()).toEqual([WATCHED])
    await change(server)
    await ada.untilTold(1)
    const params = { uri: WATCHED, _meta: { 'io.modelcontextprotocol/subscriptionId': 7 } }
    expect(ada.stream.messages[1]).toEqual({ jsonrpc: '2.0', method: UPDATED, params })
  })

  // [SUB-1]
  test('a session of 2025 hears of what it subscribed to, until it does not any more', async () => {
    const [ada, bea] = [await session(server), await session(server)]
    for (const one of [ada, bea])
      expect(messageOf(await one.ask('resources/subscribe', { uri: WATCHED })).result).toEqual({})
    await change(server)
    await Promise.all([ada.untilTold(1), bea.untilTold(1)])
    expect(messageOf(await ada.ask('resources/unsubscribe', { uri: WATCHED })).result).toEqual({})
    await change(server)
    await bea.untilTold(2)
    // Whatever might have come in between would come before this.
    await ada.ask('resources/subscribe', { uri: WATCHED })
    await change(server)
    await ada.untilTold(2)
    expect(ada.told()).toEqual([WATCHED, WATCHED])
  })

  // [SUB-1]
  test('what a session subscribed to before it had a stream is told when it has one', async () => {
    const ada = await open2025(at(server), bearer(token))
    await ada.ask('resources/subscribe', { uri: WATCHED })
    const stream = await openEventStream(at(server), { headers: { ...ada.headers, accept: 'text/event-stream' } })
    open.push({ stream })
    const heard = () => stream.messages.some(({ method }) => method === UPDATED)
    // Nobody says when its server has heard of it: it changes until it has.
    await expect.poll(async () => (await change(server)) && heard(), { timeout: 10_000, interval: 50 }).toBe(true)
  })
})

describe.each(EVERYTHING)('of server-everything as %s', (server) => {
  // [SUB-1]
  test('a resource behind a template is subscribed to, and told of, in both eras', async () => {
    const ada = await session(server)
    expect(messageOf(await ada.ask('resources/subscribe', { uri: TEMPLATED })).result).toEqual({})
    const bea = await listen(server, [TEMPLATED])
    expect(bea.acknowledged()).toEqual([TEMPLATED])
    // It tells at once, and then every five seconds.
    await call(server, 'toggle-subscriber-updates')
    await Promise.all([ada.untilTold(1), bea.untilTold(1)])
    expect([ada.told()[0], bea.told()[0]]).toEqual([TEMPLATED, TEMPLATED])
    await call(server, 'toggle-subscriber-updates')
  })
})

const CLIENTS = {
  'SDK v1': async (told: string[]) => {
    const client = new ClientV1({ name: 'v1', version: '1' })
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void told.push(params.uri))
    return { client, begin: () => client.subscribeResource({ uri: WATCHED }), transport: TransportV1 }
  },
  'SDK v2 of 2025': async (told: string[]) => {
    const client = new ClientV2({ name: 'v2', version: '1' }, { versionNegotiation: { mode: 'legacy' } })
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => void told.push(params.uri))
    return { client, begin: () => client.subscribeResource({ uri: WATCHED }), transport: TransportV2 }
  },
  'SDK v2 of 2026': async (told: string[]) => {
    const client = new ClientV2({ name: 'v2', version: '1' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } })
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => void told.push(params.uri))
    return { client, begin: () => client.listen({ resourceSubscriptions: [WATCHED] }), transport: TransportV2 }
  },
}

describe.each(Object.entries(CLIENTS))('the client of %s', (_, make) => {
  // [SUB-1]
  test.each(FIXTURES)('hears of a resource of a server that is %s', async (server) => {
    const told: string[] = []
    const { client, begin, transport } = await make(told)
    const requestInit = { headers: { authorization: `Bearer ${token}` } }
    const way = new transport(new URL(at(server)), { requestInit })
    await (client as { connect(way: unknown): Promise<void> }).connect(way)
    try {
      await begin()
      // Its stream may open a moment after its handshake.
      await expect
        .poll(async () => (await change(server)) && told.includes(WATCHED), { timeout: 10_000, interval: 50 })
        .toBe(true)
    } finally {
      await client.close()
    }
  })
})
