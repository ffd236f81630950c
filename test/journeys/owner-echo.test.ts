/**
 * Whose credential a call carries, over a hundred thousand calls of many people at once, while tokens end, are refused, are taken back, are
 * replaced and disconnected in between. The server says whose token it saw, and so does what comes back.
 */
import { expect, test } from 'vitest'
import { Fault } from '../../src/base/fault.ts'
import type { ServerUid, UserId } from '../../src/base/ids.ts'
import { deleteConnections, ownerOfUser, saveConnection } from '../../src/upstream/connections/connection-store.ts'
import { lifeOf } from '../../src/upstream/connections/life.ts'
import { ConnectionNeeded } from '../../src/upstream/connections/model.ts'
import { chanceOf } from '../fuzz/chance.ts'
import { type OwnerEcho, startOwnerEcho } from '../support/owner-echo.ts'
import { openRoom, type Room, textOf } from '../upstream-room.ts'

const CALLS = 100_000
const AT_ONCE = 64
const PEOPLE = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi']
/** Access tokens end many times in a run. */
const SECONDS = 4
/** Something happens to somebody's credential once in so many calls. */
const EVENT_EVERY = 500

async function connect({ store, sealer }: Room, server: ServerUid, echo: OwnerEcho, who: string): Promise<void> {
  const given = echo.give(who)
  await store.write((trx) =>
    saveConnection(store, trx, sealer, {
      ...{ serverUid: server, owner: ownerOfUser(who as UserId), createdBy: who, kind: 'oauth', account: who },
      ...{ issuer: echo.issuer, resource: echo.url, clientId: echo.clientId, scope: null },
      ...lifeOf(store.clock.now(), SECONDS, true),
      tokens: { access: given.access, type: 'Bearer', refresh: given.refresh },
    }),
  )
}

async function addPeople({ store }: Room): Promise<void> {
  await store.write(async (trx) => {
    for (const id of PEOPLE) {
      await trx
        .insertInto('users')
        .values({ id, email: `${id}@example.com`, created_at: store.clock.now(), last_seen_at: null })
        .execute()
    }
  })
}

/** Things that happen to one person's credential. */
const EVENTS = ['ended', 'ended', 'ended', 'replaced', 'revoked', 'disconnected'] as const

// [OWN-1]
test(`in ${CALLS} calls of ${PEOPLE.length} people, no answer is of another's account`, {
  timeout: 600_000,
}, async () => {
  const seed = Date.now()
  const chance = chanceOf(seed)
  const echo = await startOwnerEcho(SECONDS)
  const room = await openRoom()
  const happened: Record<string, number> = {}
  const wrong: string[] = []
  const faults = new Map<string, number>()
  const reconnecting = new Map<string, Promise<void>>()
  let [answered, asked, needed] = [0, 0, 0]

  async function happen(server: ServerUid): Promise<void> {
    const [event, who] = [chance.pick(EVENTS), chance.pick(PEOPLE)]
    happened[event] = (happened[event] ?? 0) + 1
    if (event === 'ended') echo.endAccess(who)
    if (event === 'replaced') await connect(room, server, echo, who)
    if (event === 'revoked') echo.revoke(who)
    if (event === 'disconnected') {
      const { store, sealer } = room
      await store.write((trx) => deleteConnections(store, trx, sealer, { owner: ownerOfUser(who as UserId) }))
    }
  }

  /** The person does what the question asks for, once for all of their calls that wait. */
  function reconnect(server: ServerUid, who: string): Promise<void> {
    const running = reconnecting.get(who)
    if (running !== undefined) return running
    const begun = connect(room, server, echo, who).finally(() => reconnecting.delete(who))
    reconnecting.set(who, begun)
    return begun
  }

  async function call(server: ServerUid): Promise<void> {
    const who = chance.pick(PEOPLE)
    try {
      const said = textOf(await room.tool(server, 'whoami', { who }, { who, onBehalf: true }))
      if (said === who) answered++
      else wrong.push(`${who} was answered ${said}`)
    } catch (error) {
      if (error instanceof ConnectionNeeded) {
        needed++
        await reconnect(server, who)
      } else if (error instanceof Fault) faults.set(error.message, (faults.get(error.message) ?? 0) + 1)
      else throw error
    }
  }

  try {
    await addPeople(room)
    const server = await room.add('echo', { url: echo.url, authType: 'oauth' })
    for (const who of PEOPLE) await connect(room, server, echo, who)
    const worker = async () => {
      while (answered < CALLS && asked < CALLS * 1.2 && wrong.length === 0) {
        asked++
        if (asked % EVENT_EVERY === 0) await happen(server)
        await call(server)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    const story = JSON.stringify({ seed, asked, answered, needed, happened, faults: [...faults], echo: { ...echo } })
    expect(wrong, story).toEqual([])
    expect(echo.mixed, story).toEqual([])
    expect(answered, story).toBeGreaterThanOrEqual(CALLS)
    // It would prove nothing where nothing had happened.
    expect(Object.keys(happened).sort(), story).toEqual([...new Set(EVENTS)].sort())
    expect(echo.renewals, story).toBeGreaterThan(PEOPLE.length)
    expect(echo.refusedCalls, story).toBeGreaterThan(0)
    expect(needed, story).toBeGreaterThan(0)
    // A refresh token that is shown twice looks stolen.
    expect(echo.shownTwice, story).toBe(0)
  } finally {
    await room.close()
    await echo.close()
  }
})
