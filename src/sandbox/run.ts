/**
 * One run in a cage, judged from outside: every message of the process is held against what this run may say at this
 * moment, and counted. What does not fit is not answered: the process is ended, and the run with it.
 */
import type { Clock } from '../base/clock.ts'
import { LIMITS } from '../config/limits.ts'
import { skipSpace, skipValue } from '../protocol/json-bytes.ts'
import { guardJson } from '../protocol/json-guard.ts'
import type { Json } from '../protocol/model.ts'
import type { Cage } from './cage.ts'
import type { Frame } from './frames.ts'
import type { ConsoleLine, Job, RunEnd, Stop } from './model.ts'
import { Stopwatch } from './stopwatch.ts'

const LEVELS: readonly unknown[] = ['log', 'info', 'debug', 'warn', 'error']
/** What a process may find out before the portal does. */
const CLAIMS: readonly unknown[] = ['cpu', 'memory', 'calls', 'bytes']
/** As the guest counts a line of the console. */
const LINE = 16
/** As the guest ends the last line. */
const CUT_OFF = ' [console output is cut off here]'
/** What the note about cut output, or what was thrown, may add. */
const SPARE_BYTES = 64 * 1024
/** A character of the guest is up to three bytes here. */
const BYTES_PER_CHARACTER = 3
const MESSAGE_LENGTH = 4000

type Outcome =
  | { kind: 'returned'; value: Json }
  | { kind: 'threw'; message: string; stack?: string }
  | { kind: 'stopped'; why: Stop }

/** Never rejects. The cage is free again, or gone, some time after this resolves. */
export function runIn(cage: Cage, job: Job, around: Around): Promise<RunEnd> {
  return new Run(cage, job, around).ended
}

export interface Around {
  /** Never the same twice in one sandbox. */
  id: number
  clock: Clock
  /** The run begins to wait for a person, or goes on. The last it tells is that it goes on, or has ended. */
  onHeld(isHeld: boolean): void
}

class Run {
  readonly ended: Promise<RunEnd>
  readonly #settle: (end: RunEnd) => void
  readonly #cage: Cage
  readonly #job: Job
  readonly #id: number
  readonly #watch: Stopwatch
  readonly #over = new AbortController()
  readonly #lines: ConsoleLine[] = []
  readonly #left: { bytesIn: number; bytesOut: number; consoleBytes: number }
  #calls = 0
  /** Bytes of console lines, those left out too. */
  #heard = 0
  #isOver = false

  constructor(cage: Cage, job: Job, { id, clock, onHeld }: Around) {
    const { promise, resolve } = Promise.withResolvers<RunEnd>()
    this.ended = promise
    this.#settle = resolve
    this.#cage = cage
    this.#job = job
    this.#id = id
    const { budget } = job
    this.#left = { bytesIn: budget.bytesIn, bytesOut: budget.bytesOut, consoleBytes: budget.consoleBytes }
    const most = { running: budget.wallMs, held: LIMITS.code_held.value }
    this.#watch = new Stopwatch(most, clock, { onOver: () => void this.#stop('wall'), onHeld })
    job.signal?.addEventListener('abort', this.#cancel, { once: true })
    this.#start()
  }

  #cancel = (): void => void this.#stop('cancelled')

  #start(): void {
    const { code, functions, budget } = this.#job
    const { memoryMiB, cpuMs, calls, bytesOut, consoleBytes } = budget
    const most = Math.max(bytesOut, consoleBytes) * BYTES_PER_CHARACTER + SPARE_BYTES
    this.#cage.listen({ take: (frame) => this.#take(frame), gone: (why) => void this.#stop(why) }, most)
    this.#cage.send(
      { kind: 'run', run: this.#id, memoryMiB, cpuMs, calls, bytesOut, consoleBytes },
      JSON.stringify({ code, functions: JSON.stringify(functions) }),
    )
  }

  /** @returns whether an honest process could say this now */
  #take({ head, body }: Frame): boolean {
    if (head.run !== this.#id || this.#isOver) return false
    switch (head.kind) {
      case 'call':
        return this.#takeCall(head, body)
      case 'console':
        return this.#takeLine(head.level, body)
      case 'returned':
        return this.#takeReturn(body)
      case 'threw':
        return this.#takeThrow(body)
      case 'stopped':
        if (CLAIMS.includes(head.why)) this.#stop(head.why as Stop)
        return this.#isOver
      default:
        return false
    }
  }

