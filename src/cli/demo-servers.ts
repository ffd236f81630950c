/** The demo's real MCP servers, from the development packages of a clone: one over HTTP, two as commands. */
import { spawn } from 'node:child_process'
import { cpSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { ServerCreate } from '../contract/server.ts'
import { CliError } from './cli-error.ts'

const HOME = join(import.meta.dirname, '..', '..')
const START_MS = 20_000
const STOP_MS = 3000

export interface RunningServer {
  url: string
  stop(): Promise<void>
}

/** server-everything over HTTP, kept to this machine by a preloaded shim. */
export async function startEverything(): Promise<RunningServer> {
  const shim = join(HOME, 'examples', 'demo', 'loopback.cjs')
  const child = spawn(process.execPath, ['--require', shim, packaged('server-everything'), 'streamableHttp'], {
    env: { PORT: '0' },
    // Its own words would stand between ours; the channel tells its port and ends it with us.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  const gone = new Promise<undefined>((resolve) => child.once('exit', () => resolve(undefined)))
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    await gone
    clearTimeout(timer)
  }
  const port = await Promise.race([
    new Promise<number>((resolve) => child.once('message', (message: { port: number }) => resolve(message.port))),
    gone,
    wait(START_MS, undefined, { ref: false }),
  ])
  if (port !== undefined) return { url: `http://127.0.0.1:${port}/mcp`, stop }
  await stop()
  throw new CliError('The demo server did not start.', { hint: 'Run "npm ci" in the clone.' })
}

/** What is registered with the portal. */
export function demoServers(folder: string, everythingUrl: string): ServerCreate[] {
  const notes = join(folder, 'notes')
  cpSync(join(HOME, 'examples', 'demo', 'notes'), notes, { recursive: true })
  const node = process.execPath
  const auth_type = 'unauthenticated' as const
  return [
    {
      id: 'everything',
      name: 'Everything',
      description: 'Every feature of MCP once',
      hostname: everythingUrl,
      auth_type,
    },
    {
      id: 'files',
      name: 'Files',
      description: 'A folder of notes',
      hostname: 'stdio://files',
      auth_type,
      transport: { type: 'stdio', command: node, args: [packaged('server-filesystem'), notes] },
    },
    {
      id: 'memory',
      name: 'Memory',
      description: 'A knowledge graph; each user has a process of their own',
      hostname: 'stdio://memory',
      auth_type,
      isolation: 'per_user',
      transport: {
        type: 'stdio',
        command: node,
        args: [packaged('server-memory')],
        env: { MEMORY_FILE_PATH: join(folder, 'memory.jsonl') },
      },
    },
  ]
}

function packaged(name: string): string {
  const path = join(HOME, 'node_modules', '@modelcontextprotocol', name, 'dist', 'index.js')
  if (existsSync(path)) return path
  throw new CliError(`${name} is not installed.`, {
    hint: 'The demo runs in a clone: git clone, npm ci, npm run demo.',
  })
}
