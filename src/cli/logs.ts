/** `portico logs`: who did what. Follows by asking for what came after the last row, so no row is missed or shown twice. */
import { setTimeout as wait } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import { z } from 'zod'
import { LOG_CSV_HEAD, logCsvLine } from '../contract/log-csv.ts'
import { usageError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { PATHS, SHAPES } from './paths.ts'

const POLL_MS = 1000

type Row = z.infer<typeof SHAPES.logRow>

interface Options {
  follow?: true
  limit: string
  begun?: true
  csv?: true
  portal?: string
  server?: string
  tool?: string
  method?: string
  actor?: string
  outcome?: string
  decision?: string
  plane?: string
  since?: string
  until?: string
}

export function defineLogs(program: Command, io: Surroundings, rest: readonly string[]): void {
  program
    .command('logs')
    .description('the audit: who did what, newest last')
    .option('-f, --follow', 'go on with what comes')
    .option('-n, --limit <rows>', 'how many rows to begin with', '50')
    .option('--csv', 'as CSV, with every field')
    .option('--begun', 'also the rows that open a deed')
    .option('--portal <id>')
    .option('--server <id>')
    .option('--tool <name>', 'tool, prompt or resource, by its public name')
    .option('--method <name>', 'such as tools/call')
    .option('--actor <who>', 'e-mail, name or id of who acted')
    .addOption(
      new Option('--outcome <outcome>').choices([
        'answered',
        'tool-error',
        'error',
        'refused',
        'failed',
        'cancelled',
        'unknown',
      ]),
    )
    .addOption(new Option('--decision <decision>').choices(['allow', 'deny']))
    .addOption(new Option('--plane <plane>').choices(['mcp', 'admin', 'sign-in', 'door']))
    .option('--since <time>', 'such as 2026-11-21T08:00:00Z')
    .option('--until <time>')
    .action(action(io, rest, logs))
}

async function logs(context: Context, options: Options): Promise<void> {
  if (!/^\d{1,4}$/.test(options.limit) || Number(options.limit) > 1000) throw usageError('--limit takes 1 to 1000.')
  if (options.follow === true && options.until !== undefined)
    throw usageError('--follow has no end; leave out --until.')
  if (options.csv === true && context.terminal.json) throw usageError('--csv or --json, not both.')
  const api = context.api()
  const { begun, tool, portal, server, method, actor, outcome, decision, plane, since, until } = options
  const filters = {
    portal,
    server,
    method,
    actor,
    outcome,
    decision,
    plane,
    since,
    until,
    capability: tool,
    phase: begun ? undefined : 'ended',
  }
  const ask = (query: Record<string, string | number | undefined>) =>
    api.page(PATHS.logs, SHAPES.logRow, SHAPES.logInfo, { ...filters, ...query })

  const first = await ask({ limit: Number(options.limit) })
  const rows = first.items.toReversed()
  if (options.csv === true) context.terminal.print(LOG_CSV_HEAD)
  if (!options.follow) {
    if (options.csv === true) return rows.map(logCsvLine).forEach(context.terminal.print)
    context.terminal.answer(rows, () => {
      for (const row of rows) context.terminal.print(lineOf(row))
      if (rows.length === 0) context.terminal.print('Nothing yet.')
    })
    return
  }
  const show = (row: Row): void =>
    context.terminal.json
      ? context.terminal.printJson(row)
      : context.terminal.print(options.csv === true ? logCsvLine(row) : lineOf(row))
  for (const row of rows) show(row)
  let after = rows.at(-1)?.seq ?? 0
  for (;;) {
    const { items } = await ask({ after, limit: 1000 })
    for (const row of items) show(row)
    after = items.at(-1)?.seq ?? after
    if (items.length === 0) await wait(POLL_MS)
  }
}

/** `2026-11-21T08:00:00.000Z  ada@example.com  default  ledger_read  answered  12 ms` */
function lineOf(row: Row): string {
  const what = row.plane === 'mcp' ? textOf(row, 'capability') || row.method : `${row.method}${changeOf(row)}`
  const counted = refusals.safeParse(row.refusals)
  if (counted.success) return countedLine(row, counted.data)
  const outcome = textOf(row, 'outcome') || row.phase
  // A rule is worth a place in the line where it said no.
  const rule = row.decision === 'deny' ? textOf(row, 'rule') : ''
  const why = [textOf(row, 'error'), rule].filter(Boolean).join(', ')
  const ms = Number(row.portal_ms ?? 0) + Number(row.upstream_ms ?? 0)
  const took = row.portal_ms === undefined ? '' : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
  return [
    row.at,
    row.actor.label || row.actor.kind,
    textOf(row, 'portal') || row.plane,
    what,
    why ? `${outcome} (${why})` : outcome,
    took,
  ]
    .filter(Boolean)
    .join('  ')
}

const refusals = z.object({ count: z.number(), first_at: z.string(), last_at: z.string() })

/** `2026-11-21T08:01:00.000Z  nobody known  door  refused 312 times (bad-token)  203.0.113.0/24  since …` */
function countedLine(row: Row, { count, first_at }: z.infer<typeof refusals>): string {
  const times = `refused ${count} ${count === 1 ? 'time' : 'times'} (${textOf(row, 'error')})`
  return [row.at, row.actor.label, row.plane, times, textOf(row, 'client_ip'), `since ${first_at}`].join('  ')
}

function textOf(row: Row, key: string): string {
  const value = row[key]
  return typeof value === 'string' ? value : ''
}

const change = z.object({ object: z.string(), id: z.string() })

/** What an admin changed: ` server ledger`. */
function changeOf(row: Row): string {
  const parsed = change.safeParse(row.change)
  return parsed.success ? ` (${parsed.data.object} ${parsed.data.id})` : ''
}