  #takeCall({ call, index }: Frame['head'], body: string): boolean {
    const name = typeof index === 'number' ? this.#job.functions[index] : undefined
    if (name === undefined || call !== this.#calls + 1) return false
    if (this.#calls === this.#job.budget.calls) return this.#stop('calls')
    if (!this.#pay('bytesOut', body)) return true
    // As deep as the arguments of a call that a client makes, and held to the same rules.
    const problem = guardJson(Buffer.from(`{"params":{"arguments":${body}}}`))
    const input = problem === null ? parsed(body) : null
    if (input === undefined) return false
    this.#calls = call
    const outcome = input === null ? refuse(name, problem) : this.#perform(name, input.value)
    void outcome
      .then((value) => `+${JSON.stringify(value) ?? 'null'}`)
      .catch((error) => `-${messageOf(error)}`)
      .then((text) => this.#answer(call, text))
    return true
  }

  async #perform(name: string, input: Json): Promise<Json> {
    const held: (() => void)[] = []
    const hold = () => {
      const letGo = this.#watch.hold()
      held.push(letGo)
      return letGo
    }
    try {
      return await this.#job.call(name, input, { signal: this.#over.signal, hold })
    } finally {
      for (const letGo of held) letGo()
    }
  }

  #answer(call: number, text: string): void {
    if (this.#isOver || !this.#pay('bytesIn', text)) return
    this.#cage.send({ kind: 'answer', run: this.#id, call }, text)
  }

  #takeLine(level: unknown, text: string): boolean {
    const bytes = Buffer.byteLength(text)
    this.#heard += bytes + LINE
    // The guest counts characters and then stops: who goes on is not the guest that we put there.
    const most = this.#job.budget.consoleBytes * BYTES_PER_CHARACTER + SPARE_BYTES
    if (!LEVELS.includes(level) || this.#heard > most) return false
    const room = this.#left.consoleBytes
    this.#left.consoleBytes -= bytes + LINE
    if (room <= 0) return true
    const shown = bytes <= room + CUT_OFF.length ? text : `${text.slice(0, room / BYTES_PER_CHARACTER)}${CUT_OFF}`
    this.#lines.push({ level: level as ConsoleLine['level'], text: shown })
    return true
  }

  #takeReturn(body: string): boolean {
    if (!this.#pay('bytesOut', body)) return true
    const read = parsed(body)
    if (read === undefined) return false
    const bytes = Buffer.from(body)
    if (skipValue(bytes, skipSpace(bytes, 0), 0) !== -1) return this.#end({ kind: 'returned', value: read.value })
    const message = `What the code returned is nested deeper than ${LIMITS.depth.value} levels; return less of it.`
    return this.#end({ kind: 'threw', message })
  }

  #takeThrow(body: string): boolean {
    if (!this.#pay('bytesOut', body)) return true
    const thrown = parsed(body)?.value
    if (typeof thrown !== 'object' || thrown === null || !('message' in thrown)) return false
    const { message, stack } = thrown as { message: unknown; stack?: unknown }
    if (typeof message !== 'string') return false
    const lines = typeof stack === 'string' ? ownLines(stack) : ''
    return this.#end({ kind: 'threw', message, ...(lines === '' ? {} : { stack: lines }) })
  }

  /** @returns false, and ends the run, where it is more than was left */
  #pay(account: 'bytesIn' | 'bytesOut', text: string): boolean {
    this.#left[account] -= Buffer.byteLength(text)
    if (this.#left[account] >= 0) return true
    this.#stop('bytes')
    return false
  }

  #stop(why: Stop): true {
    this.#end({ kind: 'stopped', why })
    // There is code that nothing else ends.
    this.#cage.kill()
    return true
  }

  #end(outcome: Outcome): true {
    if (this.#isOver) return true
    this.#isOver = true
    this.#watch.stop()
    this.#job.signal?.removeEventListener('abort', this.#cancel)
    this.#over.abort()
    this.#settle({ ...outcome, console: this.#lines, calls: this.#calls })
    return true
  }
}

function refuse(name: string, problem: string | null): Promise<never> {
  return Promise.reject(new Error(`The input of ${name} is not accepted: ${problem}`))
}

/** In a box, since null is a value too; undefined for what is no JSON. */
function parsed(text: string): { value: Json } | undefined {
  try {
    return { value: JSON.parse(text) as Json }
  } catch {
    return undefined
  }
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : 'The call failed.'
  return text.slice(0, MESSAGE_LENGTH)
}

/** Where in the model's own code it was; the rest is ours and says nothing to it. */
function ownLines(stack: string): string {
  const lines = stack.split('\n').slice(0, 50)
  return lines.filter((line, i) => i === 0 || line.includes('code.js:')).join('\n')
}
