/** Which servers are synced by themselves, and that a few that hang hold up none of the others. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openRoom, type Room } from '../../test/upstream-room.ts'
import type { ServerUid } from '../base/ids.ts'
import { silentLog } from '../base/log.ts'
import type { SyncResult } from './model.ts'
import { type Due, Schedule } from './schedule.ts'

const DONE: SyncResult = {
  status: 'ready',
  error: null,
  errorDetails: null,
  counts: { tool: 0, prompt: 0, resource: 0, template: 0 },
}

let room: Room
beforeEach(async () => {
  room = await openRoom()
})
afterEach(() => room.close())

/** @param hang how many of the servers never answer a sync */
function scheduleOf(due: readonly Due[], hang: number) {
  const letGo = Promise.withResolvers<SyncResult>()
  const synced: ServerUid[] = []
  const seen = { atOnce: 0, most: 0 }
  const schedule = new Schedule({
    store: room.store,
    log: silentLog,
    servers: () => due,
    sync: async (server) => {
      seen.most = Math.max(seen.most, ++seen.atOnce)
      if (due.findIndex(({ uid }) => uid === server) < hang) await letGo.promise
      synced.push(server)
      seen.atOnce--
      return DONE
    },
  })
  const close = async () => {
    letGo.resolve(DONE)
    await schedule.close()
  }
  return { schedule, synced, seen, close }
}

const never = (count: number): Due[] =>
  Array.from({ length: count }, (_, i) => ({ uid: `server-${i}` as ServerUid, isReady: false, lastSynced: null }))

test('after a start, every server is synced, eight at once, and seven that hang hold up none of the others', async () => {
  const due = never(40)
  const { schedule, synced, seen, close } = scheduleOf(due, 7)
  schedule.start()
  while (synced.length < 33) await new Promise((resolve) => setTimeout(resolve, 5))
  expect(new Set(synced)).toEqual(new Set(due.slice(7).map(({ uid }) => uid)))
  expect(seen.most).toBe(8)
  // Looking again while they hang neither asks them twice nor more at once.
  schedule.look()
  await new Promise((resolve) => setImmediate(resolve))
  expect(seen.most).toBe(8)
  await close()
})

test('only what is due is synced', async () => {
  const now = room.store.clock.now()
  const minute = 60_000
  const due: Due[] = [
    { uid: 'fresh' as ServerUid, isReady: true, lastSynced: now - 60 * minute },
    { uid: 'old' as ServerUid, isReady: true, lastSynced: now - 150 * minute },
    { uid: 'failed' as ServerUid, isReady: false, lastSynced: now - minute },
    { uid: 'failed-long-ago' as ServerUid, isReady: false, lastSynced: now - 10 * minute },
  ]
  const { schedule, synced, close } = scheduleOf(due, 0)
  schedule.look()
  await close()
  expect(synced.sort()).toEqual(['failed-long-ago', 'old'])
})

test('a server whose sync takes long causes the next one later, and holds up no other', async () => {
  let elapsed = 0
  const clock = { now: () => room.store.clock.now(), elapsed: () => elapsed }
  const [slow, quick] = ['slow' as ServerUid, 'quick' as ServerUid]
  const synced: ServerUid[] = []
  let onSynced = () => {}
  const sync = async (server: ServerUid) => {
    if (server === slow) elapsed += 10_000
    synced.push(server)
    onSynced()
    return DONE
  }
  const store = Object.create(room.store, { clock: { value: clock } })
  const schedule = new Schedule({ store, log: silentLog, servers: () => [], sync })
  const until = (count: number) =>
    new Promise<void>((resolve) => {
      onSynced = () => void (synced.length === count && setImmediate(resolve))
    })
  const first = until(2)
  schedule.listsChanged(slow)
  schedule.listsChanged(quick)
  await first
  const second = until(3)
  schedule.listsChanged(slow)
  schedule.listsChanged(quick)
  await second
  expect(synced).toEqual([slow, quick, quick])
  elapsed += 60_000
  await schedule.run(slow)
  expect(synced.at(-1)).toBe(slow)
  await schedule.close()
})
