import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type AdminRoom,
  openAdminRoom,
  PORTALS,
  portalBody,
  recordCall,
  SERVERS,
  serverBody,
} from '../../test/admin-room.ts'
import { DATABASE_KINDS } from '../../test/databases.ts'
import type { DeedEnd, DeedStart } from '../audit/event.ts'
import type { CallSeriesShown } from '../contract/analytics.ts'

const ANALYTICS = '/access/ai-controls/mcp/analytics'
const ALL = `${ANALYTICS}/tool-calls/timeseries`
const MINUTE = 60_000
const DAY = 86_400_000

describe.each(DATABASE_KINDS)('counts of tool calls by day on %s', (kind) => {
  let room: AdminRoom

  beforeAll(async () => {
    room = await openAdminRoom(kind)
    await room.ask('POST', SERVERS, { body: serverBody('files') })
    await room.ask('POST', PORTALS, { body: portalBody('main') })
  })
  afterAll(() => room?.end())

  const call = (start: Partial<DeedStart> = {}, end: Partial<DeedEnd> = {}) =>
    recordCall(room, { portal: 'main', ...start }, end)

  async function series(path: string): Promise<CallSeriesShown> {
    const { status, body } = await room.ask('GET', path)
    expect(status, JSON.stringify(body.errors)).toBe(200)
    return body.result as unknown as CallSeriesShown
  }

  /** Moves the clock on to some milliseconds behind the next midnight of an offset. */
  function moveTo(offsetMinutes: number, behind: number): void {
    const local = room.clock.now() + offsetMinutes * MINUTE
    room.clock.move(Math.ceil(local / DAY) * DAY + DAY + behind - local)
  }

  test('the last seven days are answered where nothing is said, each with its day and those without calls as 0', async () => {
    const before = await series(ALL)
    await call({}, { server: 'files' })
    await call({}, { outcome: 'refused', error: 'denied' })
    const found = await series(ALL)
    expect(found).toMatchObject({ granularity: 'daily', aggregate: 'sum', tz: 'utc', total: before.total + 2 })
    expect(found.series).toHaveLength(7)
    expect(found.series.at(-1)).toEqual({ day: new Date(room.clock.now()).toISOString().slice(0, 10), count: 2 })
    expect(found.series.slice(0, -1).every(({ count }) => count === 0)).toBe(true)
    expect(found.end - found.start).toBe(7 * DAY)
    expect(found.start % DAY).toBe(0)
  })

  test('one server and one portal are counted for themselves; of what is not there is no count', async () => {
    const at = (path: string) => series(`${ANALYTICS}/${path}/tool-calls/timeseries?days=1`)
    const [server, portal] = [await at('servers/files'), await at('portals/main')]
    await call({}, { server: 'files' })
    await call({ portal: 'gone' }, { server: 'files' })
    expect((await at('servers/files')).total).toBe(server.total + 2)
    expect((await at('portals/main')).total).toBe(portal.total + 1)
    for (const path of ['servers/gone', 'portals/gone'])
      expect((await room.ask('GET', `${ANALYTICS}/${path}/tool-calls/timeseries`)).status).toBe(404)
  })

  test.each([
    ['+05:30', 330],
    ['+05:45', 345],
    ['-12:00', -720],
    ['+14:00', 840],
    ['-03:30', -210],
    ['Z', 0],
  ])('a day of %s ends where it ends there', async (tz, offset) => {
    moveTo(offset, -5 * MINUTE)
    await call()
    room.clock.move(5 * MINUTE)
    await call()
    await call()
    const found = await series(`${ALL}?days=2&tz=${encodeURIComponent(tz)}`)
    expect(found.series.map(({ count }) => count)).toEqual([1, 2])
    expect((found.start + offset * MINUTE) % DAY).toBe(0)
    expect(found.tz).toBe(tz)
    const today = new Date(room.clock.now() + offset * MINUTE).toISOString().slice(0, 10)
    expect(found.series.at(-1)?.day).toBe(today)
  })

  test('a plus that was not encoded is the plus that was meant', async () => {
    expect((await series(`${ALL}?tz=+05:30`)).tz).toBe('+05:30')
  })

  test('months are the last twelve, whatever days are given, and each is named by its first day', async () => {
    const before = await series(`${ALL}?granularity=monthly&days=3`)
    await call()
    const { series: months, start, end, total } = await series(`${ALL}?granularity=monthly&days=3`)
    expect(months).toHaveLength(12)
    expect(months.every(({ day }) => day.endsWith('-01'))).toBe(true)
    expect(total).toBe(before.total + 1)
    const now = new Date(room.clock.now())
    expect(end).toBe(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1))
    expect(start).toBe(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 11, 1))
  })

  test.each([
    'tz=%2B14:15',
    'tz=-12:15',
    'tz=%2B05:07',
    'tz=Europe/Berlin',
    'tz=%2B5:30',
    'tz=',
    'days=0',
    'days=180',
    'days=1.5',
    'granularity=hourly',
    'aggregate=median',
  ])('%s is not taken', async (query) => {
    expect((await room.ask('GET', `${ALL}?${query}`)).status).toBe(400)
  })

  test('who may not read the logs may not count them', async () => {
    const token = await room.token('admin', { scopes: ['servers:read', 'portals:read'] })
    expect((await room.ask('GET', ALL, { token })).status).toBe(403)
    const auditor = await room.token('auditor')
    expect((await room.ask('GET', ALL, { token: auditor })).status).toBe(200)
  })
})
