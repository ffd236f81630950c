/**
 * How bytes stand in a journal: a segment is a file of zeros into which frames are written one after the other. A frame
 * is `length u32 | crc32 u32 | payload`, and its payload is whole lines. Nothing here knows what a line says.
 *
 * A reader takes a frame only when length and checksum agree, so zeros and a torn write both read as "nothing yet". The
 * checksum is seeded with the frame's place: bytes that stand elsewhere than where they were written are not a frame.
 */
import { crc32 } from 'node:zlib'

export const HEADER_BYTES = 8
/** No payload is longer, so a reader with a bigger buffer always sees at least one whole frame. */
export const MAX_PAYLOAD = 256 * 1024

/** A place in a journal: segments count from 1, `offset` in bytes. */
export interface Position {
  segment: number
  offset: number
}

/** Whether `a` stands before `b`. */
export function isBefore(a: Position, b: Position): boolean {
  return a.segment < b.segment || (a.segment === b.segment && a.offset < b.offset)
}

/** The file name of a segment. Never `*.db-journal`: SQLite would take it for its own and delete it. */
export function segmentName(segment: number): string {
  return `${String(segment).padStart(8, '0')}.rows`
}

const SEGMENT_NAME = /^(\d{8,})\.rows$/

/** @returns the segment's number, or undefined for a file that is none */
export function segmentNumber(name: string): number | undefined {
  const match = SEGMENT_NAME.exec(name)
  return match === null ? undefined : Number(match[1])
}

/**
 * Puts a frame at the start of `target`.
 *
 * @param target at least HEADER_BYTES + MAX_PAYLOAD long
 * @param text at most a third of MAX_PAYLOAD in UTF-16 units, so its UTF-8 always fits
 * @param offset where in the segment the frame will stand
 * @returns the frame's whole length in bytes
 */
export function putFrame(target: Buffer, text: string, offset: number): number {
  if (text.length * 3 > MAX_PAYLOAD) throw new Error(`a journal frame of ${text.length} characters is too long`)
  const length = target.write(text, HEADER_BYTES, 'utf8')
  target.writeUInt32LE(length, 0)
  target.writeUInt32LE(crc32(target.subarray(HEADER_BYTES, HEADER_BYTES + length), offset), 4)
  return HEADER_BYTES + length
}

/**
 * Reads the frame that stands at `at` in `bytes`.
 *
 * @param offset where in the segment it stands
 * @returns its payload, or undefined where no complete frame stands
 */
export function takeFrame(bytes: Buffer, at: number, offset: number): Buffer | undefined {
  if (at + HEADER_BYTES > bytes.length) return undefined
  const length = bytes.readUInt32LE(at)
  const start = at + HEADER_BYTES
  if (length === 0 || length > MAX_PAYLOAD || start + length > bytes.length) return undefined
  const payload = bytes.subarray(start, start + length)
  return crc32(payload, offset) === bytes.readUInt32LE(at + 4) ? payload : undefined
}
