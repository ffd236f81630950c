/** The live log, words and exports, through the REST API, on both databases. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type AdminRoom, LOCAL, LOGS, openAdminRoom, recordCall } from '../../test/admin-room.ts'
import { DATABASE_KINDS } from '../../test/databases.ts'
import type { DeedEnd, DeedStart } from '../audit/event.ts'
import { LIMITS } from '../config/limits.ts'
import { BEHIND_MOST } from './tail-logs.ts'

interface Event {
  event: string
  id: number
  data: { seq?: number; capability?: string; why?: string; after?: number; until?: number }
}

interface Listener {
  status: number
  headers: Headers
  events: Event[]
  /** Reads until the condition holds or the stream ends. */
  until(condition: (events: readonly Event[]) => boolean): Promise<void>
  close(): Promise<void>
}

async function listen(room: AdminRoom, path: string, headers: Record<string, string> = {}): Promise<Listener> {
  const url = `http://localhost/client/v4/accounts/default${path}`
  const all = { authorization: `Bearer ${room.owner}`, ...headers }
  const response = await room.fetch(new Request(url, { headers: all }), LOCAL)
  const reader = response.body?.getReader()
  const events: Event[] = []
  const decoder = new TextDecoder()
  let rest = ''
  const take = (text: string): void => {
    rest += text
    const blocks = rest.split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s)))
      if (fields.event !== undefined)
        events.push({ event: String(fields.event), id: Number(fields.id), data: JSON.parse(String(fields.data)) })
    }
  }
  return {
    status: response.status,
    headers: response.headers,
    events,
    async until(condition) {
      while (!condition(events)) {
        const piece = await reader?.read()
        if (piece === undefined || piece.done) return
        take(decoder.decode(piece.value, { stream: true }))
      }
    },
    close: async () => reader?.cancel(),
  }
}

const rowsOf = (events: readonly Event[]) => events.filter(({ event }) => event === 'row')
const never = () => false

