/**
 * What the sandbox is asked and what it answers. It runs code that a model wrote, which may be anybody's, and knows of
 * the portal one thing alone: `call(name, input)`. Who calls, what may be called and what that means is for whoever
 * makes the job; nothing of it comes in here, and no secret either.
 */
import type { Json } from '../protocol/model.ts'

export interface Sandbox {
  /** Null where code can be run; else why not, one sentence for admins. */
  readonly unavailable: string | null
  /** Runs one job, in its turn. Always comes to an end, and never rejects for anything that the guest did. */
  run(job: Job): Promise<RunEnd>
  /** Ends all runs as `lost`, and the processes that they are in. */
  close(): Promise<void>
}

export interface Job {
  /** JavaScript text of one expression that is an async function without parameters, already normalised. */
  code: string
  /** What the guest sees as `codemode.<name>(input)`; any text, each once. Frozen for this run. */
  functions: readonly string[]
  /**
   * One nested call. `name` is one of `functions`; `input` is a copy, and null where the guest gave nothing. What it
   * rejects with is thrown in the guest, its message and nothing else.
   */
  call(name: string, input: Json, nested: Nested): Promise<Json>
  /** Ends the run as `cancelled`. */
  signal?: AbortSignal
  /** Says only which runs are one caller's: turns are shared out among callers. Without it a run is a caller of its own. */
  owner?: string
  budget: Budget
}

export interface Nested {
  /** Aborted when the run has ended, however: nobody waits for this call any more. */
  signal: AbortSignal
  /**
   * Stops the wall clock of the run while this call waits for a person, until what it returns is called (or the call
   * ends). The clock stands as long as any call of the run holds it. CPU and all other budgets go on.
   */
  hold(): () => void
}

/** What one run may use. */
export interface Budget {
  /** From the start of the code to its end; neither waiting for its turn nor for a person counts. */
  wallMs: number
  /** Of the guest's own thread. */
  cpuMs: number
  /** Of the guest's heap, its buffers included. */
  memoryMiB: number
  /** Nested calls, those that fail included. */
  calls: number
  /** Into the guest: results and errors of calls, as JSON. */
  bytesIn: number
  /** Out of the guest: inputs of calls and what it returns or throws, as JSON. */
  bytesOut: number
  /** Of all console lines; what is over is cut off, and the last line says so. The run goes on. */
  consoleBytes: number
}

export interface ConsoleLine {
  level: 'log' | 'info' | 'debug' | 'warn' | 'error'
  text: string
}

/** Why a run was ended from outside. */
export type Stop =
  | 'wall'
  | 'cpu'
  | 'memory'
  | 'calls'
  | 'bytes'
  | 'cancelled'
  /** Its process ended, or did what it must not; or the sandbox was closed. */
  | 'lost'
  /** It never began: too many wait already, or it waited too long. */
  | 'busy'

interface Ended {
  console: ConsoleLine[]
  /** Nested calls that were begun. */
  calls: number
}

export type RunEnd = Ended &
  (
    | { kind: 'returned'; value: Json }
    | { kind: 'threw'; message: string; stack?: string }
    | { kind: 'stopped'; why: Stop }
  )
