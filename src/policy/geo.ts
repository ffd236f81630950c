/**
 * The country of an address, from a file in MaxMind's format that the operator keeps up to date. Without a file, and for an address
 * that the file does not know, it is not known, which a rule must be able to tell from "elsewhere".
 *
 * A file that is there at the start is read then, or nothing starts. Later it is replaced now and then: the new one is read when somebody
 * next asks, and where it cannot be read, the old one stands.
 */
import { readFile, stat } from 'node:fs/promises'
import type { Reader } from 'mmdb-lib'
import { addressBytes } from '../base/address.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { ConfigError } from '../config/config-error.ts'

export interface Countries {
  /** @returns ISO 3166-1 alpha-2 in capitals, or null where it is not known */
  of(ip: string): string | null
}

export interface GeoRooms {
  /** Absolute path, or null. */
  file: string | null
  clock: Clock
  log: Log
}

/** How often it is looked whether the file is another. */
const LOOK_MS = 10_000
/** Decoded records that are kept; there are few countries, and many cities. */
const MOST_RECORDS = 4096

/** @throws ConfigError where the file cannot be used */
export async function openCountries({ file, clock, log }: GeoRooms): Promise<Countries> {
  if (file === null) return { of: () => null }
  let now = await read(file).catch((error: unknown) => {
    throw new ConfigError([`geo_file: ${file} cannot be used: ${sentenceOf(error)}`])
  })
  log.info({ file, type: now.type, built: now.built }, 'countries of addresses are known')
  let lookedAt = clock.elapsed()
  let looking = false

  async function look(path: string): Promise<void> {
    if ((await markOf(path)) === now.mark) return
    now = await read(path)
    log.info({ file, type: now.type, built: now.built }, 'countries of addresses were read anew')
  }

  function lookNowAndThen(path: string): void {
    const time = clock.elapsed()
    if (looking || time - lookedAt < LOOK_MS) return
    lookedAt = time
    looking = true
    look(path)
      .catch((error: unknown) =>
        log.warn({ err: error, file }, 'the file of countries cannot be read; the old one stands'),
      )
      .finally(() => {
        looking = false
      })
  }

  return {
    of(ip) {
      lookNowAndThen(file)
      return countryIn(now, ip)
    },
  }
}

interface Database {
  reader: Reader<object>
  type: string
  built: string
  /** Tells this content of the file from the next. */
  mark: string
}

async function read(path: string): Promise<Database> {
  // Taken first: a file that is replaced in between is read again.
  const mark = await markOf(path)
  const bytes = await readFile(path)
  // Only who has such a file needs its reader.
  const { Reader } = await import('mmdb-lib')
  const records = new Map<number | string, unknown>()
  const cache = {
    get: (key: number | string): unknown => records.get(key),
    set(key: number | string, value: unknown) {
      if (records.size >= MOST_RECORDS) records.clear()
      records.set(key, value)
    },
  }
  const reader = new Reader<object>(bytes, { cache })
  const { binaryFormatMajorVersion, ipVersion, databaseType, buildEpoch, searchTreeSize } = reader.metadata
  if (binaryFormatMajorVersion !== 2 || (ipVersion !== 4 && ipVersion !== 6))
    throw new Error('it is no MaxMind DB file of version 2')
  if (searchTreeSize > bytes.length) throw new Error('it is cut off')
  // A file that is cut off shows it here, and not at the first caller.
  for (const probe of ['0.0.0.0', '255.255.255.255']) reader.get(probe)
  return { reader, type: String(databaseType), built: buildEpoch.toISOString(), mark }
}

async function markOf(path: string): Promise<string> {
  const { mtimeMs, size, ino } = await stat(path)
  return `${mtimeMs} ${size} ${ino}`
}

function countryIn({ reader }: Database, ip: string): string | null {
  const [address = ''] = ip.split('%', 1)
  const bytes = addressBytes(address)
  if (bytes === null || (bytes.length === 16 && reader.metadata.ipVersion === 4)) return null
  try {
    return codeIn(reader.get(address))
  } catch {
    // A damaged place in the file is an address that it does not know.
    return null
  }
}

/** MaxMind and DB-IP have `country.iso_code`; other makers have the code by itself. */
function codeIn(record: object | null): string | null {
  const { country, country_code: plain } = (record ?? {}) as Readonly<Record<string, unknown>>
  const nested = typeof country === 'object' && country !== null && 'iso_code' in country ? country.iso_code : country
  const code = nested ?? plain
  return typeof code === 'string' && /^[A-Za-z]{2}$/.test(code) ? code.toUpperCase() : null
}

function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return 'it is no MaxMind DB file.'
  const code = 'code' in error ? String(error.code) : ''
  if (code === 'ENOENT') return 'there is no such file. Put it there, or leave the setting out.'
  if (/^E[A-Z]+$/.test(code)) return `it cannot be read (${code}).`
  return 'it is no MaxMind DB file (.mmdb) of version 2, or it is damaged.'
}
