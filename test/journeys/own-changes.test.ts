/**
 * Two people, each with an account of their own at one server, and a change at one of them: its person's clients hear of it, in either era and
 * from a server of either era, and nobody else's do.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type EventStream, openEventStream } from '../event-stream.ts'
import { ask2026, bearer, open2025, request2026 } from '../raw-mcp.ts'
import { type Notes, openPeopleRoom, type PeopleRoom } from '../support/oauth-upstream/room.ts'

const TOOLS = 'notifications/tools/list_changed'
const PEOPLE = ['alice', 'bob'] as const
type Someone = (typeof PEOPLE)[number]

let room: PeopleRoom
const streams: EventStream[] = []

beforeAll(async () => {
  room = await openPeopleRoom()
})
afterAll(async () => {
  for (const stream of streams) stream.close()
  await room?.close()
})

const url = () => `${room.portal.url}/mcp`

async function listen2026(name: Someone): Promise<EventStream> {
  const headers = {
    authorization: `Bearer ${room.token(name)}`,
    ...{ 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'subscriptions/listen' },
  }
  const body = JSON.stringify(request2026('subscriptions/listen', { notifications: { toolsListChanged: true } }))
  const stream = await openEventStream(url(), { method: 'POST', headers, body })
  streams.push(stream)
  await stream.until(({ length }) => length === 1)
  return stream
}

async function listen2025(name: Someone): Promise<EventStream> {
  const { headers } = await open2025(url(), bearer(room.token(name)))
  const stream = await openEventStream(url(), { headers: { ...headers, accept: 'text/event-stream' } })
  streams.push(stream)
  return stream
}

const heard = (stream: EventStream) => stream.messages.filter(({ method }) => method === TOOLS).length
const hears = (stream: EventStream, times: number) => stream.until(() => heard(stream) === times)
const toolsOf = async (name: Someone) => (await ask2026(url(), bearer(room.token(name)), 'tools/list')).text

/** The portal hears of an account's changes as long as a connection to the server stands, which calls and readings open. */
async function isHeardBy(notes: Notes, name: Someone): Promise<void> {
  const ear = notes.upstream.seen.some(
    ({ account, method, http }) => account === name && (method === 'subscriptions/listen' || http === 'GET'),
  )
  if (ear) return
  await notes.call(name)
  await new Promise((resolve) => setTimeout(resolve, 20))
  return isHeardBy(notes, name)
}

describe.each(['both', '2025'] as const)('at a server that speaks %s', (era) => {
  // [OWN-1]
  test('what changes for one account reaches the clients of its person, and no other client', async () => {
    const notes = await room.addNotes({ era })
    for (const name of PEOPLE) await notes.connect(name)
    for (const name of PEOPLE) await isHeardBy(notes, name)
    const [alice, bob] = await Promise.all(
      PEOPLE.map(async (name) => [await listen2026(name), await listen2025(name)] as const),
    )
    if (alice === undefined || bob === undefined) throw new Error('both are here')
    notes.upstream.giveTool('alice', 'new_for_alice')
    await Promise.all(alice.map((stream) => hears(stream, 1)))
    expect(await toolsOf('alice')).toContain(`${notes.id}_new_for_alice`)
    expect(await toolsOf('bob')).not.toContain('new_for_alice')
    // What bob hears of first, and alone, is his own.
    expect(bob.map(heard)).toEqual([0, 0])
    notes.upstream.giveTool('bob', 'new_for_bob')
    await Promise.all(bob.map((stream) => hears(stream, 1)))
    expect(alice.map(heard)).toEqual([1, 1])
    expect(await toolsOf('alice')).not.toContain('new_for_bob')
    expect((await notes.call('bob', 'new_for_bob')).text).toBe('bob used new_for_bob')
    expect((await notes.call('alice', 'new_for_bob')).text).toBeNull()
    expect([...alice, ...bob].map(heard)).toEqual([1, 1, 1, 1])
  })
})
