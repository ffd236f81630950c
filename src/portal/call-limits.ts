/**
 * Counts calls against limits, over all replicas. What is counted, and for whom, is the claim's key: this room knows neither
 * callers nor servers. Nothing is let through that cannot be counted: where the database is away and the slice in memory is
 * spent, calls are refused, and may be tried again.
 */
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { digest } from '../base/secret.ts'
import type { Store } from '../store/open.ts'
import { type CallSlots, localSlots, SharedSlots } from './call-slots.ts'
import { CallWindow } from './call-window.ts'
import { dropSlots, forgetLimits, leaseCalls, renewSlots, resizeSlots } from './limit-store.ts'

/** One limit as it bears on one call. */
export interface LimitClaim {
  /** Names the counter: the same for all calls that are counted together, and for no other. Another limit is another key. */
  readonly key: string
  /** Calls in any stretch of `windowMs`; null for no such limit. */
  readonly calls: number | null
  /** Milliseconds; null exactly where `calls` is. */
  readonly windowMs: number | null
  /** Calls at one time; null for no such limit. */
  readonly concurrency: number | null
}

export interface Taken {
  readonly kind: 'taken'
  /** The call is over. To be called whatever became of it; only the first time counts. */
  release(): void
}

export interface Exceeded<Claim extends LimitClaim = LimitClaim> {
  readonly kind: 'exceeded'
  readonly claim: Claim
  readonly what: 'calls' | 'concurrency'
  /** Milliseconds. */
  readonly retryInMs: number
}

export interface CallLimits {
  /**
   * Takes one call of each claim, or of none.
   *
   * @returns at once where all that is needed is in memory
   * @throws Fault `store-unavailable` (as a rejection): what cannot be counted is not done
   */
  take<Claim extends LimitClaim>(claims: readonly Claim[]): Taken | Exceeded<Claim> | Promise<Taken | Exceeded<Claim>>
  /** Counters in memory, for tests and figures. */
  readonly known: number
  /** Deletes what counts for nothing any more; to be called now and then. */
  forget(): Promise<void>
  /** Gives back what this replica holds. */
  close(): Promise<void>
}

export interface CallLimitDeps {
  store: Store
  clock: Clock
  log: Log
  /** Unique to this process. */
  holder: string
  /** For how long a dead replica's calls count as under way. */
  slotLifeMs?: number
  /** Counters that are kept in memory. */
  most?: number
}

const SLOT_LIFE_MS = 30_000
const MOST_KEPT = 20_000

/** What a claim took, and how it is given back: when the call is over, and when it is not made. */
interface Held {
  over(): void
  undone(): void
}

type Got = Held | Refused
interface Refused {
  what: Exceeded['what']
  retryInMs: number
}

export const NOTHING_TAKEN: Taken = { kind: 'taken', release: () => {} }

const nothing = (): void => {}

export function openCallLimits(deps: CallLimitDeps): CallLimits {
  const counters = openCounters(deps)
  return {
    take<Claim extends LimitClaim>(claims: readonly Claim[]) {
      return claims.length === 0 ? NOTHING_TAKEN : takeAll(stepsOf(claims, counters), [])
    },
    get known() {
      return counters.known
    },
    async forget() {
      counters.sweep()
      await forgetLimits(deps.store)
    },
    close: () => counters.close(),
  }
}

interface Step<Claim> {
  claim: Claim
  take(): Got | Promise<Got>
}

/** Windows first: what a spent one refuses is refused from memory, and no slot was moved for it. */
function stepsOf<Claim extends LimitClaim>(claims: readonly Claim[], counters: Counters): Step<Claim>[] {
  const steps: Step<Claim>[] = []
  for (const claim of claims)
    if (claim.calls !== null) steps.push({ claim, take: () => takeCall(counters.window(claim)) })
  for (const claim of claims)
    if (claim.concurrency !== null) steps.push({ claim, take: () => takeSlot(counters.slots(claim)) })
  return steps
}

function takeAll<Claim extends LimitClaim>(
  steps: readonly Step<Claim>[],
  held: Held[],
): Taken | Exceeded<Claim> | Promise<Taken | Exceeded<Claim>> {
  for (const [index, { claim, take }] of steps.entries()) {
    const got = take()
    if (got instanceof Promise) return takeRest(got, steps.slice(index), held)
    if ('what' in got) return giveUp(claim, got, held)
    held.push(got)
  }
  return taken(held)
}

/** @param first what the first of these steps will have got */
async function takeRest<Claim extends LimitClaim>(
  first: Promise<Got>,
  steps: readonly Step<Claim>[],
  held: Held[],
): Promise<Taken | Exceeded<Claim>> {
  try {
    const got = await first
    const claim = steps[0]?.claim
    if ('what' in got && claim !== undefined) return giveUp(claim, got, held)
    if (!('what' in got)) held.push(got)
  } catch (error) {
    for (const one of held) one.undone()
    throw error
  }
  return takeAll(steps.slice(1), held)
}

