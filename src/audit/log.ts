/**
 * The audit: what was asked of the portal, by whom, and how it ended. A row is in this process's journal before whoever
 * wrote it goes on, so a crash loses none that mattered; a worker takes the journal into the database.
 *
 * Values of arguments and results never come here, nor secrets.
 */
import type { Clock } from '../base/clock.ts'
import { Fault } from '../base/fault.ts'
import type { DeedId } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { KeyRing } from '../base/secret.ts'
import { headKeys } from './chain.ts'
import type { ActorSnapshot, Audit, AuditQuery, AuditRow, DeedEnd, DeedStart, Entry, Found } from './event.ts'
import type { AnswerTo, Question } from './figures.ts'
import { Journal, unavailable } from './journal.ts'
import {
  actorLine,
  begunLine,
  endedLine,
  endWriters,
  type Habit,
  type Head,
  habitOf,
  headOf,
  isSameActor,
} from './lines.ts'
import { makeOwn, type OwnedJournal, removeJournal } from './orphans.ts'
import { Refusals, type Refused } from './refusals.ts'
import { SpaceWatch } from './space.ts'
import { WorkerLink } from './worker-link.ts'

export interface AuditOptions {
  /** Absolute path of the data directory. */
  dir: string
  /** PostgreSQL, or null for `audit.db` in the data directory. */
  databaseUrl: string | null
  /** `process`: rows survive the death of the process, and are on the disk a second later. `disk`: they are on it at once. */
  durability: 'process' | 'disk'
  retentionDays: number
  /** The keys that heads of the chain are signed with are derived from these. */
  keys: KeyRing
  clock: Clock
  log: Log
  /** Bytes that must be free on the data directory's file system for a deed to begin; 0 unless set. */
  minFreeBytes?: number
  /** How many bytes of journal may wait for the database before calls are refused; 256 MiB unless set. */
  journalMaxBytes?: number
  /** Instead of `journalMaxBytes`. */
  journal?: JournalSize
}

export interface JournalSize {
  /** Size of one segment, at least 512 KiB. */
  segmentBytes: number
  /** How many segments may wait for the database before calls are refused. */
  maxSegments: number
}

const SEGMENT_BYTES = 16 * 1024 * 1024
const JOURNAL_BYTES = 16 * SEGMENT_BYTES

/** The one that is written and the one that is ready are among them. */
export function journalSize(maxBytes: number): JournalSize {
  const segmentBytes = Math.min(SEGMENT_BYTES, Math.floor(maxBytes / 4))
  return { segmentBytes, maxSegments: Math.floor(maxBytes / segmentBytes) }
}

const DAY_MS = 86_400_000
const UPKEEP_MS = 3_600_000

/**
 * Opens the audit, brings its database to this program's schema and takes in what dead processes left.
 *
 * @throws Fault `store-unavailable` when the database cannot be opened or a newer program has written it
 */
export async function openAudit(options: AuditOptions): Promise<Audit> {
  const { dir, clock } = options
  const own = makeOwn(dir, clock.now())
  try {
    return await OpenAudit.open(options, own)
  } catch (error) {
    removeJournal(own)
    throw error
  }
}

/** An actor whose facts stand in the current segment. */
interface Known {
  actor: ActorSnapshot
  hash: string
  habit: Habit | null
}

interface Begun {
  head: Head
  /** On the monotonic clock. */
  begunAt: number
}

interface Parts {
  journal: Journal
  link: WorkerLink
  space: SpaceWatch
}

/** A class, because a closure for each deed would cost 200 bytes more. Its life ends with `finish`. */
class OpenEntry implements Entry {
  readonly deed: DeedId
  readonly #begun: Begun
  readonly #finish: (begun: Begun, end: DeedEnd) => Promise<void>
  #finished = false

  constructor(deed: DeedId, begun: Begun, finish: (begun: Begun, end: DeedEnd) => Promise<void>) {
    this.deed = deed
    this.#begun = begun
    this.#finish = finish
  }

  finish(end: DeedEnd): Promise<void> {
    if (this.#finished) return Promise.reject(new Error(`deed ${this.deed} was finished twice`))
    this.#finished = true
    return this.#finish(this.#begun, end)
  }
}

class OpenAudit implements Audit {
  readonly #options: AuditOptions
  readonly #own: OwnedJournal
  readonly #journal: Journal
  readonly #link: WorkerLink
  readonly #space: SpaceWatch
  readonly #refusals: Refusals
  readonly #upkeep: NodeJS.Timeout
  readonly #write = endWriters()
  /** By grant, or by id for who has none. Two that share one only have their facts written more often. */
  #actors = new Map<string, Known>()
  #actorsEpoch = 0
  /** Deeds that have begun and not ended. */
  #open = 0
  #actorsSince: number
  #closing: Promise<void> | null = null

  private constructor(options: AuditOptions, own: OwnedJournal, { journal, link, space }: Parts) {
    this.#options = options
    this.#own = own
    this.#journal = journal
    this.#link = link
    this.#space = space
    const { clock, log } = options
    this.#refusals = new Refusals({ clock, log, begin: (start) => this.begin(start) })
    this.#actorsSince = options.clock.now()
    this.#upkeep = setInterval(() => link.upkeep(options.clock.now(), keepSince(options)), UPKEEP_MS)
    this.#upkeep.unref()
  }

