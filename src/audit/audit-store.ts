/**
 * What the audit's database must be able to do, and what SQLite and PostgreSQL say in the same words: the schema's
 * version and the question that a query asks. Rows are only ever appended, and deleted whole when they are too old.
 *
 * No text from outside stands in a statement: statements are made of the fixed pieces below and parameters.
 */
import { Fault } from '../base/fault.ts'
import type { ChainEnd, Head, Unsigned } from './chain.ts'
import type { AuditQuery, AuditRow, Found } from './event.ts'
import type { Figures, Question } from './figures.ts'
import type { Position } from './frames.ts'
import { type JournalActor, type JournalRow, memberOf, storable } from './lines.ts'
import { patternFor } from './words.ts'

/** Grows by one with each change of the audit's tables. */
export const SCHEMA_VERSION = 3

/** An actor is written again each day it acts, so one not seen for this long before the rows' own limit has no row left. */
export const ACTOR_GRACE_MS = 3 * 86_400_000

/** How far one journal was taken in. */
export interface JournalState extends Position {
  /** The database's own number for the journal. */
  journal: number
  /** No row before this seq belongs to a deed of this journal that is still open. */
  openFrom: number
}

export interface Batch {
  journal: number
  /** Where the batch begins and ends in the journal. */
  from: Position
  to: Position
  openFrom: number
  rows: readonly JournalRow[]
  actors: readonly JournalActor[]
}

/** A `begun` row without its `ended`. */
export type OpenRow = JournalRow & { seq: number }

export interface AuditStore {
  /** Makes the journal known where it is not, and says how far it was taken in. */
  attach(name: string): Promise<JournalState>
  /**
   * Appends rows, counts the calls among them and moves the journal's mark, all or nothing. The rows get consecutive seqs, and no row with a smaller
   * seq becomes visible afterwards.
   *
   * @returns the first row's seq, or null when the mark does not stand at `from`: then nothing was done
   */
  append(batch: Batch): Promise<number | null>
  /** A journal's open deeds from seq `from` on, oldest first. */
  openRows(journal: number, from: number, limit: number): Promise<OpenRow[]>
  /** Drops the mark of a journal that is gone. */
  forget(journal: number): Promise<void>
  select(query: AuditQuery): Promise<Found>
  /** Answers from counts and the newest rows: bounded, however many rows there are. */
  figures(question: Question): Promise<Figures>
  /** Deletes the oldest rows, up to the first that is to be kept, and leaves a signed mark where the chain goes on. */
  prune(age: Age, sign: SignHead): Promise<void>
  /** Signs where the chain begins, where nobody has yet, and signs it anew where the key is another. */
  beginChain(signer: { kid: string; check(head: Head): string; sign: SignHead }): Promise<void>
  chainEnd(): Promise<ChainEnd>
  /** The signed mark behind which the chain is checked; null in a database that has none. */
  chainMark(): Promise<Head | null>
  /** @returns the hash of a row as hex, or null where there is no such row */
  hashAt(seq: number): Promise<string | null>
  /** @param replaces the seq of the same writer's head that gives way, or null */
  keepHead(head: Head, replaces: number | null): Promise<void>
  /** After this, what was appended survives the loss of power, so the journal it came from may go. */
  harden(): Promise<void>
  /** What must be done now and then, off the path of appends. */
  tidy(now: number): Promise<void>
  close(): Promise<void>
}

export type SignHead = (head: Unsigned) => Head

/** What is old: milliseconds since 1970. */
export interface Age {
  now: number
  /** Rows of before are deleted. */
  keepSince: number
}

/** A clock that once ran ahead must not keep everything behind its rows for ever. */
export const AHEAD_MS = 86_400_000

/** @throws Fault `store-unavailable` when a newer program has been here */
export function refuseNewer(found: number): void {
  if (found > SCHEMA_VERSION)
    throw new Fault(
      'store-unavailable',
      `The audit database has schema ${found} and this program knows ${SCHEMA_VERSION}. Start the newer Portico, or restore a backup.`,
    )
}

export const ROW_COLUMNS = [
  'seq',
  'journal',
  'phase',
  'at',
  'deed',
  'actor',
  'plane',
  'method',
  'portal',
  'server',
  'capability',
  'outcome',
  'decision',
  'facts',
] as const

const ACTOR_COLUMNS = `a.kind AS actor_kind, a.id AS actor_id, a.label AS actor_label, a.role AS actor_role,
  a.grant_id AS actor_grant`

/** What the chain's check reads of a row `r` and its actor `a`, without the hash. */
export const CHAIN_COLUMNS = `${ROW_COLUMNS.map((column) => `r.${column}`).join(', ')}, ${ACTOR_COLUMNS}`

export const HEAD_COLUMNS = 'kind, writer, seq, hash, at, kid, signature'

/** A head as a database gives it: numbers may come as text. */
export function toHead(row: { [column: string]: unknown }): Head {
  return {
    kind: row.kind as Head['kind'],
    writer: String(row.writer),
    seq: Number(row.seq),
    hash: String(row.hash),
    at: Number(row.at),
    kid: String(row.kid),
    signature: String(row.signature),
  }
}

export interface Statement {
  sql: string
  values: (string | number)[]
}

/** What a query reads, before it is an AuditRow. Numbers may come as text from PostgreSQL. */
export interface StoredRow {
  seq: number | string
  phase: AuditRow['phase']
  at: number | string
  deed: string
  plane: AuditRow['plane']
  method: string
  portal: string | null
  server: string | null
  capability: string | null
  outcome: NonNullable<AuditRow['outcome']> | null
  decision: 'allow' | 'deny' | null
  facts: string
  actor: string
  actor_kind: AuditRow['actor']['kind'] | null
  actor_id: string | null
  actor_label: string | null
  actor_role: string | null
  actor_grant: string | null
}

