/**
 * Where calls are counted, in both databases: version 3 of the audit's tables. Rows of before are counted when the tables are made; how long
 * their calls took is not taken from them, for it stands in facts that no statement reads the same in both.
 */
import type { Age } from './audit-store.ts'

/** @param table what a database says behind the columns of a small table */
export const countTables = (table: string): string => `
CREATE TABLE audit_calls (
  scope text NOT NULL, id text NOT NULL, at bigint NOT NULL, outcome text NOT NULL, calls bigint NOT NULL,
  PRIMARY KEY (scope, id, at, outcome))${table};
CREATE TABLE audit_timings (
  at bigint NOT NULL, place text NOT NULL, bin int NOT NULL, calls bigint NOT NULL, PRIMARY KEY (at, place, bin))${table};
${[countedAs("'all', ''", 300_000), countedAs("'portal', portal", 900_000, 'portal'), countedAs("'server', server", 900_000, 'server')].join('')}
UPDATE audit_meta SET value = 3 WHERE key = 'schema';
`

function countedAs(named: string, size: number, column?: string): string {
  return `INSERT INTO audit_calls (scope, id, at, outcome, calls)
  SELECT ${named}, at / ${size} * ${size}, coalesce(outcome, 'unknown'), count(*) FROM audit_rows
  WHERE phase = 'ended' AND plane = 'mcp' AND method = 'tools/call'${column === undefined ? '' : ` AND ${column} IS NOT NULL`}
  GROUP BY 1, 2, 3, 4;
`
}

export const ADD_CALLS = `ON CONFLICT (scope, id, at, outcome) DO UPDATE SET calls = audit_calls.calls + excluded.calls`
export const ADD_TIMINGS = `ON CONFLICT (at, place, bin) DO UPDATE SET calls = audit_timings.calls + excluded.calls`

const DAY_MS = 86_400_000
/** A year by months, and the month that is not over. They name no person, and outlive the rows. */
const CALLS_DAYS = 400
/** The longest stretch that the console draws, and some. */
const TIMINGS_DAYS = 45

/** Before these times, counts go. */
export function oldCounts({ now, keepSince }: Age): { calls: number; timings: number } {
  return { calls: Math.min(keepSince, now - CALLS_DAYS * DAY_MS), timings: now - TIMINGS_DAYS * DAY_MS }
}
