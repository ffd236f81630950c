/**
 * Journal segments on the disk: made full of zeros ahead of time and off the main thread, so that a write in one
 * allocates nothing and its sync is only data.
 */
import { constants } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { segmentName } from './frames.ts'

export interface Segment {
  readonly number: number
  /** In bytes. */
  readonly size: number
  readonly file: FileHandle
}

const PIECE = 1024 * 1024

/** Makes a segment of `size` zeros in `dir` that will still be there after a loss of power. */
export async function makeSegment(dir: string, number: number, size: number): Promise<Segment> {
  const path = join(dir, segmentName(number))
  // What a failed attempt may have left; nothing was ever written in it.
  await rm(path, { force: true })
  const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    const zeros = Buffer.alloc(Math.min(PIECE, size))
    for (let at = 0; at < size; ) {
      const { bytesWritten } = await file.write(zeros, 0, Math.min(zeros.length, size - at), at)
      at += bytesWritten
    }
    await file.datasync()
    await syncDirectory(dir)
    return { number, size, file }
  } catch (error) {
    await file.close()
    await rm(path, { force: true })
    throw error
  }
}

async function syncDirectory(dir: string): Promise<void> {
  // Windows opens no directories, and keeps their entries by itself.
  if (process.platform === 'win32') return
  const handle = await open(dir, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
