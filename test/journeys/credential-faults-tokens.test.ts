/** What becomes of a person's own connection when its tokens end, or its authorization server does not play along; and that nobody else notices. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { withEnoughTime } from '../enough-time.ts'
import { type Notes, openPeopleRoom, type PeopleRoom } from '../support/oauth-upstream/room.ts'

let room: PeopleRoom
let notes: Notes

beforeAll(async () => {
  room = await openPeopleRoom()
})
afterAll(() => room?.close())
afterEach(async () => {
  // Whatever went wrong, no token is shown anywhere.
  const shown = await room.shown()
  for (const secret of notes.upstream.secrets) expect(shown.includes(secret)).toBe(false)
})

async function bothConnected(options: Parameters<PeopleRoom['addNotes']>[0] = {}): Promise<Notes> {
  notes = await room.addNotes(options)
  await notes.connect('alice')
  await notes.connect('bob')
  expect(await notes.call('alice')).toEqual({ text: 'alice', problem: null })
  expect(await notes.call('bob')).toEqual({ text: 'bob', problem: null })
  return notes
}

/** Nothing that happened to alice has happened to bob. */
async function bobIsUntouched(): Promise<void> {
  expect(await notes.call('bob')).toEqual({ text: 'bob', problem: null })
  expect(await notes.connection('bob')).toMatchObject({ status: 'ready', reason: null, account: expect.anything() })
  expect((await notes.lastCall('bob'))?.credential).toMatch(/^oauth:user:[\w-]+:(?:ready|renewed)$/)
}

/** What a caller reads whose connection only the person can mend: what happened, and the page that mends it. */
const again = (name: string, id: string) =>
  expect.stringMatching(
    `^Your connection to ${name} has ended\\. Connect it again\\..*${room.portal.url}/connect/${id}`,
  )

const nameOf = (id: string) => id.replace('notes', 'Notes ')

