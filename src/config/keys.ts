/**
 * The encryption key: given by a setting, else a file of its own outside the data directory, so that a copy of the
 * data alone opens nothing. Made once, at the first start, and never made anew for data that already has one: a
 * portal that silently took another key could never open its own credentials again.
 */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, sep } from 'node:path'
import { type KeyRing, keyRing } from '../base/secret.ts'
import { ConfigError } from './config-error.ts'
import { realPath } from './real-path.ts'

/** In the data directory: which key file belongs to this data. Not a secret; survives a move of the directory. */
const ID_FILE = 'key-id'

/**
 * @param text 32 bytes as base64, base64url or 64 hex characters; several with commas, the first seals, all open
 * @param source what to call it in the error
 */
export function parseKeys(text: string, source: string): KeyRing {
  const keys = text.split(',').map((part, index) => {
    const bare = part.trim()
    // 64 hex characters are valid base64 too, so hex is asked first.
    const key = /^[0-9a-f]{64}$/i.test(bare) ? Buffer.from(bare, 'hex') : Buffer.from(bare, 'base64')
    const isBase64 = /^[A-Za-z0-9+/_-]{43}=?$/.test(bare)
    if (key.length === 32 && (isBase64 || bare.length === 64)) return key
    throw new ConfigError([
      `${source}: key ${index + 1} is not 32 bytes as base64 or hex; make one with: openssl rand -base64 32`,
    ])
  })
  return keyRing(keys)
}

/** The user's configuration directory for this program. */
export function configDirectory(env: Readonly<Record<string, string | undefined>>): string {
  const base = env.XDG_CONFIG_HOME || (process.platform === 'win32' ? env.APPDATA : undefined)
  return join(base || join(env.HOME || homedir(), '.config'), 'portico')
}

export interface KeyPlace {
  /** Absolute path of the key file, or null before the first start. */
  file: string | null
  exists: boolean
}

/** Where this data's key is, without making anything. */
export function findKeyFile(data: string, env: Readonly<Record<string, string | undefined>>): KeyPlace {
  const id = readKeyId(data)
  if (id === undefined) return { file: null, exists: false }
  const file = join(configDirectory(env), `key-${id}`)
  return { file, exists: existsSync(file) }
}

/**
 * Reads this data's key file, or makes one at the first start.
 *
 * @param data absolute path of the data directory, which exists
 * @throws ConfigError when the file is gone, others may read it, or it would lie in the data directory
 */
export function openKeyFile(
  data: string,
  env: Readonly<Record<string, string | undefined>>,
): { keys: KeyRing; file: string; made: boolean } {
  const folder = configDirectory(env)
  if (`${realPath(folder)}${sep}`.startsWith(`${realPath(data)}${sep}`)) {
    throw new ConfigError([
      `The key would lie in ${folder}, inside the data directory: set XDG_CONFIG_HOME or PORTICO_ENCRYPTION_KEY.`,
    ])
  }
  const known = readKeyId(data)
  return known === undefined ? makeKeyFile(data, folder) : { ...openKnown(data, known, folder), made: false }
}

/**
 * The keys of data that exists already, for the commands that work on it. Makes nothing.
 *
 * @param given the setting, or null where the key is in its file
 * @param id which key file to take where the data directory does not say, or null
 * @throws ConfigError when there is none, or others may read it
 */
export function readKeys(
  { data, given, where, id }: { data: string; given: string | null; where: string; id: string | null },
  env: Readonly<Record<string, string | undefined>>,
): { keys: KeyRing; file: string | null } {
  if (given !== null) return { keys: parseKeys(given, where), file: null }
  const known = readKeyId(data) ?? id
  if (known !== null) return openKnown(data, known, configDirectory(env))
  throw new ConfigError([`There is no key for ${data}: no portal was started there. Say where its data is by --data.`])
}

