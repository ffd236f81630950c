/**
 * The one order in which anything reaches an upstream: recorded, offered, allowed, limited, resumed, approved, performed,
 * recorded. Every list, call, read and completion comes through here, whatever its era and URL; there is no other way to an
 * upstream.
 *
 * The entry is opened before the first check, so a crash in the middle leaves a `begun` row rather than no trace, and it
 * is finished before the outcome is returned, so no last byte can leave unrecorded.
 */

import type { DeedEnd } from '../audit/event.ts'
import type { DeedId } from '../base/ids.ts'
import { type Refusal, RefusedLater } from '../base/refusal.ts'
import type { Asking } from '../policy/model.ts'
import type { JsonObject, Reply } from '../protocol/model.ts'
import { allowed, allowedToGoOn } from './allowed.ts'
import { placeOf } from './call-place.ts'
import { closeDeed } from './close-deed.ts'
import { decideAgain } from './decide-again.ts'
import { startOf } from './deed-start.ts'
import { meetDemands } from './demands.ts'
import { whileEntered } from './flow.ts'
import { lackingFor } from './lacking.ts'
import { takeLimits } from './limits.ts'
import { isAtServer } from './relay-round.ts'
import { isResumed, resumed, waitsAtServer } from './resumed.ts'
import type { Scene } from './scene.ts'
import { offered, type Target } from './target.ts'

/** One thing asked of the portal. */
export interface Deed {
  method: string
  target: Target
  /** What the server would be given, for rules that look at it; where left out, none can say yes by it. */
  input?: JsonObject
  /** It may put questions to its caller, and so may come back with answers. */
  asks?: boolean
  /** The deed that it is part of. */
  parent?: DeedId
  /**
   * It goes on with what a deed before it began. Whether that is allowed is decided again, as in a list; what it was called with was
   * judged then, and what was asked for was met, and it is counted once.
   */
  goesOn?: boolean
}

export interface Performed {
  reply: Reply
  /** The audit's name of the upstream credential, or null where no upstream was involved. */
  credential: string | null
  /** Milliseconds in the upstream. */
  upstreamMs: number
  /** What the audit has to know beside the reply: what was changed, or why nothing was. */
  note?: Pick<DeedEnd, 'change' | 'error'>
  /** A server has begun with it, whoever the reply is from: what was given for one call is used. */
  isBegun?: true
}

export type Perform = (scene: Scene) => Promise<Performed> | Performed

export type Outcome = { kind: 'answered'; reply: Reply } | Refusal | { kind: 'failed'; error: unknown }

type Asker = Pick<Scene, 'visit' | 'errand' | 'rooms'>

/** The deed as the audit has it. */
interface Recorded {
  id: DeedId
  end: DeedEnd
}

/** @throws Fault `audit-unavailable`: what cannot be recorded is neither done nor answered */
export async function passCheckpoint(deed: Deed, asker: Asker, perform: Perform): Promise<Outcome> {
  const { visit, rooms } = asker
  const start = startOf(deed.method, deed.target.name, visit)
  if (deed.parent !== undefined) start.parent = deed.parent
  const entry = await rooms.audit.begin(start)
  const end: DeedEnd = { outcome: 'unknown' }
  const outcome = await attempt(deed, asker, perform, { id: entry.deed, end }).catch(failed)
  closeDeed(end, outcome)
  await entry.finish(end)
  return outcome
}

async function attempt(
  deed: Deed,
  { visit, errand, rooms }: Asker,
  perform: Perform,
  { id, end }: Recorded,
): Promise<Outcome> {
  const { target, input = null } = deed
  if (target.kind === 'capability') {
    end.server = target.entry.server.id
    end.original = target.entry.original
    end.definitionHash = target.entry.hash
  }

  const missing = offered(target, visit)
  if (missing) return missing

  const scene: Scene = {
    ...{ visit, errand, rooms, target, input, deed: id, end, isBypassed: false },
    decideAgain: () => decideAgain(scene),
  }
  if (deed.goesOn === true) scene.goesOn = true
  const ruling = deed.goesOn === true ? allowedToGoOn(scene) : allowed(scene)
  const decision = ruling instanceof Promise ? await ruling : ruling
  if (decision.kind === 'refused') {
    end.rule = decision.rule
    return decision
  }
  end.decision = 'allow'
  end.rule = decision.rule
  scene.isBypassed = decision.isBypassed

  const { flow, terms } = decision
  // Nearly no portal has a rule about the flow of data.
  if (flow === null) return carryOut(deed, { scene, terms }, perform)
  return whileEntered(flow, (goOn) =>
    carryOut(deed, { scene, terms }, (ready) => {
      goOn()
      return perform(ready)
    }),
  )
}

interface Allowed {
  scene: Scene
  terms: readonly Asking[]
}

async function carryOut(deed: Deed, { scene, terms }: Allowed, perform: Perform): Promise<Outcome> {
  const { end } = scene
  // What goes on was begun with what it needed.
  const lacking = deed.goesOn === true ? null : lackingFor(scene)
  if (lacking !== null) return lacking
  const isAsking = terms.length > 0
  // What waits for people is not under way: it would keep others out for as long as nobody decides.
  const part = deed.goesOn === true ? 'concurrency' : isAsking ? 'calls' : undefined
  const isBack = deed.asks === true && isResumed(scene)
  // A call that waits at its server was counted, and has its place.
  const taken = isBack && waitsAtServer(scene) ? null : takeLimits(scene, part)
  const claim = taken instanceof Promise ? await taken : taken
  if (claim !== null && claim.kind === 'refused') return claim
  const place = placeOf(claim)
  if (place !== null) scene.place = place
  try {
    // What a request brings along from an earlier try is judged before anything is done for it; nearly every request brings nothing.
    const ready = isBack ? await resumed(scene) : scene
    if ('reply' in ready) return answered(ready, end)
    const done = isAsking ? await meetDemands(terms, ready, placed(perform)) : await perform(ready)
    return 'reason' in done ? done : answered(done, end)
  } finally {
    place?.leave()
  }
}

/** @throws RefusedLater where as many calls are under way as may be */
function placed(perform: Perform): Perform {
  return async (scene) => {
    if (isAtServer(scene)) return perform(scene)
    const claim = await takeLimits(scene, 'concurrency')
    if (claim?.kind === 'refused') throw new RefusedLater(claim)
    const place = placeOf(claim)
    try {
      return await perform(place === null ? scene : { ...scene, place })
    } finally {
      place?.leave()
    }
  }
}

function answered(performed: Performed, end: DeedEnd): Outcome {
  end.upstreamMs = performed.upstreamMs
  if (performed.credential !== null) end.credential = performed.credential
  if (performed.note !== undefined) Object.assign(end, performed.note)
  return { kind: 'answered', reply: performed.reply }
}

function failed(error: unknown): Outcome {
  return error instanceof RefusedLater ? error.refusal : { kind: 'failed', error }
}
