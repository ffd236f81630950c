/**
 * `portico restore`: a backup into an empty place, or in place of what is there. Everything that can be known beforehand is looked at
 * before anything is changed: the file whole, the key, the schema.
 */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { systemClock } from '../base/clock.ts'
import { openSealer } from '../base/secret.ts'
import { closeDataDirectory, makeDataDirectory } from '../config/data-directory.ts'
import { claimKeyId } from '../config/keys.ts'
import { type ArchiveHeader, readArchiveHeader, readArchiveRows } from '../store/archive.ts'
import { opensCheck } from '../store/key-check.ts'
import { type Loaded, loadStore } from '../store/load.ts'
import { MIGRATIONS } from '../store/migrate.ts'
import { openStopped } from '../store/stopped.ts'
import { CliError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { type DataPlace, findData, inWords, recorded } from './offline.ts'

interface RestoreOptions {
  replace?: true
  keepSessions?: true
  check?: true
}

export function defineRestore(program: Command, io: Surroundings, rest: readonly string[]): void {
  program
    .command('restore')
    .description('put a backup back, with the portal stopped; every token and session of before ends')
    .argument('<file>')
    .option('--check', 'only say whether it could be restored here')
    .option('--replace', 'throw away the data that is there')
    .option('--keep-sessions', 'leave tokens and sessions good, also those that were revoked since the backup')
    .action(
      action<RestoreOptions>(io, rest, (context, options, [file = '']) =>
        inWords(() => restore(context, options, file)),
      ),
    )
}

async function restore(context: Context, options: RestoreOptions, file: string): Promise<void> {
  process.umask(0o077)
  const path = resolve(context.surroundings.cwd, file)
  const header = await readHeader(path)
  const place = findPlace(context, header)
  const rows = await context.terminal.during('reading the backup…', countRows(path, place))
  if (options.check) {
    const facts = { file: path, made_at: header.made_at, program: header.program, schema: header.schema, rows }
    return context.terminal.answer(facts, () =>
      context.terminal.print(
        `${path}: whole, ${rows} rows of ${header.made_at}; the key is here. Nothing was changed.`,
      ),
    )
  }
  makeDataDirectory(place.dir)
  for (const line of closeDataDirectory(place.dir)) context.terminal.note(`warning: ${line}`)
  const { db, close } = await openStopped(place)
  try {
    if (place.keyFile !== null && header.key_id !== null) claimKeyId(place.dir, header.key_id)
    const loading = {
      databaseUrl: place.databaseUrl,
      clock: systemClock,
      level: header.schema,
      rows: readArchiveRows(path, openSealer(place.keys, 'store')),
      replace: options.replace === true,
      keepSessions: options.keepSessions === true,
    }
    tell(context, header, place, await recorded(place, 'restore', () => loadStore(db, loading)))
  } finally {
    await close()
  }
}

async function readHeader(path: string): Promise<ArchiveHeader> {
  try {
    return await readArchiveHeader(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw new CliError(`${path} cannot be read (${code}).`)
  }
}

/** The data's own key where there is data, else the one that the backup names. */
function findPlace(context: Context, header: ArchiveHeader): DataPlace {
  if (!Object.hasOwn(MIGRATIONS, header.schema))
    throw new CliError(`This backup was made by a newer Portico (${header.program}, schema ${header.schema}).`, {
      hint: 'Restore it with that version or a later one.',
    })
  const place = findData(context, header.key_id)
  if (opensCheck(openSealer(place.keys, 'store'), header.key_check)) return place
  throw new CliError('This backup was made with another encryption key than the one here. Nothing was changed.', {
    hint:
      header.key_id === null
        ? 'Set PORTICO_ENCRYPTION_KEY to the key of that time.'
        : `Its key file was named key-${header.key_id}: put the copy of that time in its place, or set PORTICO_ENCRYPTION_KEY to what it held. Behind a newer key works too: NEW,OLD.`,
  })
}

/** Reads the file to its end once, so that a bad one is known before anything happens. */
async function countRows(path: string, place: DataPlace): Promise<number> {
  let count = 0
  for await (const _row of readArchiveRows(path, openSealer(place.keys, 'store'))) count++
  return count
}

function tell({ terminal }: Context, header: ArchiveHeader, place: DataPlace, { rows, ended }: Loaded): void {
  const facts = { rows, made_at: header.made_at, data: place.dir, ended }
  terminal.answer(facts, () => {
    terminal.print(`Restored ${rows} rows of ${header.made_at}.`)
    if (ended === null) {
      terminal.print(
        'Tokens and sessions are as they were then. What was revoked since is good again: portico token list',
      )
      return
    }
    terminal.print(
      `Ended: all sessions, ${ended.accessTokens} access tokens and ${ended.apiTokens} API tokens; people connect anew.`,
    )
    if (ended.connections + ended.sharedConnections > 0)
      terminal.print(
        `Connections to servers ended: ${ended.connections} of people, who connect anew, and ${ended.sharedConnections} that all share: portico servers list, then portico servers connect ID`,
      )
    if (ended.serviceTokens > 0)
      terminal.print(
        `Service tokens switched off: ${ended.serviceTokens}. Switch on those that were not withdrawn since, by the API: PUT …/access/service_tokens/ID {"enabled": true}`,
      )
    terminal.print(
      'People who were switched off since, roles that were taken away and passwords that were changed are as they were then. Look at them: portico users list, portico roles list',
    )
    terminal.print(`Next: portico start. It writes a new owner token to ${place.dir}/admin-token.`)
  })
}
