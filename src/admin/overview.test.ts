import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AdminRoom, openAdminRoom, recordCall, SERVERS, serverBody } from '../../test/admin-room.ts'
import { DATABASE_KINDS } from '../../test/databases.ts'
import type { DeedEnd, DeedStart } from '../audit/event.ts'
import { type OverviewShown, overviewShown } from '../contract/overview.ts'

const OVERVIEW = '/access/ai-controls/mcp/overview'
const HOUR = 3_600_000

describe.each(DATABASE_KINDS)('the overview on %s', (kind) => {
  let room: AdminRoom

  beforeAll(async () => {
    room = await openAdminRoom(kind)
  })
  afterAll(() => room?.end())

  const call = (start: Partial<DeedStart> = {}, end: Partial<DeedEnd> = {}) =>
    recordCall(room, { portal: 'main', ...start }, end)

  async function overview(query = ''): Promise<OverviewShown> {
    const { status, body } = await room.ask('GET', `${OVERVIEW}${query}`)
    expect(status, JSON.stringify(body.errors)).toBe(200)
    return overviewShown.parse(body.result)
  }

  const done = ({ checklist }: OverviewShown) => checklist.filter((one) => one.done).map(({ step }) => step)

  test('of a portal that nobody has used it shows nothing but what is to be done', async () => {
    const found = await overview()
    expect(found.calls).toEqual({ answered: 0, tool_error: 0, refused: 0, failed: 0, total: 0 })
    expect(found.latency.portal).toEqual({ p50: null, p95: null })
    expect(found.servers).toMatchObject({ total: 0, unwell: [], held_definitions: 0 })
    expect(found.newest.sampled).toBe(false)
    expect(found.expiring).toEqual([])
    expect(done(found)).toEqual([])
    expect(found.checklist.every(({ path }) => path.startsWith('/'))).toBe(true)
  })

  test('what was called, by whom, and what went wrong is there at once', async () => {
    await call({ capability: 'files_read' }, { server: 'files', upstreamMs: 20 })
    await call({ capability: 'files_read' }, { server: 'files', upstreamMs: 20 })
    await call({ capability: 'files_read' }, { server: 'files', outcome: 'tool-error', upstreamMs: 20 })
    await call({ capability: 'files_drop' }, { outcome: 'refused', decision: 'deny', error: 'denied' })
    await call({ capability: 'files_read' }, { server: 'files', outcome: 'failed', error: 'upstream-lost' })
    await call({ capability: 'files_read' }, { server: 'files', outcome: 'cancelled' })
    const found = await overview()
    expect(found.calls).toEqual({ answered: 2, tool_error: 1, refused: 1, failed: 2, total: 6 })
    expect(found.slots.reduce((sum, { answered }) => sum + answered, 0)).toBe(2)
    expect(found.latency.upstream.p50).toBeGreaterThan(18)
    expect(found.latency.upstream.p50).toBeLessThan(22)
    expect(found.latency.portal.p50).toBeLessThan(1000)
    expect(found.newest.tools).toEqual([{ server: 'files', capability: 'files_read', count: 5, failed: 2 }])
    expect(found.newest.users).toEqual([{ kind: 'user', id: 'u1', label: 'ada@acme.test', count: 6, refused: 1 }])
    expect(found.newest.denials).toMatchObject([{ reason: 'denied', capability: 'files_drop', count: 1 }])
    expect(found.newest.errors.map(({ outcome }) => outcome).sort()).toEqual(['failed', 'tool-error'])
    expect(done(found)).toContain('client')
  })

  test.each([1, 24, 168, 720])('%i hours are shown in slots that hold them, few enough for a chart', async (hours) => {
    const found = await overview(`?hours=${hours}`)
    expect(found.slots.length).toBeGreaterThan(10)
    expect(found.slots.length).toBeLessThanOrEqual(61)
    const since = Date.parse(found.since)
    expect(Date.parse(found.until) - since).toBeGreaterThanOrEqual(hours * HOUR)
    expect(found.slots.map(({ at }) => Date.parse(at) - since)).toEqual(
      found.slots.map((_, slot) => slot * found.slot_seconds * 1000),
    )
    expect(found.calls.total).toBe(6)
  })

  test('what is older than the time that is asked for is not in it', async () => {
    room.clock.move(2 * HOUR)
    const found = await overview('?hours=1')
    expect(found.calls.total).toBe(0)
    expect(found.newest.tools).toEqual([])
    expect(done(found)).toContain('client')
  })

  test('a server that cannot be reached is among the unwell, and a token that ends soon among the expiring', async () => {
    await room.ask('POST', SERVERS, { body: serverBody('dead', { name: 'Dead one' }) })
    await expect.poll(async () => (await overview()).servers.unwell).toMatchObject([{ id: 'dead', name: 'Dead one' }])
    await room.ask('POST', '/access/service_tokens', { body: { name: 'soon', duration: '48h' } })
    await room.ask('POST', '/access/service_tokens', { body: { name: 'later', duration: '8760h' } })
    const expires_at = new Date(room.clock.now() + 24 * HOUR).toISOString()
    await room.ask('POST', '/tokens/api', { body: { name: 'next', role: 'auditor', expires_at } })
    const found = await overview()
    expect(found.expiring).toMatchObject([
      { kind: 'api_token', name: 'next' },
      { kind: 'service_token', name: 'soon' },
    ])
    expect(found.servers).toMatchObject({ total: 1 })
    expect(done(found)).toEqual(['server', 'client'])
  })

  test('a policy of one’s own and a way to sign in are ticked off', async () => {
    await room.ask('POST', '/access/policies', {
      body: { name: 'Staff', decision: 'allow', include: [{ email_domain: { domain: 'acme.test' } }] },
    })
    await room.ask('POST', '/access/identity_providers', { body: { name: 'Codes', type: 'onetimepin', config: {} } })
    expect(done(await overview())).toEqual(['server', 'sign_in', 'policy', 'client'])
  })

  test('who may not read all that it tells is not told', async () => {
    const token = await room.token('admin', { scopes: ['logs:read'] })
    expect((await room.ask('GET', OVERVIEW, { token })).status).toBe(403)
    const auditor = await room.token('auditor')
    expect((await room.ask('GET', OVERVIEW, { token: auditor })).status).toBe(200)
    for (const hours of ['0', '721', 'x'])
      expect((await room.ask('GET', `${OVERVIEW}?hours=${hours}`)).status).toBe(400)
  })
})
