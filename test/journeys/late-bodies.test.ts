/** A request whose body takes its time is judged by what holds when it is carried out, and leaves nothing of before behind. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Ledger, startLedger } from '../peers/ledger.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, request2026 } from '../raw-mcp.ts'
import { openRaw } from '../raw-socket.ts'

const DEFAULT = '/access/ai-controls/mcp/portals/default'

let portal: TestPortal
let one: Ledger
let two: Ledger
let token: string
beforeEach(async () => {
  portal = await startTestPortal()
  one = await startLedger()
  two = await startLedger()
  await portal.furnish([
    { id: 'one', url: one.url },
    { id: 'two', url: two.url },
  ])
  token = await portal.userToken('ada@acme.test')
})
afterEach(async () => {
  await portal?.close()
  await one?.stop()
  await two?.stop()
})

/** Sends the head of a call; resolves when the portal waits for its body, with what sends that. */
async function begin(path: string, name: string) {
  const body = JSON.stringify(request2026('tools/call', { name, arguments: { entry: 'late' } }))
  const raw = openRaw(portal.url)
  const head = [
    ...[`POST ${path} HTTP/1.1`, `host: ${new URL(portal.url).host}`, 'content-type: application/json'],
    ...[`content-length: ${body.length}`, `authorization: Bearer ${token}`, 'expect: 100-continue'],
    ...['mcp-protocol-version: 2026-07-28', 'mcp-method: tools/call', `mcp-name: ${name}`, '', ''],
  ]
  raw.write(head.join('\r\n'))
  await raw.until(/100 Continue/)
  return async () => {
    raw.write(body)
    const text = await raw.until(/HTTP\/1\.1 [2-5]\d\d [\s\S]*\r\n\r\n[\s\S]*\}/)
    raw.destroy()
    return Number(/HTTP\/1\.1 ([2-5]\d\d)/.exec(text)?.[1])
  }
}

const call = (path: string, name: string) =>
  ask2026(portal.url + path, bearer(token), 'tools/call', { name, arguments: { entry: 'next' } })
const change = async (body: object) => expect((await portal.api('PUT', DEFAULT, body)).status).toBe(200)

// [GATE-7]
test('whoever lost the portal while their body was on its way is refused, then and afterwards', async () => {
  const finish = await begin('/mcp', 'one_post')
  await change({ policies: [] })
  expect(await finish()).toBe(403)
  expect((await call('/mcp', 'one_post')).status).toBe(403)
  expect(one.posted).toEqual([])
})

test('a server that was taken out while a body was on its way is not reached, then or afterwards', async () => {
  const finish = await begin('/mcp', 'one_post')
  await change({ servers: [{ server_id: 'two' }] })
  await finish()
  expect((await call('/mcp', 'one_post')).text).not.toContain('posted')
  expect((await call('/mcp', 'two_post')).text).toContain('posted')
  expect([one.posted, two.posted]).toEqual([[], ['next']])
})

test('a mount stays with its server when the order changes while a body is on its way', async () => {
  const finish = await begin('/p/default/s/one/mcp', 'post')
  await change({ servers: [{ server_id: 'two' }, { server_id: 'one' }] })
  expect(await finish()).toBe(200)
  expect([one.posted, two.posted]).toEqual([['late'], []])
  await call('/p/default/s/two/mcp', 'post')
  expect([one.posted, two.posted]).toEqual([['late'], ['next']])
})
