/**
 * A process that writes audit rows until it is told to end or is killed. It says on stdout what it was let go for: `b <deed>`
 * after a `begun` row, `e <deed>` after an `ended` one.
 *
 * Arguments as JSON: AuditOptions without clock and log, and `deeds` (how many, or null for no end), `die` (kill itself
 * after that many), `hold` (begin one more and never finish it), `forget` (never close the audit).
 */
import { writeSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { openAudit } from '../src/audit/log.ts'
import { systemClock } from '../src/base/clock.ts'
import type { DeedId } from '../src/base/ids.ts'
import { newId } from '../src/base/ids.ts'
import { silentLog } from '../src/base/log.ts'
import { TEST_KEYS } from './keys.ts'

export interface WriterOptions {
  dir: string
  databaseUrl: string | null
  durability: 'process' | 'disk'
  deeds: number | null
  die?: boolean
  hold?: boolean
  forget?: boolean
}

const options = JSON.parse(process.argv[2] ?? '{}') as WriterOptions
const audit = await openAudit({
  ...options,
  retentionDays: 90,
  keys: TEST_KEYS,
  clock: systemClock,
  log: silentLog,
  journal: { segmentBytes: 512 * 1024, maxSegments: 64 },
})
// Most of these are killed, and would leave their compiled code to nobody.
flushCompileCache()

function start(deed: DeedId) {
  return audit.begin({
    deed,
    plane: 'mcp',
    actor: { kind: 'user', id: 'u1', label: 'ada@example.com' },
    method: 'tools/call',
    capability: 'ledger_read',
  })
}

let begun = 0
async function caller(): Promise<void> {
  while (options.deeds === null || begun < options.deeds) {
    begun++
    const deed = newId<DeedId>(systemClock.now())
    const entry = await start(deed)
    writeSync(1, `b ${deed}\n`)
    await entry.finish({ outcome: 'answered' })
    writeSync(1, `e ${deed}\n`)
  }
}

await Promise.all(Array.from({ length: 32 }, caller))
if (options.hold) {
  const deed = newId<DeedId>(systemClock.now())
  await start(deed)
  writeSync(1, `b ${deed}\n`)
}
if (options.die) process.kill(process.pid, 'SIGKILL')
if (options.hold) process.stdin.resume()
else if (!options.forget) await audit.close()
