/**
 * Nobody comes in time: what a server asked has no answer within the seconds that it has there, whichever eras the two ends speak. The
 * server is told, or called no more; nothing waits on; and who comes later begins anew.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AskingServer, asks, FORM, startAsking } from '../asking-server.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { bearer, type RawCaller } from '../raw-mcp.ts'
import { openRelayClient, type RelayedClient } from '../relay-clients.ts'
import { answering, MCP, must, rowsOf, type Trying, tryOnce } from '../relay-room.ts'
import { json, modern, result, type ScriptedServer, startScripted } from '../scripted-server.ts'

const SECONDS = 1

let portal: TestPortal
let old: AskingServer
let latest: ScriptedServer
let token: string
let ann: RawCaller
let asked = 0

beforeAll(async () => {
  old = await startAsking((call) => {
    const id = `q${++asked}`
    call.say(asks(id))
    void old.toldOf(id).then((told) => call.answer(JSON.stringify(told.result ?? told.error)))
  })
  latest = await startScripted(
    modern((seen, response) => {
      const given = seen.body.params?.inputResponses
      const wants = { one: { method: 'elicitation/create', params: FORM } }
      const more = { resultType: 'input_required', inputRequests: wants, requestState: 'theirs' }
      const done = { resultType: 'complete', content: [{ type: 'text', text: JSON.stringify(given) }] }
      json(response, result(seen, given === undefined ? more : done))
    }),
  )
  portal = await startTestPortal()
  await portal.furnish([
    { id: 'old', url: old.url },
    { id: 'new', url: `${latest.origin}/mcp` },
  ])
  await give(SECONDS)
  token = await portal.userToken('ann@acme.test')
  ann = bearer(token)
})
afterAll(async () => {
  await portal?.close()
  await old?.http.close()
  await latest?.close()
})

async function give(seconds: number): Promise<void> {
  for (const id of ['old', 'new'])
    await must(portal, 'PUT', `${MCP}/servers/${id}`, { relay: { answer_time: seconds } })
}

const at = (params: Record<string, unknown>, how: Trying = {}) => tryOnce(`${portal.url}/mcp`, ann, params, how)
const passed = (since: number) => expect.poll(() => performance.now() - since).toBeGreaterThan(SECONDS * 1000 + 50)
const lastQuestion = async () => (await rowsOf(portal, 'elicitation/create'))[0]

/** A client of 2025 whose person is there when it is too late. */
async function silent(): Promise<RelayedClient & { wake: () => void }> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const says = async () => {
    await promise
    return { action: 'accept', content: { name: 'late' } }
  }
  const client = await openRelayClient('SDK v1', { url: `${portal.url}/mcp`, token, says })
  return { ...client, wake: resolve }
}

// [RELAY-9]
test('2026 to 2026: a state that was kept for too long is answered as none at all, and the server is not called', async () => {
  const first = await at({ name: 'new_echo', arguments: {} })
  expect(Object.keys(first.asked)).toHaveLength(1)
  const since = performance.now()
  await passed(since)
  const calls = latest.asked('tools/call').length
  const late = await at({ name: 'new_echo', arguments: {} }, { state: first.state, responses: answering(first) })
  expect(late.error).toMatchObject({ code: -32602 })
  expect(latest.asked('tools/call')).toHaveLength(calls)
  // As long as its server gives, and not as long as another: in time, the same goes on.
  await give(60)
  const again = await at({ name: 'new_echo', arguments: {} })
  const inTime = await at({ name: 'new_echo', arguments: {} }, { state: again.state, responses: answering(again) })
  expect(inTime).toMatchObject({ error: null, text: expect.stringContaining('Ann') })
  await give(SECONDS)
})

// [RELAY-9]
test('2026 to an older server: the call that waits there is cancelled, and who comes later is told that it waits no more', async () => {
  const cancelled = () => old.http.asked('notifications/cancelled').length
  const before = cancelled()
  const first = await at({ name: 'old_echo', arguments: {} })
  expect(Object.keys(first.asked)).toHaveLength(1)
  await expect.poll(cancelled).toBe(before + 1)
  const calls = old.http.asked('tools/call').length
  const since = performance.now()
  await passed(since)
  const late = await at({ name: 'old_echo', arguments: {} }, { state: first.state, responses: answering(first) })
  expect(late.error).toMatchObject({ code: -32602 })
  expect(old.http.asked('tools/call')).toHaveLength(calls)
  expect((await rowsOf(portal, 'tools/call', 5)).map(({ outcome }) => outcome)).toContain('cancelled')
})

// [RELAY-9]
test('2025 to an older server: it hears that the person did not answer, the call goes on, and a late answer is nobody’s', async () => {
  const client = await silent()
  const done = await client.call('old_echo')
  expect(done).toEqual({ isError: false, text: '{"action":"cancel"}' })
  expect(client.asked).toHaveLength(1)
  expect(await lastQuestion()).toMatchObject({ server: 'old', outcome: 'failed', error: 'late' })
  const told = old.told.length
  client.wake()
  const next = await openRelayClient('SDK v1', { url: `${portal.url}/mcp`, token })
  expect((await next.call('old_echo')).text).toContain('"action":"accept"')
  expect(old.told).toHaveLength(told + 1)
  await next.close()
  await client.close()
})

// [RELAY-9]
test('2025 to 2026: the server is called again with the word that the person did not answer', async () => {
  const client = await silent()
  const done = await client.call('new_echo')
  expect(done).toEqual({ isError: false, text: '{"one":{"action":"cancel"}}' })
  expect(await lastQuestion()).toMatchObject({ server: 'new', outcome: 'failed', error: 'late' })
  client.wake()
  await client.close()
})
