/**
 * Whether a server is called at all, from arguments alone. A call that fails never opens a circuit: it makes the portal
 * ask the server itself, and only when that fails too is the server left alone. So one slow tool, one crash or one
 * mistake of a caller takes a server from nobody, and a restart that heals within the patience of a call is not noticed.
 */
import type { Trouble } from './trouble.ts'

/** `half_open`: left alone, and being asked at this moment whether it is back. */
export type CircuitState = 'closed' | 'open' | 'half_open'

export interface Circuit {
  readonly state: CircuitState
  /** Of calls and of questions, in a row. */
  readonly failures: number
  /** Since when it is left alone, in milliseconds since 1970; null while it is called. */
  readonly since: number | null
  /** When it is asked next; null while it is called, or asked. */
  readonly nextProbe: number | null
  /** Questions that failed in a row: what the rests grow by. */
  readonly probes: number
}

export const CLOSED: Circuit = { state: 'closed', failures: 0, since: null, nextProbe: null, probes: 0 }

export type CircuitEvent =
  /** A call failed in a way that speaks against the server. */
  | { kind: 'failed' }
  /** A call or a question was answered. */
  | { kind: 'answered' }
  /** The server is being asked. */
  | { kind: 'asked' }
  /** A question failed, and the next one is due. */
  | { kind: 'silent'; now: number; restMs: number }
  /** A question that a caller caused failed; the next one is due when it was. */
  | { kind: 'still-silent'; nextProbe: number }

export function step(circuit: Circuit, event: CircuitEvent): Circuit {
  switch (event.kind) {
    case 'answered':
      return CLOSED
    case 'failed':
      return { ...circuit, failures: circuit.failures + 1 }
    case 'asked':
      return circuit.state === 'open' ? { ...circuit, state: 'half_open', nextProbe: null } : circuit
    case 'silent':
      return {
        state: 'open',
        failures: circuit.failures + 1,
        since: circuit.since ?? event.now,
        nextProbe: event.now + event.restMs,
        probes: circuit.probes + 1,
      }
    case 'still-silent':
      return { ...circuit, state: 'open', failures: circuit.failures + 1, nextProbe: event.nextProbe }
  }
}

/** How many times the first rest the longest one is. */
const GROWTH = 60

/** @param probes questions that failed in a row before this rest */
export function restOf(probes: number, firstMs: number): number {
  return firstMs * Math.min(2 ** probes, GROWTH)
}

/**
 * What a failed call says of its server.
 *
 * - `none`: nothing. The server answered, or never had a chance to: cancelled, refused credential, too much at once.
 * - `some`: it may be starting again at this moment, and is given the patience that a call has.
 * - `strong`: the call itself had all patience.
 */
export type Suspicion = 'none' | 'some' | 'strong'

export function suspicionOf(trouble: Trouble): Suspicion {
  switch (trouble.kind) {
    case 'unsent':
    case 'timeout':
      return 'strong'
    case 'lost':
      return 'some'
    case 'status':
      return (trouble.status ?? 0) >= 500 ? 'some' : 'none'
    case 'bad-answer':
      // In the opening, it is another server than the one we knew; later, one answer of one tool.
      return trouble.isOpening ? 'some' : 'none'
    case 'cancelled':
    case 'session-gone':
    case 'busy':
    case 'not-ready':
    case 'left-alone':
      return 'none'
  }
}
