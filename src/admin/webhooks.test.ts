import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type AdminRoom, LOGS, openAdminRoom } from '../../test/admin-room.ts'
import { DATABASE_KINDS } from '../../test/databases.ts'
import { isSigned, type Receiver, startReceiver } from '../../test/webhook-room.ts'

const HOOKS = '/webhooks'
const URL = 'https://hooks.example.com/portico'

let room: AdminRoom
const receivers: Receiver[] = []
afterEach(async () => {
  for (const one of receivers.splice(0)) await one.close()
})
async function receiver(...given: Parameters<typeof startReceiver>): Promise<Receiver> {
  const made = await startReceiver(...given)
  receivers.push(made)
  return made
}

async function made(body: object = {}): Promise<{ id: string; secret: string }> {
  const answer = await room.ask('POST', HOOKS, { body: { name: 'Hook', url: URL, ...body } })
  expect(answer.body.errors).toEqual([])
  return { id: String(answer.body.result.id), secret: String(answer.body.result.secret) }
}
const lastChange = async () => (await room.ask('GET', `${LOGS}?plane=admin&phase=ended&limit=1`)).body.result[0]?.change

describe.each(DATABASE_KINDS)('on %s', (kind) => {
  beforeAll(async () => {
    room = await openAdminRoom(kind)
  })
  afterAll(() => room.end())

  // [NOTICE-5]
  test('a secret is answered when the webhook is made and when it is rotated, and never again', async () => {
    const answer = await room.ask('POST', HOOKS, { body: { name: 'Hook', url: URL, events: ['connection.ready'] } })
    const { id, secret, ...shown } = answer.body.result
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect(shown).toMatchObject({
      ...{ name: 'Hook', url: URL, events: ['connection.ready'], enabled: true, allow_private: [] },
      ...{ secret_version: 1, waiting: 0, created_by: 'owner token', origin: 'api' },
    })
    expect(await lastChange()).toEqual({ object: 'webhook', id, fields: ['events', 'name', 'url'] })
    const rotated = await room.ask('POST', `${HOOKS}/${id}/rotate`)
    const fresh = rotated.body.result.secret
    expect(rotated.body.result).toMatchObject({ secret_version: 2 })
    expect(fresh).not.toBe(secret)
    expect(await lastChange()).toEqual({ object: 'webhook', id, fields: ['secret'] })
    const told = JSON.stringify([
      (await room.ask('GET', `${HOOKS}/${id}`)).body,
      (await room.ask('GET', HOOKS)).body,
      (await room.ask('GET', `${HOOKS}/${id}/deliveries`)).body,
      (await room.ask('PUT', `${HOOKS}/${id}`, { body: { enabled: true } })).body,
      (await room.ask('GET', `${LOGS}?limit=100`)).body,
      await room.at.store.db.selectFrom('webhooks').selectAll().execute(),
    ])
    expect(told).toContain(String(id))
    for (const one of [secret, fresh]) expect(told).not.toContain(String(one).slice('whsec_'.length))
  })

  test('what a read shows may be sent back, and what is left out stays', async () => {
    const { id } = await made({ events: ['connection.failing'] })
    const shown = (await room.ask('GET', `${HOOKS}/${id}`)).body.result
    const same = await room.ask('PUT', `${HOOKS}/${id}`, { body: shown })
    expect(same.body.errors).toEqual([])
    const { modified_at: _, ...rest } = shown
    expect(same.body.result).toMatchObject(rest)
    const off = await room.ask('PUT', `${HOOKS}/${id}`, { body: { enabled: false } })
    expect(off.body.result).toMatchObject({ enabled: false, events: ['connection.failing'], name: 'Hook', url: URL })
    expect(await lastChange()).toEqual({ object: 'webhook', id, fields: ['enabled'] })
  })

  test('a webhook is deleted, and unknown ones are not found', async () => {
    const { id } = await made()
    expect((await room.ask('DELETE', `${HOOKS}/${id}`)).body.result).toEqual({ id })
    for (const [method, path] of [
      ...[
        ['GET', ''],
        ['PUT', ''],
        ['DELETE', ''],
        ['POST', '/rotate'],
        ['POST', '/test'],
        ['GET', '/deliveries'],
      ],
    ]) {
      const body = method === 'PUT' ? { body: {} } : {}
      expect((await room.ask(String(method), `${HOOKS}/${id}${path}`, body)).status).toBe(404)
    }
  })

  test('a test is sent at once and signed, and its delivery is listed', async () => {
    const at = await receiver()
    const { id, secret } = await made({ url: at.url, allow_private: [at.place] })
    const answer = await room.ask('POST', `${HOOKS}/${id}/test`)
    expect(answer.body.result).toMatchObject({
      ...{ type: 'webhook.test', state: 'delivered', tries: 1, next_at: null, last_status: 204, last_error: null },
    })
    const [got] = at.received
    expect(got !== undefined && isSigned(got, secret)).toBe(true)
    const list = await room.ask('GET', `${HOOKS}/${id}/deliveries`)
    expect(list.body.result).toEqual([answer.body.result])
    expect(list.body.result_info).toEqual({ page: 1, per_page: 50, count: 1, total_count: 1, total_pages: 1 })
    expect((await room.ask('GET', `${HOOKS}/${id}/deliveries?page=2`)).body.result).toEqual([])
  })

  test.each([
    ['an error', 500, { last_status: 500, last_error: 'status' }],
    ['410', 410, { last_status: 410, last_error: 'gone' }],
  ])('a test that is answered with %s is not tried again, and switches nothing off', async (_, status, then) => {
    const at = await receiver(status)
    const { id } = await made({ url: at.url, allow_private: [at.place] })
    const answer = await room.ask('POST', `${HOOKS}/${id}/test`)
    expect(answer.body.result).toMatchObject({ state: 'given_up', next_at: null, ...then })
    expect((await room.ask('GET', `${HOOKS}/${id}`)).body.result.enabled).toBe(true)
    expect(at.received).toHaveLength(1)
  })

  test('one that is switched off has nothing waiting any more', async () => {
    const { id } = await made()
    const row = { id: `w-${id}`, webhook_id: id, event: 'connection.ready', payload: '{}', created_at: 1, tries: 1 }
    const waits = { ...row, next_at: Date.now() + 60_000, last_status: null, last_error: null, delivered_at: null }
    await room.at.store.db.insertInto('webhook_deliveries').values(waits).execute()
    expect((await room.ask('GET', `${HOOKS}/${id}`)).body.result.waiting).toBe(1)
    await room.ask('PUT', `${HOOKS}/${id}`, { body: { enabled: false } })
    expect((await room.ask('GET', `${HOOKS}/${id}`)).body.result.waiting).toBe(0)
    expect((await room.ask('GET', `${HOOKS}/${id}/deliveries`)).body.result).toMatchObject([
      { state: 'given_up', last_error: 'switched-off' },
    ])
  })

  // [NOTICE-7]
  test('only an owner with all rights opens a place inside, and moves a webhook that has one', async () => {
    const place = '10.0.0.5:8080'
    const body = { name: 'Hook', url: `http://${place}/a`, allow_private: [place] }
    const tokens = [await room.token('admin'), await room.token('owner', { scopes: ['webhooks:write'] })]
    for (const token of tokens) expect((await room.ask('POST', HOOKS, { body, token })).status).toBe(403)
    const { id } = await made(body)
    for (const token of tokens) {
      const change = (body: object) => room.ask('PUT', `${HOOKS}/${id}`, { body, token })
      expect((await change({ url: `http://${place}/b` })).status).toBe(403)
      expect((await change({ allow_private: [place, '10.0.0.6:80'] })).status).toBe(403)
      expect((await change({ name: 'Renamed', allow_private: [place] })).status).toBe(200)
      expect((await change({ url: URL, allow_private: [] })).status).toBe(403)
    }
    expect((await room.ask('PUT', `${HOOKS}/${id}`, { body: { url: `http://${place}/b` } })).status).toBe(200)
  })

  test('there are 50 webhooks at the most', async () => {
    const before = (await room.ask('GET', `${HOOKS}?per_page=1000`)).body.result.length
    for (let i = before; i < 50; i++) await made()
    const answer = await room.ask('POST', HOOKS, { body: { name: 'Hook', url: URL } })
    expect([answer.status, answer.body.errors[0]?.message]).toEqual([409, expect.stringContaining('50 webhooks')])
  })
})

