/**
 * Calls that wait in one process, and whose caller came back to another (PostgreSQL only: with SQLite there is one process). The
 * answers go by the database to the process that keeps the call, and what comes of it goes back: the end of the call, or what its
 * server asks next. A process that has ended takes no answers, and its calls are lost; whoever brings answers is told so.
 */

import { Fault, type FaultCode } from '../base/fault.ts'
import type { PortalUid } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { Sealer } from '../base/secret.ts'
import { LIMITS } from '../config/limits.ts'
import type { Askable, ServerQuestion } from '../protocol/asked.ts'
import type { JsonObject } from '../protocol/model.ts'
import { scanReply } from '../protocol/scan.ts'
import type { Store } from '../store/open.ts'
import type { Performed } from './checkpoint.ts'
import { type Came, type Park, type ParkOwner, roundOf, settle } from './park.ts'
import { giveBack, handAnswers, isTaken, openPark, putReply, sealedAt, takeAnswers, takeReply } from './park-store.ts'
import type { Parks } from './parks.ts'

/** How long a process that lives takes at most to see what was brought for it. */
const MOST_PICKUP_MS = 5000

export interface ParkDesk {
  /** The call waits for so many rounds now, wherever its caller comes back to. */
  announce(park: Park, rounds: number): Promise<void>
  /**
   * Brings answers for a call of another process.
   *
   * @param isOver resolves when the caller gives up
   * @throws Fault as the call ended, or where nobody keeps it any more
   */
  bring(
    round: { park: string; rounds: number },
    whose: ParkOwner,
    brought: Brought,
    isOver: Promise<unknown>,
  ): Promise<Elsewhere>
  close(): void
}

/** What a client came back with. */
export interface Brought {
  answers: JsonObject
  /** What it can be asked by now. */
  askable: Askable
}

/** What came of a call of another process, and the audit's name of the credential that it carries. */
export type Elsewhere = Came & { credential: string | null }

export const LOST =
  'The call that asked this does not wait any more: its answer came too late, or the process that kept it has ended. See whether it took effect, then call anew.'

export interface ParkDeskDeps {
  store: Store
  /** Of purpose `store`. */
  sealer: Sealer
  log: Log
  parks: Parks
}

export function openParkDesk(deps: ParkDeskDeps): ParkDesk {
  return deps.store.dialect === 'postgres' ? new SharedDesk(deps) : OWN
}

/** What is not here is nowhere. */
const OWN: ParkDesk = {
  announce: async () => undefined,
  bring: async () => {
    throw new Fault('upstream-lost', LOST)
  },
  close: () => undefined,
}

class SharedDesk implements ParkDesk {
  readonly #deps: ParkDeskDeps
  /** Rounds of calls that are kept here, from when they are asked until what came of them is handed over. */
  readonly #waiting = new Map<string, { park: Park; rounds: number }>()
  readonly #wakers = new Set<() => void>()
  readonly #unfollow: () => void

