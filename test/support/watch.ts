/**
 * Loaded into a portal's own process before the portal (`--import`), for tests that watch a process from outside. On
 * SIGUSR2 it collects garbage, looks around and writes what it saw into a file: memory, what keeps the loop alive, and
 * whether anything touched the prototypes that every object shares. What would have ended the process is written down
 * first. It changes nothing of the portal but the patience that `WATCH_LIMITS` shortens.
 */
import { appendFileSync, renameSync, writeFileSync } from 'node:fs'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { BroadcastChannel, isMainThread } from 'node:worker_threads'

/** What one look saw. */
export interface Seen {
  /** Counts looks, from 1. */
  look: number
  rss: number
  heap: number
  /** Of the other threads. */
  threads: number
  external: number
  /** Kinds of what keeps the event loop alive, with how many there are. */
  resources: Record<string, number>
  /** Members that were added to, or taken from, the prototypes of Object, Array, Function, String and Promise. */
  touched: string[]
}

const SHARED = { Object, Array, Function, String, Promise, Map, Set, Error } as const

function prototypes(): Set<string> {
  return new Set(
    Object.entries(SHARED).flatMap(([name, made]) =>
      Reflect.ownKeys(made.prototype).map((key) => `${name}.prototype.${String(key)}`),
    ),
  )
}

/** Garbage of the other threads is resident memory too, and they collect it when it suits them. */
const CHANNEL = 'watch'
/** Within the patience of whoever looks. A thread of a busy machine may take seconds, and its silence counts as no memory. */
const THREADS_MS = 10_000

function collector(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}

function watchThread(): void {
  const collect = collector()
  const channel = new BroadcastChannel(CHANNEL)
  channel.onmessage = ({ data }: { data: unknown }) => {
    if (data !== 'collect') return
    collect()
    channel.postMessage(getHeapStatistics().used_heap_size)
  }
  channel.unref()
}

/** @returns what they still use */
function collectThreads(): Promise<number> {
  const channel = new BroadcastChannel(CHANNEL)
  const { promise, resolve } = Promise.withResolvers<number>()
  const late = setTimeout(() => resolve(0), THREADS_MS)
  channel.onmessage = ({ data }: { data: unknown }) => resolve(Number(data))
  channel.postMessage('collect')
  return promise.finally(() => {
    clearTimeout(late)
    channel.close()
  })
}

function watch(file: string): void {
  const collect = collector()
  const before = prototypes()
  let look = 0
  const note = (what: string, error: unknown) =>
    appendFileSync(`${file}.errors`, `${what}: ${error instanceof Error ? error.stack : String(error)}\n`)
  process.on('uncaughtExceptionMonitor', (error, origin) => note(origin, error))
  process.on('warning', (warning) => {
    if (warning.name === 'MaxListenersExceededWarning') note('warning', warning)
  })
  process.on('SIGUSR2', async () => {
    const threads = await collectThreads()
    collect()
    // What the first collection finalised is only free after another one.
    setImmediate(() => {
      collect()
      const now = prototypes()
      const resources: Record<string, number> = {}
      for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1
      const { rss, heapUsed: heap, external } = process.memoryUsage()
      const touched = [...now].filter((key) => !before.has(key)).concat([...before].filter((key) => !now.has(key)))
      look++
      const seen: Seen = { look, rss, heap, threads, external, resources, touched }
      writeFileSync(`${file}.new`, JSON.stringify(seen))
      renameSync(`${file}.new`, file)
    })
  })
}

const { WATCH_FILE, WATCH_LIMITS } = process.env
if (WATCH_FILE !== undefined) {
  if (isMainThread) watch(WATCH_FILE)
  else watchThread()
}
if (isMainThread && WATCH_LIMITS !== undefined) {
  const { LIMITS } = await import('../../src/upstream/exchange.ts')
  Object.assign(LIMITS, JSON.parse(WATCH_LIMITS))
}
