/** Whatever happens to the process: what was answered is in the audit, and what was done has at least begun in it. */
import { afterEach, describe, expect, test } from 'vitest'
import type { AuditRow } from '../../src/audit/event.ts'
import { DATABASE_KINDS, freshPostgres } from '../databases.ts'
import { startLedger } from '../peers/ledger.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'
import { ask2026, bearer, messageOf } from '../raw-mcp.ts'

const CALLERS = 12
const ENOUGH = 300
const SERVERS = '/access/ai-controls/mcp/servers'
const PORTALS = '/access/ai-controls/mcp/portals'
const LOGS = '/access/ai-controls/mcp/logs'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

async function furnished(kind: (typeof DATABASE_KINDS)[number]) {
  const ledger = await startLedger()
  cleanups.push(() => ledger.stop())
  const postgres = kind === 'postgres' ? await freshPostgres() : null
  if (postgres) cleanups.push(() => postgres.drop())
  const portal = await startPorticoProcess(postgres ? { DATABASE_URL: postgres.url } : {})
  cleanups.push(() => portal.remove())
  cleanups.push(() => portal.end('SIGKILL'))
  await portal.api('POST', SERVERS, {
    id: 'ledger',
    name: 'Ledger',
    hostname: ledger.url,
    auth_type: 'unauthenticated',
  })
  await portal.api('PUT', `${PORTALS}/default`, { servers: [{ server_id: 'ledger' }] })
  const { token } = await portal.api<{ token: string }>('POST', '/tokens/access', {
    email: 'ada@acme.test',
    portal: 'default',
  })
  return { ledger, portal, token }
}

/** A W3C trace of its own for each call: the one thing of a request that the audit keeps and a caller chooses. */
function traceOf(entry: string): string {
  return `00-${entry.padStart(32, '0')}-00000000000000ff-01`
}

/** Posts entries until it is told to stop or nobody answers. @returns the entries that were answered, as they come */
function load(portal: PorticoProcess, token: string): { answered: Set<string>; stop(): Promise<void> } {
  const answered = new Set<string>()
  let going = true
  let next = 1
  const caller = async () => {
    while (going) {
      const entry = (next++).toString(16)
      const params = { name: 'ledger_post', arguments: { entry }, _meta: { traceparent: traceOf(entry) } }
      const answer = await ask2026(`${portal.url}/mcp`, bearer(token), 'tools/call', params).catch(() => null)
      if (answer === null) return
      if (answer.status === 200 && messageOf(answer).result?.isError !== true) answered.add(entry)
    }
  }
  const callers = Promise.all(Array.from({ length: CALLERS }, caller))
  return {
    answered,
    stop: async () => {
      going = false
      await callers
    },
  }
}

async function allRows(portal: PorticoProcess): Promise<AuditRow[]> {
  const rows: AuditRow[] = []
  for (let after = 0; ; ) {
    const query = new URLSearchParams({ method: 'tools/call', after: String(after), limit: '1000' })
    const page = await portal.api<AuditRow[]>('GET', `${LOGS}?${query}`)
    if (page.length === 0) return rows
    rows.push(...page)
    after = page.at(-1)?.seq ?? after
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

for (const kind of DATABASE_KINDS) {
  describe(`on ${kind}`, () => {
    // [AUDIT-1]
    test('kill -9 under load loses no answered call, and every side effect has its begun row', async () => {
      const { ledger, portal, token } = await furnished(kind)
      const calls = load(portal, token)
      await until(() => calls.answered.size >= ENOUGH)
      await portal.end('SIGKILL')
      await calls.stop()
      await portal.start()
      const rows = await allRows(portal)
      const begun = new Set(rows.filter(({ phase }) => phase === 'begun').map(({ traceparent }) => traceparent))
      const ended = new Map(rows.filter(({ phase }) => phase === 'ended').map((row) => [row.traceparent, row.outcome]))
      expect([...calls.answered].filter((entry) => ended.get(traceOf(entry)) !== 'answered')).toEqual([])
      expect(ledger.posted.filter((entry) => !begun.has(traceOf(entry)))).toEqual([])
      expect(ended.size).toBe(begun.size)
      expect(ledger.posted.length).toBeGreaterThanOrEqual(ENOUGH)
    })

    // [REPLICA-3]
    test('SIGTERM under load finishes what is under way and ends with 0', async () => {
      const { ledger, portal, token } = await furnished(kind)
      const calls = load(portal, token)
      await until(() => calls.answered.size >= ENOUGH / 3)
      expect(await portal.end('SIGTERM')).toBe(0)
      await calls.stop()
      expect(ledger.posted.length).toBe(calls.answered.size)
    })
  })
}
