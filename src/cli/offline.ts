/**
 * What the commands share that work on the data itself and not through the REST API: the settings as `start` would take them, the key,
 * the audit. Their faults are told in the operator's words.
 */
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { openAudit } from '../audit/log.ts'
import { systemClock } from '../base/clock.ts'
import { Fault } from '../base/fault.ts'
import { type DeedId, newId } from '../base/ids.ts'
import { type Log, silentLog } from '../base/log.ts'
import type { KeyRing } from '../base/secret.ts'
import { readKeys } from '../config/keys.ts'
import type { Settings } from '../config.ts'
import { ArchiveError } from '../store/archive.ts'
import { isDatabaseDown } from '../store/trouble.ts'
import { CliError } from './cli-error.ts'
import type { Context } from './context.ts'

/** Where the data is, and what it takes to open it. */
export interface DataPlace {
  dir: string
  databaseUrl: string | null
  keys: KeyRing
  /** The key file, or null where the keys came from a setting. */
  keyFile: string | null
  /** The name of that setting. */
  keySetting: string
  settings: Settings
  log: Log
}

/**
 * @param id which key file to take where the data directory does not say
 * @throws ConfigError where there is no key
 */
export function findData(context: Context, id: string | null = null): DataPlace {
  const settings = context.settings()
  const { values, origins } = settings
  const where = origins.get('encryption_key')?.where ?? 'encryption_key'
  const { keys, file } = readKeys(
    { data: values.data, given: values.encryption_key, where, id },
    context.surroundings.env,
  )
  return {
    dir: values.data,
    databaseUrl: values.database_url,
    keys,
    keyFile: file,
    keySetting: where,
    settings,
    log: silentLog,
  }
}

/** What is done to the whole of the data is a deed as well: it has begun in the audit before it is done. */
export async function recorded<T>(place: DataPlace, name: string, work: () => Promise<T>): Promise<T> {
  const { values } = place.settings
  const audit = await openAudit({
    dir: place.dir,
    databaseUrl: place.databaseUrl,
    durability: values['audit.durability'],
    retentionDays: values['audit.retention_days'],
    keys: place.keys,
    clock: systemClock,
    log: place.log,
  })
  try {
    const entry = await audit.begin({
      deed: newId<DeedId>(systemClock.now()),
      plane: 'admin',
      actor: { kind: 'system', id: 'command-line', label: `portico ${name}` },
      method: name,
    })
    try {
      const result = await work()
      await entry.finish({
        outcome: 'answered',
        decision: 'allow',
        change: { object: 'data', id: name, fields: ['all'] },
      })
      return result
    } catch (error) {
      await entry.finish({ outcome: 'failed', error: 'not-done' })
      throw error
    }
  } finally {
    await audit.close()
  }
}

/** @throws CliError for what the operator can do something about */
export async function inWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw worded(error)
  }
}

function worded(error: unknown): unknown {
  if (error instanceof ArchiveError) return new CliError(error.message)
  if (error instanceof Fault)
    return new CliError(error.message, error.cause instanceof Error ? { hint: `(${error.cause.message})` } : {})
  const { code, path, syscall } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' && path !== undefined && !existsSync(dirname(path)))
    return new CliError(`There is no directory ${dirname(path)}.`)
  if (syscall !== undefined && path !== undefined) return new CliError(`${path} cannot be used (${code}).`)
  if (!isDatabaseDown(error)) return error
  return new CliError(`The database cannot be used (${code}).`, { hint: 'portico doctor says more.' })
}
