/**
 * What the calls of one grant have done with data, for rules that look at it: reading private data, reading what anybody may
 * have written, and sending out are harmless each by itself, and together let a stranger's text carry private data away.
 *
 * The owner is the grant, in both eras: a model that opens another session, or speaks another era, still remembers what it read.
 * Each call is written down before it is decided, so that of calls that come at the same moment, to whatever replica, the last
 * one knows of the others. What is refused is taken back; what fails at the server stays, since nobody knows what it did.
 */
import type { Log } from '../base/log.ts'
import { RefusedLater } from '../base/refusal.ts'
import { LABELS, type Label, MOST_WINDOW_MS } from '../contract/reach.ts'
import type { FlowFacts } from '../policy/model.ts'
import type { Store } from '../store/open.ts'
import { deleteLegs, enterLegs, forgetLegs, type Legs, type Seen } from './flow-store.ts'
import { inTime } from './in-time.ts'
import type { PortalSpec } from './spec.ts'

/** A call that counts as done, until it is taken back. */
export interface EnteredFlow extends FlowFacts {
  /** The call goes on, and is not taken back any more. */
  keep(): void
  /** The call is not made. Never rejects: what cannot be taken back stays, and makes rules stricter than they need be. */
  undo(): Promise<void>
}

export interface Flow {
  /** Whether some rule of the portal looks at it. Then every call that has a label is entered, also where no rule speaks of that one. */
  isWatched(spec: PortalSpec): boolean
  /** @throws Fault `store-unavailable` (as a rejection): what cannot be known is not done */
  enter(legs: Legs): Promise<EnteredFlow>
  /** Deletes what no rule looks at any more; to be called now and then. */
  forget(): Promise<void>
}

/** Owners of whom is known which legs replace older ones; where one is forgotten, its older legs stay a while longer. */
const MOST_OWNERS = 10_000

export function openFlow({ store, log }: { store: Store; log: Log }): Flow {
  // One of an owner at a time, also within this process: a flood of one owner's calls would have every connection wait for its turn.
  const queues = new Map<string, Promise<unknown>>()
  const done = new Map<string, ReadonlyMap<Label, number>>()

  function inTurn<T>(owner: string, work: () => Promise<T>): Promise<T> {
    const turn = (queues.get(owner) ?? Promise.resolve()).then(work, work)
    queues.set(owner, turn)
    const leave = () => {
      if (queues.get(owner) === turn) queues.delete(owner)
    }
    turn.then(leave, leave)
    return turn
  }

  function enterOnce(legs: Legs): Promise<Seen> {
    const before = done.get(legs.owner) ?? new Map<Label, number>()
    done.delete(legs.owner)
    return enterLegs(store, legs, before)
  }

  function keep({ owner, labels }: Legs, now: number): void {
    const kept = new Map(done.get(owner) ?? [])
    for (const label of labels) kept.set(label, Math.max(now, kept.get(label) ?? 0))
    done.delete(owner)
    done.set(owner, kept)
    const [oldest] = done.keys()
    if (done.size > MOST_OWNERS && oldest !== undefined) done.delete(oldest)
  }

  const undo = (legs: Legs): Promise<void> =>
    deleteLegs(store, legs).catch((error: unknown) => {
      log.warn({ err: error }, 'a call that was not made could not be taken back from what was called before')
    })

  async function look(legs: Legs): Promise<Seen> {
    let isWaiting = true
    const entering = inTurn(legs.owner, async () => {
      if (!isWaiting) throw new Error('nobody waits for this any more')
      const seen = await enterOnce(legs)
      if (!isWaiting) await undo(legs)
      return seen
    })
    try {
      return await inTime(entering, 'What was called before')
    } finally {
      isWaiting = false
    }
  }

  // By the portal as it was read: a change makes another one.
  const watched = new WeakMap<PortalSpec, boolean>()

  return {
    isWatched(spec) {
      const known = watched.get(spec)
      if (known !== undefined) return known
      const policies = [...spec.policies, ...spec.servers.flatMap((server) => server.policies ?? [])]
      const made = policies.some(({ reach }) => reach?.some(({ flowWindow }) => flowWindow !== null))
      watched.set(spec, made)
      return made
    },
    async enter(legs) {
      const { now, others } = await look(legs)
      return {
        completes: (windowMs) => completes(legs.labels, others, now - windowMs),
        keep: () => keep(legs, now),
        undo: () => undo(legs),
      }
    },
    forget: () => forgetLegs(store, MOST_WINDOW_MS),
  }
}

/**
 * Carries out what was entered: what goes on stays, whatever becomes of it, and what does not is taken back.
 *
 * @param work calls `goOn` before anything is done that could not be undone
 */
export async function whileEntered<T>(flow: EnteredFlow, work: (goOn: () => void) => Promise<T>): Promise<T> {
  let isDone = false
  try {
    return await work(() => {
      isDone = true
    })
  } catch (error) {
    if (error instanceof RefusedLater) isDone = false
    throw error
  } finally {
    if (isDone) flow.keep()
    else await flow.undo()
  }
}

/**
 * Whether all three come together with this call. One that does all three by itself completes them; where they are together
 * already, because a rule let that pass, every further one does.
 */
function completes(mine: readonly Label[], others: ReadonlyMap<Label, number>, since: number): boolean {
  return mine.length > 0 && LABELS.every((label) => mine.includes(label) || (others.get(label) ?? -1) > since)
}
