/** The live log, words and exports, through the REST API, on both databases. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AdminRoom, LOCAL, LOGS, openAdminRoom } from '../../test/admin-room.ts'
import { DATABASE_KINDS } from '../../test/databases.ts'
import type { DeedEnd, DeedStart } from '../audit/event.ts'
import { type DeedId, newId } from '../base/ids.ts'
import { LIMITS } from '../config/limits.ts'

interface Event {
  event: string
  id: number
  data: { seq?: number; capability?: string; why?: string; after?: number; until?: number }
}

interface Listener {
  status: number
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

  const record = async (start: Partial<DeedStart> = {}, end: DeedEnd = { outcome: 'answered' }) => {
    const deed = newId<DeedId>(room.clock.now())
    const actor = { kind: 'user', id: 'u1', label: 'ada@acme.test' } as const
    const entry = await room.audit.begin({ deed, plane: 'mcp', actor, method: 'tools/call', ...start })
    await entry.finish(end)
  }
  const found = async (q: string) =>
    (await room.ask('GET', `${LOGS}?phase=ended&plane=mcp&q=${encodeURIComponent(q)}`)).body.result.map(
      ({ capability }) => capability,
    )

  test('who listens gets each new row once, and after a break goes on where it was', async () => {
    await record({ capability: 'before' })
    const first = await listen(room, `${LOGS}/stream?phase=ended&plane=mcp`)
    expect(first.status).toBe(200)
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
    const listener = await listen(room, `${LOGS}/stream?phase=ended&outcome=refused&q=LEDGER&after=0`)
    await record({ capability: 'ledger_read' })
    await record({ capability: 'ledger_write' }, { outcome: 'refused', decision: 'deny' })
    await record({ capability: 'other' }, { outcome: 'refused' })
    await record({ capability: 'ledger_close' }, { outcome: 'refused' })
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

  test('a file has what the list shows, up to as many rows as are asked for', async () => {
    for (let count = 0; count < 5; count++) await record({ capability: `tool_${count}` })
    const take = async (query: string) => {
      const url = `http://localhost/client/v4/accounts/default${LOGS}/export?phase=ended&plane=mcp&${query}`
      const response = await room.fetch(new Request(url, { headers: { authorization: `Bearer ${room.owner}` } }), LOCAL)
      return { type: response.headers.get('content-disposition'), lines: (await response.text()).trimEnd().split('\n') }
    }
    const lines = await take('format=jsonl&rows=3')
    expect(lines.lines.map((line) => JSON.parse(line).capability)).toEqual(['tool_4', 'tool_3', 'tool_2'])
    const csv = await take('q=tool_1')
    expect(csv.type).toBe('attachment; filename="audit.csv"')
    expect(csv.lines).toHaveLength(2)
    expect(csv.lines[1]).toContain('tool_1')
    expect(room.deps.held.open).toBe(0)
  })
})
