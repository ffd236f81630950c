/**
 * Loaded into a portal's own process before the portal (`--import`), for tests that watch a process from outside. On
 * SIGUSR2 it collects garbage, looks around and writes what it saw into a file: memory, what keeps the loop alive, and
 * whether anything touched the prototypes that every object shares. What would have ended the process is written down
 * first. It changes nothing of the portal but the patience that `WATCH_LIMITS` shortens.
 */
import { appendFileSync, renameSync, writeFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isMainThread } from 'node:worker_threads'

/** What one look saw. */
export interface Seen {
  /** Counts looks, from 1. */
  look: number
  rss: number
  heap: number
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

function watch(file: string): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const before = prototypes()
  let look = 0
  const note = (what: string, error: unknown) =>
    appendFileSync(`${file}.errors`, `${what}: ${error instanceof Error ? error.stack : String(error)}\n`)
  process.on('uncaughtExceptionMonitor', (error, origin) => note(origin, error))
  process.on('warning', (warning) => {
    if (warning.name === 'MaxListenersExceededWarning') note('warning', warning)
  })
  process.on('SIGUSR2', () => {
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
      const seen: Seen = { look, rss, heap, external, resources, touched }
      writeFileSync(`${file}.new`, JSON.stringify(seen))
      renameSync(`${file}.new`, file)
    })
  })
}

const { WATCH_FILE, WATCH_LIMITS } = process.env
if (isMainThread && WATCH_FILE !== undefined) watch(WATCH_FILE)
if (isMainThread && WATCH_LIMITS !== undefined) {
  const { LIMITS } = await import('../../src/upstream/exchange.ts')
  Object.assign(LIMITS, JSON.parse(WATCH_LIMITS))
}