// [NOTICE-7]
describe('on a portal that others reach', () => {
  beforeAll(async () => {
    room = await openAdminRoom('sqlite', { egress: { host: '0.0.0.0', publicUrl: 'https://mcp.example.com' } })
  })
  afterAll(() => room.end())

  test.each([
    ['plain http', 'http://hooks.example.com/'],
    ['this machine', 'https://127.0.0.1:8443/'],
    ['a private address', 'https://192.168.1.7/'],
    ['the place where clouds keep secrets', 'https://169.254.169.254/latest/'],
    ['the portal itself', 'https://mcp.example.com/hook'],
    ['a user and password', 'https://a:b@hooks.example.com/'],
    ['a fragment', 'https://hooks.example.com/#a'],
    ['a line break', 'https://hooks.example.com/\r\nx: y'],
    ['another scheme', 'file:///etc/passwd'],
    ['a port of mail', 'https://hooks.example.com:25/'],
  ])('an address with %s is refused', async (_, url) => {
    const answer = await room.ask('POST', HOOKS, { body: { name: 'Hook', url } })
    expect([answer.status, answer.body.errors[0]?.message]).toEqual([400, expect.stringMatching(/^url: /)])
  })

  test.each([
    ['an event that there is not', { events: ['connection.exploded'] }],
    ['a field that there is not', { secret: 'whsec_mine' }],
    ['a place that is no place', { allow_private: ['*:80'] }],
  ])('%s is refused', async (_, more) => {
    expect((await room.ask('POST', HOOKS, { body: { name: 'Hook', url: URL, ...more } })).status).toBe(400)
  })

  test('an auditor reads webhooks and changes none', async () => {
    const { id } = await made()
    const token = await room.token('auditor')
    expect((await room.ask('GET', `${HOOKS}/${id}/deliveries`, { token })).status).toBe(200)
    expect((await room.ask('POST', `${HOOKS}/${id}/rotate`, { token })).status).toBe(403)
    expect((await room.ask('POST', `${HOOKS}/${id}/test`, { token })).status).toBe(403)
    expect((await room.ask('GET', `${HOOKS}/${id}`)).body.result.secret_version).toBe(1)
  })
})
