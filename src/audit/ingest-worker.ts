/**
 * The audit's worker thread: takes this process's journal into the database while the main thread goes on, adopts the
 * journals of dead processes, answers queries and deletes what is too old. Answers to callers never wait for it.
 */
import { platform, setPriority } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../base/clock.ts'
import { Fault } from '../base/fault.ts'
import type { AuditStore } from './audit-store.ts'
import { type HeadSigner, openHeadSigner } from './chain.ts'
import type { Position } from './frames.ts'
import { HeadKeeper } from './head-keeper.ts'
import { Intake } from './intake.ts'
import { type FromWorker, IDLE, SEGMENT, type ToWorker, type WorkerStart } from './messages.ts'
import { adoptOrphans, type OwnedJournal, removeJournal } from './orphans.ts'
import { openPostgresAuditStore } from './postgres-audit-store.ts'
import { openSqliteAuditStore } from './sqlite-audit-store.ts'

/** While rows keep coming they are taken in this often; bigger batches cost less a row. */
const PACE_MS = 100
const RETRY_MS = 1000
/** Taken in without a pause. */
const PIECES = 16
const TIDY_MS = 5000
const NICE = 10

class IngestWorker {
  readonly #port: MessagePort
  readonly #start: WorkerStart
  readonly #store: AuditStore
  readonly #own: Intake
  readonly #signer: HeadSigner
  readonly #heads: HeadKeeper
  /** Whoever takes journals in does it alone. */
  #queue: Promise<unknown> = Promise.resolve()
  #wake: (() => void) | null = null
  #failing = false
  #closing = false
  #now: number

