/** How one server is, as callers, admins and scrapers are told. */
import { healthOf } from './breaker.ts'
import { CLOSED } from './circuit.ts'
import type { ServerFigures, ServerHealth } from './model.ts'
import type { Pool } from './pool.ts'
import type { Server } from './server-table.ts'

/** @param server undefined where it is gone, or not known yet */
export function healthIn(server: Server | undefined): ServerHealth {
  const stored = server?.stored
  return {
    status: stored?.status ?? 'waiting',
    error: stored?.error ?? null,
    lastSynced: stored?.lastSynced ?? null,
    lastSuccessfulSync: stored?.lastSuccessfulSync ?? null,
    circuit: server?.breaker.health ?? healthOf(CLOSED),
  }
}

export function figuresOf({ setup, breaker, tally }: Server, pool: Pool): ServerFigures {
  const { state: circuit, failures } = breaker.health
  return { id: setup.record.id, circuit, failures, ...pool.held(setup), ...tally }
}
