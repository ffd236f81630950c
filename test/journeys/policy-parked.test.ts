/**
 * A call that waits for its person is decided again when it goes on: what was forbidden meanwhile is not done, in whatever era it
 * waits (2026: with the state of before the change), and says no more than a name that nobody has.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ASKED_CLIENTS, type OpenClient, openAskedClient } from '../asked-clients.ts'
import { type ConnectRoom, openConnectRoom } from '../connect-room.ts'
import { signInAs } from '../page-journey.ts'
import type { Person } from '../person.ts'

const EMAIL = 'ada@acme.test'
const MCP = '/access/ai-controls/mcp'

let room: ConnectRoom
let ada: Person
let token: string
let before: string[]
const open: OpenClient[] = []

beforeAll(async () => {
  room = await openConnectRoom({}, { limits: { connect_turn: 10_000, connect_wait: 60_000 } })
  const { portal } = room.home
  await portal.api('POST', `${MCP}/servers/notes/authorize`, {}).then(async ({ body }) => {
    const { pathname, search } = new URL((body.result as { url: string }).url)
    const admin = await signInAs(room.home)
    const page = await room.arrive(admin, 'robot', pathname + search)
    await admin.submit(page, '/connect/confirm', { decision: 'confirm' })
  })
  await portal.api('POST', `${MCP}/servers/notes/sync`)
  token = await portal.userToken(EMAIL)
  ada = await signInAs(room.home)
  before = (await portal.api<{ policies: { id: string }[] }>('GET', `${MCP}/portals/default`)).body.result.policies.map(
    (one) => (typeof one === 'string' ? one : one.id),
  )
})
afterAll(async () => room?.close())
afterEach(async () => {
  for (const client of open.splice(0)) await client.close()
  await room.home.portal.api('PUT', `${MCP}/portals/default`, { policies: before })
  const home = await ada.open(room.url)
  if (home.text.includes('/connect/notes/disconnect"')) await ada.submit(home, '/notes/disconnect')
})

async function forbid(name: string): Promise<void> {
  const { portal } = room.home
  const deny = await portal.api<{ id: string }>('POST', '/access/policies', {
    ...{ name: 'Not this one', decision: 'deny', include: [{ everyone: {} }] },
    capabilities: [{ servers: ['notes'], kinds: ['tool'], names: [name] }],
  })
  const attached = await portal.api('PUT', `${MCP}/portals/default`, { policies: [deny.body.result.id, ...before] })
  expect([deny.status, attached.status]).toEqual([200, 200])
}

async function connectAlice(url: string): Promise<void> {
  const { pathname, search } = new URL(url)
  const named = await room.arrive(ada, 'alice', pathname + search)
  const done = await ada.submit(named, '/connect/confirm', { decision: 'confirm' })
  expect(done.text).toContain('is connected')
}

const callsOf = (account: string) =>
  room.upstream.seen.filter((one) => one.account === account && one.method === 'tools/call').length

describe.each(ASKED_CLIENTS)('%s', (which) => {
  // [SURFACE-7]
  test('whose tool is forbidden while its person connects is refused when the call goes on', async () => {
    const calls = callsOf('alice')
    const done: Promise<void>[] = []
    const client = await openAskedClient(which, {
      url: `${room.url}/mcp`,
      token,
      answer({ url = '' }) {
        if (done.length === 0) done.push(forbid('whoami').then(() => connectAlice(url)))
        return 'accept'
      },
    })
    open.push(client)
    const outcome = await client.call('notes_whoami').then(
      ({ text }) => `answered: ${text}`,
      (error: unknown) => String(error),
    )
    await Promise.all(done)
    expect(outcome).toContain('Unknown tool: notes_whoami')
    expect(callsOf('alice')).toBe(calls)
    const { body } = await room.home.portal.api<{ outcome: string; error: string }[]>(
      'GET',
      `${MCP}/logs?phase=ended&limit=1&method=tools/call`,
    )
    expect(body.result[0]).toMatchObject({ outcome: 'refused', error: 'not-allowed' })
    // What is not forbidden works with the account that was connected.
    expect(await client.getPrompt('notes_greet', { whom: 'Bob' })).toContain('alice greets Bob')
  })
})
