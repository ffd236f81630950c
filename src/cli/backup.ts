/** `portico backup`: everything but the key in one file, while the portal may go on. */

import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { systemClock } from '../base/clock.ts'
import { openSealer } from '../base/secret.ts'
import { keyIdOf } from '../config/keys.ts'
import { writeArchive } from '../store/archive.ts'
import { type Dump, LEFT_OUT, openDump } from '../store/dump.ts'
import { opensCheck } from '../store/key-check.ts'
import { CliError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { type DataPlace, findData, inWords } from './offline.ts'
import { readVersion } from './version.ts'

export function defineBackup(program: Command, io: Surroundings, rest: readonly string[]): void {
  program
    .command('backup')
    .description('write everything but the encryption key and the audit to one file; the portal may go on')
    .argument('<file>', 'a new file, for its owner alone')
    .action(action(io, rest, (context, _options, [file = '']) => inWords(() => backup(context, file))))
}

async function backup(context: Context, file: string): Promise<void> {
  process.umask(0o077)
  const path = resolve(context.surroundings.cwd, file)
  const place = findData(context)
  const dump = await openDump(place.dir, place.databaseUrl, place.log)
  try {
    const done = await write(path, place, dump)
    const facts = { file: path, bytes: statSync(path).size, ...done, left_out: ['encryption key', 'audit'] }
    context.terminal.answer(facts, () => {
      context.terminal.print(`${path}: ${done.rows} rows, ${facts.bytes} bytes`)
      tellLeftOut(context, place)
      if (done.skipped > 0)
        context.terminal.print(`  ${done.skipped} lists of servers were too long; a sync brings them back`)
    })
  } finally {
    await dump.close()
  }
}

async function write(path: string, place: DataPlace, dump: Dump): Promise<{ rows: number; skipped: number }> {
  const sealer = openSealer(place.keys, 'store')
  // A backup that this key does not open is none, and whoever has the wrong key must learn it today.
  if (dump.keyCheck === undefined || !opensCheck(sealer, dump.keyCheck))
    throw new CliError('The encryption key here is not the one that this data was written with.', {
      hint: 'Run it where the portal runs, with the settings that the portal has: portico config print',
    })
  let [rows, skipped] = [0, 0]
  async function* counted() {
    for await (const row of dump.rows(() => skipped++)) {
      rows++
      yield row
    }
  }
  const header = {
    portico_backup: 1 as const,
    program: readVersion(),
    made_at: new Date(systemClock.now()).toISOString(),
    schema: dump.level,
    database: place.databaseUrl === null ? ('sqlite' as const) : ('postgres' as const),
    key_id: place.keyFile === null ? null : keyIdOf(place.dir),
    key_check: dump.keyCheck,
    left_out: [...LEFT_OUT, 'key', 'audit'],
  }
  await writeArchive(path, { header, rows: counted(), sealer })
  return { rows, skipped }
}

function tellLeftOut({ terminal }: Context, { keyFile, keySetting, databaseUrl, dir }: DataPlace): void {
  terminal.print('Not in it, and needed or wanted beside it:')
  terminal.print(
    keyFile === null
      ? `  the encryption key: keep what ${keySetting} holds in another place; without it nothing can be restored`
      : `  the encryption key: keep a copy of ${keyFile} in another place; without it nothing can be restored`,
  )
  terminal.print(
    databaseUrl === null
      ? `  the audit: sqlite3 '${dir}/audit.db' ".backup 'audit.db'" keeps it`
      : "  the audit: pg_dump --table='audit_*' keeps it",
  )
}
