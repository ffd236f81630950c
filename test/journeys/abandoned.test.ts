/** Clients that go away in the middle of anything: what they held is given back, and nobody else notices. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, open2025 } from '../raw-mcp.ts'
import { openRaw } from '../raw-socket.ts'
import { json, modern, result, type ScriptedServer, startScripted } from '../scripted-server.ts'

const PATIENCE = { timeout: 60_000 }
const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}

let portal: TestPortal
let slow: ScriptedServer
/** Answers of the server that it holds back; and calls whose connection its client ended. */
let held: (() => void)[] = []
let ended = 0
let token: string
let host: string

beforeAll(async () => {
  portal = await startTestPortal({ limits: { streams_per_principal: 3 } })
  slow = await startScripted(
    modern((seen, response) => {
      held.push(() => json(response, result(seen, { resultType: 'complete', content: [] })))
      response.once('close', () => {
        if (!response.writableEnded) ended++
      })
    }),
  )
  await portal.furnish([{ id: 'slow', url: `${slow.origin}/mcp` }])
  token = await portal.userToken('ada@acme.test')
  host = new URL(portal.url).host
})
afterAll(async () => {
  await portal?.close()
  await slow?.close()
})
beforeEach(() => {
  held = []
  ended = 0
})

async function holdings(): Promise<Record<string, number>> {
  const text = await (await fetch(`${portal.url}/metrics`)).text()
  const value = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1])
  return { inFlight: value('portico_requests_in_flight'), streams: value('portico_streams_open') }
}
const NOTHING = { inFlight: 0, streams: 0 }

function post(message: Record<string, unknown>, more: readonly string[] = []): string {
  const { method, params } = message as { method: string; params: { name?: string } }
  const body = JSON.stringify({ jsonrpc: '2.0', ...message, params: { ...params, _meta: META } })
  return [
    'POST /mcp HTTP/1.1',
    `Host: ${host}`,
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    'MCP-Protocol-Version: 2026-07-28',
    `Mcp-Method: ${method}`,
    ...(params.name === undefined ? [] : [`Mcp-Name: ${params.name}`]),
    ...more,
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n')
}
const call = (id: number) => post({ id, method: 'tools/call', params: { name: 'slow_echo', arguments: {} } })
const listen = (id: number) =>
  post({ id, method: 'subscriptions/listen', params: { notifications: { toolsListChanged: true } } })
const get = (headers: Record<string, string>) =>
  [
    'GET /mcp HTTP/1.1',
    `Host: ${host}`,
    ...Object.entries({ ...headers, accept: 'text/event-stream' }).map((one) => one.join(': ')),
    '',
    '',
  ].join('\r\n')

describe('what a client held that went away is given back', () => {
  test('in the middle of a head, of a body, and right behind a request', async () => {
    const whole = call(1)
    const pieces = [20, 200, whole.length - 10, whole.length].map((length) => whole.slice(0, length))
    for (let round = 0; round < 5; round++) {
      for (const piece of pieces) {
        const connection = openRaw(portal.url)
        connection.write(piece)
        if (round % 2 === 0) await new Promise((resolve) => setImmediate(resolve))
        connection.destroy()
        await connection.closed
      }
    }
    await expect.poll(holdings, PATIENCE).toEqual(NOTHING)
    // Some calls may have begun; those were cancelled at the server.
    await expect.poll(() => ended, PATIENCE).toBe(held.length)
  })

  // [LIMIT-3]
  test('with a call under way, which is cancelled at the server', async () => {
    const connections = [1, 2, 3].map((id) => {
      const connection = openRaw(portal.url)
      connection.write(call(id))
      return connection
    })
    await expect.poll(() => held.length, PATIENCE).toBe(3)
    expect(await holdings()).toMatchObject({ inFlight: 3 })
    for (const connection of connections) connection.destroy()
    await expect.poll(() => ended, PATIENCE).toBe(3)
    await expect.poll(holdings, PATIENCE).toEqual(NOTHING)
  })

  test('with streams open, more of them one after the other than it may have at once', async () => {
    for (let round = 0; round < 8; round++) {
      const { headers } = await open2025(`${portal.url}/mcp`, bearer(token))
      for (const bytes of [get(headers), listen(round)]) {
        const connection = openRaw(portal.url)
        connection.write(bytes)
        await connection.until(/^HTTP\/1\.1 200 /)
        connection.destroy()
      }
      await expect.poll(holdings, PATIENCE).toEqual(NOTHING)
    }
  })

  test('with a stream asked for that nobody waits for', async () => {
    for (let round = 0; round < 8; round++) {
      const { headers } = await open2025(`${portal.url}/mcp`, bearer(token))
      for (const bytes of [get(headers), listen(round)]) {
        const connection = openRaw(portal.url)
        connection.write(bytes)
        await new Promise((resolve) => setTimeout(resolve, round))
        connection.destroy()
      }
    }
    await expect.poll(holdings, PATIENCE).toEqual(NOTHING)
  })

  test('with streams and calls that wait behind a call on the same connection', async () => {
    for (let round = 0; round < 5; round++) {
      held = []
      ended = 0
      const { headers } = await open2025(`${portal.url}/mcp`, bearer(token))
      const connection = openRaw(portal.url)
      connection.write(call(1) + get(headers) + listen(2) + call(3))
      await expect.poll(() => held.length, PATIENCE).toBe(2)
      connection.destroy()
      await expect.poll(() => ended, PATIENCE).toBe(2)
      await expect.poll(holdings, PATIENCE).toEqual(NOTHING)
    }
  })
})

test('behind a request that is bad, nothing that was sent ahead is carried out', async () => {
  const bad = call(2).replace('Content-Length', 'Transfer-Encoding: chunked\r\nContent-Length')
  const connection = openRaw(portal.url)
  connection.write(call(1))
  await expect.poll(() => held.length, PATIENCE).toBe(1)
  connection.write(bad + call(3))
  // The connection is beyond trust, and the call that was under way on it is cancelled.
  expect(await connection.closed).not.toContain('"id":3')
  await expect.poll(() => ended, PATIENCE).toBe(1)
  expect(held).toHaveLength(1)
  await expect.poll(holdings, PATIENCE).toEqual(NOTHING)
})

test('behind a request that is refused, the next on the same connection is answered for itself', async () => {
  const twice = call(2).replace('Mcp-Method', 'Mcp-Name: other\r\nMcp-Method')
  const connection = openRaw(portal.url)
  connection.write(twice + call(3))
  // A refusal of this kind ends the connection: what stands behind it may be part of it.
  expect([...(await connection.closed).matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(['400'])
  await expect.poll(holdings, PATIENCE).toEqual(NOTHING)
  expect((await ask2026(`${portal.url}/mcp`, bearer(token), 'tools/list')).status).toBe(200)
})
