import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS } from '../../../test/databases.ts'
import {
  isSigned,
  noticeOf,
  openWebhookRoom,
  publicEgress,
  type Receiver,
  startReceiver,
  type WebhookRoom,
} from '../../../test/webhook-room.ts'
import { silentLog } from '../../base/log.ts'
import { keyRing, openSealer } from '../../base/secret.ts'
import { openDump } from '../../store/dump.ts'
import { reseal } from '../../store/reseal.ts'
import { MOST_WAITING, TAKEN_MS } from './delivery-store.ts'
import { BACK_OFF_MS } from './notices.ts'
import { ROTATION_MS, rotateWebhookSecret, updateWebhook } from './webhook-store.ts'

const DAY = 24 * 3_600_000
const author = { label: 'ada', origin: 'api' as const }

describe.each(DATABASE_KINDS)('on %s', (kind) => {
  let room: WebhookRoom
  let receivers: Receiver[]
  beforeEach(async () => {
    room = await openWebhookRoom(kind)
    receivers = []
  })
  afterEach(async () => {
    await room.end()
    for (const receiver of receivers) await receiver.close()
  })

  async function receiver(...given: Parameters<typeof startReceiver>): Promise<Receiver> {
    const made = await startReceiver(...given)
    receivers.push(made)
    return made
  }
  const addTo = (at: Receiver, more: object = {}) => room.add({ url: at.url, allowPrivate: [at.place], ...more })

  // [NOTICE-1]
  test('what happened to a credential is logged, audited, and delivered with a signature that the receiver can compute', async () => {
    const at = await receiver()
    const { secret } = await addTo(at)
    const notices = room.open()
    await notices.tell(noticeOf())
    await notices.send()
    expect(at.received).toHaveLength(1)
    const [got] = at.received
    if (got === undefined) throw new Error('nothing came')
    expect(isSigned(got, secret)).toBe(true)
    expect(isSigned({ ...got, body: got.body.replace('ledger', 'other') }, secret)).toBe(false)
    expect(JSON.parse(got.body)).toEqual({
      id: got.headers['webhook-id'],
      type: 'connection.expiring',
      created_at: '2026-11-21T10:00:00.000Z',
      data: {
        server: { id: 'ledger', name: 'Ledger' },
        connection: { id: 'c1', owner: 'admin' },
        ...{ reason: 'expired', expires_at: '2026-12-01T00:00:00.000Z' },
      },
    })
    expect(got.headers).toMatchObject({ 'content-type': 'application/json', 'user-agent': 'Portico-Webhooks' })
    expect(Math.abs(Number(got.headers['webhook-timestamp']) * 1000 - room.clock.now())).toBeLessThan(60_000)
    expect(await room.deliveries()).toMatchObject([{ tries: 1, next_at: null, last_status: 204, last_error: null }])
    expect(await room.deeds()).toMatchObject([
      {
        ...{ method: 'connection.expiring', server: 'ledger', outcome: 'answered' },
        actor: { kind: 'system', id: 'connections', label: 'Portico' },
        change: { object: 'connection', id: 'c1', fields: ['expired'] },
      },
    ])
    expect(room.logged()).toContain('"event":"connection.expiring"')
    expect(notices.figures()).toEqual({
      deliveries: { delivered: 1, failed: 0, given_up: 0, crowded: 0 },
      waiting: 0,
    })
  })

  test('a webhook is told of the events that it wants, and none that is switched off is told', async () => {
    const [all, some, off] = [await receiver(), await receiver(), await receiver()]
    await addTo(all)
    await addTo(some, { events: ['connection.ready'] })
    await addTo(off, { enabled: false })
    const notices = room.open()
    await notices.tell(noticeOf())
    await notices.tell(noticeOf({ type: 'connection.ready', reason: null }))
    await notices.send()
    expect([all, some, off].map(({ received }) => received.length)).toEqual([2, 1, 0])
    expect(some.received.map(({ body }) => JSON.parse(body).type)).toEqual(['connection.ready'])
  })

  // [NOTICE-2]
  test('what a receiver answers with 500 comes again, later each time, under the same id and with a new time, until it is given up', async () => {
    const at = await receiver(500)
    const { secret } = await addTo(at)
    const notices = room.open()
    await notices.tell(noticeOf())
    await notices.send()
    for (const [done, pause] of BACK_OFF_MS.entries()) {
      expect(at.received).toHaveLength(done + 1)
      room.clock.move(pause * 0.85)
      await notices.send()
      expect(at.received).toHaveLength(done + 1)
      room.clock.move(pause * 0.3)
      await notices.send()
    }
    expect(at.received).toHaveLength(10)
    room.clock.move(DAY)
    await notices.send()
    expect(at.received).toHaveLength(10)
    expect(new Set(at.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    expect(new Set(at.received.map(({ headers }) => headers['webhook-timestamp'])).size).toBe(10)
    expect(at.received.every((one) => isSigned(one, secret))).toBe(true)
    expect(await room.deliveries()).toMatchObject([
      { tries: 10, next_at: null, delivered_at: null, last_status: 500, last_error: 'status' },
    ])
    expect(notices.figures().deliveries).toEqual({ delivered: 0, failed: 9, given_up: 1, crowded: 0 })
    expect(room.logged()).toContain('a webhook delivery was given up')
  })

  test.each([
    ['429 and seconds', 429, '3600', 3_600_000],
    ['503 and a date', 503, 'Sat, 01 Jan 2050 00:00:00 GMT', DAY],
    ['429 and what cannot be read', 429, 'later', 5500],
  ])('a receiver that answers with %s is left alone for as long, up to a day', async (_, status, rest, pause) => {
    const at = await receiver((response) => response.writeHead(status, { 'retry-after': rest }).end())
    await addTo(at)
    const notices = room.open()
    await notices.tell(noticeOf())
    await notices.send()
    const [row] = await room.deliveries()
    const wait = Number(row?.next_at) - room.clock.now()
    expect(wait).toBeLessThanOrEqual(pause)
    expect(wait).toBeGreaterThan(pause * 0.5)
  })

  test('with another encryption key, deliveries are signed with the same secret', async () => {
    const at = await receiver()
    const { secret } = await addTo(at)
    const ring = keyRing([Buffer.alloc(32, 8), Buffer.alloc(32, 9)])
    expect(await reseal(room.store.db, openSealer(ring, 'store'), String(ring.keys[0]?.kid))).toBe(1)
    const notices = room.open({ sealer: openSealer(keyRing([Buffer.alloc(32, 8)]), 'store') })
    await notices.tell(noticeOf())
    await notices.send()
    expect(at.received.map((one) => isSigned(one, secret))).toEqual([true])
  })

  // [NOTICE-2]
  test('what a dead receiver missed comes after a restart of the portal, once', async () => {
    const gone = await startReceiver()
    await gone.close()
    await addTo(gone)
    const before = room.open()
    await before.tell(noticeOf())
    await before.send()
    await before.close()
    expect(await room.deliveries()).toMatchObject([{ tries: 1, last_error: 'unreachable', delivered_at: null }])
    const at = await receiver(204, gone.port)
    room.clock.move(6000)
    const after = room.open()
    await after.send()
    await after.send()
    expect(at.received).toHaveLength(1)
    expect(await room.deliveries()).toMatchObject([{ tries: 2, next_at: null, last_status: 204 }])
  })

  test('a portal that stops breaks off what is under way, and the next start sends it at once', async () => {
    let isOpen = false
    const at = await receiver((response) => void (isOpen && response.writeHead(204).end()))
    await addTo(at)
    const before = room.open()
    await before.tell(noticeOf())
    await at.until(1)
    await before.close()
    isOpen = true
    const after = room.open()
    await after.send()
    expect(at.received).toHaveLength(2)
    expect(await room.deliveries()).toMatchObject([{ next_at: null, last_status: 204 }])
  })

  test('what a killed replica had taken is sent by another when its time is over, and not before', async () => {
    const at = await receiver()
    await addTo(at)
    const notices = room.open()
    await notices.tell(noticeOf())
    await notices.send()
    // As a replica leaves it that died between taking and sending.
    const taken = { next_at: room.clock.now() + TAKEN_MS, delivered_at: null, last_status: null }
    await room.store.db.updateTable('webhook_deliveries').set(taken).execute()
    await notices.send()
    expect(at.received).toHaveLength(1)
    room.clock.move(TAKEN_MS + 1)
    await notices.send()
    expect(at.received).toHaveLength(2)
  })

  // [NOTICE-3]
  test('a receiver that says 410 is switched off, with what waits for it, and the audit says so', async () => {
    const at = await receiver(410)
    const { id } = await addTo(at)
    const notices = room.open()
    await notices.tell(noticeOf())
    await notices.send()
    await notices.tell(noticeOf())
    room.clock.move(DAY)
    await notices.send()
    expect(at.received).toHaveLength(1)
    expect(await room.store.db.selectFrom('webhooks').select('enabled').execute()).toEqual([{ enabled: 0 }])
    expect(await room.deliveries()).toMatchObject([{ next_at: null, last_status: 410, last_error: 'gone' }])
    const deeds = await room.deeds()
    expect(deeds.find(({ method }) => method === 'switch off webhook')).toMatchObject({
      actor: { kind: 'system', id: 'webhooks' },
      change: { object: 'webhook', id, fields: ['enabled'] },
    })
  })

  // [NOTICE-4]
  test('a receiver that does not answer delays nobody else’s deliveries', async () => {
    const [slow, quick] = [await receiver(() => {}), await receiver()]
    await addTo(slow)
    await addTo(quick)
    const notices = room.open()
    for (let i = 0; i < 6; i++) await notices.tell(noticeOf())
    await quick.until(6)
    expect(slow.received.length).toBeLessThanOrEqual(4)
    const waiting = (await room.deliveries()).filter(({ next_at }) => next_at !== null)
    expect(waiting.length).toBeGreaterThanOrEqual(6)
  })

  test('while a secret is replaced, both sign for a day, and then the new one alone', async () => {
    const at = await receiver()
    const { id, secret } = await addTo(at)
    const { store, sealer } = room
    const fresh = await store.write((trx) => rotateWebhookSecret({ store, trx, sealer, author }, id))
    if (fresh === undefined) throw new Error('no webhook')
    const notices = room.open()
    const signers = async () => {
      await notices.tell(noticeOf())
      await notices.send()
      const last = at.received.at(-1)
      return [secret, fresh].map((one) => last !== undefined && isSigned(last, one))
    }
    expect(await signers()).toEqual([true, true])
    expect(at.received.at(-1)?.headers['webhook-signature']).toMatch(/^v1,\S{44} v1,\S{44}$/)
    room.clock.move(ROTATION_MS)
    expect(await signers()).toEqual([false, true])
  })

  test('a secret that was put back from an older copy of its row signs nothing', async () => {
    const at = await receiver()
    const { id } = await addTo(at)
    const { store, sealer } = room
    const old = await store.db.selectFrom('webhooks').select('secret_sealed').executeTakeFirstOrThrow()
    await store.write((trx) => rotateWebhookSecret({ store, trx, sealer, author }, id))
    await store.db.updateTable('webhooks').set(old).execute()
    const notices = room.open()
    await notices.tell(noticeOf())
    await notices.send()
    expect(at.received).toHaveLength(0)
    expect(await room.deliveries()).toMatchObject([{ last_error: 'unsealed' }])
  })

  test('more than a thousand that wait for one webhook drive out the oldest, and nobody else’s', async () => {
    const [one, other] = [await room.add({ url: 'https://a.test/' }), await room.add({ url: 'https://b.test/' })]
    const row = {
      ...{ event: 'connection.ready', payload: '{}', tries: 1, next_at: room.clock.now() + DAY },
      ...{ last_status: null, last_error: null, delivered_at: null },
    }
    const waits = (webhook_id: string, i: number) => ({ ...row, id: `${webhook_id}-${i}`, webhook_id, created_at: i })
    const many = Array.from({ length: MOST_WAITING }, (_, i) => waits(one.id, i))
    for (let i = 0; i < many.length; i += 250)
      await room.store.db
        .insertInto('webhook_deliveries')
        .values(many.slice(i, i + 250))
        .execute()
    await room.store.db.insertInto('webhook_deliveries').values(waits(other.id, 0)).execute()
    const notices = room.open({ egress: publicEgress({ resolve: async () => [] }) })
    await notices.tell(noticeOf())
    await notices.send()
    const rows = await room.deliveries()
    const lost = rows.filter(({ last_error }) => last_error === 'crowded')
    expect(lost.map(({ id }) => id)).toEqual([`${one.id}-0`])
    expect(notices.figures()).toMatchObject({ deliveries: { crowded: 1 } })
    expect(rows.filter(({ webhook_id, next_at }) => webhook_id === other.id && next_at !== null)).toHaveLength(2)
  })

  test('deliveries are kept for 30 days', async () => {
    const at = await receiver()
    await addTo(at)
    const notices = room.open()
    await notices.tell(noticeOf())
    await notices.send()
    room.clock.move(30 * DAY - 60_000)
    expect(await notices.forget()).toBe(0)
    room.clock.move(120_000)
    expect(await notices.forget()).toBe(1)
    expect(await room.deliveries()).toEqual([])
  })

  test('what still waits for a webhook that is off is given up and not sent', async () => {
    const at = await receiver()
    const { id } = await addTo(at)
    const { store } = room
    const gone = await startReceiver()
    await gone.close()
    const content = { name: 'Hook', events: [], allowPrivate: [at.place] }
    await store.write((trx) => updateWebhook({ store, trx, author }, id, { ...content, url: gone.url, enabled: true }))
    const notices = room.open()
    await notices.tell(noticeOf())
    await notices.send()
    await store.write((trx) => updateWebhook({ store, trx, author }, id, { ...content, url: at.url, enabled: false }))
    room.clock.move(DAY)
    await notices.send()
    expect(at.received).toEqual([])
    expect(await room.deliveries()).toMatchObject([{ next_at: null, last_error: 'switched-off' }])
  })

  // [NOTICE-5]
  test('the secret stands in no log, no audit row, no delivery and no dump', async () => {
    const at = await receiver(500)
    const { id, secret } = await addTo(at)
    const { store, sealer } = room
    const fresh = await store.write((trx) => rotateWebhookSecret({ store, trx, sealer, author }, id))
    const notices = room.open()
    await notices.tell(noticeOf())
    await notices.send()
    const dump = await openDump(room.at.dir, room.at.databaseUrl, silentLog)
    const rows: unknown[] = []
    for await (const row of dump.rows(() => {})) rows.push(row)
    await dump.close()
    const told = JSON.stringify([room.logged(), await room.deeds(), await room.deliveries(), at.received, rows])
    expect(told).toContain(id)
    for (const one of [secret, String(fresh)]) {
      expect(one).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
      expect(told).not.toContain(one.slice('whsec_'.length))
    }
  })

  test('names of servers cannot make a header', async () => {
    const at = await receiver()
    const { secret } = await addTo(at)
    const notices = room.open()
    const name = 'Ledger\r\nx-planted: 1\r\n\r\n{"planted":true}'
    await notices.tell(noticeOf({ server: { id: 'ledger', name } }))
    await notices.send()
    const [got] = at.received
    if (got === undefined) throw new Error('nothing came')
    expect(got.headers['x-planted']).toBeUndefined()
    expect(JSON.parse(got.body).data.server.name).toBe(name)
    expect(isSigned(got, secret)).toBe(true)
    expect(got.rawHeaders.filter((_, at) => at % 2 === 0).map((header) => header.toLowerCase())).toEqual(
      expect.arrayContaining(['webhook-id', 'webhook-timestamp', 'webhook-signature']),
    )
  })
})

// [NOTICE-6]
test('of two replicas one sends each delivery', async () => {
  const room = await openWebhookRoom('postgres')
  const at = await startReceiver()
  const second = await room.at.again()
  try {
    await room.add({ url: at.url, allowPrivate: [at.place] })
    const replicas = [room.open(), room.open({ store: second })]
    for (let i = 0; i < 20; i++) await replicas[i % 2]?.tell(noticeOf({ connection: `c${i}` }))
    await Promise.all(replicas.map((replica) => replica.send()))
    await Promise.all(replicas.map((replica) => replica.send()))
    const rows = await room.deliveries()
    expect(rows.every(({ delivered_at, tries }) => delivered_at !== null && tries === 1)).toBe(true)
    const ids = at.received.map(({ headers }) => headers['webhook-id'])
    expect(ids).toHaveLength(20)
    expect(new Set(ids).size).toBe(20)
  } finally {
    await room.end()
    await second.close()
    await at.close()
  }
})
