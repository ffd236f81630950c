/**
 * What the audit keeps. A deed is one thing asked of the portal; it has two rows, `begun` and `ended`, both appended,
 * never changed. The `ended` row is written before the last byte of the answer leaves.
 */
import type { DeedId } from '../base/ids.ts'
import type { AnswerTo, Question } from './figures.ts'
import type { Refused } from './refusals.ts'

/** Facts about who acted, kept once per snapshot and pointed to by hash. */
export interface ActorSnapshot {
  kind: 'user' | 'service' | 'anonymous' | 'api_token' | 'config' | 'system' | 'unknown'
  id: string
  /** E-mail, service token name, API token name. */
  label: string
  role?: string
  grant?: string
}

/** What is known when the deed begins. */
export interface DeedStart {
  deed: DeedId
  parent?: DeedId
  /** `mcp` for calls, `admin` for REST changes, `sign-in` for logins, `door` for what was refused there and only counted. */
  plane: 'mcp' | 'admin' | 'sign-in' | 'door'
  actor: ActorSnapshot
  /** JSON-RPC method, or `POST /access/ai-controls/mcp/servers` for an admin change. */
  method: string
  portal?: string
  server?: string
  /** Public name as asked for, capped at 256 characters. */
  capability?: string
  era?: string
  clientName?: string
  clientVersion?: string
  session?: string
  clientIp?: string
  traceparent?: string
}

/** What is known when it ended. */
export interface DeedEnd {
  outcome: 'answered' | 'tool-error' | 'error' | 'refused' | 'failed' | 'cancelled' | 'unknown'
  server?: string
  /** The server's own name of the capability. */
  original?: string
  decision?: 'allow' | 'deny'
  /** The policy that decided, or null where none spoke. */
  rule?: string | null
  /** Refusal reason, fault code or JSON-RPC code, as text. */
  error?: string
  /** `none`, `bearer:admin` */
  credential?: string
  definitionHash?: string
  /** What the person said that it is for, where a policy asked, or why they agreed or turned it down: their own words, capped. */
  purpose?: string
  /** Milliseconds in the upstream. */
  upstreamMs?: number
  /** For admin changes: which object and which fields changed; never a secret. */
  change?: { object: string; id: string; fields: readonly string[] }
  /** Where this deed stands for many requests that were refused: how many, and when the first and last came. */
  refusals?: { count: number; firstAt: number; lastAt: number }
}

/** One row as it comes back from a query. `portalMs` is what the portal itself took. */
export interface AuditRow extends Omit<DeedStart, 'actor'>, Partial<Omit<DeedEnd, 'outcome'>> {
  seq: number
  phase: 'begun' | 'ended'
  /** Milliseconds since 1970. */
  at: number
  actor: ActorSnapshot
  outcome?: DeedEnd['outcome']
  portalMs?: number
}

export interface AuditQuery {
  phase?: 'begun' | 'ended'
  /** Rows with a greater seq, oldest first. */
  after?: number
  /** Rows with a smaller seq, newest first. The default order is newest first. */
  before?: number
  limit: number
  plane?: DeedStart['plane']
  portal?: string
  server?: string
  capability?: string
  method?: string
  /** E-mail, name or id of who acted. */
  actor?: string
  /** Several: any of them. */
  outcome?: DeedEnd['outcome'] | readonly DeedEnd['outcome'][]
  decision?: 'allow' | 'deny'
  deed?: string
  /** The whole name that the client gave itself. */
  client?: string
  /** Refusal reason, fault code or JSON-RPC code, in full. */
  error?: string
  since?: number
  until?: number
  /** In lower case; all of them must be in the row's texts. */
  words?: readonly string[]
  /** Looks at no more than about so many rows, and says how far it came. */
  reach?: number
  /** From an answer to the same question further on, so that they are not looked for once more. */
  ends?: Ends
}

/** The first and the last row of the time that is asked about; `high` is -1 where there is none. */
export interface Ends {
  low: number
  high: number
}

export interface Found {
  rows: AuditRow[]
  /** Every row between where the query begins and this one, which is among them, was looked at. */
  lookedTo: number
  /** Nothing is left to look at in this direction. */
  whole: boolean
  /** The last row that there is, of those in the query's time; null where there is none. */
  newest: number | null
  ends: Ends
}

/** An open deed. `finish` is called exactly once. */
export interface Entry {
  readonly deed: DeedId
  /**
   * Appends the `ended` row.
   * @returns when the row will survive the death of the process; only then may the answer's last byte leave
   * @throws Fault `audit-unavailable`
   */
  finish(end: DeedEnd): Promise<void>
}

export interface Audit {
  /**
   * Appends the `begun` row.
   * @returns when the row will survive the death of the process; only then may the upstream see the call
   * @throws Fault `audit-unavailable`
   */
  begin(start: DeedStart): Promise<Entry>
  /**
   * Counts a request that was refused before a deed of its own; rows come once a minute.
   *
   * @param actor where the caller is known
   */
  refused(why: Refused, clientIp: string, actor?: ActorSnapshot): void
  /** Whether one more refusal of a known caller has a deed of its own; where not, it is to be counted. */
  mayWriteRefusal(actor: string): boolean
  /** Everything written before this call is in the answer. */
  query(query: AuditQuery): Promise<AuditRow[]>
  /** The same, with how far it looked. */
  search(query: AuditQuery): Promise<Found>
  /** The same, for counts of calls and what the newest of them have in common. */
  figures<Q extends Question>(question: Q): Promise<AnswerTo<Q>>
  /** False while rows cannot be written; `/readyz` fails then. */
  readonly writable: boolean
  /** Segments of the journal that are not in the database yet. */
  readonly segmentsWaiting: number
  /** Flushes, ingests and ends the worker. */
  close(): Promise<void>
}
