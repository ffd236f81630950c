/** The questions that are answered from counts and from the newest rows, and what comes back. Times are milliseconds since 1970. */
import type { CountScope, TimingCount } from './tally.ts'

/** How many tools were called on each day of a fixed offset from UTC; calls of all outcomes. */
export interface DaysQuestion {
  of: 'days'
  scope: CountScope
  /** Empty for all. */
  id: string
  /** Inside. */
  from: number
  /** Outside. */
  to: number
  offsetMs: number
}

/** Days since 1970 in the offset that was asked for; days without calls are left out. */
export interface DayCount {
  day: number
  calls: number
}

/** What the console shows of a stretch of time. */
export interface TrafficQuestion {
  of: 'traffic'
  /** Begin of the first slot. */
  from: number
  slotMs: number
}

export interface Traffic {
  outcomes: readonly { slot: number; outcome: string; calls: number }[]
  timings: readonly { slot: number; place: TimingCount['place']; bin: number; calls: number }[]
  /** Of the newest rows alone, whatever there is. */
  newest: {
    /** From when on they are all there: `from`, unless there were too many to look at. */
    since: number
    tools: readonly ToolUse[]
    actors: readonly ActorUse[]
    denials: readonly Trouble[]
    failures: readonly Trouble[]
  }
}

export interface ToolUse {
  server: string | null
  name: string
  calls: number
  failed: number
  refused: number
}

export interface ActorUse {
  kind: string
  id: string
  label: string
  calls: number
  refused: number
}

/** What was refused or failed alike. */
export interface Trouble {
  outcome: string
  /** Refusal reason, fault code or JSON-RPC code. */
  error: string
  server: string | null
  name: string | null
  calls: number
  /** The last one. */
  at: number
  deed: string
}

/** Which values rows have, for whoever is to choose one: of the newest rows alone. */
export interface ValuesQuestion {
  of: 'values'
  field: ValueField
  /** Part of the value, in lower case; empty for all. */
  find: string
  limit: number
}

export type ValueField = 'actor' | 'portal' | 'server' | 'capability' | 'method' | 'client' | 'error'

export interface ValueUse {
  value: string
  /** Deeds that ended with it. */
  rows: number
}

export type Question = DaysQuestion | TrafficQuestion | ValuesQuestion
export type Figures = DayCount[] | Traffic | ValueUse[]
export type AnswerTo<Q extends Question> = Q extends DaysQuestion
  ? DayCount[]
  : Q extends TrafficQuestion
    ? Traffic
    : ValueUse[]