/** At least the rows of this window of seqs are looked at; `from` is inside, `to` is not. */
export interface Window {
  from: number
  to: number
}

const SHOWN_COLUMNS = `r.seq, r.phase, r.at, r.deed, r.plane, r.method, r.portal, r.server, r.capability, r.outcome,
  r.decision, r.facts, r.actor`

const EQUAL = ['phase', 'plane', 'portal', 'server', 'capability', 'method', 'decision', 'deed'] as const

/** What is asked for by itself and stands among the facts. */
const AMONG_FACTS = { client: 'clientName', error: 'error' } as const

/** Texts in which words are looked for; what else a row says is in its facts. */
const WORDED = ['method', 'capability', 'server', 'portal', 'outcome', 'deed', 'facts'] as const

export interface Dialect {
  /** The database's sign for its n-th parameter, from 1. */
  mark(n: number): string
  /** Whether one of the texts is like a pattern, whose letters are lower-case, without regard to case. It may hold too often, never too seldom. */
  holds(texts: readonly string[], pattern: () => string): string
  /** Its function that says where in a text another begins, from 1, or 0. */
  place: 'instr' | 'strpos'
}

export function selectRows(query: AuditQuery, { mark, holds, place }: Dialect, window: Window): Statement {
  const values: (string | number)[] = []
  const bind = (value: string | number): string =>
    mark(values.push(typeof value === 'string' ? storable(value) : value))
  const where: string[] = []
  for (const column of EQUAL) {
    const value = query[column]
    if (value !== undefined) where.push(`r.${column} = ${bind(value)}`)
  }
  const outcomes = [query.outcome ?? []].flat()
  if (outcomes.length > 0) where.push(`r.outcome IN (${outcomes.map(bind).join(', ')})`)
  for (const [name, member] of Object.entries(AMONG_FACTS)) {
    const value = query[name as keyof typeof AMONG_FACTS]
    if (value !== undefined) where.push(`${place}(r.facts, ${bind(memberOf(member, value))}) > 0`)
  }
  if (query.actor !== undefined)
    where.push(
      `r.actor IN (SELECT hash FROM audit_actors WHERE id = ${bind(query.actor)} OR label = ${bind(query.actor)})`,
    )
  if (query.after !== undefined) where.push(`r.seq > ${bind(query.after)}`)
  if (query.before !== undefined) where.push(`r.seq < ${bind(query.before)}`)
  if (query.since !== undefined) where.push(`r.at >= ${bind(query.since)}`)
  if (query.until !== undefined) where.push(`r.at <= ${bind(query.until)}`)
  // A deed is found by its own index; that of numbers would be read for every row there is.
  const seq = query.deed === undefined ? 'r.seq' : '(r.seq + 0)'
  where.push(`${seq} >= ${bind(window.from)} AND ${seq} < ${bind(window.to)}`)
  for (const word of query.words ?? []) {
    const pattern = (): string => bind(patternFor(word))
    const own = holds(
      WORDED.map((column) => `r.${column}`),
      pattern,
    )
    where.push(`(${own} OR r.actor IN (SELECT hash FROM audit_actors WHERE ${holds(['id', 'label'], pattern)}))`)
  }
  const order = `ORDER BY r.seq ${query.after === undefined ? 'DESC' : 'ASC'}`
  // Who it was is looked up for the rows that are shown, and not for all among which they are chosen.
  const rows = `SELECT ${SHOWN_COLUMNS} FROM audit_rows r WHERE ${where.join(' AND ')} ${order} LIMIT ${bind(query.limit)}`
  return {
    sql: `SELECT r.*, ${ACTOR_COLUMNS} FROM (${rows}) r LEFT JOIN audit_actors a ON a.hash = r.actor ${order}`,
    values,
  }
}

/** What a row holds beside the columns that can be searched. */
type Facts = Pick<
  AuditRow,
  | 'parent'
  | 'era'
  | 'clientName'
  | 'clientVersion'
  | 'session'
  | 'clientIp'
  | 'traceparent'
  | 'original'
  | 'rule'
  | 'error'
  | 'credential'
  | 'definitionHash'
  | 'purpose'
  | 'upstreamMs'
  | 'portalMs'
  | 'change'
  | 'refusals'
>

export function toAuditRow(row: StoredRow): AuditRow {
  return {
    seq: Number(row.seq),
    phase: row.phase,
    at: Number(row.at),
    deed: row.deed as AuditRow['deed'],
    plane: row.plane,
    actor: {
      kind: row.actor_kind ?? 'unknown',
      id: row.actor_id ?? row.actor,
      label: row.actor_label ?? '',
      ...(row.actor_role !== null && { role: row.actor_role }),
      ...(row.actor_grant !== null && { grant: row.actor_grant }),
    },
    method: row.method,
    ...(row.portal !== null && { portal: row.portal }),
    ...(row.server !== null && { server: row.server }),
    ...(row.capability !== null && { capability: row.capability }),
    ...(row.outcome !== null && { outcome: row.outcome }),
    ...(row.decision !== null && { decision: row.decision }),
    ...(JSON.parse(row.facts) as Facts),
  }
}

/**
 * The open deeds of one journal, as a statement with the parameters journal, first seq and limit.
 *
 * @param mark the database's sign for its n-th parameter, from 1
 */
export function selectOpen(mark: (n: number) => string): string {
  return `SELECT b.* FROM audit_rows b WHERE b.journal = ${mark(1)} AND b.seq >= ${mark(2)} AND b.phase = 'begun'
    AND NOT EXISTS (SELECT 1 FROM audit_rows e WHERE e.deed = b.deed AND e.phase = 'ended') ORDER BY b.seq LIMIT ${mark(3)}`
}