  static async open(options: AuditOptions, own: OwnedJournal): Promise<OpenAudit> {
    const { log, clock } = options
    let link: WorkerLink | null = null
    const journal = await Journal.open({
      ...(options.journal ?? journalSize(options.journalMaxBytes ?? JOURNAL_BYTES)),
      dir: own.dir,
      durability: options.durability,
      onWritten: ({ segment }) => link?.written(segment),
      onTrouble: (cause) => {
        if (cause === null) log.info('the audit journal can be written again')
        else log.error({ err: cause }, 'the audit journal could not be written')
      },
    })
    try {
      link = await WorkerLink.open({
        start: () => ({
          data: options.dir,
          databaseUrl: options.databaseUrl,
          journal: { name: own.name, dir: own.dir },
          headKeys: headKeys(options.keys),
          now: clock.now(),
          keepSince: keepSince(options),
        }),
        log,
        onTaken: (position) => journal.takenIn(position),
      })
    } catch (error) {
      await journal.close()
      throw error
    }
    const space = await SpaceWatch.open({ dir: own.dir, floor: options.minFreeBytes ?? 0, log })
    return new OpenAudit(options, own, { journal, link, space })
  }

  get writable(): boolean {
    return this.#journal.writable && !this.#space.tooLittle
  }

  get segmentsWaiting(): number {
    return this.#journal.segmentsWaiting
  }

  begin(start: DeedStart): Promise<Entry> {
    if (this.#space.tooLittle) return Promise.reject(unavailable('too little room is left on the file system'))
    const { clock } = this.#options
    const at = clock.now()
    const begunAt = clock.elapsed()
    const { known, facts } = this.#actor(start.actor, at)
    const habit = habitOf(start, known.hash, known.habit)
    if (habit !== known.habit && isShort(start)) known.habit = habit
    const head = headOf(start, habit)
    const entry = new OpenEntry(start.deed, { head, begunAt }, this.#finish)
    // A lone caller would wait for the end of the turn for nothing (measured: 3 % of latency, 9 % of CPU).
    const alone = this.#open++ === 0
    return this.#journal.write(facts + begunLine(head, at), alone).then(() => entry)
  }

  readonly #finish = ({ head, begunAt }: Begun, end: DeedEnd): Promise<void> => {
    const { clock } = this.#options
    const portalMs = clock.elapsed() - begunAt - (end.upstreamMs ?? 0)
    const alone = this.#open-- === 1
    return this.#journal.write(endedLine(head, { at: clock.now(), portalMs }, end, this.#write), alone)
  }

  /**
   * What is known of an actor, and the line with its facts where that is not in the current segment. It is written anew
   * each day, so the database can tell whose rows are all gone.
   */
  #actor(actor: ActorSnapshot, at: number): { known: Known; facts: string } {
    if (this.#actorsEpoch !== this.#journal.epoch || at - this.#actorsSince > DAY_MS) {
      this.#actors = new Map()
      this.#actorsEpoch = this.#journal.epoch
      this.#actorsSince = at
    }
    const key = actor.grant ?? actor.id
    const found = this.#actors.get(key)
    if (found !== undefined && isSameActor(found.actor, actor)) return { known: found, facts: '' }
    const { hash, line } = actorLine(actor, at)
    const known: Known = { actor, hash, habit: null }
    // Not remembered while lines are refused: then this one is not written either.
    if (this.#journal.writable) this.#actors.set(key, known)
    return { known, facts: line }
  }

  refused(why: Refused, clientIp: string, actor?: ActorSnapshot): void {
    this.#refusals.count(why, clientIp, actor)
  }

  mayWriteRefusal(actor: string): boolean {
    return this.#refusals.mayWrite(actor)
  }

  async query(query: AuditQuery): Promise<AuditRow[]> {
    return (await this.search(query)).rows
  }

  search(query: AuditQuery): Promise<Found> {
    if (this.#closing !== null) return Promise.reject(closed())
    this.#journal.flush()
    return this.#link.query(query, this.#journal.position)
  }

  figures<Q extends Question>(question: Q): Promise<AnswerTo<Q>> {
    if (this.#closing !== null) return Promise.reject(closed())
    this.#journal.flush()
    return this.#link.figures(question, this.#journal.position)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    clearInterval(this.#upkeep)
    this.#space.close()
    await this.#refusals.close()
    await this.#journal.close()
    const whole = await this.#link.close(this.#journal.position, this.#options.clock.now())
    if (whole) removeJournal(this.#own)
    else this.#own.lock.close()
  }
}

function closed(): Fault {
  return new Fault('store-unavailable', 'The audit is closed. Ask a portal that is running.')
}

/** Whether every text is of the common size: what is kept in memory is no place for what a caller sends. */
function isShort(start: DeedStart): boolean {
  return Object.values(start).every((value) => typeof value !== 'string' || value.length <= 256)
}

function keepSince({ clock, retentionDays }: AuditOptions): number {
  return clock.now() - retentionDays * DAY_MS
}
