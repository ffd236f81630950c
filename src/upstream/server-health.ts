/** How one server is, as callers, admins and scrapers are told. */
import { healthOf } from './breaker.ts'
import { CLOSED } from './circuit.ts'
import type { ChildFigures, ServerFigures, ServerHealth } from './model.ts'
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
  const held = { connections: 0, children: 0, inFlight: 0 }
  for (const { connection } of pool.held(setup)) {
    held.connections++
    held.inFlight += connection.inFlight
  }
  if (setup.transport !== null) held.children = held.connections
  return { id: setup.record.id, circuit, failures, ...held, ...tally }
}

/** @param server undefined where it is gone, or not known yet */
export function childrenOf(server: Server | undefined, pool: Pool): ChildFigures[] {
  const own: ChildFigures['whose'] = server?.setup.record.isolation === 'per_session' ? 'session' : 'user'
  return [...(server === undefined ? [] : pool.held(server.setup))]
    .flatMap(({ connection: { pid, inFlight }, openedAt: startedAt, isShared }) =>
      pid === undefined ? [] : [{ pid, startedAt, inFlight, whose: isShared ? ('all' as const) : own }],
    )
    .sort((one, other) => one.startedAt - other.startedAt)
}