  constructor(deps: ParkDeskDeps) {
    this.#deps = deps
    this.#unfollow = deps.store.versions.changed('parked', () => this.#look())
    deps.parks.onForgotten((id) => {
      for (const [round, { park }] of this.#waiting) if (park.id === id && !park.isAttended) this.#waiting.delete(round)
    })
  }

  async announce(park: Park, rounds: number): Promise<void> {
    const round = roundOf(park.id, rounds)
    const { store, parks } = this.#deps
    const { principal, owner, portalUid } = park.whose
    const named = { principal, owner, portalUid: portalUid as PortalUid, node: parks.node }
    // Of its rounds only the last one is waited for.
    this.#waiting.delete(roundOf(park.id, rounds - 1))
    this.#waiting.set(round, { park, rounds })
    await openPark(store, { id: round, ...named }, park.waitMs)
  }

  async bring(
    at: { park: string; rounds: number },
    { principal, owner }: ParkOwner,
    brought: Brought,
    isOver: Promise<unknown>,
  ): Promise<Elsewhere> {
    const { store } = this.#deps
    const round = roundOf(at.park, at.rounds)
    const whose = { id: round, principal, owner }
    if (!(await handAnswers(store, whose, this.#seal(round, 'answers', brought)))) {
      const came = await this.#reply(round)
      if (came === undefined) throw new Fault('upstream-lost', LOST)
      return came
    }
    const since = store.clock.elapsed()
    let isGone = false
    void isOver.then(() => {
      isGone = true
    })
    for (;;) {
      const raised = this.#raised()
      const came = await this.#reply(round)
      if (came !== undefined) return came
      if (isGone) {
        // Whoever keeps the call ends it at its server, too.
        await giveBack(store, whose, this.#seal(round, 'answers', null))
        throw new Fault('cancelled', 'The call was given up while its answer was on its way.')
      }
      const waited = store.clock.elapsed() - since
      if (waited > MOST_PICKUP_MS && !(await isTaken(store, round))) throw new Fault('upstream-lost', LOST)
      if (waited > LIMITS.call_time.value) throw new Fault('upstream-lost', LOST)
      await Promise.race([raised, isOver])
    }
  }

  close(): void {
    this.#unfollow()
    for (const wake of this.#wakers) wake()
  }

  /** At the next change, and now and then without one: that nobody takes it is no change. */
  #raised(): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        this.#wakers.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, 1000)
      timer.unref()
      this.#wakers.add(wake)
    })
  }

  async #look(): Promise<void> {
    for (const wake of [...this.#wakers]) wake()
    const { store, sealer, log } = this.#deps
    for (const [round, sealed] of await takeAnswers(store, [...this.#waiting.keys()])) {
      const kept = this.#waiting.get(round)
      const plain = sealer.open(sealed, sealedAt(round, 'answers'))
      if (kept === undefined || plain === undefined) continue
      const brought = JSON.parse(plain) as Brought | null
      if (brought === null) {
        kept.park.giveUp('the caller gave up')
        continue
      }
      this.#deliver(kept, brought).catch((err: unknown) =>
        log.warn({ err }, 'what came of a call could not be handed over'),
      )
    }
  }

  async #deliver({ park, rounds }: { park: Park; rounds: number }, { answers, askable }: Brought): Promise<void> {
    const { store, parks } = this.#deps
    const round = roundOf(park.id, rounds)
    try {
      // Its caller waits for it, if elsewhere: no time of its absence runs.
      parks.take(park.id, park.whose)
      park.askable = askable
      settle(park, answers)
      const came = await parks.next(park, rounds).catch((error: unknown) => error)
      // Before it is told: its caller may come back at once.
      if (isAsked(came)) await this.announce(park, rounds + 1)
      await putReply(store, round, this.#seal(round, 'reply', { said: saidOf(came), credential: park.credential }))
    } finally {
      this.#waiting.delete(round)
    }
  }

  #seal(round: string, what: 'answers' | 'reply', value: Brought | Delivered | null): string {
    return this.#deps.sealer.seal(JSON.stringify(value), sealedAt(round, what))
  }

  async #reply(round: string): Promise<Elsewhere | undefined> {
    const { store, sealer } = this.#deps
    const sealed = await takeReply(store, round)
    const plain = sealed === undefined ? undefined : sealer.open(sealed, sealedAt(round, 'reply'))
    if (plain === undefined) return undefined
    const { said, credential } = JSON.parse(plain) as Delivered
    return { ...cameOf(said), credential }
  }
}

/** As it travels between two processes of this program. */
type Said =
  | { kind: 'asked'; questions: [string, ServerQuestion][] }
  | { kind: 'raw'; bytes: string; credential: string | null; ms: number }
  | { kind: 'other'; done: Performed }
  | { kind: 'failed'; code: FaultCode; message: string; credential: string | null }

interface Delivered {
  said: Said
  credential: string | null
}

function isCame(came: unknown): came is Came {
  return typeof came === 'object' && came !== null && 'kind' in came
}

function isAsked(came: unknown): boolean {
  return isCame(came) && came.kind === 'asked'
}

function saidOf(came: unknown): Said {
  if (came instanceof Fault)
    return { kind: 'failed', code: came.code, message: came.message, credential: came.credential }
  if (!isCame(came)) return { kind: 'failed', code: 'upstream-lost', message: LOST, credential: null }
  if (came.kind === 'asked') return came
  const { done } = came
  if (done.reply.kind !== 'raw') return { kind: 'other', done }
  return { kind: 'raw', bytes: done.reply.bytes.toString('base64'), credential: done.credential, ms: done.upstreamMs }
}

function cameOf(said: Said): Came {
  switch (said.kind) {
    case 'asked':
      return said
    case 'other':
      return { kind: 'ended', done: said.done }
    case 'failed': {
      const fault = new Fault(said.code, said.message)
      fault.credential = said.credential
      throw fault
    }
    case 'raw': {
      // The scan is the proof that its offsets may be trusted, here as there.
      const reply = scanReply(Buffer.from(said.bytes, 'base64'))
      if (reply === null) throw new Fault('upstream-bad-answer', LOST)
      return { kind: 'ended', done: { reply, credential: said.credential, upstreamMs: said.ms } }
    }
  }
}
