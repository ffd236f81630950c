/**
 * The main thread's end of the audit's worker: starts it, starts it again should it die, and pairs questions with
 * answers. A dead worker loses nothing: the journal goes on, and the next one takes in from where the database stands.
 */
import { Worker } from 'node:worker_threads'
import { Fault } from '../base/fault.ts'
import type { Log } from '../base/log.ts'
import type { AuditQuery, Found } from './event.ts'
import type { AnswerTo, Figures, Question } from './figures.ts'
import type { Position } from './frames.ts'
import { type FromWorker, IDLE, SEGMENT, type ToWorker, type WorkerStart } from './messages.ts'

export interface LinkOptions {
  /** Asked anew at each start of the worker. */
  start(): Omit<WorkerStart, 'shared'>
  log: Log
  onTaken(position: Position): void
}

const RESTART_MS = 1000
/** How long a shutdown waits for the database; what is not taken in by then, the next start takes in. */
const CLOSE_MS = 10_000

interface Waiting {
  resolve(answer: Found | Figures): void
  reject(fault: Fault): void
}

export class WorkerLink {
  readonly #options: LinkOptions
  readonly #shared = new Int32Array(new SharedArrayBuffer(8))
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | null = null
  #restart: NodeJS.Timeout | undefined
  #lastId = 0
  #givenUp = false
  #closed: ((whole: boolean) => void) | null = null

  private constructor(options: LinkOptions) {
    this.#options = options
    this.#shared[SEGMENT] = 1
  }

  /** @throws Fault `store-unavailable` when the worker cannot open the database */
  static async open(options: LinkOptions): Promise<WorkerLink> {
    const link = new WorkerLink(options)
    try {
      await link.#launch()
      return link
    } catch (error) {
      link.#givenUp = true
      throw error
    }
  }

  #launch(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    // The same file is there as TypeScript in a clone and as JavaScript in the package.
    const file = import.meta.url.endsWith('.ts') ? './ingest-worker.ts' : './ingest-worker.js'
    const workerData: WorkerStart = { ...this.#options.start(), shared: this.#shared }
    const worker = new Worker(new URL(file, import.meta.url), { workerData, name: 'portico audit' })
    this.#worker = worker
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'ready') {
        if (this.#waiting.size === 0) worker.unref()
        resolve()
      } else if (message.kind === 'refused') reject(cannotOpen(message.cause, message.told))
      else this.#receive(message)
    })
    worker.on('error', (error) => {
      this.#options.log.error({ err: error }, 'the audit worker died')
      reject(cannotOpen('the audit worker died'))
    })
    worker.on('exit', () => {
      reject(cannotOpen('the audit worker ended'))
      this.#ended()
    })
    return promise
  }

  #ended(): void {
    this.#worker = null
    for (const { reject } of this.#waiting.values()) reject(cannotRead('the audit worker died'))
    this.#waiting.clear()
    this.#closed?.(false)
    if (this.#givenUp || this.#closed !== null) return
    this.#restart = setTimeout(() => {
      this.#launch().catch((error: unknown) =>
        this.#options.log.error({ err: error }, 'the audit worker did not start'),
      )
    }, RESTART_MS)
    this.#restart.unref()
  }

  #receive(message: Exclude<FromWorker, { kind: 'ready' | 'refused' }>): void {
    switch (message.kind) {
      case 'taken':
        this.#options.onTaken(message.position)
        return
      case 'found':
        this.#settle(message.id)?.resolve(message.found)
        return
      case 'figures':
        this.#settle(message.id)?.resolve(message.figures)
        return
      case 'failed':
        this.#settle(message.id)?.reject(cannotRead(message.message))
        return
      case 'closed':
        this.#closed?.(message.whole)
        return
      case 'log': {
        const { level, text, cause, count } = message
        this.#options.log[level]({ ...(cause !== undefined && { cause }), ...(count !== undefined && { count }) }, text)
      }
    }
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (this.#waiting.size === 0) this.#worker?.unref()
    return waiting
  }

  #send(message: ToWorker): void {
    this.#worker?.postMessage(message)
  }

  /** Says that lines were written; costs next to nothing while the worker is at work anyway. */
  written(segment: number): void {
    Atomics.store(this.#shared, SEGMENT, segment)
    if (Atomics.load(this.#shared, IDLE) === 0) return
    Atomics.store(this.#shared, IDLE, 0)
    this.#send({ kind: 'wake' })
  }

  /** @param tail the answer holds everything that stands in the journal before it */
  query(query: AuditQuery, tail: Position): Promise<Found> {
    return this.#ask((id) => ({ kind: 'query', id, query, tail }))
  }

  figures<Q extends Question>(question: Q, tail: Position): Promise<AnswerTo<Q>> {
    return this.#ask((id) => ({ kind: 'figures', id, question, tail }))
  }

  /** @param message the answer to which has the shape that is promised */
  #ask<Answer>(message: (id: number) => ToWorker): Promise<Answer> {
    if (this.#worker === null) return Promise.reject(cannotRead('the audit worker is not running'))
    // An answer that is waited for keeps the process alive.
    this.#worker.ref()
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: (answer) => resolve(answer as Answer), reject })
      this.#send(message(id))
    })
  }

  upkeep(now: number, keepSince: number): void {
    this.#send({ kind: 'upkeep', now, keepSince })
  }

  /** @returns whether everything before `tail` is in the database */
  async close(tail: Position, now: number): Promise<boolean> {
    clearTimeout(this.#restart)
    const worker = this.#worker
    if (worker === null) return false
    worker.ref()
    const whole = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), CLOSE_MS)
      this.#closed = (answer) => {
        clearTimeout(timer)
        resolve(answer)
      }
      this.#send({ kind: 'close', tail, now })
    })
    await worker.terminate()
    return whole
  }
}

function cannotOpen(cause: string, told: string | null = null): Fault {
  return new Fault(
    'store-unavailable',
    told ?? 'The audit database cannot be opened. See the log for the cause, then start again.',
    cause,
  )
}

function cannotRead(cause: string): Fault {
  return new Fault('store-unavailable', 'The audit cannot be read now. Try again shortly.', cause)
}
