/** Code of several people at one time: one who sends more of it than there are places keeps nobody else from having theirs run. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { LIMITS } from '../../src/config/limits.ts'
import { type AskingServer, asks, FORM, startAsking } from '../asking-server.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf } from '../raw-mcp.ts'
import { openRelayClient, RELAY_CLIENTS, type RelayedClient } from '../relay-clients.ts'
import { rowsOf } from '../relay-room.ts'

const MOST = LIMITS.code_runs_per_principal.value
const CODE = '?codemode=search_and_execute'
const TOO_MANY = /at a time may be under way or wait here \(limits\.code_runs_per_principal\).*Nothing was run/
/** A call that the server answers when it is let go. */
const WAITS = 'async () => codemode.desk_echo({ who: "waits" })'

let portal: TestPortal
/** With one run a caller, and little CPU. */
let narrow: TestPortal
let desk: AskingServer
let asked = 0
const waiting: (() => void)[] = []
const clients: RelayedClient[] = []

beforeAll(async () => {
  desk = await startAsking((call) => {
    const { who } = (call.seen.body.params?.arguments ?? {}) as { who?: string }
    if (who === 'waits') return void waiting.push(() => call.answer('let go'))
    if (who === 'flood') return void call.answer('one of many')
    const id = `q${++asked}`
    call.say(asks(id, 'elicitation/create', { ...FORM, message: 'Sure?' }))
    void desk.toldOf(id).then((told) => call.answer(JSON.stringify(told.result)))
  })
  portal = await startTestPortal()
  narrow = await startTestPortal({ limits: { code_runs_per_principal: 1, code_cpu: 200 } })
  for (const one of [portal, narrow]) await one.furnish([{ id: 'desk', url: desk.url }])
})
afterEach(async () => {
  for (const letGo of waiting.splice(0)) letGo()
  for (const client of clients.splice(0)) await client.close()
})
afterAll(async () => {
  await portal?.close()
  await narrow?.close()
  await desk?.http.close()
})

async function use(at: TestPortal, token: string, name: string, code: string) {
  const params = { name, arguments: { code } }
  const { result } = messageOf(await ask2026(`${at.url}/mcp${CODE}`, bearer(token), 'tools/call', params))
  const [{ text = '' } = {}] = (result?.content ?? []) as { text?: string }[]
  return { text, isError: result?.isError === true }
}

const run = (at: TestPortal, token: string, code: string) => use(at, token, 'portal_codemode_execute', code)

// [CODE-6]
test('a caller has so many runs at once, and the next one is told so; others have theirs at once', async () => {
  const [ada, again, ben] = await Promise.all(
    ['ada@acme.test', 'ada@acme.test', 'ben@acme.test'].map((email) => portal.userToken(email)),
  )
  const flood = Array.from({ length: MOST }, (_, i) => run(portal, (i % 2 === 0 ? ada : again) ?? '', WAITS))
  // Those that have a place; the others wait, for one caller does not get all.
  await expect.poll(() => waiting.length).toBeGreaterThanOrEqual(Math.min(MOST, 3))
  const before = waiting.length
  for (const name of ['portal_codemode_execute', 'portal_codemode_search'])
    expect(await use(portal, again ?? '', name, WAITS)).toEqual({
      text: expect.stringMatching(TOO_MANY),
      isError: true,
    })
  const [row] = await rowsOf(portal, 'tools/call', 1)
  expect(row).toMatchObject({ capability: 'portal_codemode_search', outcome: 'tool-error', error: 'code-too-many' })
  expect(await run(portal, ben ?? '', 'async () => "mine"')).toEqual({ text: 'mine', isError: false })
  expect(await run(portal, ben ?? '', 'async () => Object.keys(codemode)[0]')).toMatchObject({ isError: false })
  expect(waiting.length).toBe(before)
  const letGo = setInterval(() => waiting.splice(0).forEach((answer) => void answer()), 20)
  for (const { text } of await Promise.all(flood)) expect(text).toContain('let go')
  clearInterval(letGo)
  expect(await run(portal, ada ?? '', 'async () => "again"')).toEqual({ text: 'again', isError: false })
})

test.each([
  ['returned', 'async () => 1', /^1$/],
  ['thrown', 'async () => { throw new Error("mine") }', /mine/],
  ['thrown before it ran', '(() => { throw null })()', /Error/],
  ['no code', 'async () => {', /no JavaScript/],
  ['stopped', 'async () => { for (;;); }', /computed too long/],
  ['stopped in a flood of calls', 'async () => { for (;;) codemode.desk_echo({ who: "flood" }) }', /called more tools/],
])('a run that is %s has given its place back when it is answered', async (_, code, says) => {
  const token = await narrow.userToken('ada@acme.test')
  for (let i = 0; i < 2; i++) expect((await run(narrow, token, code)).text).toMatch(says)
  expect(await run(narrow, token, 'async () => "next"')).toEqual({ text: 'next', isError: false })
})

test('a run whose client goes away gives its place back', async () => {
  const token = await narrow.userToken('ada@acme.test')
  const session = await openRelayClient('SDK v2 of 2026', { url: `${narrow.url}/mcp${CODE}`, token })
  clients.push(session)
  const left = session.call('portal_codemode_execute', { code: WAITS }).catch(() => 'gone')
  await expect.poll(() => waiting.length).toBe(1)
  expect((await run(narrow, token, 'async () => 1')).text).toMatch(TOO_MANY)
  await session.close()
  clients.splice(0)
  await left
  for (const letGo of waiting.splice(0)) letGo()
  await expect.poll(async () => (await run(narrow, token, 'async () => "next"')).text).toBe('next')
})

// [CODE-6]
test.each(RELAY_CLIENTS)('a run that waits for a person keeps its place until it ends, with %s', async (which) => {
  const token = await narrow.userToken('ann@acme.test')
  let meanwhile = ''
  const says = async () => {
    meanwhile = (await run(narrow, token, 'async () => 1')).text
    return { action: 'accept', content: { name: 'Ann' } }
  }
  const client = await openRelayClient(which, { url: `${narrow.url}/mcp${CODE}`, token, says: says as never })
  clients.push(client)
  const { text, isError } = await client.call('portal_codemode_execute', {
    code: 'codemode.desk_echo({ who: "asks" })',
  })
  expect(isError, text).toBe(false)
  expect(text).toContain('Ann')
  expect(meanwhile).toMatch(TOO_MANY)
  expect((await run(narrow, token, 'async () => "next"')).text).toBe('next')
})
