/**
 * The questions of `figures.ts` as statements, in words that SQLite and PostgreSQL share. Days and times are read from counts. What has no
 * bound of its own, such as names that callers make up, is read from the newest rows alone, and the answer says how far back they reach.
 */
import type {
  ActorUse,
  DayCount,
  DaysQuestion,
  Figures,
  Question,
  ToolUse,
  Traffic,
  TrafficQuestion,
  Trouble,
} from './figures.ts'
import { readValues } from './values-store.ts'

type Row = Readonly<Record<string, unknown>>

/** @param sql with `?` for each value */
export type Ask = (sql: string, values: readonly (string | number)[]) => Promise<readonly Row[]>

export interface FiguresReader {
  ask: Ask
  /** How the rows are named in FROM: SQLite is told to go by seq. */
  rows: string
  /** A text among the facts of `r`, as JSON, or NULL. */
  member(name: string): string
}

/** Two rows a deed: the newest 25,000 deeds. */
const NEWEST_ROWS = 50_000
const TOP = 10
/** Of the newest, for their reasons stand in facts that no statement can group by. */
const TROUBLES = 2000
const MOST_TROUBLES = 20

export function readFigures(reader: FiguresReader, question: Question): Promise<Figures> {
  switch (question.of) {
    case 'days':
      return readDays(reader, question)
    case 'traffic':
      return readTraffic(reader, question)
    case 'values':
      return readValues(reader, question)
  }
}

async function readDays({ ask }: FiguresReader, { scope, id, from, to, offsetMs }: DaysQuestion): Promise<DayCount[]> {
  const rows = await ask(
    `SELECT (at + CAST(? AS bigint)) / 86400000 AS day, sum(calls) AS calls FROM audit_calls
     WHERE scope = ? AND id = ? AND at >= ? AND at < ? GROUP BY 1 ORDER BY 1`,
    [offsetMs, scope, id, from, to],
  )
  return rows.map(({ day, calls }) => ({ day: Number(day), calls: Number(calls) }))
}

async function readTraffic(reader: FiguresReader, { from, slotMs }: TrafficQuestion): Promise<Traffic> {
  const { ask } = reader
  const slot = '(at - CAST(? AS bigint)) / CAST(? AS bigint) AS slot'
  const outcomes = await ask(
    `SELECT ${slot}, outcome, sum(calls) AS calls FROM audit_calls WHERE scope = 'all' AND id = '' AND at >= ? GROUP BY 1, 2`,
    [from, slotMs, from],
  )
  const timings = await ask(
    `SELECT ${slot}, place, bin, sum(calls) AS calls FROM audit_timings WHERE at >= ? GROUP BY 1, 2, 3`,
    [from, slotMs, from],
  )
  return {
    outcomes: outcomes.map((row) => ({
      slot: Number(row.slot),
      outcome: String(row.outcome),
      calls: Number(row.calls),
    })),
    timings: timings.map((row) => ({
      ...{ slot: Number(row.slot), place: row.place as 'portal' | 'upstream' },
      ...{ bin: Number(row.bin), calls: Number(row.calls) },
    })),
    newest: await readNewest(reader, from),
  }
}

async function readNewest({ ask, rows }: FiguresReader, from: number): Promise<Traffic['newest']> {
  const [end] = await ask("SELECT value FROM audit_meta WHERE key = 'seq'", [])
  const after = Math.max(0, Number(end?.value ?? 0) - NEWEST_ROWS)
  const [oldest] = await ask('SELECT at FROM audit_rows WHERE seq = ?', [after])
  const where = `r.seq > ? AND r.at >= ? AND r.phase = 'ended' AND r.plane = 'mcp' AND r.method = 'tools/call'`
  const values = [after, from]
  const refused = "sum(CASE WHEN r.outcome = 'refused' THEN 1 ELSE 0 END) AS refused"
  const tools = await ask(
    `SELECT r.server, r.capability AS name, count(*) AS calls, ${refused},
       sum(CASE WHEN r.outcome IN ('tool-error', 'error', 'failed') THEN 1 ELSE 0 END) AS failed
     FROM ${rows} WHERE ${where} AND r.capability IS NOT NULL AND r.outcome <> 'refused'
     GROUP BY r.server, r.capability ORDER BY count(*) DESC, r.capability LIMIT ${TOP}`,
    values,
  )
  const actors = await ask(
    `SELECT a.kind, a.id, a.label, count(*) AS calls, ${refused}
     FROM ${rows} JOIN audit_actors a ON a.hash = r.actor WHERE ${where}
     GROUP BY a.kind, a.id, a.label ORDER BY count(*) DESC, a.id LIMIT ${TOP}`,
    values,
  )
  const troubles = (outcomes: string): Promise<readonly Row[]> =>
    ask(
      `SELECT r.at, r.deed, r.server, r.capability AS name, r.outcome, r.facts FROM ${rows}
       WHERE ${where} AND r.outcome IN (${outcomes}) ORDER BY r.seq DESC LIMIT ${TROUBLES}`,
      values,
    )
  return {
    since: Math.max(from, Number(oldest?.at ?? 0)),
    tools: tools.map(toToolUse),
    actors: actors.map(toActorUse),
    denials: alike(await troubles("'refused'")),
    failures: alike(await troubles("'tool-error', 'error', 'failed', 'unknown'")),
  }
}

function toToolUse({ server, name, calls, failed, refused }: Row): ToolUse {
  return {
    server: textOrNull(server),
    name: String(name),
    calls: Number(calls),
    failed: Number(failed),
    refused: Number(refused),
  }
}

function toActorUse({ kind, id, label, calls, refused }: Row): ActorUse {
  return { kind: String(kind), id: String(id), label: String(label), calls: Number(calls), refused: Number(refused) }
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

/** @param rows the newest first */
function alike(rows: readonly Row[]): Trouble[] {
  const found = new Map<string, Trouble>()
  for (const row of rows) {
    const { error = '' } = JSON.parse(String(row.facts)) as { error?: string }
    const one = {
      ...{ outcome: String(row.outcome), error, server: textOrNull(row.server), name: textOrNull(row.name), calls: 1 },
      ...{ at: Number(row.at), deed: String(row.deed) },
    }
    const key = JSON.stringify([one.outcome, one.error, one.server, one.name])
    const known = found.get(key)
    if (known === undefined) found.set(key, one)
    else known.calls++
  }
  return [...found.values()].sort((a, b) => b.calls - a.calls || b.at - a.at).slice(0, MOST_TROUBLES)
}
