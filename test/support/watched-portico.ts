/** The portal as a process of its own that is watched from within (`watch.ts`) and from outside (`/proc`, `ps`). */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Limits } from '../../src/upstream/exchange.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'
import type { Seen } from './watch.ts'

export interface WatchedPortico extends PorticoProcess {
  /** Collects garbage in the portal and looks around in it. */
  look(): Promise<Seen>
  /** Resident bytes right now, without disturbing it. */
  rss(): number
  /** Open descriptors; null where the system does not tell. */
  descriptors(): number | null
  /** Processes whose parent it is. */
  children(): number[]
  /** What would have ended the process, and leaks that Node itself suspects; empty when all is well. */
  troubles(): string
}

const LOADED = new URL('./watch.ts', import.meta.url).href
const LOOK_MS = 60_000

/** @param limits shorter patience for its servers */
export async function startWatchedPortico(
  settings: Record<string, string> = {},
  limits: Partial<Limits> = {},
): Promise<WatchedPortico> {
  const dir = await mkdtemp(join(tmpdir(), 'portico-watch-'))
  const file = join(dir, 'seen.json')
  const portal = await startPorticoProcess(
    {
      NODE_OPTIONS: `--import ${LOADED}`,
      WATCH_FILE: file,
      WATCH_LIMITS: JSON.stringify(limits),
      ...settings,
    },
    { asSources: true },
  )
  let looks = 0
  const { remove } = portal
  // A run that breaks off must not leave its portal behind.
  const kill = () => process.kill(portal.pid, 'SIGKILL')
  process.once('exit', kill)
  return Object.defineProperties(portal, {
    remove: {
      value: async () => {
        process.off('exit', kill)
        await remove()
        await rm(dir, { recursive: true, force: true })
      },
    },
    look: {
      value: async (): Promise<Seen> => {
        looks++
        process.kill(portal.pid, 'SIGUSR2')
        const deadline = Date.now() + LOOK_MS
        while (Date.now() < deadline) {
          const seen = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Seen) : null
          if (seen !== null && seen.look >= looks) return seen
          await new Promise((resolve) => setTimeout(resolve, 10))
        }
        throw new Error('the portal does not look around: it hangs')
      },
    },
    rss: { value: () => residentBytes(portal.pid) },
    descriptors: { value: () => countDescriptors(portal.pid) },
    children: { value: () => childrenOf(portal.pid) },
    troubles: { value: () => (existsSync(`${file}.errors`) ? readFileSync(`${file}.errors`, 'utf8') : '') },
  }) as WatchedPortico
}

function residentBytes(pid: number): number {
  const status = `/proc/${pid}/status`
  if (existsSync(status)) return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(status, 'utf8'))?.[1] ?? 0) * 1024
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)]).toString()) * 1024
}

function countDescriptors(pid: number): number | null {
  const dir = `/proc/${pid}/fd`
  return existsSync(dir) ? readdirSync(dir).length : null
}

function childrenOf(pid: number): number[] {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat=']).toString().trim().split('\n')
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([, parent, state]) => Number(parent) === pid && !state?.startsWith('Z'))
    .map(([child]) => Number(child))
}
