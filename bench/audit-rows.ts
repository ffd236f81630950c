/** Rows for benches of the audit: calls of 500 people through 7 portals, and a few that came once, long ago. */
import type { AuditStore } from '../src/audit/audit-store.ts'
import type { JournalRow } from '../src/audit/lines.ts'

/** Between one row and the next. */
export const STEP_MS = 5000
const PIECE = 5000
const TIDIED_EACH = 100_000

/** One in so many is the one that is looked for: at the far end there is one alone. */
function rowAt(at: number, first: number): JournalRow {
  const tool = at % 997
  const facts = {
    portalMs: 1.25,
    era: '2026-07-28',
    clientName: 'bench client',
    clientIp: '192.0.2.7',
    rule: 'everybody',
  }
  return {
    ...{
      phase: at % 2 === 0 ? 'begun' : 'ended',
      at: first + at * STEP_MS,
      deed: `deed-${at >> 1}`,
      actor: `a${at % 500}`,
    },
    ...{
      plane: 'mcp',
      method: at === 7 ? 'tools/rare' : 'tools/call',
      portal: `portal-${at % 7}`,
      server: `server-${at % 200}`,
    },
    ...{
      capability: `server-${at % 200}_tool_${tool}`,
      outcome: at % 100 === 1 ? 'refused' : 'answered',
      decision: 'allow',
    },
    facts: JSON.stringify(at === 9 ? { ...facts, purpose: 'a needle in the hay' } : facts),
  }
}

const actorsAt = (first: number) =>
  Array.from({ length: 500 }, (_, at) => ({
    ...{ hash: `a${at}`, seenAt: first, kind: 'user', id: `u${at}`, label: `person${at}@acme.test` },
    ...{ role: null, grant: null },
  }))

/** @param first when the first of the rows was written, in milliseconds since 1970 */
export async function fillAudit(store: AuditStore, count: number, first: number): Promise<void> {
  const { journal, segment, offset } = await store.attach('bench')
  const at = { segment, offset }
  for (let from = 0; from < count; from += PIECE) {
    const rows = Array.from({ length: Math.min(PIECE, count - from) }, (_, more) => rowAt(from + more, first))
    await store.append({ journal, openFrom: 0, from: at, to: at, rows, actors: from === 0 ? actorsAt(first) : [] })
    if (from % TIDIED_EACH === 0) await store.tidy(first)
  }
  await store.forget(journal)
}
