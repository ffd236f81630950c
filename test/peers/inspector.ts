/**
 * The Inspector's command line as a client. Each method is a process of its own that connects, asks once and ends, so
 * it is slow; it has no completion, no progress and no cancellation.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { McpClient, Target, ToolResult } from './clients.ts'
import { COMPILED, NODE } from './servers.ts'

const LAUNCHER = new URL('../../node_modules/.bin/mcp-inspector', import.meta.url).pathname

/** Its exit code for a tool that answered `isError`; the result is on stdout all the same. */
const TOOL_ERROR = 5

/** Connects nowhere yet: the first method does. */
export async function inspectorClient(name: string, target: Target, era: 'legacy' | 'modern'): Promise<McpClient> {
  const home = await mkdtemp(join(tmpdir(), 'inspector-'))
  const config = join(home, 'servers.json')
  const server = {
    type: target.url.endsWith('/sse') ? 'sse' : 'streamable-http',
    url: target.url,
    protocolEra: era,
    ...(target.token === undefined ? {} : { headers: { Authorization: `Bearer ${target.token}` } }),
  }
  await writeFile(config, JSON.stringify({ mcpServers: { s: server } }), { mode: 0o600 })
  const ask = <T>(method: string, ...args: string[]) => runInspector<T>(home, config, ['--method', method, ...args])
  return {
    name,
    has: new Set(),
    version: undefined,
    listTools: async () => (await ask<{ tools: { name: string }[] }>('tools/list')).tools.map((tool) => tool.name),
    callTool: (tool, args) =>
      ask<ToolResult>('tools/call', '--tool-name', tool, '--tool-args-json', JSON.stringify(args)),
    listPrompts: async () =>
      (await ask<{ prompts: { name: string }[] }>('prompts/list')).prompts.map((prompt) => prompt.name),
    getPrompt: (prompt, args) => {
      const pairs = Object.entries(args ?? {}).map(([key, value]) => `${key}=${value}`)
      return ask('prompts/get', '--prompt-name', prompt, ...(pairs.length > 0 ? ['--prompt-args', ...pairs] : []))
    },
    listResources: async () =>
      (await ask<{ resources: { uri: string }[] }>('resources/list')).resources.map((resource) => resource.uri),
    readResource: (uri) => ask('resources/read', '--uri', uri),
    listTemplates: async () =>
      (await ask<{ resourceTemplates: { uriTemplate: string }[] }>('resources/templates/list')).resourceTemplates.map(
        (template) => template.uriTemplate,
      ),
    complete: () => Promise.reject(new Error('the Inspector has no completion')),
    close: () => rm(home, { recursive: true, force: true }),
  }
}

function runInspector<T>(home: string, config: string, args: string[]): Promise<T> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      NODE,
      [LAUNCHER, '--cli', '--config', config, '--server', 's', '--format', 'json', '--quiet', ...args],
      {
        env: { HOME: home, PATH: process.env.PATH ?? '', MCP_INSPECTOR_SECRET_STORE: 'memory', ...COMPILED },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
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
      // A tool that is not in the list ends with the code of a tool error, but without a result.
      if (out !== '' && (code === 0 || code === TOOL_ERROR)) resolve((JSON.parse(out) as { result: T }).result)
      else reject(new Error(`Inspector ended with ${code} on ${args.join(' ')}: ${err || out}`))
    })
  })
}
