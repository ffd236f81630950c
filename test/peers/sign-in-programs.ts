/** Clients that are programs: they wait for the browser at a port of their own, and say on stderr which link to open. */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Readable } from 'node:stream'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { freePort } from '../portico-process.ts'
import type { ToolResult } from './clients.ts'
import { COMPILED, end, NODE } from './servers.ts'
import { Links, type SignInPlan, type SigningClient } from './sign-in-plan.ts'

const MODULES = new URL('../../node_modules/', import.meta.url).pathname
const REMOTE = `${MODULES}mcp-remote/dist/proxy.js`
const INSPECTOR = `${MODULES}.bin/mcp-inspector`
/** Less than a test may take. */
const PATIENCE_MS = 100_000
const LINK = /https?:\/\/\S+\/oauth\/authorize\?\S+/g

/** As a desktop host starts it: a stdio server in front of the URL, here driven by SDK v1. */
export async function remoteSignsIn(plan: SignInPlan, era: 'legacy' | 'auto'): Promise<SigningClient> {
  const { home, env } = await homeOfItsOwn()
  const links = new Links()
  const { document } = plan
  const args = [REMOTE, plan.url, '--allow-http', '--transport', 'http-only', '--protocol', era]
  if (document !== undefined) args.push('--client-metadata-url', document)
  const transport = new StdioClientTransport({
    ...{ command: NODE, args, stderr: 'pipe' },
    env: { ...env, MCP_REMOTE_CONFIG_DIR: home },
  })
  const client = new Client({ name: 'journey-remote', version: '1.0.0' })
  followLinks(transport.stderr as Readable, links)
  const close = async () => {
    await client.close()
    await rm(home, { recursive: true, force: true })
  }
  const signedIn = links.reach(1).then(() => plan.person(links.last))
  await inTime([client.connect(transport), signedIn], close)
  return {
    ...{ links, version: undefined, close },
    listTools: async () => (await client.listTools()).tools.map(({ name }) => name),
    callTool: async (name, args) => (await client.callTool({ name, arguments: args })) as ToolResult,
  }
}

/** Its command line: each question is a process of its own, and what it keeps is in its home. */
export async function inspectorSignsIn(plan: SignInPlan, protocolEra: 'legacy' | 'modern'): Promise<SigningClient> {
  const { home, env } = await homeOfItsOwn()
  const links = new Links()
  const running = new Set<ChildProcess>()
  const { document } = plan
  // Of each process; a client with a document does not tell the port that the system chose.
  const callback = `http://127.0.0.1:${await freePort()}/oauth/callback`
  const config = join(home, 'servers.json')
  const server = { type: 'streamable-http', url: plan.url, protocolEra }
  await writeFile(config, JSON.stringify({ mcpServers: { s: server } }))
  const common = ['--cli', '--config', config, '--server', 's', '--callback-url', callback]
  const own = document === undefined ? [] : ['--client-metadata-url', document]
  const ask = async <T>(...args: string[]): Promise<T> => {
    const child = spawn(NODE, [INSPECTOR, ...common, ...own, '--format', 'json', ...args], {
      env: { ...env, MCP_INSPECTOR_SECRET_STORE: 'file', MCP_AUTO_OPEN_ENABLED: 'true' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    running.add(child)
    followLinks(child.stderr, links)
    try {
      return await answerOf<T>(child)
    } finally {
      running.delete(child)
    }
  }
  const listTools = async () => (await ask<{ tools: { name: string }[] }>('--method', 'tools/list')).tools
  const close = async () => {
    for (const child of running) await end(child)
    await rm(home, { recursive: true, force: true })
  }
  const signedIn = links.reach(1).then(() => plan.person(links.last))
  await inTime([listTools(), signedIn], close)
  return {
    ...{ links, version: undefined, close },
    listTools: async () => (await listTools()).map(({ name }) => name),
    callTool: (name, args) =>
      ask<ToolResult>('--method', 'tools/call', '--tool-name', name, '--tool-args-json', JSON.stringify(args)),
  }
}

/** Who is not in by then never will be, and must not stay behind. */
async function inTime(signingIn: readonly Promise<unknown>[], close: () => Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`not signed in after ${PATIENCE_MS} ms`)), PATIENCE_MS)
  try {
    await Promise.race([Promise.all(signingIn), late.promise])
  } catch (error) {
    await close()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** A home without anything in it, in which opening a link does nothing: whoever reads stderr opens it. */
async function homeOfItsOwn(): Promise<{ home: string; env: Record<string, string> }> {
  const home = await mkdtemp(join(tmpdir(), 'signing-client-'))
  const opener = join(home, 'bin', 'xdg-open')
  await mkdir(join(home, 'bin'))
  await writeFile(opener, '#!/bin/sh\nexit 0\n')
  await chmod(opener, 0o755)
  const path = [join(home, 'bin'), process.env.PATH ?? ''].join(delimiter)
  return { home, env: { HOME: home, PATH: path, ...COMPILED } }
}

/** A link that is printed twice is one question. */
function followLinks(stderr: Readable, links: Links): void {
  const seen = new Set<string>()
  let text = ''
  stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    for (const [link] of whole.matchAll(LINK)) {
      if (!seen.has(link)) links.add(link)
      seen.add(link)
    }
  })
}

function answerOf<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    let [out, err] = ['', '']
    child.stdout?.on('data', (chunk: Buffer) => {
      out += chunk.toString()
    })
    child.stderr?.on('data', (chunk: Buffer) => {
      err += chunk.toString()
    })
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve((JSON.parse(out) as { result: T }).result)
      else reject(new Error(`Inspector ended with ${code}: ${err || out}`))
    })
  })
}
