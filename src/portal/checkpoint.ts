/**
 * The one order in which anything reaches an upstream: recorded, offered, allowed, performed, recorded. Every list,
 * call, read and completion comes through here, whatever its era and URL; there is no other way to an upstream.
 *
 * The entry is opened before the first check, so a crash in the middle leaves a `begun` row rather than no trace, and it
 * is finished before the outcome is returned, so no last byte can leave unrecorded.
 */

import type { Audit, DeedEnd } from '../audit/event.ts'
import { Fault } from '../base/fault.ts'
import type { DeedId } from '../base/ids.ts'
import { type Refusal, refused } from '../base/refusal.ts'
import type { Reply } from '../protocol/model.ts'
import { startOf } from './deed-start.ts'
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
  /** What the audit has to know beside the reply: what was changed, or why nothing was. */
  note?: Pick<DeedEnd, 'change' | 'error'>
}

/** @param deed for deeds that are part of this one */
export type Perform = (deed: DeedId) => Promise<Performed> | Performed

export type Outcome = { kind: 'answered'; reply: Reply } | Refusal | { kind: 'failed'; error: unknown }

/** @throws Fault `audit-unavailable`: what cannot be recorded is neither done nor answered */
export async function passCheckpoint(deed: Deed, visit: Visit, audit: Audit, perform: Perform): Promise<Outcome> {
  const entry = await audit.begin(startOf(deed.method, deed.target.name, visit))
  const end: DeedEnd = { outcome: 'unknown' }
  const outcome = await attempt(deed.target, visit, () => perform(entry.deed), end).catch(
    (error: unknown): Outcome => ({ kind: 'failed', error }),
  )
  close(end, outcome)
  await entry.finish(end)
  return outcome
}

async function attempt(
  target: Target,
  visit: Visit,
  perform: () => Promise<Performed> | Performed,
  end: DeedEnd,
): Promise<Outcome> {
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
  if (performed.note !== undefined) Object.assign(end, performed.note)
  return { kind: 'answered', reply: performed.reply }
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
    end.outcome = reply.kind === 'result' && reply.result.isError === true ? 'tool-error' : 'answered'
  }
}
