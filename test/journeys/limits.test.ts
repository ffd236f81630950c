/** Each limit of the table, reached over real HTTP: who reaches it is told, and nobody else notices. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/config/limits.ts'
import { type EventStream, openEventStream } from '../event-stream.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, open2025, send } from '../raw-mcp.ts'
import { openRaw, type RawConnection } from '../raw-socket.ts'
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

const PATIENCE = { timeout: 60_000 }

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

describe('open streams', () => {
  let small: TestPortal
  let at: string
  beforeAll(async () => {
    small = await startTestPortal({ limits: { streams_per_principal: 2, streams: 3 } })
    await small.furnish([{ id: 'witness', url: `${witness.origin}/mcp` }])
    at = `${small.url}/mcp`
  })
  afterAll(() => small?.close())

  /** The GET stream of a session of its own. */
  async function follow2025(shown: string) {
    const { headers } = await open2025(at, bearer(shown))
    return openEventStream(at, { headers: { ...headers, accept: 'text/event-stream' } })
  }
  const follow2026 = (shown: string) =>
    openEventStream(at, {
      method: 'POST',
      headers: {
        ...bearer(shown).credentials,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'subscriptions/listen',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 'l',
        method: 'subscriptions/listen',
        params: { notifications: { toolsListChanged: true }, _meta: META },
      }),
    })
  const rows = async () => {
    const path = '/access/ai-controls/mcp/logs?method=subscriptions/listen&phase=ended'
    return (await small.api<unknown[]>('GET', path)).body.result.length
  }

  // [LIMIT-1]
  test('a caller with all the streams it may have gets 429, by whatever token, and others get theirs', async () => {
    const [ada, again, bob] = await Promise.all(['ada', 'ada', 'bob'].map((who) => small.userToken(`${who}@acme.test`)))
    const one = await follow2025(ada as string)
    const two = await follow2026(again as string)
    expect([one.status, two.status]).toEqual([200, 200])
    const recorded = await rows()
    for (const open of [() => follow2025(again as string), () => follow2026(ada as string)]) {
      const refused = await open()
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '30'])
      await refused.close()
    }
    // Nothing was done, so there is nothing to record.
    expect(await rows()).toBe(recorded)
    expect((await ask2026(at, bearer(ada as string), 'tools/list')).status).toBe(200)
    const other = await follow2025(bob as string)
    expect(other.status).toBe(200)
    await one.close()
    await expect
      .poll(async () => {
        const next = await follow2026(ada as string)
        await next.close()
        return next.status
      })
      .toBe(200)
    await two.close()
    await other.close()
  })

  test('where the process has all the streams it may, the next is 503 and calls go on', async () => {
    const tokens = await Promise.all(['cy', 'di', 'eve', 'flo'].map((who) => small.userToken(`${who}@acme.test`)))
    const streams: EventStream[] = []
    for (const shown of tokens.slice(0, 3)) {
      await expect
        .poll(async () => {
          const stream = await follow2025(shown)
          if (stream.status === 200) streams.push(stream)
          return stream.status
        })
        .toBe(200)
    }
    for (const open of [follow2025, follow2026]) {
      const refused = await open(tokens[3] as string)
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '30'])
      await refused.close()
    }
    expect((await ask2026(at, bearer(tokens[3] as string), 'tools/list')).status).toBe(200)
    for (const stream of streams) await stream.close()
  })
})

describe('a reader that does not read', () => {
  const MEBIBYTE = 1024 * 1024
  const BIG = 'x'.repeat(30 * MEBIBYTE)
  let big: ScriptedServer
  let patient: TestPortal
  /** What the flooding server could get rid of before its connection ended. */
  let sent = 0
  /** Connections that flood now, and how many ever did. */
  let floods = 0
  let begun = 0

  beforeAll(async () => {
    const server = modern((seen, response, request) => {
      if (seen.body.params?.name === 'big')
        return json(response, result(seen, { resultType: 'complete', content: [{ type: 'text', text: BIG }] }))
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const params = { progressToken: seen.body.id ?? 0, progress: 1, message: 'x'.repeat(64 * 1024) }
      const event = `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params })}\n\n`
      const write = () => {
        while (sent < 100 * MEBIBYTE && !response.destroyed) {
          sent += event.length
          if (!response.write(event)) return void response.once('drain', write)
        }
      }
      floods++
      begun++
      request.socket.once('close', () => floods--)
      write()
    })
    const tools = ['big', 'flood'].map((name) => ({ name, inputSchema: { type: 'object' } }))
    big = await startScripted((seen, response, request) => {
      if (seen.body.method !== 'tools/list') return server(seen, response, request)
      json(response, result(seen, { resultType: 'complete', tools, ttlMs: 0, cacheScope: 'public' }))
    })
    patient = await startTestPortal()
    await patient.furnish([{ id: 'big', url: `${big.origin}/mcp` }])
  })
  afterAll(async () => {
    await patient?.close()
    await big?.close()
  })

  /** Calls a tool and takes nothing of what comes. */
  function callAndWait(target: TestPortal, shown: string, tool: string): RawConnection {
    const meta = { ...META, progressToken: 'p' }
    const params = { name: `big_${tool}`, arguments: {}, _meta: meta }
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
    const connection = openRaw(target.url)
    connection.pause()
    connection.write(
      [
        `POST /mcp HTTP/1.1`,
        `host: ${new URL(target.url).host}`,
        `authorization: Bearer ${shown}`,
        'content-type: application/json',
        'accept: application/json, text/event-stream',
        'mcp-protocol-version: 2026-07-28',
        'mcp-method: tools/call',
        `mcp-name: big_${tool}`,
        `content-length: ${body.length}`,
        '',
        body,
      ].join('\r\n'),
    )
    return connection
  }
  const statusFor = async (target: TestPortal, shown: string) =>
    (await ask2026(`${target.url}/mcp`, bearer(shown), 'tools/list')).status

  test('a reader that takes nothing of 100 MiB of notifications is cut off, and memory stays bounded', async () => {
    const shown = await patient.userToken('ada@acme.test')
    const before = process.memoryUsage().arrayBuffers
    let most = 0
    const connection = callAndWait(patient, shown, 'flood')
    // It may be over before anybody looks.
    await expect.poll(() => begun).toBe(1)
    await expect
      .poll(
        () => {
          most = Math.max(most, process.memoryUsage().arrayBuffers - before)
          return floods
        },
        { interval: 5 },
      )
      .toBe(0)
    connection.destroy()
    // What the kernel holds on both ways is a few MiB more.
    expect(sent).toBeLessThan(40 * MEBIBYTE)
    expect(most).toBeLessThan(48 * MEBIBYTE)
  })

  test('a caller that leaves answers unread gets no more until it reads, and others do', async () => {
    const [ada, bob] = [await patient.userToken('ada@acme.test'), await patient.userToken('bob@acme.test')]
    const held = [1, 2, 3, 4].map(() => callAndWait(patient, ada, 'big'))
    await expect.poll(() => statusFor(patient, ada), PATIENCE).toBe(429)
    const before = big.seen.length
    expect((await ask2026(`${patient.url}/mcp`, bearer(ada), 'tools/call', { name: 'big_big' })).status).toBe(429)
    expect(big.seen.length).toBe(before)
    expect(await statusFor(patient, bob)).toBe(200)
    for (const connection of held) connection.destroy()
    await expect.poll(() => statusFor(patient, ada), PATIENCE).toBe(200)
  })
})
