/** Where a setting's value comes from: flag > environment > file > set-up > default, and the `_FILE` twins of secrets. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { ConfigError } from './config-error.ts'
import { type ConfigFile, readConfigFile } from './file.ts'
import { pathOf } from './file-schema.ts'
import type { StoredSetUp } from './set-up.ts'
import { SETTINGS, type SettingName } from './settings-schema.ts'

export type Environment = Readonly<Record<string, string | undefined>>
export type Origin = 'flag' | 'environment' | 'file' | 'set-up' | 'default' | 'generated'

export interface ConfigSource {
  /** Flags of `start` by setting name; `config` is the path of the file. */
  flags: Readonly<Partial<Record<SettingName | 'config', string>>>
  env: Environment
  /** What relative paths in flags and variables start from. */
  cwd: string
}

/** Where one value came from: `where` is a flag, a variable or a file with its line. */
export interface Provenance {
  origin: Origin
  where: string
  /** The file that a secret was read from. */
  file?: string
}

/** The file that is named, else `portico.yaml` in the working directory, else none. */
export function findFile({ flags, env, cwd }: ConfigSource): ConfigFile | null {
  const named = flags.config || env.PORTICO_CONFIG
  if (named) return readConfigFile(resolve(cwd, named), env)
  const usual = join(cwd, 'portico.yaml')
  return existsSync(usual) ? readConfigFile(usual, env) : null
}

/** What is read from disk. */
export interface Layers {
  file: ConfigFile | null
  setUp: StoredSetUp | null
}

/** One setting's first value in the order flag, environment, file, set-up, default. */
export function find(
  name: SettingName,
  source: ConfigSource,
  { file, setUp }: Layers,
): Provenance & { value: unknown } {
  const { variable, secret, fallback } = SETTINGS[name]
  const flag = source.flags[name]
  if (flag !== undefined) return { value: flag, origin: 'flag', where: `--${name.replaceAll(/[._]/g, '-')}` }

  const fromVariable = readVariable(variable, secret, source)
  if (fromVariable !== null) return fromVariable

  const fromFile = file === null ? null : readKey(name, secret, file)
  if (fromFile !== null) return fromFile

  const value = setUp?.values[name as keyof StoredSetUp['values']] ?? null
  if (setUp !== null && value !== null) return { value, origin: 'set-up', where: `${setUp.path}: ${name}` }
  return { value: fallback, origin: 'default', where: `the default of ${name}` }
}

/** Where the data is, which must be known before the rest: what the set-up stored lies there. Not judged. */
export function findData(source: ConfigSource, file: ConfigFile | null): string {
  return resolve(source.cwd, String(find('data', source, { file, setUp: null }).value))
}

function readVariable(
  variable: string,
  secret: boolean,
  { env, cwd }: ConfigSource,
): (Provenance & { value: unknown }) | null {
  const text = env[variable] || undefined
  const twin = (secret && env[`${variable}_FILE`]) || undefined
  if (text !== undefined && twin !== undefined) {
    throw new ConfigError([`${variable} and ${variable}_FILE are both set; keep one.`])
  }
  if (twin !== undefined) {
    const where = `${variable}_FILE`
    const path = resolve(cwd, twin)
    return { value: readSecretFile(path, where), origin: 'environment', where, file: path }
  }
  // Kubernetes sets NAME_PORT=tcp://… for each service; for one named "portico" that is not our setting.
  if (text === undefined || (variable === 'PORTICO_PORT' && text.startsWith('tcp://'))) return null
  return { value: text, origin: 'environment', where: variable }
}

function readKey(name: SettingName, secret: boolean, file: ConfigFile): (Provenance & { value: unknown }) | null {
  const keys = pathOf(name)
  const value = valueAt(file, keys)
  const twinKey = `${name}_file`
  const twinKeys = pathOf(twinKey)
  const twin = secret ? valueAt(file, twinKeys) : null
  if (value !== null && twin !== null)
    throw new ConfigError([`${file.path}: ${name} and ${twinKey} are both set; keep one.`])
  if (typeof twin === 'string') {
    const where = `${file.path}:${file.lineOf(twinKeys)}: ${twinKey}`
    const path = resolve(dirname(file.path), twin)
    return { value: readSecretFile(path, where), origin: 'file', where, file: path }
  }
  if (value === null) return null
  // A path in the file starts from the file, so that it means the same wherever the program is started.
  const meant =
    (name === 'data' || name === 'geo_file') && typeof value === 'string' ? resolve(dirname(file.path), value) : value
  return { value: meant, origin: 'file', where: `${file.path}:${file.lineOf(keys)}: ${name}` }
}

function valueAt(file: ConfigFile, keys: readonly string[]): unknown {
  let value: unknown = file.contents
  for (const key of keys) value = (value as Record<string, unknown> | null | undefined)?.[key]
  return value ?? null
}

export function readSecretFile(path: string, where: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new ConfigError([`${where}: ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`])
  }
}
