/**
 * Real MCP servers from npm, started as child processes on loopback: the upstreams of the journeys. Nothing here knows
 * the portal. Every process that is started here is ended by its own `stop`, by its id.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const SHIM = fileURLToPath(new URL('./bind-loopback.cjs', import.meta.url))
const PACKAGES = `${ROOT}node_modules/@modelcontextprotocol/`
/** A limit tells a hang, not a speed. */
const START_MS = 100_000
const STOP_MS = 5_000

/** The Node that npm brought, or the one that runs this where a system Node was new enough. */
export const NODE = existsSync(`${ROOT}node_modules/.bin/node`) ? `${ROOT}node_modules/.bin/node` : process.execPath

/** What the run's compiled code stands in (`vitest.config.ts`), for a process that is given an environment of its own. */
export const COMPILED: Readonly<Record<string, string>> =
  process.env.NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE }

/** A command line without a shell; what a portal needs to start a stdio server. */
export interface StdioPeer {
  command: string
  args: string[]
  env: Record<string, string>
}

/** A running HTTP server. */
export interface HttpPeer {
  /** Where its MCP clients connect. */
  url: string
  port: number
  pid: number
  /** Everything it has written to stdout and stderr so far. */
  log(): string
  /** Ends it and waits until it is gone. A second call does nothing. */
  stop(): Promise<void>
}

/** server-everything over Streamable HTTP of 2025, with sessions. Pass the old port to start it again in the same place. */
export function startEverythingHttp(port = 0): Promise<HttpPeer> {
  const args = [`${PACKAGES}server-everything/dist/index.js`, 'streamableHttp']
  return startHttpPeer({ args, env: { PORT: String(port) }, path: '/mcp' })
}

/** server-everything over HTTP+SSE of 2024. */
export function startEverythingSse(port = 0): Promise<HttpPeer> {
  const args = [`${PACKAGES}server-everything/dist/index.js`, 'sse']
  return startHttpPeer({ args, env: { PORT: String(port) }, path: '/sse' })
}

/** mcp-proxy in front of server-memory: speaks 2026-07-28, and 2025-11-25 to those who ask for it. */
export function startMemoryProxy(memoryFile: string, port = 0): Promise<HttpPeer> {
  const memory = memoryStdio(memoryFile)
  const proxy = [`${ROOT}node_modules/mcp-proxy/dist/bin/mcp-proxy.mjs`, '--port', String(port), '--host', '127.0.0.1']
  return startHttpPeer({ args: [...proxy, '--', memory.command, ...memory.args], env: memory.env, path: '/mcp' })
}

/** mcp-proxy in front of server-everything: as above. */
export function startEverythingProxy(): Promise<HttpPeer> {
  const { command, args, env } = everythingStdio()
  const proxy = [`${ROOT}node_modules/mcp-proxy/dist/bin/mcp-proxy.mjs`, '--port', '0', '--host', '127.0.0.1']
  return startHttpPeer({ args: [...proxy, '--', command, ...args], env, path: '/mcp' })
}

export function everythingStdio(): StdioPeer {
  return { command: NODE, args: [`${PACKAGES}server-everything/dist/index.js`, 'stdio'], env: {} }
}

/** @param dir the only directory that the server may touch; must exist */
export function filesystemStdio(dir: string): StdioPeer {
  return { command: NODE, args: [`${PACKAGES}server-filesystem/dist/index.js`, dir], env: {} }
}

/** @param file absolute path of the graph's file; need not exist */
export function memoryStdio(file: string): StdioPeer {
  return { command: NODE, args: [`${PACKAGES}server-memory/dist/index.js`], env: { MEMORY_FILE_PATH: file } }
}

interface HttpPeerStart {
  args: string[]
  env: Record<string, string>
  path: string
}

async function startHttpPeer(start: HttpPeerStart): Promise<HttpPeer> {
  const child = spawn(NODE, ['--require', SHIM, ...start.args], {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...COMPILED, ...start.env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let written = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    written += chunk.toString()
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    written += chunk.toString()
  })
  const port = await listening(child).catch(async (error: Error) => {
    await end(child)
    throw new Error(`${start.args.join(' ')}: ${error.message}\n${written}`)
  })
  return {
    url: `http://127.0.0.1:${port}${start.path}`,
    port,
    pid: child.pid ?? 0,
    log: () => written,
    stop: () => end(child),
  }
}

/** The port, as the shim reports it once the server listens. */
function listening(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not listening after ${START_MS} ms`)), START_MS)
    child.on('message', (message: { listening?: number }) => {
      if (message.listening === undefined) return
      clearTimeout(timer)
      resolve(message.listening)
    })
    child.once('error', reject)
    child.once('exit', (code) => {
      clearTimeout(timer)
      reject(new Error(`ended with ${code} before it listened`))
    })
  })
}

/** SIGTERM, then SIGKILL for the one that does not listen; resolves when the process is gone. */
export function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return Promise.resolve()
  return new Promise((resolve) => {
    const hard = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    child.once('exit', () => {
      clearTimeout(hard)
      resolve()
    })
    child.kill('SIGTERM')
  })
}