function openKnown(data: string, id: string, folder: string): { keys: KeyRing; file: string } {
  const file = join(folder, `key-${id}`)
  if (existsSync(file)) return { keys: parseKeys(readPrivateFile(file), file), file }
  throw new ConfigError([
    `${data} was sealed with a key that is not here: ${file} is missing. Put it back, or set PORTICO_ENCRYPTION_KEY to it.`,
  ])
}

/** Which key file belongs to the data, or null. @throws ConfigError */
export function keyIdOf(data: string): string | null {
  return readKeyId(data) ?? null
}

/** Says which key file belongs to the data, where nothing says so yet. */
export function claimKeyId(data: string, id: string): void {
  writeOnce(join(data, ID_FILE), `${id}\n`)
}

/** A new key. */
export function newKey(): Buffer {
  return randomBytes(32)
}

/**
 * Puts other keys into a key file, whole or not at all: whoever reads it at that moment, or after a crash, finds the old keys or
 * the new ones.
 *
 * @param keys the first seals, all open
 */
export function replaceKeyFile(file: string, keys: readonly Buffer[]): void {
  replacePrivateFile(file, `${keys.map((key) => key.toString('base64')).join(',')}\n`)
}

/** A file for its owner alone, with other text, whole or not at all. A link that stands there is replaced, not followed. */
export function replacePrivateFile(file: string, text: string): void {
  const draft = `${file}.${randomBytes(6).toString('hex')}.tmp`
  try {
    writeDraft(draft, text)
    renameSync(draft, file)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
  syncFolder(dirname(file))
}

function makeKeyFile(data: string, folder: string): { keys: KeyRing; file: string; made: boolean } {
  const id = randomBytes(8).toString('hex')
  const file = join(folder, `key-${id}`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  // The key is on disk before anything names it. Two first starts at once: the one that names its key wins.
  writeOnce(file, `${randomBytes(32).toString('base64')}\n`)
  if (!writeOnce(join(data, ID_FILE), `${id}\n`)) {
    unlinkSync(file)
    const winner = join(folder, `key-${readKeyId(data)}`)
    return { keys: parseKeys(readPrivateFile(winner), winner), file: winner, made: false }
  }
  return { keys: parseKeys(readPrivateFile(file), file), file, made: true }
}

/** Appears whole or not at all, readable by its owner only. @returns false when the file exists already */
function writeOnce(path: string, text: string): boolean {
  const draft = `${path}.${randomBytes(6).toString('hex')}.tmp`
  writeDraft(draft, text)
  try {
    linkSync(draft, path)
    syncFolder(dirname(path))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    unlinkSync(draft)
  }
}

function writeDraft(path: string, text: string): void {
  const file = openSync(path, 'wx', 0o600)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** A name survives a power cut only with its folder. */
function syncFolder(path: string): void {
  // Windows opens no folders.
  if (process.platform === 'win32') return
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

function readKeyId(data: string): string | undefined {
  const path = join(data, ID_FILE)
  if (!existsSync(path)) return undefined
  const id = readFileSync(path, 'utf8').trim()
  // It becomes part of a path.
  if (!/^[0-9a-f]{16}$/.test(id)) throw new ConfigError([`${path}: is not a key id`])
  return id
}

/** @throws ConfigError when group or world may read or write it, or it is a link */
export function readPrivateFile(path: string): string {
  const file = openItself(path)
  try {
    const { mode } = fstatSync(file)
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new ConfigError([
        `${path}: others may read it (mode ${(mode & 0o777).toString(8)}); run: chmod 600 '${path}'`,
      ])
    }
    return readFileSync(file, 'utf8').trim()
  } finally {
    closeSync(file)
  }
}

function openItself(path: string): number {
  try {
    // Windows has no such flag, and asks for a right to make links.
    return openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ELOOP') throw new ConfigError([`${path}: is a link; put the file itself there`])
    throw new ConfigError([`${path}: cannot be read (${code})`])
  }
}
