/**
 * Server-sent events, both directions, on bytes. What a server wrote in `event:`, `id:` or `retry:` is never copied
 * towards a client: only `data` travels, framed anew, so no byte of it can open a field or an event of its own.
 */
import { Fault } from '../base/fault.ts'
import { escapeLineEnds } from './one-line.ts'

export interface SseEvent {
  /** `message` where the stream named none. */
  event: string
  data: Buffer
}

export interface SseParser {
  /**
   * Takes the next bytes and calls back for each event that they complete.
   *
   * @throws Fault `upstream-bad-answer` when one event grows over the cap
   */
  push(chunk: Buffer): void
  /** The last `id` the stream gave with a whole event, for resumption; null before the first. */
  lastEventId(): string | null
  /** The reconnection time the stream asked for in milliseconds, or null. */
  retry(): number | null
}

const LF = 0x0a
const CR = 0x0d
const COLON = 0x3a
const SPACE = 0x20
const NEWLINE = Buffer.from('\n')

/** How long a server may ask to wait before a reconnection. */
const MAX_RETRY_MS = 3_600_000

/**
 * An incremental parser as the HTML standard describes it. A line that lies in one chunk is not copied; an event cut off
 * by the end of the stream is dropped, as the standard demands.
 *
 * @param maxEventBytes the cap for the bytes of one event
 */
export function openSseParser(onEvent: (event: SseEvent) => void, maxEventBytes: number): SseParser {
  let held: Buffer[] = []
  let heldBytes = 0
  let afterCr = false
  let firstLine = true
  let data: Buffer[] = []
  let eventBytes = 0
  let type = ''
  let id: string | null = null
  let lastId: string | null = null
  let retryMs: number | null = null

  function takeLine(tail: Buffer): void {
    let line = tail
    if (held.length > 0) {
      held.push(tail)
      line = Buffer.concat(held)
      held = []
      heldBytes = 0
    }
    if (firstLine) {
      firstLine = false
      if (line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf) line = line.subarray(3)
    }
    if (line.length === 0) dispatch()
    else readField(line)
  }

  function dispatch(): void {
    const lines = data
    const event = type === '' ? 'message' : type
    data = []
    eventBytes = 0
    type = ''
    // Only now: one that is cut off has to come again.
    lastId = id
    const joined = joinLines(lines)
    // A priming event has an id and no data: it moves `lastEventId` and is nobody's message.
    if (joined.length > 0) onEvent({ event, data: joined })
  }

  function readField(line: Buffer): void {
    const colon = line.indexOf(COLON)
    if (colon === 0) return
    const name = colon === -1 ? line.toString('latin1') : line.toString('latin1', 0, colon)
    let from = colon === -1 ? line.length : colon + 1
    if (line[from] === SPACE) from++
    const value = line.subarray(from)
    if (name === 'data') {
      data.push(value)
      eventBytes += value.length + 1
      refuseOver(eventBytes)
    } else if (name === 'event') type = value.toString()
    else if (name === 'id' && !value.includes(0)) id = value.toString()
    else if (name === 'retry' && value.length > 0 && value.length < 10 && isDigits(value))
      retryMs = Math.min(Number(value.toString('latin1')), MAX_RETRY_MS)
  }

  function refuseOver(bytes: number): void {
    if (bytes > maxEventBytes)
      throw new Fault('upstream-bad-answer', 'The server sent a message that is too large. Ask for less at once.')
  }

  return {
    push(chunk) {
      let at = 0
      if (afterCr && chunk.length > 0) {
        afterCr = false
        if (chunk[0] === LF) at = 1
      }
      let cr = chunk.indexOf(CR, at)
      for (;;) {
        const lf = chunk.indexOf(LF, at)
        // Most streams have no CR at all: it is searched for once a chunk, not once a line.
        if (cr !== -1 && cr < at) cr = chunk.indexOf(CR, at)
        const end = lf === -1 ? cr : cr === -1 ? lf : Math.min(lf, cr)
        if (end === -1) break
        takeLine(chunk.subarray(at, end))
        at = end + 1
        if (end === cr && at === chunk.length) afterCr = true
        else if (end === cr && chunk[at] === LF) at++
      }
      if (at >= chunk.length) return
      const rest = chunk.subarray(at)
      held.push(rest)
      heldBytes += rest.length
      refuseOver(heldBytes + eventBytes)
    },
    lastEventId: () => lastId,
    retry: () => retryMs,
  }
}

function joinLines(lines: readonly Buffer[]): Buffer {
  const first = lines[0]
  if (first === undefined) return Buffer.alloc(0)
  if (lines.length === 1) return first
  const parts: Buffer[] = [first]
  for (let i = 1; i < lines.length; i++) parts.push(NEWLINE, lines[i] as Buffer)
  return Buffer.concat(parts)
}

function isDigits(bytes: Buffer): boolean {
  for (const c of bytes) if (c < 0x30 || c > 0x39) return false
  return true
}

export interface FrameOptions {
  id?: string
  event?: string
  /** When the reader is to come back where the stream breaks off, in milliseconds. */
  retry?: number
}

const DATA = Buffer.from('data: ')
const END = Buffer.from('\n\n')

/** A comment line that keeps a stream alive through proxies. */
export const SSE_KEEPALIVE = ':\n\n'

/**
 * One event of a JSON message. Every CR, LF and CRLF inside `data` becomes a line of its own, so pretty-printed JSON arrives whole and
 * nothing in it can start a field.
 *
 * @throws Error when `id` or `event` hold CR, LF or NUL: they are the portal's own, so that is a bug
 */
export function sseFrame(data: Buffer | string, options: FrameOptions = {}): Buffer {
  const body = escapeLineEnds(typeof data === 'string' ? Buffer.from(data) : data)
  const parts: Buffer[] = []
  if (options.event !== undefined) parts.push(Buffer.from(`event: ${singleLine(options.event)}\n`))
  if (options.id !== undefined) parts.push(Buffer.from(`id: ${singleLine(options.id)}\n`))
  if (options.retry !== undefined) parts.push(Buffer.from(`retry: ${options.retry}\n`))
  if (body.indexOf(LF) === -1 && body.indexOf(CR) === -1) parts.push(DATA, body, END)
  else {
    for (const line of splitLines(body)) parts.push(DATA, line, NEWLINE)
    parts.push(NEWLINE)
  }
  return Buffer.concat(parts)
}

function splitLines(body: Buffer): Buffer[] {
  const lines: Buffer[] = []
  let from = 0
  for (let i = 0; i < body.length; i++) {
    const c = body[i]
    if (c !== LF && c !== CR) continue
    lines.push(body.subarray(from, i))
    if (c === CR && body[i + 1] === LF) i++
    from = i + 1
  }
  lines.push(body.subarray(from))
  return lines
}

function singleLine(text: string): string {
  if (text.includes('\n') || text.includes('\r') || text.includes('\0'))
    throw new Error('an event field must be one line')
  return text
}
