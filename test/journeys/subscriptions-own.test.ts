/** Two people with an account of their own each at one server: what changes in the one’s account the other one never hears of. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Notes, openPeopleRoom, type PeopleRoom } from '../support/oauth-upstream/room.ts'
import { type Listener, listen2026, type Session2025, session2025 } from '../watching.ts'

const MINE = 'note://mine'

let room: PeopleRoom
const servers = new Map<string, Notes>()
const open: (Listener | Session2025)[] = []

beforeAll(async () => {
  room = await openPeopleRoom()
  servers.set('2025', await room.addNotes({ era: '2025' }))
  servers.set('both', await room.addNotes())
  for (const notes of servers.values()) for (const name of ['alice', 'bob'] as const) await notes.connect(name)
})
afterEach(() => {
  for (const { stream } of open.splice(0)) stream.close()
})
afterAll(() => room?.close())

const opened = <T extends Listener | Session2025>(one: T): T => {
  open.push(one)
  return one
}

describe.each(['2025', 'both'])('at a server of %s', (era) => {
  const notes = () => servers.get(era) as Notes
  const at = () => `${room.portal.url}/p/default/s/${notes().id}/mcp`
  const listen = async (name: 'alice' | 'bob') => opened(await listen2026(at(), room.token(name), [MINE]))
  const session = async (name: 'alice' | 'bob') => {
    const one = opened(await session2025(at(), room.token(name)))
    await one.ask('resources/subscribe', { uri: MINE })
    return one
  }

  // [SUB-3]
  test('each hears of their own note, in either era, and never of the other’s', async () => {
    const alice = [await listen('alice'), await session('alice')]
    const bob = [await listen('bob'), await session('bob')]
    for (const times of [1, 2, 3]) {
      notes().upstream.changeNote('alice')
      await Promise.all(alice.map((one) => one.untilTold(times)))
    }
    expect(bob.map(({ told }) => told())).toEqual([[], []])
    notes().upstream.changeNote('bob')
    await Promise.all(bob.map((one) => one.untilTold(1)))
    expect(bob.map(({ told }) => told())).toEqual([[MINE], [MINE]])
    expect(alice.map(({ told }) => told().length)).toEqual([3, 3])
  })

  // [SUB-3]
  test('who has no account there is promised nothing, and hears nothing', async () => {
    const carol = opened(await listen2026(at(), room.token('carol'), [MINE, 'note://of/carol']))
    const alice = await listen('alice')
    notes().upstream.changeNote('alice')
    await alice.untilTold(1)
    expect([carol.acknowledged(), carol.told()]).toEqual([[], []])
  })

  // [SUB-3]
  test('an account that is taken away is not listened with any more', async () => {
    const [alice, bob] = [await session('alice'), await session('bob')]
    await notes().disconnect('bob')
    notes().upstream.changeNote('bob')
    notes().upstream.changeNote('alice')
    await alice.untilTold(1)
    expect(bob.told()).toEqual([])
    // The same person comes back, and goes on where they were.
    await notes().connect('bob')
    await expect
      .poll(
        () => {
          notes().upstream.changeNote('bob')
          return bob.told().length > 0
        },
        { timeout: 20_000, interval: 100 },
      )
      .toBe(true)
    expect(new Set(alice.told())).toEqual(new Set([MINE]))
  })
})
