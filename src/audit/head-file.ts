/**
 * The newest head as a small file in the data directory. Who can write to the database but not to this directory cannot cut
 * the end off the audit, nor put an older copy of it in place, without this file saying so.
 *
 * A head that the database contradicts is set aside, never overwritten: it is the evidence.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { Head } from './chain.ts'

const shape = z.object({
  kind: z.literal('head'),
  writer: z.string(),
  seq: z.int(),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  at: z.int(),
  kid: z.string(),
  signature: z.string(),
})

export interface HeadFile {
  /** Absolute path. */
  path: string
  /** `unreadable`: the file is there and holds no head. */
  head: Head | 'unreadable'
}

const NEWEST = 'audit-head.json'
const SET_ASIDE = 'audit-head.contradicted.json'

function read(path: string): HeadFile | null {
  if (!existsSync(path)) return null
  try {
    return { path, head: shape.parse(JSON.parse(readFileSync(path, 'utf8'))) }
  } catch {
    return { path, head: 'unreadable' }
  }
}

export function readNewestHead(data: string): HeadFile | null {
  return read(join(data, NEWEST))
}

/** The newest head, and the one that was set aside, where they are there. */
export function readHeadFiles(data: string): HeadFile[] {
  return [read(join(data, NEWEST)), read(join(data, SET_ASIDE))].filter((file) => file !== null)
}

/** Appears whole or not at all, for its owner alone. An older head never takes a newer one's place. */
export function writeNewestHead(data: string, head: Head): void {
  const known = readNewestHead(data)
  if (known !== null && known.head !== 'unreadable' && known.head.seq > head.seq) return
  const path = join(data, NEWEST)
  const draft = `${path}.${head.writer}.tmp`
  writeFileSync(draft, `${JSON.stringify(head)}\n`, { mode: 0o600 })
  renameSync(draft, path)
}

/** @returns where it is now; the first one that was ever set aside stays */
export function setHeadAside(data: string): string {
  const path = join(data, SET_ASIDE)
  if (!existsSync(path)) renameSync(join(data, NEWEST), path)
  return path
}