describe.each(DATABASE_KINDS)('the log on %s', (kind) => {
  let room: AdminRoom
  beforeEach(async () => {
    room = await openAdminRoom(kind)
  })
  afterEach(() => room.end())

  const record = (start: Partial<DeedStart> = {}, end: Partial<DeedEnd> = {}) => recordCall(room, start, end)
  const found = async (q: string) =>
    (await room.ask('GET', `${LOGS}?phase=ended&plane=mcp&q=${encodeURIComponent(q)}`)).body.result.map(
      ({ capability }) => capability,
    )

  test('who listens gets each new row once, and after a break goes on where it was', async () => {
    await record({ capability: 'before' })
    const first = await listen(room, `${LOGS}/stream?phase=ended&plane=mcp`)
    expect(first.status).toBe(200)
    expect(first.headers.get('cache-control')).toBe('no-store')
    await first.until((events) => events.length > 0)
    expect(first.events[0]).toMatchObject({ event: 'mark', id: expect.any(Number) })
    for (let count = 0; count < 30; count++) await record({ capability: `tool_${count}` })
    await first.until((events) => rowsOf(events).length >= 20)
    await first.close()
    const last = rowsOf(first.events).at(-1)
    const second = await listen(room, `${LOGS}/stream?phase=ended&plane=mcp`, { 'last-event-id': String(last?.id) })
    for (let count = 30; count < 40; count++) await record({ capability: `tool_${count}` })
    await second.until((events) => rowsOf(events).length + rowsOf(first.events).length >= 40)
    await second.close()
    const all = [...rowsOf(first.events), ...rowsOf(second.events)].map(({ data }) => data.capability)
    expect(all).toEqual(Array.from({ length: 40 }, (_, count) => `tool_${count}`))
  })

  test('the stream has the filters of the list', async () => {
    const listener = await listen(
      room,
      `${LOGS}/stream?phase=ended&outcome=refused,failed&error=denied&client=Claude&q=LEDGER&after=0`,
    )
    const claude = { clientName: 'Claude' }
    const denied = { outcome: 'refused', error: 'denied' } as const
    await record({ ...claude, capability: 'ledger_read' })
    await record({ ...claude, capability: 'ledger_write' }, { ...denied, decision: 'deny' })
    await record({ ...claude, capability: 'other' }, denied)
    await record({ ...claude, capability: 'ledger_of_another_reason' }, { ...denied, error: 'denied by a rule' })
    await record({ capability: 'ledger_of_another_client', clientName: 'Claude 2' }, denied)
    await record({ ...claude, capability: 'ledger_close' }, { ...denied, outcome: 'failed' })
    await listener.until((events) => rowsOf(events).length >= 2)
    await listener.close()
    expect(rowsOf(listener.events).map(({ data }) => data.capability)).toEqual(['ledger_write', 'ledger_close'])
  })

  test('a stream ends when its token is revoked, and when the portal stops', async () => {
    const token = await room.token('auditor')
    const listener = await listen(room, `${LOGS}/stream`, { authorization: `Bearer ${token}` })
    const stays = await listen(room, `${LOGS}/stream`)
    await listener.until((events) => events.length > 0)
    const tokens = (await room.ask('GET', '/tokens/api')).body.result
    const id = tokens.find(({ name }) => name === 'auditor token')?.id
    expect((await room.ask('DELETE', `/tokens/api/${id}`)).status).toBe(200)
    await listener.until(never)
    expect(listener.events.at(-1)?.data).toEqual({ why: 'access' })
    room.deps.held.close()
    await stays.until(never)
    expect(stays.events.at(-1)?.data).toEqual({ why: 'closing' })
    expect((await listen(room, `${LOGS}/stream`)).status).toBe(503)
    expect(room.deps.held.open).toBe(0)
  })

  test('one operator holds so many open, and no more', async () => {
    const most = LIMITS.live_logs_per_operator.value
    const open = await Promise.all(Array.from({ length: most }, () => listen(room, `${LOGS}/stream`)))
    expect(open.map(({ status }) => status)).toEqual(open.map(() => 200))
    expect((await room.ask('GET', `${LOGS}/stream`)).status).toBe(503)
    await open[0]?.close()
    expect((await listen(room, `${LOGS}/stream`)).status).toBe(200)
    const scoped = await room.token('owner', { scopes: ['servers:read'] })
    expect((await room.ask('GET', `${LOGS}/stream`, { token: scoped })).status).toBe(403)
    expect((await room.ask('GET', `${LOGS}/stream`, { token: null })).status).toBe(401)
    expect((await room.ask('GET', `${LOGS}/stream`, { headers: { 'last-event-id': 'x' } })).status).toBe(400)
  })

  test('all operators together hold so many open, and no more', async () => {
    const each = LIMITS.live_logs_per_operator.value
    const statuses: number[] = []
    while (room.deps.held.open < LIMITS.live_logs.value) {
      const headers = { authorization: `Bearer ${await room.token('auditor')}` }
      const left = Math.min(each, LIMITS.live_logs.value - room.deps.held.open)
      for (let count = 0; count < left; count++) statuses.push((await listen(room, `${LOGS}/stream`, headers)).status)
    }
    expect(statuses).toEqual(Array(LIMITS.live_logs.value).fill(200))
    expect((await room.ask('GET', `${LOGS}/stream`)).status).toBe(503)
    expect((await room.ask('GET', `${LOGS}/export`)).status).toBe(503)
    expect((await room.ask('GET', LOGS)).status).toBe(200)
  })

  test('words are found in every text of a row, whatever they are made of', async () => {
    await record({ capability: 'ledger_read', clientName: 'Claude "Desktop" 100%' })
    await record({ capability: 'ledgerXread', clientName: 'clientName' }, { outcome: 'refused', error: 'no-policy' })
    await record({ capability: 'wave', server: 'beach' }, { outcome: 'answered', purpose: 'Grüße an MÜLLER 👋 \\o/' })
    expect(await found('LEDGER read')).toEqual(['ledgerXread', 'ledger_read'])
    expect(await found('ledger_read')).toEqual(['ledger_read'])
    expect(await found('100%')).toEqual(['ledger_read'])
    expect(await found('%')).toEqual(['ledger_read'])
    expect(await found('"desktop"')).toEqual(['ledger_read'])
    expect(await found("'; drop table audit_rows --")).toEqual([])
    expect(await found('müller')).toEqual(['wave'])
    expect(await found('GRÜSSE')).toEqual([])
    expect(await found('👋')).toEqual(['wave'])
    expect(await found('\\O/')).toEqual(['wave'])
    expect(await found('clientname')).toEqual(['ledgerXread'])
    expect(await found('portalMs')).toEqual([])
    expect(await found('ADA@acme tools/call wave')).toEqual(['wave'])
    expect(await found('no-policy')).toEqual(['ledgerXread'])
    expect(await found('   ')).toHaveLength(3)
    const refused = [`q=${'x'.repeat(10_000)}`, 'q=a%00b', 'q=1+2+3+4+5+6+7+8+9']
    for (const query of refused) expect((await room.ask('GET', `${LOGS}?${query}`)).status).toBe(400)
    expect((await room.ask('GET', `${LOGS}?q=%ED%A0%80`)).status).toBe(200)
  })

  test('rows are asked for by client, reason and several outcomes, in the very words that they hold', async () => {
    const odd = 'Quote " and \\ and "error":"denied" \u2028 é \u0001'
    await record({ capability: 'odd', clientName: odd })
    await record({ capability: 'plain', clientName: 'Plain' }, { outcome: 'refused', error: odd })
    await record({ capability: 'denied', clientName: 'Plain' }, { outcome: 'refused', error: 'denied' })
    await record({ capability: 'lost' }, { outcome: 'failed', error: 'upstream-lost' })
    const by = async (query: Record<string, string>) =>
      (await room.ask('GET', `${LOGS}?${new URLSearchParams({ phase: 'ended', ...query })}`)).body.result.map(
        ({ capability }) => capability,
      )
    expect(await by({ client: odd })).toEqual(['odd'])
    expect(await by({ error: odd })).toEqual(['plain'])
    expect(await by({ error: 'denied' })).toEqual(['denied'])
    expect(await by({ error: 'Denied' })).toEqual([])
    expect(await by({ client: 'Plain', outcome: 'refused' })).toEqual(['denied', 'plain'])
    expect(await by({ outcome: 'failed,answered' })).toEqual(['lost', 'odd'])
    for (const outcome of ['all', 'failed,', 'failed, answered', ','])
      expect((await room.ask('GET', `${LOGS}?${new URLSearchParams({ outcome })}`)).status).toBe(400)

    const values = async (query: Record<string, string>) =>
      (await room.ask('GET', `${LOGS}/values?${new URLSearchParams(query)}`)).body.result
    expect(await values({ of: 'client' })).toEqual([
      { value: 'Plain', count: 2 },
      { value: odd, count: 1 },
    ])
    expect(await values({ of: 'client', find: ' QUOTE " and \\' })).toEqual([{ value: odd, count: 1 }])
    expect(await values({ of: 'error', find: 'UPSTREAM' })).toEqual([{ value: 'upstream-lost', count: 1 }])
    expect(await values({ of: 'capability', find: '_' })).toEqual([])
    expect(await values({ find: 'ADA' })).toEqual([{ value: 'ada@acme.test', count: 4 }])
    expect(await values({ of: 'server' })).toEqual([])
    expect((await room.ask('GET', `${LOGS}/values?of=deed`)).status).toBe(400)
  })

  test('a file has what the list shows, up to as many rows as are asked for', async () => {
    for (let count = 0; count < 5; count++) await record({ capability: `tool_${count}` })
    const formulas = ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', ' =1']
    for (const name of formulas) await record({ capability: 'formula', clientName: name })
    const take = async (query: string) => {
      const url = `http://localhost/client/v4/accounts/default${LOGS}/export?phase=ended&plane=mcp&${query}`
      const response = await room.fetch(new Request(url, { headers: { authorization: `Bearer ${room.owner}` } }), LOCAL)
      return { type: response.headers.get('content-disposition'), lines: (await response.text()).trimEnd().split('\n') }
    }
    const lines = await take('format=jsonl&rows=3&q=tool_')
    expect(lines.lines.map((line) => JSON.parse(line).capability)).toEqual(['tool_4', 'tool_3', 'tool_2'])
    const csv = await take('q=tool_1')
    const day = new Date(room.clock.now()).toISOString().slice(0, 10)
    expect(csv.type).toBe(`attachment; filename="audit-${day}-phase-ended-plane-mcp-q-tool_1.csv"`)
    expect(csv.lines).toHaveLength(2)
    expect(csv.lines[1]).toContain('tool_1')
    const { lines: cells, type } = await take('capability=formula&actor=..%2F%22%0D%0Aada@acme.test')
    expect(cells).toHaveLength(1)
    expect(type).toBe(
      `attachment; filename="audit-${day}-phase-ended-plane-mcp-capability-formula-actor-__ada@acme.test.csv"`,
    )
    const risky = (await take('capability=formula')).lines.slice(1)
    expect(risky).toHaveLength(formulas.length)
    for (const line of risky) expect(line.trim()).not.toMatch(/"\s*[=+\-@\t\r]/)
    expect(risky.join()).toContain(`"'=1+1"`)
    expect(room.deps.held.open).toBe(0)
  })
})

describe('a log of very many rows', () => {
  const ROWS = BEHIND_MOST + 1000
  let room: AdminRoom
  beforeAll(async () => {
    room = await openAdminRoom()
  })
  afterAll(() => room?.end())

  test('who does not read delays nobody, has nothing piled up for them, and is told what they missed', async () => {
    const slow = await listen(room, `${LOGS}/stream?after=0`)
    const quick = await listen(room, `${LOGS}/stream?after=0`)
    for (let written = 1000; written < ROWS + 1000; written += 1000) {
      await Promise.all(Array.from({ length: 500 }, () => recordCall(room, { capability: 'busy' })))
      await quick.until((events) => (events.at(-1)?.id ?? 0) >= written)
    }
    expect(quick.events.some(({ event }) => event === 'gap')).toBe(false)
    expect(rowsOf(quick.events).map(({ data }) => data.seq)).toEqual(Array.from({ length: ROWS }, (_, at) => at + 1))
    await slow.until((events) => events.length >= 2)
    expect(slow.events).toMatchObject([
      { event: 'mark', id: 0 },
      { event: 'gap', id: ROWS, data: { after: 0, until: ROWS } },
    ])
    await recordCall(room, { capability: 'later' })
    await slow.until((events) => rowsOf(events).length >= 1)
    expect(rowsOf(slow.events)[0]?.id).toBe(ROWS + 1)
    await slow.close()
    await quick.close()
  })

  test('a file of them is made as it is read, and whoever breaks it off has it made no further', async () => {
    const searched = vi.spyOn(room.audit, 'search')
    const since = new Date(0).toISOString()
    const url = `http://localhost/client/v4/accounts/default${LOGS}/export?rows=1000000&format=jsonl&since=${since}`
    const open = () => room.fetch(new Request(url, { headers: { authorization: `Bearer ${room.owner}` } }), LOCAL)
    const left = (await open()).body?.getReader()
    const first = await left?.read()
    expect(new TextDecoder().decode(first?.value)).toMatch(/^\{"seq":/)
    expect(searched).toHaveBeenCalledTimes(1)
    expect(room.deps.held.open).toBe(1)
    const midway = left?.read()
    await left?.cancel()
    await midway
    expect(room.deps.held.open).toBe(0)
    // Of six that all of it takes.
    expect(searched.mock.calls.length).toBeLessThanOrEqual(2)
    const lines = (await (await open()).text()).trimEnd().split('\n')
    expect(lines).toHaveLength(ROWS + 2)
    expect(new Set(lines.map((line) => JSON.parse(line).seq)).size).toBe(ROWS + 2)
    searched.mockRestore()
  })
})
