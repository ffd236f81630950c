/**
 * One request to one server, and what may be tried again when it fails. The rule is the caller's safety: what could have
 * had an effect is never sent twice, unless the method or the server itself says that twice is the same as once.
 */
import type { Clock } from '../base/clock.ts'
import type { ServerUid } from '../base/ids.ts'
import type { Principal } from '../base/principal.ts'
import type { Askable } from '../protocol/asked.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { RawReply } from '../protocol/model.ts'
import type { Connection } from './connection.ts'
import type { LiveCredential } from './connections/model.ts'
import { type Exchange, type Limits, unlessStopped } from './exchange.ts'
import type { Inventories } from './inventories.ts'
import type { Pool } from './pool.ts'
import type { ServerSetup } from './setup.ts'
import { Trouble, troubleOf } from './trouble.ts'

export interface Performer {
  pool: Pool
  inventories: Inventories
  limits: Limits
  clock: Clock
  /** Reads a server's lists anew; never called for the requests of that reading itself. */
  relist(server: ServerUid, inventory: string): Promise<unknown>
}

/** A request that is to be performed on the connection of one key. */
export interface Task {
  setup: ServerSetup
  /** As `keyOf` says. */
  key: string
  credential: LiveCredential
  exchange: Exchange
  /** These two of the exchange; for the pool. */
  principal: Principal | null
  askable?: Askable | undefined
  /** As of a seat in the pool. */
  isLook?: boolean
}

const FIRST_PAUSE_MS = 50
const LAST_PAUSE_MS = 500
/** How often one request may be lost, where twice is the same as once: a server that it kills is not killed for ever. */
const MOST_LOST = 3

/** What a connection attempt says when nobody was there, as opposed to a name or certificate that will not be right in a second. */
const NOBODY_THERE = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']

/** @throws Trouble */
export function perform(performer: Performer, task: Task): Promise<RawReply> {
  const leased = performer.pool.lease(task.setup, task)
  if (leased instanceof Promise) return persist(performer, task, null)
  const { headers } = task.credential
  // Nearly every call finds its connection open and gets its answer: it is spared the frame of the loop, 300 bytes.
  return leased
    .request(task.exchange)
    .catch((error) => persist(performer, task, { error, connection: leased, headers }))
}

/** Methods that a server of 2026 may end with questions (MRTR). */
const MAY_ASK: readonly string[] = ['tools/call', 'prompts/get', 'resources/read']

/** @throws Trouble where a server asks in the place of an answer that must be one */
export function refuseOddType(raw: RawReply, method: string): RawReply {
  if (raw.has.resultType !== 'input_required' || MAY_ASK.includes(method)) return raw
  throw new Trouble('bad-answer', 'a question in the place of an answer')
}

interface Failure {
  error: unknown
  connection: Connection | null
  /** The credential that was shown. */
  headers: readonly string[]
}

/** @param failed the first attempt, where there was one */
async function persist(performer: Performer, task: Task, failed: Failure | null): Promise<RawReply> {
  const { setup, credential, exchange } = task
  const patience = new Patience(performer)
  const renewal = new Renewal(task)
  for (;;) {
    if (failed !== null && !(await renewal.mends(failed))) {
      const trouble = troubleOf(failed.error)
      const again =
        exchange.stopped === null ? retryOf(performer, task, { trouble, connection: failed.connection }) : 'never'
      const pause = patience.pauseFor(trouble, again)
      if (pause > 0) await unlessStopped(exchange, new Promise((resolve) => setTimeout(resolve, pause)))
      // The tool wants other headers than it did when it was listed (SEP-2243).
      const isOutdated = trouble.rpcCode === ErrorCode.HeaderMismatch && exchange.out.method === 'tools/call'
      if (isOutdated) await unlessStopped(exchange, performer.relist(setup.record.uid, credential.inventory))
      // It was allowed as it was approved; it may have changed since then, and wait for an admin.
      if (performer.inventories.isHeld(setup.record.uid, exchange.out, credential.inventory)) throw trouble
      exchange.idle = 0
    }
    // It may have run out or ended while this waited; then it says what is needed. At first it is as it was handed out, and who leased a
    // connection for it must not leave it alone.
    if (failed !== null && !credential.isFresh) await unlessStopped(exchange, credential.freshen(exchange))
    let connection: Connection | null = null
    const { headers } = credential
    try {
      const leased = performer.pool.lease(setup, task)
      if (leased instanceof Promise) {
        connection = await unlessStopped(exchange, leased)
        if (performer.inventories.isHeld(setup.record.uid, exchange.out, credential.inventory)) throw heldMeanwhile()
      } else connection = leased
      return await connection.request(exchange)
    } catch (error) {
      failed = { error, connection, headers }
    }
  }
}

/**
 * What a server did not take for its credential's sake it has not performed, so it may be sent again with a renewed one: once, and once
 * more where the first renewal brought other rights. A server that goes on saying no is believed.
 */
