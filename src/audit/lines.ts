/**
 * What a journal line says, both ways: the main thread writes lines, the worker reads them.
 *
 * `b` or `e`, a JSON array of the columns that can be searched, a tab, a JSON object of the other facts, a newline; or `a` and
 * a JSON array with an actor's facts. JSON escapes every control character, so no text from outside can end a line or
 * begin another. Lines are built by hand because two of them stand on the path of each call.
 */
import { hash } from 'node:crypto'
import type { ActorSnapshot, DeedEnd, DeedStart } from './event.ts'

/** Longest texts, in UTF-16 units. What is longer is cut: the audit is not a place to store what a caller sends. */
const CAP = { id: 64, short: 32, name: 256, label: 320, error: 512, fields: 32, purpose: 1024 } as const

// Printable ASCII without quote and backslash: what JSON leaves as it is.
const PLAIN = /^[ !#-[\]-~]*$/
const LINE_ENDS = /[\u2028\u2029]/g

/** A JSON string of at most `cap` UTF-16 units, cut between characters. */
export function quote(text: string, cap: number): string {
  let kept = text
  if (kept.length > cap) {
    const last = kept.charCodeAt(cap - 1)
    kept = kept.slice(0, last >= 0xd800 && last <= 0xdbff ? cap - 1 : cap)
  }
  if (PLAIN.test(kept)) return `"${kept}"`
  return JSON.stringify(kept).replace(LINE_ENDS, (end) => (end === '\u2028' ? '\\u2028' : '\\u2029'))
}

/** A text among the facts as it is written there: no other text can hold it, because quotes within texts have a backslash before them. */
export function memberOf(name: 'clientName' | 'error', text: string): string {
  return `"${name}":${quote(text, name === 'error' ? CAP.error : CAP.name)}`
}

function column(text: string | undefined, cap: number): string {
  return text === undefined ? 'null' : quote(text, cap)
}

/** Milliseconds with at most three decimals; what is no number is nothing. */
function millis(value: number): string {
  return Number.isFinite(value) ? String(Math.round(Math.max(0, value) * 1000) / 1000) : 'null'
}

/** What the lines of one actor's deeds mostly have in common, kept from its last one: 1 KB less a call. */
export interface Habit {
  start: DeedStart
  /** Columns `actor, plane, method, portal`, with a comma on either side. */
  columns: string
  /** Members of the facts object, without braces. */
  facts: string
}

/** What the two lines of one deed share, made once. */
export interface Head {
  /** Columns `deed` to `portal`, with a comma behind. */
  who: string
  server: string
  capability: string
  /** Members of the facts object, without braces. */
  facts: string
}

/** @param actor hash of the actor's facts @param last of this very actor, where it has one */
export function habitOf(start: DeedStart, actor: string, last: Habit | null): Habit {
  if (last !== null && isAlike(start, last.start)) return last
  let facts = ''
  if (start.era !== undefined) facts += `,"era":${quote(start.era, CAP.short)}`
  if (start.clientName !== undefined) facts += `,"clientName":${quote(start.clientName, CAP.name)}`
  if (start.clientVersion !== undefined) facts += `,"clientVersion":${quote(start.clientVersion, CAP.id)}`
  if (start.session !== undefined) facts += `,"session":${quote(start.session, CAP.name)}`
  if (start.clientIp !== undefined) facts += `,"clientIp":${quote(start.clientIp, CAP.id)}`
  const columns = `,"${actor}","${start.plane}",${quote(start.method, CAP.name)},${column(start.portal, CAP.id)},`
  return { start, columns: flat(columns), facts: flat(facts.slice(1)) }
}

function isAlike(a: DeedStart, b: DeedStart): boolean {
  return (
    a.method === b.method &&
    a.plane === b.plane &&
    a.portal === b.portal &&
    a.era === b.era &&
    a.clientName === b.clientName &&
    a.clientVersion === b.clientVersion &&
    a.session === b.session &&
    a.clientIp === b.clientIp
  )
}

export function headOf(start: DeedStart, habit: Habit): Head {
  let { facts } = habit
  if (start.parent !== undefined) facts += `,"parent":${quote(start.parent, CAP.id)}`
  if (start.traceparent !== undefined) facts += `,"traceparent":${quote(start.traceparent, CAP.name)}`
  return {
    who: quote(start.deed, CAP.id) + habit.columns,
    server: column(start.server, CAP.id),
    capability: column(start.capability, CAP.name),
    // The habit may have had none.
    facts: facts.startsWith(',') ? facts.slice(1) : facts,
  }
}

export function begunLine(head: Head, at: number): string {
  return `b[${at},${head.who}${head.server},${head.capability},null,null]\t{${head.facts}}\n`
}

/** Writes one text of a row; what comes from the configuration comes again and again. */
export interface EndWriters {
  server(text: string): string
  original(text: string): string
  rule(text: string): string
  credential(text: string): string
  definitionHash(text: string): string
}

export function endWriters(): EndWriters {
  return {
    server: remembering('', CAP.id),
    original: remembering(',"original":', CAP.name),
    rule: remembering(',"rule":', CAP.name),
    credential: remembering(',"credential":', CAP.name),
    definitionHash: remembering(',"definitionHash":', CAP.name),
  }
}

/** How many texts are remembered before all are forgotten: no caller can fill memory with names. */
const REMEMBERED = 2000

function remembering(before: string, cap: number): (text: string) => string {
  const known = new Map<string, string>()
  return (text) => {
    const found = known.get(text)
    if (found !== undefined) return found
    const written = flat(before + quote(text, cap))
    if (known.size >= REMEMBERED) known.clear()
    known.set(text, written)
    return written
  }
}

/** V8 keeps a joined text as a tree of its parts; what is kept for long is better in one piece. */
function flat(text: string): string {
  return Buffer.from(text).toString()
}

export interface EndTimes {
  at: number
  /** What the portal itself took. */
  portalMs: number
}

export function endedLine(head: Head, { at, portalMs }: EndTimes, end: DeedEnd, write: EndWriters): string {
  let facts = `"portalMs":${millis(portalMs)}`
  if (head.facts !== '') facts += `,${head.facts}`
  if (end.original !== undefined) facts += write.original(end.original)
  if (end.rule !== undefined) facts += end.rule === null ? ',"rule":null' : write.rule(end.rule)
  if (end.error !== undefined) facts += `,"error":${quote(end.error, CAP.error)}`
  if (end.credential !== undefined) facts += write.credential(end.credential)
  if (end.definitionHash !== undefined) facts += write.definitionHash(end.definitionHash)
  if (end.purpose !== undefined) facts += `,"purpose":${quote(end.purpose, CAP.purpose)}`
  if (end.upstreamMs !== undefined) facts += `,"upstreamMs":${millis(end.upstreamMs)}`
  if (end.change !== undefined) facts += `,"change":${changeOf(end.change)}`
  if (end.refusals !== undefined) facts += `,"refusals":${JSON.stringify(end.refusals)}`
  const server = end.server === undefined ? head.server : write.server(end.server)
  const decision = end.decision === undefined ? 'null' : `"${end.decision}"`
  return `e[${at},${head.who}${server},${head.capability},"${end.outcome}",${decision}]\t{${facts}}\n`
}

function changeOf(change: NonNullable<DeedEnd['change']>): string {
  const fields = change.fields.slice(0, CAP.fields).map((field) => quote(field, CAP.id))
  return `{"object":${quote(change.object, CAP.id)},"id":${quote(change.id, CAP.name)},"fields":[${fields.join(',')}]}`
}

/** Whether two snapshots say the same of the same actor. */
export function isSameActor(a: ActorSnapshot, b: ActorSnapshot): boolean {
  return a.kind === b.kind && a.id === b.id && a.label === b.label && a.role === b.role && a.grant === b.grant
}

/** @returns the hash that rows point to, and the line that says whose it is */
export function actorLine(actor: ActorSnapshot, at: number): { hash: string; line: string } {
  const facts = actorFacts(actor)
  const hashed = actorHash(facts)
  return { hash: hashed, line: `a["${hashed}",${at},${facts}]\n` }
}

/** The same for an actor as it is stored: the audit's check makes the hash again. */
export function storedActorHash(actor: ActorSnapshot): string {
  return actorHash(actorFacts(actor))
}

function actorFacts({ kind, id, label, role, grant }: ActorSnapshot): string {
  const text = (value: string | undefined, cap: number): string =>
    value === undefined ? 'null' : quote(storable(value), cap)
  return `"${kind}",${text(id, CAP.name)},${text(label, CAP.label)},${text(role, CAP.id)},${text(grant, CAP.name)}`
}

function actorHash(facts: string): string {
  return hash('sha256', facts).slice(0, 32)
}

/** A row as the worker takes it from the journal. */
export interface JournalRow {
  phase: 'begun' | 'ended'
  at: number
  deed: string
  actor: string
  plane: string
  method: string
  portal: string | null
  server: string | null
  capability: string | null
  outcome: string | null
  decision: string | null
  /** JSON object of the facts that cannot be searched. */
  facts: string
}

export interface JournalActor {
  hash: string
  seenAt: number
  kind: string
  id: string
  label: string
  role: string | null
  grant: string | null
}

type Text = string | null
type RowColumns = [number, string, string, string, string, Text, Text, Text, Text, Text]
type ActorColumns = [string, number, string, string, string, Text, Text]

/**
 * As a database gives it back, so that its hash can be made again. PostgreSQL's text cannot hold NUL, and one such character
 * must not stop everything behind it; half a surrogate pair has no UTF-8.
 */
export function storable<T extends Text>(text: T): T {
  if (text === null) return text
  return (text.includes('\0') ? text.replaceAll('\0', '\ufffd') : text).toWellFormed() as T
}

/**
 * Reads one payload. It was checked by its frame, so a line that cannot be read is a bug and throws: taking the journal in
 * stops, and in the end the portal refuses calls rather than lose rows unseen.
 */
export function readLines(payload: string, rows: JournalRow[], actors: Map<string, JournalActor>): void {
  for (const line of payload.split('\n')) {
    if (line === '') continue
    if (line.startsWith('a')) {
      const actor = readActor(line)
      actors.set(actor.hash, actor)
    } else rows.push(readRow(line))
  }
}

function readRow(line: string): JournalRow {
  const tab = line.indexOf('\t')
  const [at, deed, actor, plane, method, portal, server, capability, outcome, decision] = JSON.parse(
    line.slice(1, tab),
  ) as RowColumns
  return {
    phase: line.startsWith('b') ? 'begun' : 'ended',
    at,
    deed: storable(deed),
    actor,
    plane,
    method: storable(method),
    portal: storable(portal),
    server: storable(server),
    capability: storable(capability),
    outcome,
    decision,
    facts: line.slice(tab + 1),
  }
}

function readActor(line: string): JournalActor {
  const [hash, seenAt, kind, id, label, role, grant] = JSON.parse(line.slice(1)) as ActorColumns
  return {
    hash,
    seenAt,
    kind,
    id: storable(id),
    label: storable(label),
    role: storable(role),
    grant: storable(grant),
  }
}
