/** What is kept of connections, when the keys that seal it change or are lost, and when somebody who can write the database moves it about. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Notes, openPeopleRoom, type PeopleRoom } from '../support/oauth-upstream/room.ts'

let room: PeopleRoom
let notes: Notes

beforeAll(async () => {
  room = await openPeopleRoom()
  notes = await room.addNotes()
  for (const name of ['alice', 'bob', 'carol'] as const) await notes.connect(name)
})
afterAll(() => room?.close())

/** Changes rows behind the portal's back, as somebody with the database's password would, and lets it look. */
async function tamper(change: (sealed: Map<string, string | null>) => Map<string, string | null>): Promise<void> {
  const { store } = room
  await store.write(async (trx) => {
    const rows = await trx.selectFrom('connections').select(['id', 'account', 'tokens_sealed']).execute()
    const ids = new Map(rows.map(({ id, account }) => [String(account).split('@')[0], id]))
    const sealed = new Map(
      rows.map(({ account, tokens_sealed }) => [String(account).split('@')[0] ?? '', tokens_sealed]),
    )
    for (const [name, tokens_sealed] of change(sealed)) {
      // Another version, so that whoever has the row in memory reads it anew.
      await trx
        .updateTable('connections')
        .set((eb) => ({ tokens_sealed, version: eb('version', '+', 1) }))
        .where('id', '=', ids.get(name) ?? '')
        .execute()
    }
    await store.versions.bump(trx, 'connections')
  })
}

/** Calls until the portal has seen the change. */
async function endOf(name: 'alice' | 'bob'): Promise<string> {
  const deadline = Date.now() + 60_000
  for (;;) {
    const { text, problem } = await notes.call(name)
    if (text !== null) expect(text).toBe(name)
    if (problem !== null) return problem
    if (Date.now() > deadline) throw new Error('the portal does not see the change')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

// [OWN-1] [OWN-7]
test('rows that were swapped in the database open for nobody: no call carries the other one’s token', async () => {
  for (const name of ['alice', 'bob', 'carol'] as const)
    expect(await notes.call(name)).toEqual({ text: name, problem: null })
  await tamper(
    (sealed) =>
      new Map([
        ['alice', sealed.get('bob') ?? null],
        ['bob', sealed.get('alice') ?? null],
      ]),
  )
  for (const name of ['alice', 'bob'] as const) {
    expect(await endOf(name)).toContain('Connect it again.')
    expect(await notes.connection(name)).toMatchObject({ status: 'needs_reauth', reason: 'unsealed' })
  }
  expect(await notes.call('carol')).toEqual({ text: 'carol', problem: null })
  await notes.connect('alice')
  expect(await notes.call('alice')).toEqual({ text: 'alice', problem: null })
})

// [OWN-7]
test('a seal that no key at hand opens ends that connection alone, and says why', async () => {
  await notes.connect('alice')
  expect(await notes.call('alice')).toEqual({ text: 'alice', problem: null })
  await tamper((sealed) => new Map([['alice', `${sealed.get('alice')?.slice(0, -6)}AAAAAA`]]))
  expect(await endOf('alice')).toContain('Connect it again.')
  expect(await notes.connection('alice')).toMatchObject({
    ...{ status: 'needs_reauth', reason: 'unsealed' },
    problem: 'What is stored of it does not open with the encryption keys at hand.',
  })
  expect(await notes.call('carol')).toEqual({ text: 'carol', problem: null })
})
