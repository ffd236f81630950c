/** What the main thread and the audit's worker say to each other. */
import type { HeadKey } from './chain.ts'
import type { AuditQuery, Found } from './event.ts'
import type { Figures, Question } from './figures.ts'
import type { Position } from './frames.ts'

/** What the worker is started with. */
export interface WorkerStart {
  /** The data directory. */
  data: string
  databaseUrl: string | null
  /** This process's own journal. */
  journal: { name: string; dir: string }
  /** Derived for signing heads; the keys of the ring themselves never reach the worker. */
  headKeys: readonly HeadKey[]
  /** Numbers both threads see, by the indexes below. */
  shared: Int32Array<SharedArrayBuffer>
  /** Milliseconds since 1970. */
  now: number
  /** Rows of before are deleted. */
  keepSince: number
}

/** 1 while the worker has nothing to do and wants to be woken. */
export const IDLE = 0
/** The segment that is written now. */
export const SEGMENT = 1

export type ToWorker =
  | { kind: 'wake' }
  | { kind: 'query'; id: number; query: AuditQuery; tail: Position }
  | { kind: 'figures'; id: number; question: Question; tail: Position }
  | { kind: 'upkeep'; now: number; keepSince: number }
  | { kind: 'close'; tail: Position; now: number }

export type FromWorker =
  | { kind: 'ready' }
  /** `told`: a sentence for whoever starts the program, where there is a better one than that it did not work. */
  | { kind: 'refused'; told: string | null; cause: string }
  | { kind: 'taken'; position: Position }
  | { kind: 'found'; id: number; found: Found }
  | { kind: 'figures'; id: number; figures: Figures }
  | { kind: 'failed'; id: number; message: string }
  /** `whole`: everything is in the database, and the journal can go. */
  | { kind: 'closed'; whole: boolean }
  | { kind: 'log'; level: 'info' | 'warn' | 'error'; text: string; cause?: string; count?: number }
