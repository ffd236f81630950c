/**
 * `portico audit verify`: whether the stored audit is what was written. Reads the database itself, so that it works while the
 * portal is stopped and does not have to believe it; changes nothing.
 */
import type { Command } from 'commander'
import { headKeys, openHeadSigner } from '../audit/chain.ts'
import type { ChainReader } from '../audit/chain-reader.ts'
import { readHeadFiles } from '../audit/head-file.ts'
import { openChainReader } from '../audit/open-chain.ts'
import { DAYS_AHEAD, keepUp } from '../audit/upkeep.ts'
import { type Verdict, verifyChain } from '../audit/verify.ts'
import { systemClock } from '../base/clock.ts'
import type { KeyRing } from '../base/secret.ts'
import { findKeyFile, parseKeys, readPrivateFile } from '../config/keys.ts'
import type { Settings } from '../config.ts'
import { AlreadySaid, CliError, usageError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'

export function defineAudit(program: Command, io: Surroundings, rest: readonly string[]): void {
  const audit = program.command('audit').description('the audit as it is stored')
  audit
    .command('upkeep')
    .description('PostgreSQL: make the tables, and days ahead, and drop old days, as the role that owns them')
    .action(action(io, rest, upkeep))
  audit
    .command('verify')
    .description('check that no stored row was changed, removed, moved or cut off')
    .option('--since <time>', 'begin at the last signed head before this, such as 2026-11-21T08:00:00Z')
    .action(action(io, rest, verify))
}

async function verify(context: Context, options: { since?: string }): Promise<void> {
  const since = options.since === undefined ? undefined : Date.parse(options.since)
  if (Number.isNaN(since)) throw usageError('--since takes a time such as 2026-11-21T08:00:00Z.')
  const settings = context.settings()
  const { data, database_url: databaseUrl } = settings.values
  const signer = openHeadSigner(headKeys(keysOf(settings, context)))
  // Before the database: a head that is signed meanwhile would look like rows that are missing.
  const files = readHeadFiles(data)
  const reader = await openChainReader(data, databaseUrl).catch(cannotRead)
  const work = check(reader, { signer, files, ...(since === undefined ? {} : { since }) })
  const verdict = await context.terminal.during('checking…', work)
  const { unknownKeys: unknown_keys, problemsInAll: problems_in_all, ...same } = verdict
  const facts = { ...same, unknown_keys, problems_in_all, head_files: files.map(({ path }) => path) }
  context.terminal.answer(facts, () => {
    for (const line of linesOf(verdict)) context.terminal.print(line)
    if (files.length === 0) context.terminal.note(NO_FILE)
  })
  if (!verdict.intact) throw new AlreadySaid(1)
}

async function upkeep(context: Context): Promise<void> {
  const settings = context.settings()
  const { database_url: databaseUrl, 'audit.retention_days': days } = settings.values
  if (databaseUrl === null)
    throw new CliError('Only PostgreSQL needs this. Set DATABASE_URL to the role that owns the tables.')
  const now = systemClock.now()
  const work = keepUp(databaseUrl, keysOf(settings, context), { now, keepSince: now - days * 86_400_000 })
  await context.terminal.during('working…', work).catch((error: unknown) => {
    throw new CliError(`It could not be done: ${error instanceof Error ? error.message : String(error)}`)
  })
  context.terminal.answer({ days_ahead: DAYS_AHEAD, retention_days: days }, () =>
    context.terminal.print(
      `There is room for the next ${DAYS_AHEAD} days, and nothing older than ${days}. Run this daily.`,
    ),
  )
}

const NO_FILE =
  'No signed head was found in the data directory, so rows that were cut off the end together with the database’s own heads would not be seen. Run this where a portal has its data.'

async function check(
  reader: ChainReader,
  options: Omit<Parameters<typeof verifyChain>[0], 'reader'>,
): Promise<Verdict> {
  try {
    return await verifyChain({ reader, ...options }).catch(cannotRead)
  } finally {
    await reader.close()
  }
}

function cannotRead(error: unknown): never {
  throw new CliError(`The audit cannot be checked: ${error instanceof Error ? error.message : String(error)}`, {
    hint: 'Give --data, or DATABASE_URL where the portal uses PostgreSQL.',
  })
}

/** Looks for the key and makes none: a new one would find every head forged. */
function keysOf({ values, origins }: Settings, context: Context): KeyRing {
  if (values.encryption_key !== null)
    return parseKeys(values.encryption_key, origins.get('encryption_key')?.where ?? 'encryption_key')
  const { file, exists } = findKeyFile(values.data, context.surroundings.env)
  if (file !== null && exists) return parseKeys(readPrivateFile(file), file)
  throw new CliError('The encryption key is not here, and heads can be checked with nothing else.', {
    hint: file === null ? 'Give --data or PORTICO_ENCRYPTION_KEY.' : `Put ${file} back, or set PORTICO_ENCRYPTION_KEY.`,
  })
}

function linesOf(verdict: Verdict): string[] {
  const { intact, rows, first, last, heads, unsigned, unchained, unknownKeys, problems, problemsInAll } = verdict
  const lines = problems.map(({ kind, text }) => `PROBLEM  ${kind.padEnd(13)}  ${text}`)
  if (problemsInAll > problems.length) lines.push(`and ${problemsInAll - problems.length} more`)
  const what = rows === 0 ? 'No rows yet.' : `${rows} rows, ${first} to ${last}, under ${count(heads, 'signed head')}.`
  lines.push(
    intact ? `Intact: ${what}` : `NOT intact: ${count(problemsInAll, 'problem')} in ${what.replace(/^N/, 'n')}`,
  )
  if (unsigned > 0) lines.push(`The last ${unsigned} rows are chained and wait for their head.`)
  if (unchained > 0) lines.push(`${unchained} older rows are from before the chain; nothing is said about them.`)
  if (unknownKeys > 0)
    lines.push(`${count(unknownKeys, 'head')} of keys that are not in the ring any more; newer heads cover their rows.`)
  return lines
}

function count(n: number, what: string): string {
  return n === 1 ? `1 ${what}` : `${n} ${what}s`
}
