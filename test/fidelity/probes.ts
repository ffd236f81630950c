/** Real clients as probes: the SDKs of both generations, mcp-remote in front of the older one, and the Inspector's command line. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2 } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  ResultSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { TASKS } from '../conformance/fixture/task-book.ts'
import { COMPILED, NODE, type StdioPeer } from '../peers/servers.ts'
import { messageOf, request2026, send } from '../raw-mcp.ts'
import type { AskOptions, ClientName, Json, Probe, Told } from './pair.ts'

/** Where a client goes: a URL, with a token where one is wanted, or a command. */
export type Place = { url: string; token?: string } | StdioPeer

const CAPABILITIES = { elicitation: { form: {}, url: {} }, sampling: {}, roots: { listChanged: true } }
const LOG_LEVEL = 'io.modelcontextprotocol/logLevel'
/** A limit tells a hang, not a speed. */
const TIMEOUT = { timeout: 100_000 }

/** @throws whatever the client throws when it cannot connect; TypeError where it has no way there at all */
export async function openProbe(which: ClientName, place: Place): Promise<Probe> {
  if (which === 'SDK v1') return probeV1(place)
  if ('command' in place) throw new TypeError(`${which} is not started with a command here`)
  if (which === 'SDK v2 of 2026') return probeV2(place)
  if (which === 'mcp-remote') return probeRemote(place)
  throw new TypeError(which)
}

async function probeV1(place: Place): Promise<Probe> {
  const { heard, asked, answer } = openEars()
  const client = new ClientV1({ name: 'fidelity-v1', version: '1' }, { capabilities: CAPABILITIES })
  client.setRequestHandler(ElicitRequestSchema, ({ method, params }) => answer(method, params))
  client.setRequestHandler(CreateMessageRequestSchema, ({ method, params }) => answer(method, params) as never)
  client.setRequestHandler(ListRootsRequestSchema, ({ method, params }) => answer(method, params))
  client.fallbackNotificationHandler = async ({ method, params }) => {
    heard.push({ method, params: { ...params } })
  }
  await client.connect(transportV1(place) as Transport)
  const ask = (method: string, params: Json = {}, options: AskOptions = {}): Promise<Json> =>
    client.request({ method, params } as never, ResultSchema, { ...TIMEOUT, ...options })
  return {
    ...{ era: '2025', heard, asked, ask },
    async wantLogs(level) {
      await ask('logging/setLevel', { level })
      return {}
    },
    async watch(uri) {
      await ask('resources/subscribe', { uri })
    },
    close: () => client.close(),
  }
}

function transportV1(place: Place) {
  if ('command' in place) return new StdioClientTransport({ ...place, stderr: 'ignore' })
  const headers: Record<string, string> = place.token === undefined ? {} : { Authorization: `Bearer ${place.token}` }
  const url = new URL(place.url)
  const init = { requestInit: { headers } }
  return url.pathname.endsWith('/sse') ? new SSEClientTransport(url, init) : new TransportV1(url, init)
}

async function probeV2(place: { url: string; token?: string }): Promise<Probe> {
  const { heard, asked, answer } = openEars()
  const versionNegotiation = { mode: { pin: '2026-07-28' } }
  const client = new ClientV2({ name: 'fidelity-v2', version: '1' }, { capabilities: CAPABILITIES, versionNegotiation })
  for (const method of ['elicitation/create', 'sampling/createMessage', 'roots/list'] as const)
    client.setRequestHandler(method, async ({ params }) => answer(method, params) as never)
  client.fallbackNotificationHandler = async ({ method, params }) => {
    heard.push({ method, params: { ...params } })
  }
  const headers: Record<string, string> = place.token === undefined ? {} : { Authorization: `Bearer ${place.token}` }
  await client.connect(new TransportV2(new URL(place.url), { requestInit: { headers } }))
  return {
    ...{ era: '2026', heard, asked },
    askAsTask: (method, params) => askRaw(place.url, headers, method, params),
    ask: async (method, params = {}, options = {}) =>
      (await client.request({ method, params } as never, { ...TIMEOUT, ...options })) as Json,
    wantLogs: async (level) => ({ [LOG_LEVEL]: level }),
    async watch(uri) {
      await client.listen({
        ...{ toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true },
        resourceSubscriptions: [uri],
      })
    },
    close: () => client.close(),
  }
}

/** The SDK takes no result of a kind that is an extension's, so this is what an extension of it would send. */
async function askRaw(url: string, headers: Record<string, string>, method: string, params: Json): Promise<Json> {
  const declared = { 'io.modelcontextprotocol/clientCapabilities': { extensions: { [TASKS]: {} } } }
  const body = request2026(method, { ...params, _meta: declared }, 'as-task')
  const name = String(params.name ?? params.taskId)
  const standard = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, 'mcp-name': name }
  const { result, error } = messageOf(await send(url, body, { ...headers, ...standard }))
  if (result === undefined) throw new Error(JSON.stringify(error))
  return result
}

const REMOTE = new URL('../../node_modules/mcp-remote/dist/proxy.js', import.meta.url).pathname

/** As a desktop host starts it: a local server over stdio in front of the URL. */
async function probeRemote({ url, token }: { url: string; token?: string }): Promise<Probe> {
  const home = await mkdtemp(join(tmpdir(), 'fidelity-remote-'))
  const args = [REMOTE, url, '--allow-http', '--transport', 'http-only', '--silent']
  if (token !== undefined) {
    const headers = join(home, 'headers.txt')
    await writeFile(headers, `Authorization: Bearer ${token}\n`, { mode: 0o600 })
    args.push('--header-file', headers)
  }
  const env = { HOME: home, MCP_REMOTE_CONFIG_DIR: home, PATH: process.env.PATH ?? '', ...COMPILED }
  const probe = await probeV1({ command: NODE, args, env })
  return {
    ...probe,
    async close() {
      await probe.close()
      await rm(home, { recursive: true, force: true })
    },
  }
}

/** What a client hears and is asked, and what is said for the person, the model and the client behind it. */
function openEars() {
  const heard: Told[] = []
  const asked: Told[] = []
  const answer = async (method: string, given: unknown): Promise<Json> => {
    const params = { ...(given as Json | undefined) }
    asked.push({ method, params })
    return answerTo(method, params)
  }
  return { heard, asked, answer }
}

function answerTo(method: string, params: Json): Json {
  if (method === 'roots/list') return { roots: [{ uri: 'file:///srv/app', name: 'app' }] }
  if (method === 'sampling/createMessage')
    return { role: 'assistant', model: 'm', stopReason: 'endTurn', content: { type: 'text', text: 'Paris' } }
  if (params.mode === 'url') return { action: 'accept' }
  const { required = [] } = (params.requestedSchema ?? {}) as { required?: string[] }
  return { action: 'accept', content: Object.fromEntries(required.map((name) => [name, 'Ann'])) }
}
