/**
 * `portico keys`: another encryption key for the same data. Never prints one.
 *
 * The order is what makes it safe at any moment: the new key is in the ring, behind which the old one still opens everything, before
 * anything is sealed with it; and the old one leaves the ring only after nothing was found that needs it.
 */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { keyRing, openSealer } from '../base/secret.ts'
import { newKey, parseKeys, readPrivateFile, replaceKeyFile } from '../config/keys.ts'
import { openDump } from '../store/dump.ts'
import type { Db } from '../store/open.ts'
import { countOpening, reseal } from '../store/reseal.ts'
import { holdDirectory } from '../store/sqlite-files.ts'
import { openStopped } from '../store/stopped.ts'
import { CliError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { type DataPlace, findData, inWords, recorded } from './offline.ts'

interface RotateOptions {
  keyFile?: string
  retire?: true
}

export function defineKeys(program: Command, io: Surroundings, rest: readonly string[]): void {
  const keys = program.command('keys').description('the encryption key: which one seals, and changing it')
  keys
    .command('status')
    .description('which keys there are and how much each opens')
    .action(action(io, rest, (context) => inWords(() => status(context))))
  keys
    .command('rotate')
    .description('seal everything stored with a new key, with the portal stopped')
    .option('--key-file <file>', 'take the new key from this file (32 bytes as base64 or hex) instead of making one')
    .option('--retire', 'drop the old keys once nothing needs them; backups of before still do')
    .action(action<RotateOptions>(io, rest, (context, options) => inWords(() => rotate(context, options))))
  keys
    .command('retire')
    .description('seal what is left under older keys anew, prove that nothing is, and drop them')
    .action(action(io, rest, (context) => inWords(() => retire(context))))
}

async function status(context: Context): Promise<void> {
  const place = findData(context)
  const dump = await openDump(place.dir, place.databaseUrl, place.log)
  try {
    const rows: { key: string; seals: boolean; opens: number }[] = []
    for (const entry of place.keys.keys) {
      const { opening } = await countOpening(dump.db, openSealer({ keys: [entry] }, 'store'))
      rows.push({ key: entry.kid, seals: rows.length === 0, opens: opening })
    }
    const { closed } = await countOpening(dump.db, openSealer(place.keys, 'store'))
    const facts = { from: place.keyFile ?? place.keySetting, keys: rows, opened_by_none: closed }
    context.terminal.answer(facts, () => {
      context.terminal.table(
        ['KEY', 'SEALS', 'OPENS'],
        rows.map(({ key, seals, opens }) => [key, seals ? 'yes' : 'no', String(opens)]),
        '',
      )
      context.terminal.print(`from ${facts.from}`)
      if (closed > 0) context.terminal.print(`${closed} stored secrets open with none of them.`)
    })
  } finally {
    await dump.close()
  }
}

async function rotate(context: Context, options: RotateOptions): Promise<void> {
  process.umask(0o077)
  const before = findData(context)
  const { keyFile } = before
  if (keyFile === null) return rotateGiven(context, options, before)
  await alone(before, async (db) => {
    // Read again: only now can nobody else be changing it.
    const old = findData(context)
    await refuseUnopened(db, old)
    const added = options.keyFile === undefined ? newKey() : takeKey(context, options.keyFile, old)
    const keys = [added, ...old.keys.keys.map(({ key }) => key)]
    const place = { ...old, keys: keyRing(keys) }
    await recorded(place, 'rotate keys', async () => {
      replaceKeyFile(keyFile, keys)
      const count = await sealAnew(db, place)
      if (options.retire) await dropOlder(db, place, keyFile)
      tell(context, place, count, options.retire === true)
    })
  })
}

/** The ring is somebody else's to change: what is done here is to seal with its first key, beside portals that know it. */
async function rotateGiven(context: Context, options: RotateOptions, place: DataPlace): Promise<void> {
  const { keySetting } = place
  if (options.keyFile !== undefined || place.keys.keys.length < 2)
    throw new CliError(`The key comes from ${keySetting}, so this command cannot change it. Do it in four steps:`, {
      hint: [
        '1. Make a key: openssl rand -base64 32',
        `2. Set ${keySetting} to OLD,NEW and restart every portal: all can open NEW then, and none seals with it.`,
        `3. Set ${keySetting} to NEW,OLD and restart every portal: all seal with NEW then.`,
        `4. Run "portico keys retire" with that setting. When it says so, set ${keySetting} to NEW and restart.`,
      ].join('\n'),
    })
  const { db, close } = await openStopped(place, true)
  try {
    const count = await recorded(place, 'rotate keys', () => sealAnew(db, place))
    if (options.retire) await proveAlone(db, place)
    tell(context, place, count, options.retire === true)
  } finally {
    await close()
  }
}

async function retire(context: Context): Promise<void> {
  process.umask(0o077)
  const before = findData(context)
  if (before.keys.keys.length < 2)
    return context.terminal.answer({ retired: false }, () =>
      context.terminal.print('There is one key only; none to retire.'),
    )
  const { keyFile } = before
  if (keyFile === null) return rotateGiven(context, { retire: true }, before)
  await alone(before, async (db) => {
    const place = findData(context)
    await recorded(place, 'retire keys', async () => {
      const count = await sealAnew(db, place)
      await dropOlder(db, place, keyFile)
      tell(context, place, count, true)
    })
  })
}

/**
 * With the portal stopped, and kept from starting. Two who change one key file would each write a ring without the other's key: with
 * SQLite the open store keeps them apart, with PostgreSQL the directory has to be held.
 */
async function alone(place: DataPlace, work: (db: Db) => Promise<void>): Promise<void> {
  const hold = place.databaseUrl === null ? null : holdDirectory(place.dir)
  try {
    const { db, close } = await openStopped(place)
    try {
      await work(db)
    } finally {
      await close()
    }
  } finally {
    hold?.release()
  }
}

function takeKey({ surroundings }: Context, file: string, { keys }: DataPlace): Buffer {
  const path = resolve(surroundings.cwd, file)
  const [added, second] = parseKeys(readPrivateFile(path), path).keys
  if (added === undefined || second !== undefined) throw new CliError(`${path} must hold one key.`)
  if (keys.keys.some(({ kid }) => kid === added.kid)) throw new CliError(`The key in ${path} is in use already.`)
  return added.key
}

/** What no key opens would stop the sealing half-way in the operator's plan. */
async function refuseUnopened(db: Db, { keys }: DataPlace): Promise<void> {
  const { closed } = await countOpening(db, openSealer(keys, 'store'))
  if (closed === 0) return
  throw new CliError(`${closed} stored secrets open with none of the keys here; nothing was changed.`, {
    hint: 'Is this the key of this data? See: portico keys status',
  })
}

function sealAnew(db: Db, { keys }: DataPlace): Promise<number> {
  return reseal(db, openSealer(keys, 'store'), keys.keys[0]?.kid ?? '')
}

async function dropOlder(db: Db, place: DataPlace, keyFile: string): Promise<void> {
  await proveAlone(db, place)
  replaceKeyFile(
    keyFile,
    place.keys.keys.slice(0, 1).map(({ key }) => key),
  )
}

/** Reads everything once more with the first key alone: what is about to be lost must not be needed. */
async function proveAlone(db: Db, { keys }: DataPlace): Promise<void> {
  const { closed } = await countOpening(db, openSealer({ keys: keys.keys.slice(0, 1) }, 'store'))
  if (closed === 0) return
  throw new CliError(`${closed} stored secrets still need an older key, so none was dropped.`, {
    hint: 'A portal has stored them meanwhile with that key. Give every portal the new key first, then: portico keys retire',
  })
}

function tell({ terminal }: Context, place: DataPlace, count: number, retired: boolean): void {
  const [first, ...older] = place.keys.keys.map(({ kid }) => kid)
  const facts = { key: first, sealed_anew: count, older, retired }
  terminal.answer(facts, () => {
    terminal.print(`${count} stored secrets are sealed with the key ${first} now.`)
    if (place.keyFile === null && retired)
      terminal.print(`Nothing needs ${older.join(', ')}: set ${place.keySetting} to the first key alone and restart.`)
    else if (place.keyFile === null) terminal.print('Nothing was dropped. To go on: portico keys retire')
    else if (retired)
      terminal.print(
        `${older.join(', ')} opens nothing any more and is out of ${place.keyFile}; sessions of that key end.`,
      )
    else
      terminal.print(
        `${older.join(', ')} still opens, for sessions and for what a crash left. To drop it: portico keys retire`,
      )
    if (place.keyFile !== null) terminal.print(`Keep a new copy of ${place.keyFile}.`)
    if (retired) terminal.print('Backups of before need the old key: keep it with them, or make a new backup.')
  })
}
