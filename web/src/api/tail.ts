/**
 * What comes piece by piece: the live log, and files. The browser's own reader of event streams cannot send the header that the server insists
 * on, so events are read here (WHATWG HTML, 9.2): the few fields that the portal writes.
 */
import type { LogRow } from '../../../src/contract/log.ts'
import { type Method, Problem, pathTo, type Query } from './ask.ts'

const LOGS = '/access/ai-controls/mcp/logs'
const PAUSE_MS = 1000
const PAUSE_MOST_MS = 10_000

export interface Listener {
  rows(rows: readonly LogRow[]): void
  /** Rows were left out: there were too many to send. */
  gap(): void
  /** Whether rows would come now. */
  hears(isHearing: boolean): void
  /** Who listens may not, or no longer; it will not be tried again. */
  refused(problem: Problem): void
}

/** Listens until the signal, and begins again where a connection breaks, behind the last row that was heard. */
export async function listenToLogs(
  { filters, after }: { filters: Query; after: string | null },
  listener: Listener,
  signal: AbortSignal,
): Promise<void> {
  let last = after
  let pause = PAUSE_MS
  while (!signal.aborted) {
    try {
      const response = await open(`${LOGS}/stream`, { ...filters, after: last ?? undefined }, signal)
      listener.hears(true)
      pause = PAUSE_MS
      for await (const events of eventsIn(response)) {
        const rows = events.filter(({ name }) => name === 'row').map(({ data }) => JSON.parse(data) as LogRow)
        last = events.at(-1)?.id ?? last
        if (rows.length > 0) listener.rows(rows)
        if (events.some(({ name }) => name === 'gap')) listener.gap()
      }
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof Problem && error.status >= 400 && error.status < 500) return listener.refused(error)
    }
    listener.hears(false)
    if (signal.aborted) return
    await new Promise((resolve) => setTimeout(resolve, pause))
    pause = Math.min(pause * 2, PAUSE_MOST_MS)
  }
}

/** Fetches a file and gives it to the browser to keep, under the name that the server gives it. @param signal breaks it off @throws Problem */
export async function keepLogs(
  filters: Query,
  { format, rows, signal }: { format: 'csv' | 'jsonl'; rows: number; signal: AbortSignal },
): Promise<void> {
  const response = await open(`${LOGS}/export`, { ...filters, format, rows }, signal)
  const named = /filename="([^"]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1]
  const address = URL.createObjectURL(await response.blob())
  const link = document.createElement('a')
  link.href = address
  link.download = named ?? `audit.${format}`
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), PAUSE_MOST_MS)
}

async function open(path: string, query: Query, signal?: AbortSignal): Promise<Response> {
  const method: Method = 'GET'
  const response = await fetch(pathTo(path, query), {
    method,
    headers: { 'x-portico-request': '1' },
    ...(signal && { signal }),
  })
  if (response.ok) return response
  const answer = (await response.json().catch(() => null)) as { errors: readonly { message: string }[] } | null
  throw new Problem(response.status, answer?.errors.map(({ message }) => message) ?? [String(response.status)])
}

interface Event {
  name: string
  id: string
  data: string
}

/** All events of one piece together, so that many rows are one change of the page. */
async function* eventsIn(response: Response): AsyncGenerator<Event[], void, void> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    const piece = await reader?.read()
    if (piece === undefined || piece.done) return
    const blocks = (rest + piece.value).split('\n\n')
    rest = blocks.pop() ?? ''
    const events = blocks.map(eventOf).filter((event) => event !== null)
    if (events.length > 0) yield events
  }
}

function eventOf(block: string): Event | null {
  const fields = new Map(
    block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trimStart()]),
  )
  const [name, id, data] = [fields.get('event'), fields.get('id'), fields.get('data')]
  return name === undefined || id === undefined || data === undefined ? null : { name, id, data }
}
