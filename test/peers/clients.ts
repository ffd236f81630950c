/**
 * Real MCP clients behind one small interface, so that a journey can put each of them in front of the same URL. What a
 * client cannot do is absent from its `has`; nothing here hides a client's own way of failing.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sdkV1Client } from './clients-sdk-v1.ts'
import { sdkV2Client } from './clients-sdk-v2.ts'
import { inspectorClient } from './inspector.ts'
import { COMPILED, NODE } from './servers.ts'

export const CLIENT_NAMES = [
  'SDK v1',
  'SDK v2 auto',
  'SDK v2 pinned',
  'Inspector legacy',
  'Inspector modern',
  'mcp-remote legacy',
  'mcp-remote auto',
] as const
export type ClientName = (typeof CLIENT_NAMES)[number]

export type Feature = 'completion' | 'progress' | 'cancellation'

/** Where a client goes. A URL that ends in `/sse` is HTTP+SSE of 2024. */
export interface Target {
  url: string
  /** Bearer token, where the target wants one. */
  token?: string
}

export interface ContentBlock {
  type: string
  text?: string
}

export interface ToolResult {
  content: ContentBlock[]
  isError?: boolean | undefined
  structuredContent?: unknown
}

export interface CallOptions {
  onprogress?: (progress: { progress: number; total?: number | undefined }) => void
  signal?: AbortSignal
}

export interface CompletionRequest {
  ref: { type: 'ref/prompt'; name: string } | { type: 'ref/resource'; uri: string }
  argument: { name: string; value: string }
}

/** One connected client. All methods reject as the client itself does. */
export interface McpClient {
  name: string
  /** What this client can do beyond tools, prompts, resources and templates, which all of them can. */
  has: ReadonlySet<Feature>
  /** The revision that was agreed on, where the client tells. */
  version: string | undefined
  /** Names, over all pages. */
  listTools(): Promise<string[]>
  callTool(name: string, args: Record<string, unknown>, options?: CallOptions): Promise<ToolResult>
  listPrompts(): Promise<string[]>
  getPrompt(name: string, args?: Record<string, string>): Promise<{ messages: { content: ContentBlock }[] }>
  /** URIs, over all pages. */
  listResources(): Promise<string[]>
  readResource(uri: string): Promise<{ contents: { uri: string; text?: string }[] }>
  /** URI templates, over all pages. */
  listTemplates(): Promise<string[]>
  /** The values; an empty list where there are none. Only where `has` holds `completion`. */
  complete(request: CompletionRequest): Promise<string[]>
  close(): Promise<void>
}

/** @throws whatever the client throws when it cannot connect to the target */
export async function connectClient(name: ClientName, target: Target): Promise<McpClient> {
  switch (name) {
    case 'SDK v1':
      return sdkV1Client(name, target)
    case 'SDK v2 auto':
      return sdkV2Client(name, target, 'auto')
    case 'SDK v2 pinned':
      return sdkV2Client(name, target, { pin: '2026-07-28' })
    case 'Inspector legacy':
      return inspectorClient(name, target, 'legacy')
    case 'Inspector modern':
      return inspectorClient(name, target, 'modern')
    case 'mcp-remote legacy':
      return mcpRemoteClient(name, target, 'legacy')
    case 'mcp-remote auto':
      return mcpRemoteClient(name, target, 'auto')
  }
}

const REMOTE = new URL('../../node_modules/mcp-remote/dist/proxy.js', import.meta.url).pathname

/** mcp-remote as a desktop host starts it: a local stdio server in front of the URL, here driven by SDK v1. */
async function mcpRemoteClient(name: ClientName, target: Target, protocol: 'legacy' | 'auto'): Promise<McpClient> {
  const home = await mkdtemp(join(tmpdir(), 'mcp-remote-'))
  const transport = target.url.endsWith('/sse') ? 'sse-only' : 'http-only'
  const args = [REMOTE, target.url, '--allow-http', '--transport', transport, '--protocol', protocol, '--silent']
  const headers = join(home, 'headers.txt')
  if (target.token !== undefined) {
    // mcp-remote takes `--header` too; a file keeps the token out of the process list.
    await writeFile(headers, `Authorization: Bearer ${target.token}\n`, { mode: 0o600 })
    args.push('--header-file', headers)
  }
  const env = { HOME: home, MCP_REMOTE_CONFIG_DIR: home, PATH: process.env.PATH ?? '', ...COMPILED }
  const client = await sdkV1Client(name, { command: NODE, args, env })
  return {
    ...client,
    close: async () => {
      await client.close()
      await rm(home, { recursive: true, force: true })
    },
  }
}
