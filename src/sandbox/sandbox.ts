/**
 * The sandbox as the portal knows it: a few processes, each with one run at a time, made when they are needed and kept
 * warm while they are used. A run shares its process with no other that is under way, so what ends one ends no other.
 */
import { type Clock, systemClock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { DEFAULT_LIMITS, LIMITS, MIB } from '../config/limits.ts'
import type { SandboxConfig } from '../config/sandbox.ts'
import { findAddon } from './addon.ts'
import { budgetOf } from './budget.ts'
import { Cage, RUNS_PER_CAGE } from './cage.ts'
import type { Job, RunEnd, Sandbox, Stop } from './model.ts'
import { sandboxProgram } from './program.ts'
import { runIn } from './run.ts'
import { type Wall, wallsOf } from './walls.ts'

export interface SandboxOptions {
  config: SandboxConfig
  log: Log
  clock?: Clock
  /** For tests: other than npm's, another program than our own to show what a bad one can do, and less patience. */
  addonFolder?: string
  program?: string
  turnMs?: number
  readyMs?: number
  heldRuns?: number
}

/** How long a process may take to be ready for the next run. */
const FREE_MS = 2000
/** Nobody has code run for this long: the processes end. */
const IDLE_MS = 5 * 60_000

/** Looks what is there; starts nothing, unless a wall is required and has to be tried. */
export async function openSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { config, addonFolder } = options
  if (config.processes === 0) return new NoSandbox('Running code is switched off here (sandbox.processes: 0).')
  const addon = await findAddon(addonFolder)
  if ('unavailable' in addon) return new NoSandbox(addon.unavailable)
  const pool = new Pool(options, addon.file)
  if (config.wall === 'auto') return pool
  const why = await pool.tryWall()
  if (why === null) return pool
  await pool.close()
  return new NoSandbox(why)
}

/**
 * For the doctor: starts one process, runs the least there is, and ends it.
 *
 * @returns why no code can be run, or what stands around it
 */
export async function trySandbox(options: SandboxOptions): Promise<{ unavailable: string } | { wall: Wall }> {
  const sandbox = await openSandbox(options)
  if (!(sandbox instanceof Pool)) return { unavailable: sandbox.unavailable ?? 'Running code is switched off here.' }
  try {
    const budget = budgetOf(DEFAULT_LIMITS)
    const { kind } = await sandbox.run({ code: 'async () => null', functions: [], call: async () => null, budget })
    const wall = sandbox.wall
    return kind === 'returned' && wall
      ? { wall }
      : { unavailable: 'No process for running code comes up; see the log.' }
  } finally {
    await sandbox.close()
  }
}

class NoSandbox implements Sandbox {
  readonly unavailable: string
  constructor(unavailable: string) {
    this.unavailable = unavailable
  }

