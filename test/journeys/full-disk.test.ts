/**
 * A real file system that is really full: the portal refuses to do what it cannot record, and serves again by itself.
 * The file system is a few MiB of memory, mounted in a namespace of the portal's own. Where `unshare` is missing or may not
 * do it, these tests fail: they are never passed over.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { startLedger } from '../peers/ledger.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'
import { ask2026, bearer, messageOf, type RawAnswer } from '../raw-mcp.ts'

const MIB = 1024 * 1024
const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

/** A portal whose data directory holds `mib` MiB, before one server that counts its calls. */
async function onSmallDisk(mib: number, settings: Record<string, string>) {
  const ledger = await startLedger()
  cleanups.push(() => ledger.stop())
  const mount = `mkdir -p "$PORTICO_DATA" && mount -t tmpfs -o size=${mib}m,mode=0700 tmpfs "$PORTICO_DATA" && exec "$@"`
  const portal = await startPorticoProcess(
    { PORTICO_AUDIT_MIN_FREE_MB: '0', PORTICO_AUDIT_JOURNAL_MAX_MB: '4', LOG_LEVEL: 'info', ...settings },
    // Root needs no namespace of users, and may be where there are none.
    { through: ['unshare', process.getuid?.() === 0 ? '-m' : '-Urm', 'sh', '-c', mount, 'sh'] },
  )
  cleanups.push(() => portal.remove())
  cleanups.push(() => portal.end('SIGKILL'))
  await portal.api('POST', '/access/ai-controls/mcp/servers', {
    id: 'ledger',
    name: 'Ledger',
    hostname: ledger.url,
    auth_type: 'unauthenticated',
  })
  await portal.api('PUT', '/access/ai-controls/mcp/portals/default', { servers: [{ server_id: 'ledger' }] })
  const { token } = await portal.api<{ token: string }>('POST', '/tokens/access', {
    email: 'ada@acme.test',
    portal: 'default',
  })
  const post = (entry: string) => {
    const _meta = { traceparent: traceOf(entry) }
    return ask2026(`${portal.url}/mcp`, bearer(token), 'tools/call', {
      ...{ name: 'ledger_post', arguments: { entry }, _meta },
    })
  }
  await expect.poll(async () => messageOf(await post('first')).result?.isError ?? null).toBe(null)
  return { ledger, portal, post }
}

/** Puts `bytes` of filler where the data is, or as many as there is room for. */
async function fill(portal: PorticoProcess, bytes: number): Promise<void> {
  const piece = Buffer.alloc(64 * 1024)
  for (let at = 0; at < bytes; at += piece.length) {
    try {
      await writeFile(join(portal.data, 'filler'), piece, { flag: 'a' })
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' })
      return
    }
  }
}

interface Row {
  seq: number
  phase: string
  outcome?: string
  traceparent?: string
}

/** A W3C trace of its own for each entry: the one thing of a request that the audit keeps and a caller chooses. */
function traceOf(entry: string): string {
  return `00-${Buffer.from(entry).toString('hex').padStart(32, '0')}-00000000000000ff-01`
}

/** The traces of rows of calls, by phase. */
async function audited(portal: PorticoProcess): Promise<{ begun: Set<string>; answered: Set<string> }> {
  const [begun, answered] = [new Set<string>(), new Set<string>()]
  for (let after = 0; ; ) {
    const query = new URLSearchParams({ method: 'tools/call', after: String(after), limit: '1000' })
    const rows = await portal.api<Row[]>('GET', `/access/ai-controls/mcp/logs?${query}`)
    for (const { phase, outcome, traceparent = '' } of rows) {
      if (phase === 'begun') begun.add(traceparent)
      else if (outcome === 'answered') answered.add(traceparent)
    }
    const last = rows.at(-1)
    if (last === undefined) return { begun, answered }
    after = last.seq
  }
}

async function readyz(portal: PorticoProcess) {
  const response = await fetch(`${portal.url}/readyz`)
  return { status: response.status, body: (await response.json()) as { checks: Record<string, boolean> } }
}

// [AUDIT-2]
test('on a full disk calls go on only while they can be recorded; none is done or answered unrecorded, and room brings service back', async () => {
  const { ledger, portal, post } = await onSmallDisk(24, {})
  await fill(portal, 1024 * MIB)
  // What is preallocated takes rows until it is used up.
  const answered: string[] = []
  let refused: RawAnswer | undefined
  while (refused === undefined) {
    const entries = Array.from({ length: 20 }, (_, n) => `e${answered.length + n}`)
    const answers = await Promise.all(entries.map(post))
    answered.push(...entries.filter((_, n) => answers[n]?.status === 200))
    refused = answers.find(({ status }) => status !== 200)
  }
  expect(refused.status).toBe(503)
  expect(messageOf(refused).error?.message).toMatch(/cannot record requests right now/)
  expect((await readyz(portal)).body.checks).toMatchObject({ audit: false })
  const done = ledger.posted.length
  for (let n = 0; n < 20; n++) expect((await post(`r${n}`)).status).toBe(503)
  expect(ledger.posted.length).toBe(done)

  await writeFile(join(portal.data, 'filler'), '')
  await expect.poll(async () => (await post('again')).status).toBe(200)
  await expect.poll(async () => (await readyz(portal)).status).toBe(200)
  const rows = await audited(portal)
  expect(answered.length).toBeGreaterThan(100)
  expect(answered.filter((entry) => !rows.answered.has(traceOf(entry)))).toEqual([])
  expect(ledger.posted.filter((entry) => !rows.begun.has(traceOf(entry)))).toEqual([])
}, 120_000)

test('below the floor calls are refused although there is room, the log warns before, and room brings service back', async () => {
  const { ledger, portal, post } = await onSmallDisk(64, { PORTICO_AUDIT_MIN_FREE_MB: '16' })
  expect(portal.output()).not.toContain('room for the audit')
  await fill(portal, 30 * MIB)
  await expect.poll(() => portal.output()).toContain('room for the audit runs out')
  expect((await post('still')).status).toBe(200)
  expect((await readyz(portal)).status).toBe(200)

  // Whatever the database and the journal take at this moment, less than the floor is left, and more than nothing.
  await fill(portal, 20 * MIB)
  await expect.poll(async () => (await post('no')).status).toBe(503)
  const done = ledger.posted.length
  expect((await post('never')).status).toBe(503)
  expect(ledger.posted.length).toBe(done)
  expect(portal.output()).toContain('too little room is left for the audit')
  const { status, body } = await readyz(portal)
  expect([status, body]).toEqual([503, expect.objectContaining({ checks: expect.objectContaining({ audit: false }) })])
  // Which check failed, and nothing about the machine.
  expect(JSON.stringify(body)).not.toMatch(/mb|free|space|data/i)

  await writeFile(join(portal.data, 'filler'), '')
  await expect.poll(async () => (await post('again')).status).toBe(200)
}, 120_000)
