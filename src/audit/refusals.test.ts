import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { TEST_KEYS } from '../../test/keys.ts'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import type { Audit, AuditRow } from './event.ts'
import { openAudit } from './log.ts'
import { KEYS_MOST, networkOf, WRITTEN_MOST } from './refusals.ts'

test.each([
  ['203.0.113.77', '203.0.113.0/24'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['', 'unknown'],
  ['what', 'unknown'],
])('%s belongs to the network %s', (address, network) => {
  expect(networkOf(address)).toBe(network)
})

describe('refusals of nobody known', () => {
  let dir: string
  let audit: Audit
  const open = (): Promise<Audit> =>
    openAudit({
      ...{ dir, databaseUrl: null, durability: 'process', retentionDays: 90 },
      ...{ keys: TEST_KEYS, clock: systemClock, log: silentLog },
    })
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'portico-refusals-'))
    audit = await open()
  })
  afterEach(async () => {
    await audit.close()
    rmSync(dir, { recursive: true, force: true })
  })

  /** What a closing audit wrote. */
  async function written(): Promise<AuditRow[]> {
    await audit.close()
    audit = await open()
    return audit.query({ limit: 5000, plane: 'door' })
  }

  const counted = (rows: readonly AuditRow[]): number =>
    rows.reduce((sum, { refusals }) => sum + (refusals?.count ?? 0), 0)

  test('a hundred thousand bad tokens from everywhere are at most two rows for each of a hundred networks, and all are counted', async () => {
    for (let n = 0; n < 100_000; n++) audit.refused('bad-token', `10.${n % 200}.${(n >> 3) % 250}.${n % 256}`)
    const rows = await written()
    expect(rows.length).toBeLessThanOrEqual(2 * (KEYS_MOST + 1))
    expect(counted(rows)).toBe(100_000)
    const other = rows.find(({ clientIp, phase }) => clientIp === 'other' && phase === 'ended')
    expect(other).toMatchObject({
      outcome: 'refused',
      decision: 'deny',
      error: 'bad-token',
      actor: { kind: 'unknown' },
    })
  })

  test('each kind and network has its count, with the first and the last time', async () => {
    const before = systemClock.now()
    for (let n = 0; n < 5; n++) audit.refused('bad-token', '203.0.113.7')
    audit.refused('bad-token', '203.0.113.200')
    audit.refused('unknown-host', '203.0.113.7')
    audit.refused('bad-token', '2001:db8::1')
    const rows = (await written()).filter(({ phase }) => phase === 'ended')
    expect(rows.map(({ error, clientIp, refusals }) => `${error} ${clientIp} ${refusals?.count}`).sort()).toEqual([
      'bad-token 2001:db8:0:0::/64 1',
      'bad-token 203.0.113.0/24 6',
      'unknown-host 203.0.113.0/24 1',
    ])
    for (const { refusals } of rows) {
      expect(refusals?.firstAt).toBeGreaterThanOrEqual(before)
      expect(refusals?.lastAt).toBeGreaterThanOrEqual(refusals?.firstAt ?? Infinity)
    }
  })

  test('a known caller has so many refusals written in a minute, and the others counted under its name', async () => {
    const ada = { kind: 'user', id: 'u1', label: 'ada@example.com' } as const
    let own = 0
    for (let n = 0; n < 1000; n++) {
      if (audit.mayWriteRefusal(ada.id)) own++
      else audit.refused('not-offered', '203.0.113.7', ada)
    }
    expect(own).toBe(WRITTEN_MOST)
    expect(audit.mayWriteRefusal('u2')).toBe(true)
    const rows = await written()
    expect(rows).toHaveLength(2)
    expect(rows[0]).toMatchObject({ actor: ada, error: 'not-offered', refusals: { count: 1000 - WRITTEN_MOST } })
  })
})