  run(): Promise<RunEnd> {
    return Promise.resolve(stopped('lost'))
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

interface Waiting {
  job: Job
  resolve(end: RunEnd): void
  timer: NodeJS.Timeout
}

class Pool implements Sandbox {
  readonly unavailable = null
  readonly #options: SandboxOptions
  readonly #addon: string
  readonly #clock: Clock
  /** Those that may be tried; once a process came up behind one of them, that one alone. */
  #walls: Wall[]
  #program: Promise<string> | undefined
  /** Those that came up, used or free. */
  readonly #cages = new Set<Cage>()
  /** Those that have still to come up; `#launching` counts what is before that too. */
  readonly #opening = new Set<Cage>()
  readonly #free: Cage[] = []
  /** Ends of those that take no run any more, and are processes still. */
  readonly #ending = new Set<Promise<void>>()
  readonly #waiting = new Set<Waiting>()
  #launching = 0
  /** Runs that wait for a person. */
  #held = 0
  /** By owner, the runs that do not wait for a person. */
  readonly #underWay = new Map<string, number>()
  #lastRun = 0
  #idle: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(options: SandboxOptions, addon: string) {
    this.#options = options
    this.#addon = addon
    this.#clock = options.clock ?? systemClock
    const walls = wallsOf(options.config.path, options.config.jit)
    this.#walls = options.config.wall === 'required' ? walls.filter(({ kind }) => kind === 'closed') : walls
  }

  /** @returns why no process comes up behind a wall that is good enough, or null */
  async tryWall(): Promise<string | null> {
    try {
      this.#rest(await this.#launch())
      return null
    } catch (error) {
      return `No process can be closed in on this system (${(error as Error).message}), and sandbox.wall asks for it; install bubblewrap, or set sandbox.wall: auto.`
    }
  }

  /** The one that is used. Before a process has come up, the one that is tried first. */
  get wall(): Wall | undefined {
    return this.#walls[0]
  }

  run(job: Job): Promise<RunEnd> {
    if (this.#isClosed) return Promise.resolve(stopped('lost'))
    if (job.signal?.aborted) return Promise.resolve(stopped('cancelled'))
    if (this.#waiting.size >= LIMITS.code_waiting.value) return Promise.resolve(stopped('busy'))
    return new Promise((resolve) => {
      const leave = (why: Stop) => {
        if (!this.#waiting.delete(waiting)) return
        clearTimeout(waiting.timer)
        resolve(stopped(why))
      }
      const timer = setTimeout(() => leave('busy'), this.#options.turnMs ?? LIMITS.code_turn.value)
      const waiting: Waiting = { job, resolve, timer }
      job.signal?.addEventListener('abort', () => leave('cancelled'), { once: true })
      this.#waiting.add(waiting)
      this.#serve()
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#idle)
    for (const waiting of [...this.#waiting]) this.#dismiss(waiting, stopped('lost'))
    const ended = [...this.#cages, ...this.#opening].map((cage) => cage.close())
    await Promise.all([...this.#ending, ...ended])
  }

  #dismiss(waiting: Waiting, end: RunEnd): void {
    this.#waiting.delete(waiting)
    clearTimeout(waiting.timer)
    waiting.resolve(end)
  }

  /** Hands out what is free, and has processes made for the others. */
  #serve(): void {
    for (let waiting = this.#next(); waiting !== undefined; waiting = this.#next()) {
      const cage = this.#free.pop()
      if (cage === undefined) break
      this.#waiting.delete(waiting)
      clearTimeout(waiting.timer)
      void this.#runIn(cage, waiting)
    }
    // And one more than that, so that the next run need not wait for its start.
    const spare = this.#cages.size > 0 && this.#free.length === 0 ? 1 : 0
    // Those that are being ended are processes still, until they are gone.
    const room = this.#room - this.#ending.size
    const wanted = Math.min(this.#waiting.size - this.#free.length + spare - this.#launching, room)
    for (let i = 0; i < wanted; i++) void this.#add()
  }

  /**
   * Whose turn it is: of those who have the fewest runs under way, whoever came first. Where there are several places, one
   * caller does not get all of them, so that the next one need not wait until the first is done.
   */
  #next(): Waiting | undefined {
    let next: Waiting | undefined
    let fewest = Math.max(1, this.#options.config.processes - 1)
    for (const waiting of this.#waiting) {
      const own = this.#underWay.get(waiting.job.owner ?? '') ?? 0
      if (own < fewest) {
        next = waiting
        fewest = own
      }
    }
    return next
  }

  #count(owner: string | undefined, by: 1 | -1): void {
    if (owner === undefined) return
    const now = (this.#underWay.get(owner) ?? 0) + by
    if (now === 0) this.#underWay.delete(owner)
    else this.#underWay.set(owner, now)
  }

  /** Processes that may be made. A person who takes long must not keep everybody else's code waiting. */
  get #room(): number {
    const excused = Math.min(this.#held, this.#options.heldRuns ?? LIMITS.code_held_runs.value)
    return this.#options.config.processes + excused - this.#cages.size - this.#launching
  }

  async #runIn(cage: Cage, { job, resolve }: Waiting): Promise<void> {
    cage.runs++
    this.#count(job.owner, 1)
    const onHeld = (isHeld: boolean) => {
      this.#held += isHeld ? 1 : -1
      this.#count(job.owner, isHeld ? -1 : 1)
      if (isHeld) this.#serve()
    }
    const end = await runIn(cage, job, { id: ++this.#lastRun, clock: this.#clock, onHeld })
    this.#count(job.owner, -1)
    if (end.kind === 'stopped') this.#options.log.debug({ why: end.why }, 'a run of code was stopped')
    resolve(end)
    await this.#release(cage)
  }

  /** A cage is used again only when it says, in time, that what ran in it is gone. */
  async #release(cage: Cage): Promise<void> {
    if (cage.isWorn) return this.#replace(cage)
    const free = Promise.withResolvers<boolean>()
    const timer = setTimeout(() => free.resolve(false), FREE_MS)
    cage.listen({
      take: ({ head }) => {
        free.resolve(head.kind === 'free' && head.worn === false)
        return head.kind === 'free'
      },
      gone: () => free.resolve(false),
    })
    const isFree = await free.promise
    clearTimeout(timer)
    if (!isFree || cage.isWorn || cage.runs >= RUNS_PER_CAGE || this.#room < 0) return this.#replace(cage)
    this.#rest(cage)
    this.#serve()
  }

  async #replace(cage: Cage): Promise<void> {
    const ended = cage.close()
    this.#cages.delete(cage)
    this.#ending.add(ended)
    await ended
    this.#ending.delete(ended)
    if (!this.#isClosed) this.#serve()
  }

  async #add(): Promise<void> {
    this.#launching++
    try {
      const cage = await this.#launch()
      this.#launching--
      this.#rest(cage)
      this.#serve()
    } catch (error) {
      this.#launching--
      if (this.#isClosed) return
      this.#options.log.error({ err: error }, 'no process for running code could be started')
      // Where others are at work they will get to those that wait; where none comes up, trying on would only be a storm.
      if (this.#cages.size === 0) for (const waiting of [...this.#waiting]) this.#dismiss(waiting, stopped('lost'))
    }
  }

  /** @throws Error when it comes up behind none of the walls */
  async #launch(): Promise<Cage> {
    const { config, program, log, readyMs } = this.#options
    this.#program ??= program === undefined ? sandboxProgram() : Promise.resolve(program)
    const memoryMiB = LIMITS.code_memory.value / MIB
    const patience = readyMs === undefined ? {} : { readyMs }
    const start = { program: await this.#program, addon: this.#addon, jit: config.jit, memoryMiB, ...patience }
    let problem: unknown = new Error('there is no tool for it')
    for (const wall of this.#walls) {
      // Another launch may have found meanwhile that a stronger one works.
      if (this.#isClosed || !this.#walls.includes(wall)) break
      const cage = new Cage({ ...start, wall })
      this.#opening.add(cage)
      try {
        await cage.ready()
        this.#cages.add(cage)
        if (this.#walls[0] !== wall) log.warn({ wall: wall.kind, err: problem }, 'code is run behind a weaker wall')
        // What worked once is not given up for a weaker one: a system that is driven into a corner must not open it.
        this.#walls = [wall]
        return cage
      } catch (error) {
        if (cage.isLate) throw error
        problem = error
      } finally {
        this.#opening.delete(cage)
      }
    }
    throw problem
  }

  #rest(cage: Cage): void {
    cage.listen({ take: () => false, gone: () => this.#forget(cage) })
    this.#free.push(cage)
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => this.#leave(), IDLE_MS).unref()
  }

  /** It ended while nobody used it. */
  #forget(cage: Cage): void {
    this.#cages.delete(cage)
    const at = this.#free.indexOf(cage)
    if (at !== -1) this.#free.splice(at, 1)
  }

  #leave(): void {
    for (const cage of this.#free.splice(0)) void cage.close()
  }
}

function stopped(why: Stop): RunEnd {
  return { kind: 'stopped', why, console: [], calls: 0 }
}