// [OWN-2]
test('a token that is about to end is renewed behind the calls, and none of them fails', {
  timeout: 300_000,
}, async () => {
  const { upstream, refused } = await withEnoughTime(10, async (lifetime) => {
    const { call, renewals, upstream } = await bothConnected({ lifetime })
    while (renewals() < 2) {
      expect(await call('alice')).toEqual({ text: 'alice', problem: null })
      expect(await call('bob')).toEqual({ text: 'bob', problem: null })
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const refused = upstream.seen.filter(({ method, account }) => method === 'tools/call' && account === null)
    // On a machine that stands still for a fifth of that life, a token may end on its way.
    return refused.length > 0 && lifetime < 60 ? null : { upstream, refused }
  })
  // None of the calls was sent with a token that had ended.
  expect(refused).toEqual([])
  const used = await room.rows(`method=tools/call&phase=ended&server=${notes.id}`)
  expect(used.some(({ credential }) => credential?.endsWith(':renewed'))).toBe(true)
  expect(upstream.tokenRequests.every(({ resource }) => resource === upstream.url)).toBe(true)
})

// [OWN-2]
test('a token that the server refuses although it should be good, as clocks differ, is renewed once, and the call succeeds', async () => {
  const { call, renewals, upstream, lastCall } = await bothConnected()
  upstream.endAccess('alice')
  expect(await call('alice')).toEqual({ text: 'alice', problem: null })
  expect(renewals()).toBe(1)
  expect((await lastCall('alice'))?.credential).toMatch(/^oauth:user:[\w-]+:renewed$/)
  // It was renewed for that call, and not for the next.
  expect(await call('alice')).toEqual({ text: 'alice', problem: null })
  expect((await lastCall('alice'))?.credential).toMatch(/^oauth:user:[\w-]+:ready$/)
  await bobIsUntouched()
  expect(renewals()).toBe(1)
})

test('a server that refuses every token is not asked without end: the connection is given up, and the person told', async () => {
  const { id, call, connection, lastCall, renewals, upstream } = await bothConnected()
  upstream.faults.refused = ['alice']
  const said = await call('alice')
  const later = await call('alice')
  expect(later.problem ?? said.problem).toEqual(again(nameOf(id), id))
  expect(renewals()).toBeLessThanOrEqual(2)
  expect(await connection('alice')).toMatchObject({ status: 'needs_reauth', reason: 'refused' })
  expect(await lastCall('alice')).toMatchObject({ credential: expect.stringMatching(/^oauth:user:.*:needs_reauth$/) })
  await bobIsUntouched()
})

// [OWN-3]
test('a refresh token that was taken back ends the connection; its person reads where to connect again, and doing so mends it', async () => {
  const { id, call, connect, connection, lastCall, upstream } = await bothConnected()
  upstream.revoke('alice')
  expect(await call('alice')).toEqual({ text: null, problem: again(nameOf(id), id) })
  expect(await connection('alice')).toMatchObject({
    ...{ status: 'needs_reauth', reason: 'revoked', mend: `${room.portal.url}/connect/${id}` },
    problem: 'Its authorization server does not know it any more: it was taken back there.',
  })
  expect(await lastCall('alice')).toMatchObject({
    error: 'upstream-reconnect',
    credential: expect.stringMatching(/^oauth:user:[\w-]+:needs_reauth$/),
  })
  // Once it is known, nothing is asked again.
  const asked = upstream.tokenRequests.length
  expect((await call('alice')).problem).toEqual(again(nameOf(id), id))
  expect(upstream.tokenRequests).toHaveLength(asked)
  await bobIsUntouched()
  await connect('alice')
  expect(await call('alice')).toEqual({ text: 'alice', problem: null })
})

test('while the authorization server is down, good tokens are used; what has to be renewed waits, is told so, and mends by itself', async () => {
  const { call, connection, upstream } = await bothConnected()
  upstream.faults.down = true
  expect(await call('alice')).toEqual({ text: 'alice', problem: null })
  upstream.endAccess('alice')
  const said = await call('alice')
  expect(said.text).toBeNull()
  expect(said.problem).not.toContain('Connect it again')
  expect((await connection('alice'))?.status).not.toBe('needs_reauth')
  await bobIsUntouched()
  upstream.faults.down = false
  await expect.poll(async () => (await call('alice')).text, { interval: 200 }).toBe('alice')
  expect(await connection('alice')).toMatchObject({ status: 'ready', reason: null })
})

// [OWN-4]
test('a server that names another authorization server gets nothing of the old one: its people are asked to look, and connect anew', async () => {
  const { id, call, connect, connection, upstream } = await bothConnected()
  const old = upstream.issuer
  const asked = upstream.tokenRequests.length
  await upstream.move()
  expect((await call('alice')).problem).toEqual(again(nameOf(id), id))
  expect(upstream.tokenRequests).toHaveLength(asked)
  expect(upstream.clients()).toBe(0)
  expect(await connection('alice')).toMatchObject({ status: 'needs_reauth', reason: 'moved', issuer: old })
  await connect('alice')
  expect(await call('alice')).toEqual({ text: 'alice', problem: null })
  expect(await connection('alice')).toMatchObject({ status: 'ready', issuer: upstream.issuer })
  expect(upstream.clients()).toBe(1)
  // Bob's is what it was, and not alice's.
  expect((await call('bob')).problem).toEqual(again(nameOf(id), id))
  expect(await connection('bob')).toMatchObject({ issuer: old })
})

test('tokens that died with the keys of their authorization server are renewed, and nobody is asked', async () => {
  const { call, renewals, upstream } = await bothConnected({ format: 'jwt' })
  upstream.rotateKeys()
  expect(await call('alice')).toEqual({ text: 'alice', problem: null })
  await bobIsUntouched()
  expect(renewals()).toBe(2)
})

test('where the authorization server has forgotten the portal, the next person who connects meets a client that it knows', async () => {
  const { id, call, connect, connection, upstream } = await bothConnected()
  upstream.forgetClients()
  expect((await call('alice')).problem).toEqual(again(nameOf(id), id))
  expect(await connection('alice')).toMatchObject({ status: 'needs_reauth', reason: 'client-gone' })
  expect(await connection('bob')).toMatchObject({ status: 'ready' })
  await connect('alice')
  expect(await call('alice')).toEqual({ text: 'alice', problem: null })
  expect(upstream.clients()).toBe(1)
})

// [OWN-2]
test('calls that meet a slow renewal share it, and it holds up nobody else', async () => {
  const { call, renewals, upstream } = await bothConnected()
  upstream.endAccess('alice')
  const release = upstream.holdTokens()
  const calls = Promise.all(Array.from({ length: 8 }, () => call('alice')))
  await upstream.heldTokens(1)
  await bobIsUntouched()
  release()
  for (const said of await calls) expect(said).toEqual({ text: 'alice', problem: null })
  expect(renewals()).toBe(1)
})
