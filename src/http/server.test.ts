/** The listener alone against clients that hold on, run ahead or come in crowds. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Ledger, startLedger } from '../../test/peers/ledger.ts'
import { startTestPortal, type TestPortal } from '../../test/portal.ts'
import { openRaw, type RawConnection } from '../../test/raw-socket.ts'
import { silentLog } from '../base/log.ts'
import { DEFAULT_LIMITS, LIMITS } from '../config/limits.ts'
import { openClientAddresses } from './client-address.ts'
import { limitConnections } from './connections.ts'
import { restListener } from './rest.ts'
import { openServer, type Readiness, type ServerRooms } from './server.ts'

const open: RawConnection[] = []
const connectTo = (url: string) => {
  const connection = openRaw(url)
  open.push(connection)
  return connection
}
afterEach(() => {
  for (const connection of open.splice(0)) connection.destroy()
})

describe('a listener', () => {
  let portal: TestPortal
  let ledger: Ledger
  let token: string
  let head: string[]

  beforeAll(async () => {
    portal = await startTestPortal({ times: { header: 1000, request: 2000, look: 25, reader: 60_000 } })
    ledger = await startLedger()
    await portal.furnish([{ id: 'ledger', url: ledger.url }])
    token = await portal.userToken('ada@acme.test')
    head = ['POST /mcp HTTP/1.1', `host: ${new URL(portal.url).host}`, `authorization: Bearer ${token}`]
  })
  afterAll(async () => {
    await portal?.close()
    await ledger?.stop()
  })

  test('a head that does not come to its end is 408', async () => {
    const connection = connectTo(portal.url)
    connection.write(`${head.join('\r\n')}\r\nx-slow: `)
    expect(await connection.closed).toMatch(/^HTTP\/1\.1 408 /)
  })

  test('a body that does not come to its end is 408, and nothing is called', async () => {
    const before = ledger.requests
    const connection = connectTo(portal.url)
    const lines = [...head, 'content-type: application/json', 'content-length: 1000', '', '{"jsonrpc":"2.0",']
    connection.write(lines.join('\r\n'))
    expect(await connection.closed).toMatch(/^HTTP\/1\.1 408 /)
    expect(ledger.requests).toBe(before)
  })

  test('who takes nothing of a long answer of the API is cut off, and no more of it is made than fits on the way', async () => {
    let made = 0
    let isLeft = false
    const body = new ReadableStream(
      {
        pull(controller) {
          made++
          controller.enqueue(new Uint8Array(64 * 1024))
        },
        cancel() {
          isLeft = true
        },
      },
      { highWaterMark: 0 },
    )
    const rooms = {
      addresses: openClientAddresses([]),
      originOf: () => portal.url,
      rest: async () => new Response(body),
    }
    const listener = restListener(rooms, 300)
    const server = createServer((request, response) => {
      const arrival = { request, response, headers: {}, hostname: 'a', clientIp: '', certificate: null, cors: [] }
      void listener(arrival, { kind: 'rest', what: 'api' })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const connection = connectTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    connection.pause()
    connection.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await expect.poll(() => isLeft).toBe(true)
    // What sockets of this machine hold at most is some megabytes.
    expect(made).toBeLessThan(1024)
    server.close()
  })

  test('requests that are sent ahead wait in order, and a connection with too many is closed', async () => {
    const call = (id: number, name: string) => {
      const message = { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: {}, _meta: META } }
      const body = JSON.stringify(message)
      const named = ['mcp-protocol-version: 2026-07-28', 'mcp-method: tools/call', `mcp-name: ${name}`]
      const more = ['content-type: application/json', 'accept: application/json', `content-length: ${body.length}`]
      return [...head, ...named, ...more, '', body].join('\r\n')
    }
    const few = connectTo(portal.url)
    few.write([1, 2, 3].map((id) => call(id, 'ledger_count')).join(''))
    const text = await few.until(/"id":3\b/)
    expect([...text.matchAll(/"id":(\d)/g)].map(([, id]) => id)).toEqual(['1', '2', '3'])

    const many = connectTo(portal.url)
    const ids = Array.from({ length: LIMITS.pipelined.value + 2 }, (_, id) => id)
    many.write(ids.map((id) => call(id, 'ledger_count')).join(''))
    expect(await many.closed).not.toContain('"id":')
    // It closed that one connection and none other.
    few.write(call(4, 'ledger_count'))
    await few.until(/"id":4\b/)
  })
})

describe('connections', () => {
  let server: Server | null = null
  afterEach(() => {
    server?.closeAllConnections()
    server?.close()
  })

  async function listen(limits: Partial<typeof DEFAULT_LIMITS>, isExempt: (address: string) => boolean) {
    const made = createServer((_, response) => response.end('here'))
    server = made
    limitConnections(made, { ...DEFAULT_LIMITS, ...limits }, isExempt)
    await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(made.address() as AddressInfo).port}`
  }
  const ask = (connection: RawConnection) => connection.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  async function crowd(url: string, count: number) {
    const connections = Array.from({ length: count }, () => connectTo(url))
    for (const connection of connections) {
      ask(connection)
      await connection.until(/here/)
    }
    return connections
  }

  test('a connection over the limit is closed at once, and the others go on', async () => {
    const url = await listen({ connections: 3 }, () => true)
    const [first] = await crowd(url, 3)
    const over = connectTo(url)
    ask(over)
    expect(await over.closed).toBe('')
    first?.write('GET /again HTTP/1.1\r\nhost: a\r\n\r\n')
    await first?.until(/here.*here/s)
  })

  test('an address that has as many connections as it may gets no more until one of them ends', async () => {
    const url = await listen({ connections_per_address: 2 }, () => false)
    const [first] = await crowd(url, 2)
    const over = connectTo(url)
    ask(over)
    expect(await over.closed).toBe('')
    const gone = new Promise<void>((resolve) =>
      server?.once('request', (request) => request.socket.once('close', resolve)),
    )
    ask(first as RawConnection)
    await first?.until(/here.*here/s)
    first?.destroy()
    await gone
    await crowd(url, 1)
  })

  test('this machine and proxies are not counted by address', async () => {
    const url = await listen({ connections_per_address: 2 }, (address) => address === '127.0.0.1')
    await crowd(url, 5)
  })
})

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}

test('all who ask whether it is ready during one look share it, and the next one looks again', async () => {
  let looks = 0
  let state: Readiness = { ready: true, checks: {} }
  const readiness = async () => {
    looks++
    return state
  }
  const rooms = { readiness, addresses: openClientAddresses([]), limits: DEFAULT_LIMITS, log: silentLog }
  const door = { receive: () => Promise.resolve(), drain: () => {} }
  const server = await openServer({ host: '127.0.0.1', port: 0 }, { ...rooms, door } as unknown as ServerRooms)
  const url = `http://127.0.0.1:${server.port}`
  const connection = connectTo(url)
  const asking = (more = '') => `GET /readyz HTTP/1.1\r\nhost: a\r\n${more}\r\n`
  // In one piece, so that all are heard in one turn.
  connection.write(`${asking()}${asking()}${asking('connection: close\r\n')}`)
  expect((await connection.closed).match(/HTTP\/1\.1 200 /g)).toHaveLength(3)
  expect(looks).toBe(1)
  state = { ready: false, checks: {} }
  expect((await fetch(`${url}/readyz`)).status).toBe(503)
  await server.close()
})
