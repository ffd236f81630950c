/**
 * Text that would forge rows, drive a terminal or run in a spreadsheet, planted wherever somebody else's text is kept, and
 * read back every way there is.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openAudit } from '../../src/audit/log.ts'
import { systemClock } from '../../src/base/clock.ts'
import { type DeedId, newId } from '../../src/base/ids.ts'
import { openLog, sanitized, silentLog } from '../../src/base/log.ts'
import { run } from '../../src/cli/program.ts'
import { LOG_COLUMNS } from '../../src/contract/log-csv.ts'
import { TEST_KEYS } from '../keys.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'

const ESCAPE = '\u001b'
/** Formula, line ends, a forged row, the clipboard (OSC 52), C1, DEL, bidi, zero-width, tags, separators. */
const PLANT = `=HYPERLINK("https://evil.test","x")\n2026-01-01T00:00:00.000Z  eve@acme.test\r\t${ESCAPE}]52;c;eA==\u0007\u009b2J\u007f\u202e\u2066\u200b\u{e0041}\u2028\u2029,;"'`
const OBEYED = /(?!\n)[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069\u200b-\u200f\ufeff\u{e0000}-\u{e007f}]/u

const FIELDS = [
  'actor.id',
  'actor.label',
  'method',
  'portal',
  'server',
  'capability',
  'original',
  'rule',
  'error',
  'credential',
  'client_name',
  'client_version',
  'session',
  'client_ip',
  'traceparent',
] as const

let portal: PorticoProcess
let token: string

beforeAll(async () => {
  portal = await startPorticoProcess({ PORTICO_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64') })
  await portal.api('POST', '/access/ai-controls/mcp/servers', {
    ...{ id: 'planted', name: PLANT, description: PLANT },
    ...{ hostname: 'http://127.0.0.1:2/mcp', auth_type: 'unauthenticated' },
  })
  await portal.api('POST', '/access/ai-controls/mcp/portals', {
    ...{ id: 'planted', name: PLANT, description: PLANT, hostname: 'planted.test' },
  })
  token = (await portal.api<{ token: string }>('POST', '/tokens/api', { name: PLANT, role: 'owner' })).token
  await portal.end('SIGTERM')
  const audit = await openAudit({
    ...{ dir: portal.data, databaseUrl: null, durability: 'process', retentionDays: 90 },
    ...{ keys: TEST_KEYS, clock: systemClock, log: silentLog },
  })
  const entry = await audit.begin({
    deed: newId<DeedId>(systemClock.now()),
    plane: 'mcp',
    actor: { kind: 'user', id: PLANT, label: PLANT },
    ...{ method: PLANT, portal: PLANT.slice(0, 60), server: PLANT.slice(0, 60), capability: PLANT },
    ...{ clientName: PLANT, clientVersion: PLANT.slice(0, 60), session: PLANT, clientIp: PLANT.slice(0, 60) },
    traceparent: PLANT,
  })
  await entry.finish({
    ...{ outcome: 'refused', decision: 'deny', original: PLANT, rule: PLANT, error: PLANT, credential: PLANT },
    change: { object: PLANT, id: PLANT, fields: [PLANT] },
  })
  await audit.close()
  await portal.start()
})
afterAll(async () => {
  await portal?.end('SIGKILL')
  await portal?.remove()
})

async function portico(...argv: string[]): Promise<string> {
  let out = ''
  const code = await run({
    argv: [...argv, '--url', portal.url, '--token', token],
    env: {},
    cwd: portal.data,
    stdout: { write: (text: string) => (out += text), isTTY: true },
    stderr: { write: (text: string) => (out += text), isTTY: true },
  })
  expect([code, out]).toEqual([0, out])
  return out
}

/** RFC 4180 with quotes around each cell. */
function parseCsv(text: string): Record<string, string>[] {
  const lines = text.trimEnd().split(/\r?\n/)
  const rows = lines.map((line) =>
    [...line.matchAll(/"((?:[^"]|"")*)"(?:,|$)/g)].map(([, cell = '']) => cell.replaceAll('""', '"')),
  )
  const [head = [], ...rest] = rows
  return rest.map((cells) => Object.fromEntries(head.map((name, i) => [name, cells[i] ?? ''])))
}

function valueAt(row: object, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => Reflect.get(value as object, key), row)
}

describe('what was planted', () => {
  const commands = [
    { argv: ['logs'], rows: 1 },
    { argv: ['logs', '--json'], rows: null },
    { argv: ['servers', 'list'], rows: null },
    { argv: ['servers', 'list', '--json'], rows: null },
    { argv: ['servers', 'show', 'planted'], rows: null },
    { argv: ['portals', 'list'], rows: null },
    { argv: ['portals', 'show', 'planted'], rows: null },
    { argv: ['portals', 'show', 'planted', '--json'], rows: null },
  ]
  test.each(commands)('shows in $argv, and nothing of it is obeyed', async ({ argv }) => {
    const out = await portico(...argv)
    expect(out).toContain('HYPERLINK')
    expect(out).not.toMatch(OBEYED)
    // No line that it would have forged.
    expect(out.split('\n').filter((line) => line.startsWith('2026-01-01'))).toEqual([])
  })

  test('comes back whole in JSON, from each of its fields', async () => {
    const [row] = JSON.parse(await portico('logs', '--json', '--actor', PLANT)) as object[]
    for (const field of FIELDS)
      expect([field, PLANT.startsWith(String(valueAt(row ?? {}, field)))]).toEqual([field, true])
    expect(row).toMatchObject({ change: { object: expect.stringContaining('HYPERLINK') } })
  })

  // [AUDIT-6]
  test('is text for a spreadsheet in each cell of CSV, from the command line and from the API', async () => {
    const byCommand = await portico('logs', '--csv', '--actor', PLANT)
    const query = new URLSearchParams({ format: 'csv', phase: 'ended', actor: PLANT })
    const response = await fetch(`${portal.url}/client/v4/accounts/default/access/ai-controls/mcp/logs?${query}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    expect(response.headers.get('content-type')).toMatch(/^text\/csv/)
    expect(response.headers.get('content-disposition')).toMatch(/^attachment/)
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    const byApi = await response.text()
    expect(byApi.replaceAll('\r\n', '\n')).toBe(byCommand)
    expect(byCommand).not.toMatch(OBEYED)
    const rows = parseCsv(byApi)
    expect(rows).toHaveLength(1)
    expect(Object.keys(rows[0] ?? {})).toEqual([...LOG_COLUMNS])
    for (const field of FIELDS)
      expect([field, rows[0]?.[field]]).toEqual([field, expect.stringMatching(/^'=HYPERLINK/)])
    for (const cell of Object.values(rows[0] ?? {})) expect(cell).not.toMatch(/^[=+\-@]/)
  })

  test('is said by the log as JSON that reads back the same and drives no terminal', async () => {
    let said = ''
    const lines = sanitized({ write: (line: string) => (said += line) })
    expect(openLog('info').isLevelEnabled('info')).toBe(true)
    lines.write(`${JSON.stringify({ msg: PLANT, [PLANT]: PLANT })}\n`)
    expect(said).not.toMatch(OBEYED)
    expect(said.split('\n')).toHaveLength(2)
    expect(JSON.parse(said)).toEqual({ msg: PLANT, [PLANT]: PLANT })
  })
})
