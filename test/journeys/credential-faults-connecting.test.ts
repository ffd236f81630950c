/** What goes wrong on the way to a connection, and in the middle of its use: nothing is kept that should not be, and nobody else notices. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { connectAs } from '../support/oauth-upstream/connect.ts'
import { type Notes, openPeopleRoom, type PeopleRoom } from '../support/oauth-upstream/room.ts'

let room: PeopleRoom
let notes: Notes

beforeAll(async () => {
  room = await openPeopleRoom()
})
afterAll(() => room?.close())
afterEach(async () => {
  const shown = await room.shown()
  for (const secret of notes.upstream.secrets) expect(shown.includes(secret)).toBe(false)
})

/** A server at which bob has connected an account before anything goes wrong. */
async function withBob(): Promise<Notes> {
  notes = await room.addNotes()
  await notes.connect('bob')
  expect(await notes.call('bob')).toEqual({ text: 'bob', problem: null })
  return notes
}

async function bobIsUntouched(): Promise<void> {
  expect(await notes.call('bob')).toEqual({ text: 'bob', problem: null })
  expect(await notes.connection('bob')).toMatchObject({ status: 'ready', reason: null })
}

const lastDeed = async (method: string) =>
  (await room.rows(`plane=sign-in&phase=ended&method=${encodeURIComponent(method)}`)).at(0)

// [OWN-5]
test('an answer that names another issuer is not believed: its code goes nowhere, and nothing is kept', async () => {
  const { call, connect, connection, upstream } = await withBob()
  const asked = upstream.tokenRequests.length
  upstream.faults.wrongIss = 'https://accounts.google.com'
  const page = await connect('alice')
  expect(page.status).toBeGreaterThanOrEqual(400)
  expect(page.text).not.toContain('accounts.google.com')
  expect(upstream.tokenRequests).toHaveLength(asked)
  expect(await connection('alice')).toBeUndefined()
  expect(await lastDeed('connect callback')).toMatchObject({ outcome: 'refused', error: 'wrong-issuer' })
  expect((await call('alice')).text).toBeNull()
  await bobIsUntouched()
})

// [OWN-5]
test('an answer without an issuer, where one was promised, is not believed either', async () => {
  const { connect, connection, upstream } = await withBob()
  const asked = upstream.tokenRequests.length
  upstream.faults.noIss = true
  // The metadata that was read for bob still promises it.
  const page = await connect('alice')
  expect(page.status).toBeGreaterThanOrEqual(400)
  expect(upstream.tokenRequests).toHaveLength(asked)
  expect(await connection('alice')).toBeUndefined()
  await bobIsUntouched()
})

// [OWN-5]
test('metadata of another issuer, and metadata that does not promise PKCE, end before anybody is sent there', async () => {
  for (const fault of [{ wrongIssuer: 'https://accounts.google.com' }, { noPkce: true }]) {
    notes = await room.addNotes()
    Object.assign(notes.upstream.faults, fault)
    const page = await notes.connect('alice')
    expect(page.status).toBeGreaterThanOrEqual(400)
    expect(notes.upstream.authorizations).toEqual([])
    expect(notes.upstream.tokenRequests).toEqual([])
    expect(await notes.connection('alice')).toBeUndefined()
  }
})

test('who says no at the authorization server, or that it is not their account, has connected nothing', async () => {
  const { id, connect, connection, upstream } = await withBob()
  upstream.faults.denied = true
  expect((await connect('alice')).status).toBeGreaterThanOrEqual(400)
  upstream.faults.denied = false
  const link = `${room.portal.url}/connect/${id}`
  const page = await connectAs(room.browser('alice'), { link, account: 'mallory', isRight: false })
  expect(page.text).toContain('was not connected')
  expect(await connection('alice')).toBeUndefined()
  await bobIsUntouched()
})

// [OWN-6]
test('a call that needs more rights than the connection has says which, and goes on once they are given', async () => {
  const { id, call, connect, connection, lastCall, upstream } = await withBob()
  upstream.faults.withheld = ['notes:write']
  await connect('alice')
  expect(await call('alice')).toEqual({ text: 'alice', problem: null })
  const said = await call('alice', 'write_note', { text: 'hello' })
  expect(said.text).toBeNull()
  expect(said.problem).toContain('wants more rights for this than your connection has.')
  expect(said.problem).toContain(`${room.portal.url}/connect/${id}`)
  expect(await lastCall('alice')).toMatchObject({ error: 'upstream-more-scope' })
  // What it may do, it may still do.
  expect(await call('alice')).toEqual({ text: 'alice', problem: null })
  expect(await connection('alice')).toMatchObject({ status: 'ready' })
  await bobIsUntouched()
  upstream.faults.withheld = []
  // The page that the sentence names knows what was missing.
  const [link = ''] = /http:\S+$/.exec(said.problem ?? '') ?? []
  await connectAs(room.browser('alice'), { link, account: 'alice' })
  expect(await call('alice', 'write_note', { text: 'hello' })).toEqual({ text: 'alice wrote hello', problem: null })
})

// [OWN-3]
test('who disconnects in the middle of a call ends its use at once: nothing new is sent, and the tokens are dead there too', async () => {
  const { call, connect, connection, disconnect, upstream } = await withBob()
  await connect('alice')
  const inFlight = call('alice', 'wait')
  await upstream.waiting(1)
  await disconnect('alice')
  expect(await connection('alice')).toBeUndefined()
  upstream.release()
  const said = await inFlight
  // It is alice's own answer, or none.
  expect([said.text, said.problem === null]).not.toContain('bob')
  const sent = upstream.seen.filter(({ account }) => account === 'alice').length
  const next = await call('alice')
  // Nobody shares an account here, so there is nothing left that she sees.
  expect(next).toEqual({ text: null, problem: expect.stringMatching(/^Unknown tool|you have not connected one yet/) })
  expect(upstream.seen.filter(({ account }) => account === 'alice')).toHaveLength(sent)
  await bobIsUntouched()
})
