/**
 * The Inspector's command line as a probe. Each request is a process of its own that connects, asks once and ends: it has
 * commands for tools, prompts and resources, and hears, watches and answers nothing.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { COMPILED, NODE } from '../peers/servers.ts'
import { type Json, NoSuchWay, type Probe } from './pair.ts'

const LAUNCHER = new URL('../../node_modules/.bin/mcp-inspector', import.meta.url).pathname
/** Its exit code for a tool that answered `isError`; the result is on stdout all the same. */
const TOOL_ERROR = 5

export async function probeInspector({ url, token }: { url: string; token?: string }): Promise<Probe> {
  const home = await mkdtemp(join(tmpdir(), 'fidelity-inspector-'))
  const config = join(home, 'servers.json')
  const headers = token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } }
  const server = { type: 'streamable-http', url, protocolEra: 'modern', ...headers }
  await writeFile(config, JSON.stringify({ mcpServers: { s: server } }), { mode: 0o600 })
  const none = async () => {
    throw new NoSuchWay('the command line has no such command')
  }
  /** Each request starts a process: the same list is asked for once. */
  const known = new Map<string, Promise<Json>>()
  return {
    ...{ era: '2026', heard: [], asked: [], wantLogs: none, watch: none },
    async ask(method, params = {}, options = {}) {
      const args = argumentsOf(method, params)
      if (args === null || Object.keys(options).length > 0) return none()
      if (!method.endsWith('list')) return run(home, config, args)
      const asked = known.get(method) ?? run(home, config, args)
      known.set(method, asked)
      return asked
    },
    close: () => rm(home, { recursive: true, force: true }),
  }
}

function argumentsOf(method: string, params: Json): string[] | null {
  const given = (params.arguments ?? {}) as Json
  if (method.endsWith('/list')) return ['--method', method]
  if (method === 'resources/read') return ['--method', method, '--uri', String(params.uri)]
  if (method === 'tools/call')
    return ['--method', method, '--tool-name', String(params.name), '--tool-args-json', JSON.stringify(given)]
  if (method !== 'prompts/get') return null
  const pairs = Object.entries(given).map(([key, value]) => `${key}=${value}`)
  return [
    '--method',
    method,
    '--prompt-name',
    String(params.name),
    ...(pairs.length > 0 ? ['--prompt-args', ...pairs] : []),
  ]
}

function run(home: string, config: string, args: readonly string[]): Promise<Json> {
  return new Promise((resolve, reject) => {
    const all = [LAUNCHER, '--cli', '--config', config, '--server', 's', '--format', 'json', '--quiet', ...args]
    const env = { HOME: home, PATH: process.env.PATH ?? '', MCP_INSPECTOR_SECRET_STORE: 'memory', ...COMPILED }
    const child = spawn(NODE, all, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString()
    })
    child.once('error', reject)
    child.once('close', (code) => {
      if (out !== '' && (code === 0 || code === TOOL_ERROR)) resolve((JSON.parse(out) as { result: Json }).result)
      else reject(new Error(`ended with ${code}: ${err || out}`))
    })
  })
}
