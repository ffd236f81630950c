/**
 * One request on its way to a server, and the watch over all of them: cancellation and time limits. The watch counts
 * ticks of one timer, so a call costs no timer and no clock reading; limits are therefore late by up to one tick, never
 * early.
 */
import type { Principal } from '../base/principal.ts'
import { LIMITS as TABLE } from '../config/limits.ts'
import { type Askable, isAskable, NOTHING_ASKABLE, type ServerAnswer, type ServerQuestion } from '../protocol/asked.ts'
import { withoutHopKeys } from '../protocol/era-2026/envelope.ts'
import type { ClientFacts, JsonObject, LogLevel, Notification } from '../protocol/model.ts'
import { withoutMarksIn } from '../protocol/portal-mark.ts'
import type { LiveCredential } from './connections/model.ts'
import type { Cancel, Deadlines } from './model.ts'
import { formsOf, redactNotification } from './redact.ts'
import type { ServerSetup } from './setup.ts'
import { Trouble } from './trouble.ts'

/** What a connection needs to know of a request. An `UpstreamCall` is one; the portal's own have no principal. */
export interface Outgoing {
  principal: Principal | null
  client: ClientFacts | null
  method: string
  params: JsonObject
  progress: boolean
  logLevel?: LogLevel
  traceparent?: string
  tracestate?: string
  hop?: number
  vendorMeta?: JsonObject
  cancel: Cancel
  report(notification: Notification): void
  askable?: Askable
  extensions?: JsonObject
  ask?(question: ServerQuestion, signal: AbortSignal): Promise<ServerAnswer>
  lacks?(question: ServerQuestion): void
  passedOver?(question: ServerQuestion): Promise<void>
}

export interface Limits {
  connectMs: number
  /** Until the first byte, and between two; progress counts as one. */
  idleMs: number
  /** In all, whatever arrives. */
  totalMs: number
  /** How long a refused connection is tried again. */
  refusedMs: number
  answerBytes: number
  /** Calls in flight on one connection. */
  inFlight: number
  /** For each message of a handshake, in all. */
  openingMs: number
  /** How long a child may stay silent on `server/discover` before it is taken for an old one, and a server on a `ping`. */
  probeMs: number
  /** The first rest between two questions to a server that does not answer; they grow to 60 times as much. */
  restMs: number
}

export const LIMITS: Limits = {
  connectMs: 5000,
  idleMs: TABLE.call_silence.value,
  totalMs: TABLE.call_time.value,
  refusedMs: TABLE.refused.value,
  answerBytes: TABLE.answer.value,
  inFlight: TABLE.calls_per_connection.value,
  openingMs: TABLE.handshake.value,
  probeMs: TABLE.question.value,
  restMs: 1000,
}

/** What calls to one server may take, counted as the watch counts; 0 is the common limit. */
export interface Ticks {
  readonly idle: number
  readonly total: number
}

/** Never cancelled: for the portal's own requests. */
export const NEVER: Cancel = { cancelled: false, listen: () => {} }

/** An object and not a function, so that a call's own handler can be it without a closure. */
export interface Stopper {
  stop(trouble: Trouble): void
}

const NOTHING: readonly string[] = []

/** How many questions of one call may wait for answers at one time, and come in all. */
const MOST_OPEN = TABLE.questions_open.value
const MOST_ASKED = TABLE.questions_per_call.value

/** The connection that has the request in hand listens with `onStop`; whoever ends it early calls `stop`. */
export class Exchange {
  readonly out: Outgoing
  /** Ticks since the last sign of life, and since the start. */
  idle = 0
  age = 0
  /** A request's own limit in ticks, where it has one: its server's, a probe's, that of an answered stream's tail. */
  idleLimit = 0
  /** The same for its whole age. */
  ageLimit = 0
  /** Whose secrets are taken out of what is said on its way: its server's, and those of the credential that goes with it. */
  server: Pick<ServerSetup, 'transport'> | null = null
  credential: LiveCredential | null = null
  /** A credential was renewed for it. */
  isRenewed = false
  /** The signed statements of who calls that went with it and with answers to its questions, for a server that asks; never to be shown. */
  stated: readonly string[] = NOTHING
  /** A subscription: no limit of time holds for it, and it does not count as a call in flight. */
  readonly isEndless: boolean
  /** The secrets of the credential that `forms` are of, and the statements. */
  #known: readonly string[] | null = null
  #knownStated: readonly string[] = NOTHING
  #forms: readonly string[] = NOTHING
  /** The call that this one only carries: it waits where that one does. */
  #carried: Exchange | null = null
  /** Questions of the server that wait for the caller. */
  #questions: Set<AbortController> | null = null
  #asked = 0
  #passedOver = 0
  #stopper: Stopper | null = null
  #stopped: Trouble | null = null

  constructor(out: Outgoing, isEndless = false) {
    this.out = out
    this.isEndless = isEndless
  }

  /** Gives it the limits of its server, or those of another exchange that it carries. */
  holdTo({ idle, total }: Ticks): void {
    this.idleLimit = idle
    this.ageLimit = total
  }

  /** Gives it the limits of the request that it carries, which stand still where those do. */
  carries(carried: Exchange): void {
    this.holdTo({ idle: carried.idleLimit, total: carried.ageLimit })
    this.#carried = carried
  }