function giveUp<Claim extends LimitClaim>(
  claim: Claim,
  { what, retryInMs }: Refused,
  held: readonly Held[],
): Exceeded<Claim> {
  for (const one of held) one.undone()
  return { kind: 'exceeded', claim, what, retryInMs }
}

function taken(held: readonly Held[]): Taken {
  let isOver = false
  return {
    kind: 'taken',
    release() {
      if (isOver) return
      isOver = true
      for (const one of held) one.over()
    },
  }
}

function takeCall(window: CallWindow): Got | Promise<Got> {
  const got = window.take()
  const told = (slice: Awaited<typeof got>): Got =>
    typeof slice === 'number'
      ? { what: 'calls', retryInMs: slice }
      : { over: nothing, undone: () => window.giveBack(slice) }
  return got instanceof Promise ? got.then(told) : told(got)
}

function takeSlot(slots: CallSlots): Got | Promise<Got> {
  const got = slots.take()
  const release = () => slots.release()
  const told = (slot: true | number): Got =>
    slot === true ? { over: release, undone: release } : { what: 'concurrency', retryInMs: slot }
  return got instanceof Promise ? got.then(told) : told(got)
}

interface Counters {
  readonly known: number
  window(claim: LimitClaim): CallWindow
  slots(claim: LimitClaim): CallSlots
  sweep(): void
  close(): Promise<void>
}

function openCounters(deps: CallLimitDeps): Counters {
  const { store, clock, log, holder, slotLifeMs = SLOT_LIFE_MS, most = MOST_KEPT } = deps
  const windows = new Map<string, CallWindow>()
  const slots = new Map<string, CallSlots>()
  // With SQLite there is one process, and what runs at one time is in its memory.
  const hasReplicas = store.dialect === 'postgres'
  const lease: ConstructorParameters<typeof CallWindow>[2] = (window, wanted) => leaseCalls(store, window, wanted)

  function openSlots(key: string, concurrency: number): CallSlots {
    if (!hasReplicas) return localSlots(concurrency)
    const resize = (wanted: number, inUse: number) =>
      resizeSlots(store, { key, concurrency, holder }, { wanted, inUse, ms: slotLifeMs })
    return new SharedSlots(concurrency, clock, { resize, lifeMs: slotLifeMs })
  }

  async function renew(): Promise<void> {
    const holding = [...slots].flatMap(([key, one]) =>
      one instanceof SharedSlots && one.isHolding ? [{ key, one }] : [],
    )
    if (holding.length === 0) return
    const sentAt = clock.elapsed()
    const renewed = await renewSlots(store, holder, slotLifeMs)
    for (const { key, one } of holding) one.renewed(renewed.has(digest(key)) ? sentAt : null)
  }

  const beat = () =>
    renew().catch((error: unknown) => log.warn({ err: error }, 'calls under way could not be kept counted'))
  const timer = hasReplicas ? setInterval(beat, slotLifeMs / 3) : undefined
  timer?.unref()

  return {
    get known() {
      return windows.size + slots.size
    },
    window(claim) {
      const { key, calls, windowMs } = claim
      const known = windows.get(key)
      if (known !== undefined) return known
      makeRoom(windows, most)
      const made = new CallWindow({ key, calls: calls ?? 0, windowMs: windowMs ?? 0 }, clock, lease)
      windows.set(key, made)
      return made
    },
    slots(claim) {
      const known = slots.get(claim.key)
      if (known !== undefined) return known
      makeRoom(slots, most)
      const made = openSlots(claim.key, claim.concurrency ?? 0)
      slots.set(claim.key, made)
      return made
    },
    sweep() {
      for (const [key, window] of windows) if (window.isOver) windows.delete(key)
      for (const [key, one] of slots) if (one.isIdle) slots.delete(key)
    },
    async close() {
      clearInterval(timer)
      if (!hasReplicas || slots.size === 0) return
      await dropSlots(store, holder).catch((error: unknown) =>
        log.warn({ err: error }, 'calls under way count for as long as they would for a portal that died'),
      )
    },
  }
}

/** Forgets the oldest quarter of those that nobody uses: what a window loses is the rest of a slice. */
function makeRoom(counters: Map<string, { readonly isIdle: boolean }>, most: number): void {
  if (counters.size < most) return
  let surplus = Math.ceil(most / 4)
  for (const [key, counter] of counters) {
    if (surplus === 0) return
    if (!counter.isIdle) continue
    counters.delete(key)
    surplus--
  }
}