  constructor(port: MessagePort, start: WorkerStart, store: AuditStore, signer: HeadSigner) {
    this.#port = port
    this.#start = start
    this.#store = store
    this.#own = new Intake(store, start.journal.dir, start.journal.name)
    this.#now = start.now
    this.#signer = signer
    this.#heads = new HeadKeeper({
      ...{ store, signer, data: start.data, writer: start.journal.name },
      alarm: (text) => this.#log('error', text),
    })
    port.on('message', (message: ToWorker) => this.#receive(message))
  }

  #say(message: FromWorker): void {
    this.#port.postMessage(message)
  }

  #log(level: 'info' | 'warn' | 'error', text: string, cause?: unknown): void {
    this.#say({ kind: 'log', level, text, ...(cause !== undefined && { cause: textOf(cause) }) })
  }

  #receive(message: ToWorker): void {
    switch (message.kind) {
      case 'wake':
        this.#wake?.()
        return
      case 'query':
        void this.#answer(message.id, message.tail, async () => {
          this.#say({ kind: 'found', id: message.id, found: await this.#store.select(message.query) })
        })
        return
      case 'figures':
        void this.#answer(message.id, message.tail, async () => {
          this.#say({ kind: 'figures', id: message.id, figures: await this.#store.figures(message.question) })
        })
        return
      case 'upkeep':
        void this.upkeep(message.now, message.keepSince)
        return
      case 'close':
        void this.#close(message.tail, message.now)
    }
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work)
    this.#queue = result.catch(() => {})
    return result
  }

  /** Takes the journal in for as long as the thread lives. */
  async run(): Promise<void> {
    let untidy = false
    let tidiedAt = systemClock.elapsed()
    while (!this.#closing) {
      const more = await this.#alone(() => this.#takePiece()).then(
        (took) => this.#fine(took),
        (error: unknown) => this.#troubled(error),
      )
      if (this.#closing) return
      untidy ||= more
      const tidyIn = tidiedAt + TIDY_MS - systemClock.elapsed()
      if (untidy && tidyIn <= 0) {
        await this.#store.tidy(this.#now).catch((error: unknown) => this.#log('warn', 'audit upkeep failed', error))
        await this.sign()
        tidiedAt = systemClock.elapsed()
        untidy = false
      } else if (!more) await this.#sleep(untidy ? tidyIn : null)
      await delay(this.#failing ? RETRY_MS : PACE_MS)
    }
  }

  async #takePiece(): Promise<boolean> {
    // Asked for before reading: a line that is written after the read finds the mark and wakes.
    Atomics.store(this.#start.shared, IDLE, 1)
    let took = false
    for (let pieces = 0; pieces < PIECES; pieces++) {
      if (!(await this.#own.step(Atomics.load(this.#start.shared, SEGMENT)))) break
      took = true
      this.#say({ kind: 'taken', position: this.#own.position })
      await this.#sign(false)
    }
    return took
  }

  /** Signs how far the chain reaches. */
  sign(): Promise<void> {
    return this.#alone(() => this.#sign(true))
  }

  /** Rows are in the database whether or not their head can be signed now; the next one covers them too. */
  #sign(now: boolean): Promise<void> {
    return this.#heads
      .sign(now)
      .catch((error: unknown) => this.#log('warn', 'the chain of the audit could not be signed', error))
  }

  #fine(took: boolean): boolean {
    if (this.#failing) this.#log('info', 'the audit is taken into the database again')
    this.#failing = false
    return took
  }

  #troubled(error: unknown): boolean {
    if (!this.#failing)
      this.#log('error', 'the audit cannot be taken into the database; it waits in the journal', error)
    this.#failing = true
    return true
  }

  /** @param atMost milliseconds, or null to sleep until lines are written */
  #sleep(atMost: number | null): Promise<void> {
    // Written to since the read, or woken before sleeping.
    if (this.#closing || Atomics.load(this.#start.shared, IDLE) === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = atMost === null ? undefined : setTimeout(resolve, atMost)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async #answer(id: number, tail: Position, read: () => Promise<void>): Promise<void> {
    try {
      await this.#alone(async () => {
        await this.#own.catchUp(tail)
        // Who asks often enough takes everything in, and leaves nothing to the pieces in which it would be signed.
        await this.#sign(false)
      })
      await read()
    } catch (error) {
      this.#say({ kind: 'failed', id, message: textOf(error) })
    }
  }

  /** Adopts the journals of the dead and deletes what is too old. */
  async upkeep(now: number, keepSince: number): Promise<void> {
    this.#now = now
    await this.#alone(() => this.#adopt(now)).catch((error: unknown) =>
      this.#log('error', 'journals of dead processes could not be looked at', error),
    )
    if (this.#closing) return
    await this.#store
      .prune({ now, keepSince }, (head) => this.#signer.sign(head))
      .catch((error: unknown) => {
        if (!this.#closing) this.#log('error', 'old audit rows could not be deleted', error)
      })
  }

  async #adopt(now: number): Promise<void> {
    for (const orphan of adoptOrphans(this.#start.data)) {
      try {
        await this.#replay(orphan, now)
      } catch (error) {
        // It stays where it is; the next upkeep tries again.
        orphan.lock.close()
        this.#log('error', 'the journal of a dead process could not be taken in', error)
      }
    }
  }

  async #replay(orphan: OwnedJournal, now: number): Promise<void> {
    const intake = new Intake(this.#store, orphan.dir, orphan.name)
    try {
      const count = await intake.finish(now)
      removeJournal(orphan)
      this.#say({ kind: 'log', level: 'info', text: 'the journal of a dead process was taken in', count })
    } finally {
      intake.close()
    }
  }

  async #close(tail: Position, now: number): Promise<void> {
    this.#closing = true
    this.#wake?.()
    let whole = true
    await this.#alone(async () => {
      await this.#own.catchUp(tail)
      await this.#own.finish(now)
      await this.#sign(true)
    }).catch((error: unknown) => {
      whole = false
      this.#log('error', 'the audit was not taken in to its end; the next start does it', error)
    })
    this.#own.close()
    await this.#store.close().catch((error: unknown) => this.#log('warn', 'the audit database did not close', error))
    this.#say({ kind: 'closed', whole })
    this.#port.close()
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

async function main(port: MessagePort): Promise<void> {
  // Callers never wait for this thread, so where cores are few it gives way to the one that answers them. Linux counts
  // priority by thread; elsewhere this would slow the whole process.
  if (platform() === 'linux') setPriority(NICE)
  const start = workerData as WorkerStart
  const say = (message: FromWorker): void => port.postMessage(message)
  const signer = openHeadSigner(start.headKeys)
  let store: AuditStore
  try {
    store = await openStore(start, say)
    await store.beginChain(signer)
    await store.tidy(start.now)
  } catch (error) {
    say({ kind: 'refused', told: error instanceof Fault ? error.message : null, cause: textOf(error) })
    return
  }
  const worker = new IngestWorker(port, start, store, signer)
  // Before the first query, which must see what a dead process left.
  void worker.upkeep(start.now, start.keepSince)
  say({ kind: 'ready' })
  // What an earlier process left unsigned, and heads whose key is not the newest any more.
  await worker.sign()
  await worker.run()
}

function openStore(start: WorkerStart, say: (message: FromWorker) => void): Promise<AuditStore> {
  if (start.databaseUrl === null) return openSqliteAuditStore(join(start.data, 'audit.db'))
  return openPostgresAuditStore(start.databaseUrl, (error) =>
    say({
      kind: 'log',
      level: 'warn',
      text: 'PostgreSQL closed an idle connection of the audit',
      cause: String(error),
    }),
  )
}

if (parentPort !== null) await main(parentPort)