export class Renewal {
  readonly #task: Pick<Task, 'credential'> & { exchange: Exchange | null }
  #left = 2

  /** @param task its exchange is null where nobody could stop it */
  constructor(task: Pick<Task, 'credential'> & { exchange: Exchange | null }) {
    this.#task = task
  }

  /**
   * @returns whether another attempt may be made at once
   * @throws ConnectionNeeded, Trouble: what would have to happen first
   */
  async mends({ error, headers }: Pick<Failure, 'error' | 'headers'>): Promise<boolean> {
    const { credential, exchange } = this.#task
    if (!(error instanceof Trouble) || error.challenge === null || (exchange?.stopped ?? null) !== null) return false
    if (this.#left-- === 0) throw error
    const renewed = credential.refused(error.challenge, headers, exchange ?? undefined)
    if (exchange === null) await renewed
    else {
      await unlessStopped(exchange, renewed)
      exchange.idle = 0
    }
    return true
  }
}

/** A server takes as long as it likes to open a connection; its lists may be read on another one in that time. */
function heldMeanwhile(): Trouble {
  const hint = '{server} changed what it offers while this was on its way. Nothing was sent; read its lists again.'
  return new Trouble('not-ready', 'the definition was held meanwhile', { hint })
}

/** How often and how long one request is tried again. */
class Patience {
  readonly #performer: Performer
  /** The kinds that were answered with one more attempt. */
  readonly #once = new Set<string>()
  #lost: Trouble | null = null
  #timesLost = 0
  #until = 0
  #pause = FIRST_PAUSE_MS

  constructor(performer: Performer) {
    this.#performer = performer
  }

  /**
   * @returns milliseconds to wait before the next attempt
   * @throws Trouble when there is none
   */
  pauseFor(trouble: Trouble, again: Retry): number {
    // "Nothing was sent" would be a lie after an attempt that was lost.
    const worst = trouble.kind === 'unsent' || trouble.isOpening ? (this.#lost ?? trouble) : trouble
    if (again === 'never') throw worst
    if (again === 'once') {
      const kind = trouble.isOpening ? `opening/${trouble.kind}` : trouble.kind
      if (this.#once.has(kind)) throw worst
      this.#once.add(kind)
      return 0
    }
    if (!trouble.isOpening && (trouble.kind === 'lost' || trouble.isAway)) this.#lost = trouble
    if (!trouble.isOpening && trouble.kind === 'lost' && ++this.#timesLost >= MOST_LOST) throw trouble
    const now = this.#performer.clock.elapsed()
    if (this.#until === 0) this.#until = now + this.#performer.limits.refusedMs
    const pause = this.#pause
    if (now + pause > this.#until) throw worst
    this.#pause = Math.min(pause * 2, LAST_PAUSE_MS)
    return pause
  }
}

type Retry = 'never' | 'once' | 'after-pause'

function retryOf(
  performer: Performer,
  task: Task,
  { trouble, connection }: { trouble: Trouble; connection: Connection | null },
): Retry {
  const { setup } = task
  switch (trouble.kind) {
    case 'unsent':
      return isNobodyThere(trouble) ? 'after-pause' : 'never'
    case 'session-gone':
      performer.pool.forget(setup, connection)
      return 'once'
    case 'lost':
      // A child that ends in its handshake is started once more; the pool's rests are for the others.
      if (trouble.isOpening) return setup.transport === null ? 'after-pause' : 'once'
      return isRepeatable(performer, task) ? 'after-pause' : 'never'
    case 'status':
      if (trouble.isAway) {
        return trouble.isOpening || isRepeatable(performer, task) ? 'after-pause' : 'never'
      }
      // The opening itself has tried every transport; a connection that worked before may be out of date.
      if (connection === null || trouble.isCredential || (trouble.status ?? 0) >= 500) return 'never'
      performer.pool.forget(setup, connection)
      return 'once'
    default:
      return 'never'
  }
}

/** @returns whether the same attempt may succeed in a moment, and had no effect so far */
export function isNobodyThere(trouble: Trouble): boolean {
  const { cause } = trouble
  // Without a cause it is one of our own: the connection was closed between lease and use.
  if (cause === undefined) return trouble.hint === null
  if (!(cause instanceof Error)) return false
  // Several addresses of one name fail as one error that holds the others.
  if (cause instanceof AggregateError) return cause.errors.every((one) => isCode(one))
  return isCode(cause)
}

function isCode(error: unknown): boolean {
  return error instanceof Error && 'code' in error && NOBODY_THERE.includes(String(error.code))
}

function isRepeatable({ inventories }: Performer, { setup, credential, exchange: { out } }: Task): boolean {
  if (out.method !== 'tools/call') return true
  const { name } = out.params
  return typeof name === 'string' && inventories.isRepeatable(setup.record.uid, name, credential.inventory)
}