  /** A question waits for its answer: a person takes the time that a person takes, and no limit of the server's runs. */
  get isWaiting(): boolean {
    return (this.#questions !== null && this.#questions.size > 0) || (this.#carried?.isWaiting ?? false)
  }

  /**
   * The server asks something in the midst of it.
   *
   * @param question aborted when the call ends before it is answered
   * @returns false where there have been too many
   */
  openQuestion(question: AbortController): boolean {
    if (this.#stopped !== null || this.#asked >= MOST_ASKED) return false
    this.#questions ??= new Set()
    if (this.#questions.size >= MOST_OPEN) return false
    this.#asked++
    this.#questions.add(question)
    return true
  }

  /** The server asked something that may have been of this call or of somebody else's. Like questions, so many of them are told. */
  async passOver(question: ServerQuestion): Promise<void> {
    const { askable = NOTHING_ASKABLE } = this.out
    if (!isAskable(question, askable) || this.#stopped !== null || this.#passedOver >= MOST_ASKED) return
    this.#passedOver++
    await this.out.passedOver?.(question)
  }

  closeQuestion(question: AbortController): void {
    if (this.#questions?.delete(question)) this.idle = 0
  }

  /** It was answered, or came to another end: nobody needs to answer any more. */
  endQuestions(): void {
    if (this.#questions === null) return
    const open = [...this.#questions]
    this.#questions.clear()
    for (const question of open) question.abort()
  }

  get stopped(): Trouble | null {
    return this.#stopped
  }

  /** Replaces the listener; calls it at once if the request was stopped already. */
  onStop(stopper: Stopper | null): void {
    this.#stopper = stopper
    if (this.#stopped !== null) stopper?.stop(this.#stopped)
  }

  /** What the server says on the way to its answer. */
  report(notification: Notification): void {
    const shown = this.withoutSecrets(withoutHopKeys(notification))
    if (shown !== null) this.out.report(shown)
  }

  /** And without the portal's own marks. @returns null where nothing of it can be shown */
  withoutSecrets<Said extends { method: string; params: JsonObject }>(said: Said): Said | null {
    const { server, credential, stated } = this
    const known = credential?.secrets ?? null
    // A stream of progress finds the forms made: they cost more than to look for them.
    if (server !== null && known !== null && (known !== this.#known || stated !== this.#knownStated)) {
      this.#known = known
      this.#knownStated = stated
      this.#forms = formsOf(server, stated.length === 0 ? known : [...known, ...stated])
    }
    const params = withoutMarksIn(said.params)
    return redactNotification(params === said.params ? said : { ...said, params }, this.#forms)
  }

  stop(trouble: Trouble): void {
    if (this.#stopped !== null) return
    this.#stopped = trouble
    // First, so that the caller is asked nothing any more when the server hears of the end.
    this.endQuestions()
    this.#stopper?.stop(trouble)
  }
}

/** Waits, but not for longer than the caller does. */
export async function unlessStopped<T>(exchange: Exchange, work: Promise<T>): Promise<T> {
  try {
    return await new Promise<T>((resolve, reject) => {
      work.then(resolve, reject)
      exchange.onStop({ stop: reject })
    })
  } finally {
    exchange.onStop(null)
  }
}

/** Watches everything in flight. After `close`, what is added is stopped at once. */
export class Watch {
  readonly #exchanges = new Set<Exchange>()
  readonly #idleTicks: number
  readonly #totalTicks: number
  readonly #tickMs: number
  readonly #onTick: (tickMs: number) => void
  readonly #timer: NodeJS.Timeout
  #closed: Trouble | null = null

  /** @param onTick called once a tick, for what else must be looked after */
  constructor(limits: Limits, tickMs: number, onTick: (tickMs: number) => void) {
    this.#tickMs = tickMs
    this.#idleTicks = this.#ticks(limits.idleMs)
    this.#totalTicks = this.#ticks(limits.totalMs)
    this.#onTick = onTick
    this.#timer = setInterval(() => this.#tick(), tickMs)
    this.#timer.unref()
  }

  /** Once for each server, not for each call. */
  ticksOf(deadlines: Deadlines | null): Ticks {
    const ticks = (seconds: number | null | undefined) => (seconds ? this.#ticks(seconds * 1000) : 0)
    return { idle: ticks(deadlines?.idleSeconds), total: ticks(deadlines?.totalSeconds) }
  }

  add(exchange: Exchange): void {
    if (this.#closed !== null) exchange.stop(this.#closed)
    else if (!exchange.isEndless) this.#exchanges.add(exchange)
  }

  remove(exchange: Exchange): void {
    this.#exchanges.delete(exchange)
  }

  /** Gives one exchange a shorter patience than the others have. */
  hurry(exchange: Exchange, ms: number): void {
    exchange.idle = 0
    exchange.idleLimit = this.#ticks(ms)
  }

  /** Gives one exchange a shorter life than the others have, whatever arrives. */
  limit(exchange: Exchange, ms: number): void {
    this.hurry(exchange, ms)
    exchange.ageLimit = exchange.idleLimit
  }

  close(): void {
    clearInterval(this.#timer)
    this.#closed = new Trouble('lost', 'the portal is closing')
    for (const exchange of this.#exchanges) exchange.stop(this.#closed)
  }

  /** One more than fit, because the first comes at any moment. */
  #ticks(ms: number): number {
    return Math.ceil(ms / this.#tickMs) + 1
  }

  #tick(): void {
    for (const exchange of this.#exchanges) {
      if (exchange.isWaiting) continue
      exchange.idle++
      exchange.age++
      const limit = exchange.idleLimit === 0 ? this.#idleTicks : exchange.idleLimit
      if (exchange.idle >= limit) exchange.stop(new Trouble('timeout', 'no sign of life'))
      else if (exchange.age >= (exchange.ageLimit === 0 ? this.#totalTicks : exchange.ageLimit))
        exchange.stop(new Trouble('timeout', 'over the limit for one call'))
    }
    this.#onTick(this.#tickMs)
  }
}
