/**
 * The one order in which anything reaches an upstream: recorded, offered, allowed, performed, recorded. Every list,
 * call, read and completion comes through here, whatever its era and URL; there is no other way to an upstream.
 *
 * The entry is opened before the first check, so a crash in the middle leaves a `begun` row rather than no trace, and it
 * is finished before the outcome is returned, so no last byte can leave unrecorded.
 */

import type { Audit, DeedEnd, DeedStart } from '../audit/event.ts'
import { Fault } from '../base/fault.ts'
import { type Refusal, refused } from '../base/refusal.ts'
import type { Reply } from '../protocol/model.ts'
import { offered, type Target } from './target.ts'
import type { Visit } from './visit.ts'

/** One thing asked of the portal. */
export interface Deed {
  method: string
  target: Target
}

export interface Performed {
  reply: Reply
  /** The audit's name of the upstream credential, or null where no upstream was involved. */
  credential: string | null
  /** Milliseconds in the upstream. */
  upstreamMs: number
}

export type Perform = () => Promise<Performed> | Performed

export type Outcome = { kind: 'answered'; reply: Reply } | Refusal | { kind: 'failed'; error: unknown }

/** @throws Fault `audit-unavailable`: what cannot be recorded is neither done nor answered */
export async function passCheckpoint(deed: Deed, visit: Visit, audit: Audit, perform: Perform): Promise<Outcome> {
  const entry = await audit.begin(startOf(deed, visit))
  const end: DeedEnd = { outcome: 'unknown' }
  const outcome = await attempt(deed, visit, perform, end).catch(
    (error: unknown): Outcome => ({ kind: 'failed', error }),
  )
  close(end, outcome)
  await entry.finish(end)
  return outcome
}

async function attempt(deed: Deed, visit: Visit, perform: Perform, end: DeedEnd): Promise<Outcome> {
  const { target } = deed
  if (target.kind === 'capability') {
    end.server = target.entry.server.id
    end.original = target.entry.original
    end.definitionHash = target.entry.hash
  }

  const missing = offered(target, visit)
  if (missing) return missing

  const decision = target.kind === 'capability' ? visit.access.servers.get(target.entry.server.uid) : visit.access.enter
  end.decision = decision?.allow === true ? 'allow' : 'deny'
  end.rule = decision?.rule ?? null
  if (decision?.allow !== true) return refused('not-allowed', end.rule)

  const performed = await perform()
  end.upstreamMs = performed.upstreamMs
  if (performed.credential !== null) end.credential = performed.credential
  return { kind: 'answered', reply: performed.reply }
}

function startOf(deed: Deed, visit: Visit): DeedStart {
  const { client, principal, spec, session } = visit
  const start: DeedStart = {
    deed: visit.newDeed(),
    plane: 'mcp',
    actor: visit.actor,
    method: deed.method,
    portal: spec.id,
    era: client.version,
    clientIp: visit.clientIp,
  }
  if (deed.target.name !== null) start.capability = deed.target.name
  if (client.name !== null) start.clientName = client.name
  if (client.clientVersion !== null) start.clientVersion = client.clientVersion
  start.session = session === null ? `grant:${principal.grant}` : session.id
  if (visit.traceparent !== null) start.traceparent = visit.traceparent
  return start
}

function close(end: DeedEnd, outcome: Outcome): void {
  switch (outcome.kind) {
    case 'answered':
      closeAnswered(end, outcome.reply)
      return
    case 'refused':
      end.outcome = 'refused'
      end.decision = 'deny'
      end.error = outcome.reason
      return
    case 'failed': {
      const { error } = outcome
      end.outcome = error instanceof Fault && error.code === 'cancelled' ? 'cancelled' : 'failed'
      end.error = error instanceof Fault ? error.code : 'bug'
    }
  }
}

function closeAnswered(end: DeedEnd, reply: Reply): void {
  if (reply.kind === 'raw') {
    end.outcome = reply.outcome === 'error' ? 'error' : reply.has.isError ? 'tool-error' : 'answered'
  } else if (reply.kind === 'error') {
    end.outcome = 'error'
    end.error = String(reply.error.code)
  } else {
    end.outcome = 'answered'
  }
}
