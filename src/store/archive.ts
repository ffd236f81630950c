/**
 * A backup as a file: gzip over lines of JSON. The first line says what it is, each further one is a row of a table, and the last one
 * holds the SHA-256 of all before it, sealed with the portal's key: a file that was damaged, cut or written by somebody else
 * is known as such before a row of it is used.
 *
 * It is read as a stream and never trusted: no name in it becomes a path, and a line or a whole file that unpacks to more
 * than a backup can be is given up.
 */
import { createHash, randomBytes } from 'node:crypto'
import { linkSync, unlinkSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { z } from 'zod'
import type { Sealer } from '../base/secret.ts'

export type Row = Record<string, string | number | null>

const header = z.strictObject({
  portico_backup: z.literal(1),
  /** Version of the program that wrote it. */
  program: z.string().max(64),
  made_at: z.iso.datetime(),
  /** The last migration of the database. */
  schema: z.string().max(64),
  database: z.enum(['sqlite', 'postgres']),
  /** Which key file belongs to the data, or null where the key came from a setting. Not a secret. */
  key_id: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .nullable(),
  /** A seal that only the right key opens. */
  key_check: z.string().max(200),
  left_out: z.array(z.string().max(64)).max(64),
})
export type ArchiveHeader = z.infer<typeof header>

const row = z.tuple([z.string().max(64), z.record(z.string(), z.union([z.string(), z.number(), z.null()]))])
const ending = z.strictObject({ rows: z.int(), sha256: z.string(), seal: z.string() })

const SEALED_AS = 'backup'
/** In bytes. What a server lists is the longest row there is. */
export const LONGEST_LINE = 128 * 1024 * 1024
/** JSON of real rows stays far below; gzip itself can reach a thousand. */
const MOST_INFLATION = 400
const INFLATES_FREELY = 64 * 1024 * 1024

/** What is wrong with a file, in a sentence for the operator. */
export class ArchiveError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ArchiveError'
  }
}

/**
 * Appears whole under its name or not at all, readable by its owner only.
 *
 * @throws ArchiveError where the name is taken; whatever the file system says
 */
export async function writeArchive(
  path: string,
  content: { header: ArchiveHeader; rows: AsyncIterable<[string, Row]>; sealer: Sealer },
): Promise<void> {
  const draft = `${path}.${randomBytes(4).toString('hex')}.partial`
  const file = await open(draft, 'wx', 0o600)
  try {
    await pipeline(linesOf(content), createGzip(), file.createWriteStream({ flush: true }))
    linkSync(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new ArchiveError(`${path} is there already, and a backup never takes the place of another file.`)
  } finally {
    unlinkSync(draft)
  }
}

async function* linesOf({
  header: first,
  rows,
  sealer,
}: {
  header: ArchiveHeader
  rows: AsyncIterable<[string, Row]>
  sealer: Sealer
}): AsyncGenerator<string> {
  const hash = createHash('sha256')
  const line = (value: unknown): string => {
    const text = `${JSON.stringify(value)}\n`
    hash.update(text)
    return text
  }
  let count = 0
  yield line(first)
  for await (const [table, content] of rows) {
    count++
    yield line([table, content])
  }
  const sha256 = hash.digest('hex')
  yield `${JSON.stringify({ rows: count, sha256, seal: sealer.seal(sha256, SEALED_AS) })}\n`
}

/** The first line alone. @throws ArchiveError */
export async function readArchiveHeader(path: string): Promise<ArchiveHeader> {
  for await (const text of unpack(path)) return parseHeader(text)
  throw damaged()
}

/**
 * Every row. The end is proven after the last one: whoever acts on a row before that must be able to take it back.
 *
 * @throws ArchiveError where the file is damaged, cut, or not written with a key of this portal
 */
export async function* readArchiveRows(path: string, sealer: Sealer): AsyncGenerator<[string, Row]> {
  const hash = createHash('sha256')
  let lines = 0
  let end: z.infer<typeof ending> | undefined
  for await (const text of unpack(path)) {
    if (end !== undefined) throw damaged()
    const value = parseLine(text)
    if (lines > 0 && !Array.isArray(value)) {
      end = ending.safeParse(value).data
      if (end === undefined) throw damaged()
      continue
    }
    hash.update(text).update('\n')
    if (lines++ === 0) parseHeader(text)
    else yield parseRow(value)
  }
  if (end === undefined || end.rows !== lines - 1 || hash.digest('hex') !== end.sha256) throw damaged()
  if (sealer.open(end.seal, SEALED_AS) !== end.sha256)
    throw new ArchiveError('This backup was not written with a key of this portal, or somebody changed it.')
}

function parseHeader(text: string): ArchiveHeader {
  const value = parseLine(text)
  const parsed = header.safeParse(value)
  if (parsed.success) return parsed.data
  const version = (value as { portico_backup?: unknown } | null)?.portico_backup
  if (typeof version === 'number' && version > 1)
    throw new ArchiveError('This backup was written by a newer Portico. Restore it with that version or a later one.')
  throw new ArchiveError('This is no backup of Portico.')
}

function parseRow(value: unknown): [string, Row] {
  const parsed = row.safeParse(value)
  if (parsed.success) return parsed.data
  throw damaged()
}

function parseLine(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser would quote the text, and rows hold what nobody should read in a message.
    throw damaged()
  }
}

function damaged(): ArchiveError {
  return new ArchiveError('This backup is damaged or was cut off. Take another copy of it.')
}

/** The lines of the unpacked file. */
async function* unpack(path: string): AsyncGenerator<string> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const most = Math.max(INFLATES_FREELY, size * MOST_INFLATION)
    const packed = file.createReadStream({ autoClose: false })
    const unpacked = createGunzip()
    packed.on('error', (error) => unpacked.destroy(error))
    packed.pipe(unpacked)
    yield* split(unpacked, most)
  } catch (error) {
    if (error instanceof Error && error.message === 'incorrect header check')
      throw new ArchiveError('This is no backup of Portico, or its beginning is damaged.')
    // zlib: a wrong checksum, or an end in the middle.
    if (/^Z_/.test((error as NodeJS.ErrnoException).code ?? '')) throw damaged()
    throw error
  } finally {
    await file.close()
  }
}

async function* split(chunks: AsyncIterable<Buffer>, most: number): AsyncGenerator<string> {
  let [parts, waiting, total]: [Buffer[], number, number] = [[], 0, 0]
  for await (const chunk of chunks) {
    total += chunk.length
    if (total > most) throw new ArchiveError('This file unpacks to more than a backup can be. Nothing was restored.')
    let from = 0
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      yield Buffer.concat([...parts, chunk.subarray(from, at)]).toString('utf8')
      ;[parts, waiting, from] = [[], 0, at + 1]
    }
    parts.push(chunk.subarray(from))
    waiting += chunk.length - from
    if (waiting > LONGEST_LINE)
      throw new ArchiveError('This file holds a line that is longer than a row can be. Nothing was restored.')
  }
  if (waiting > 0) throw damaged()
}
