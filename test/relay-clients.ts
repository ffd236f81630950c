/** Real clients of both eras that answer whatever a server asks, for journeys: what each was asked, and what its call came to. */
import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2 } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'

export const RELAY_CLIENTS = ['SDK v1', 'SDK v2 of 2025', 'SDK v2 of 2026'] as const
export type RelayClient = (typeof RELAY_CLIENTS)[number]

export interface WasAsked {
  method: string
  params: Record<string, unknown>
}

/** What the person, the model and the client say. Whatever it waits for is waited for. */
export type Says = (asked: WasAsked) => Said | Promise<Said>
type Said = Record<string, unknown>

export interface RelayedClient {
  call(name: string, args?: Record<string, unknown>, signal?: AbortSignal): Promise<{ isError: boolean; text: string }>
  prompt(name: string): Promise<string>
  asked: WasAsked[]
  close(): Promise<void>
}

export interface HowRelayed {
  url: string
  token: string
  says?: Says
  capabilities?: Record<string, unknown>
}

/** Of somebody who agrees: they are Ann, who likes blue, their model knows of Paris, and they work in /work. */
export function agrees({ method, params }: WasAsked): Said {
  if (method === 'roots/list') return { roots: [{ uri: 'file:///srv/app', name: 'app' }] }
  if (method === 'sampling/createMessage')
    return { role: 'assistant', model: 'm', stopReason: 'endTurn', content: { type: 'text', text: 'Paris' } }
  const schema = params.requestedSchema as { properties?: Record<string, { type?: string }> } | undefined
  const fill = (name: string, type: string | undefined) =>
    type === 'boolean' ? true : name === 'color' ? 'blue' : 'Ann'
  const content = Object.fromEntries(
    Object.entries(schema?.properties ?? {}).map(([name, { type }]) => [name, fill(name, type)]),
  )
  return { action: 'accept', ...(params.mode === 'url' ? {} : { content }) }
}

const EVERYTHING = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} }

export async function openRelayClient(
  which: RelayClient,
  { url, token, says = agrees, capabilities = EVERYTHING }: HowRelayed,
): Promise<RelayedClient> {
  const asked: WasAsked[] = []
  const answer = async (method: string, params: unknown) => {
    const was = { method, params: (params ?? {}) as Record<string, unknown> }
    asked.push(was)
    return says(was)
  }
  const requestInit = { headers: { Authorization: `Bearer ${token}` } }
  const client = which === 'SDK v1' ? makeV1(capabilities, answer) : makeV2(which, capabilities, answer)
  if (client instanceof ClientV1) await client.connect(new TransportV1(new URL(url), { requestInit }) as Transport)
  else await client.connect(new TransportV2(new URL(url), { requestInit }))
  return {
    asked,
    async call(name, args = {}, signal) {
      const options = signal === undefined ? {} : { signal }
      const called = { name, arguments: args }
      const result =
        client instanceof ClientV1
          ? await client.callTool(called, undefined, options)
          : await client.callTool(called, options)
      const { isError = false, content = [] } = result as { isError?: boolean; content?: { text?: string }[] }
      return { isError, text: content.map(({ text = '' }) => text).join('\n') }
    },
    prompt: async (name) => JSON.stringify((await client.getPrompt({ name })).messages),
    close: () => client.close(),
  }
}

type Answer = (method: string, params: unknown) => Promise<Said>

function makeV1(capabilities: Record<string, unknown>, answer: Answer): ClientV1 {
  const client = new ClientV1({ name: 'relayed-v1', version: '1' }, { capabilities })
  if (capabilities.elicitation !== undefined)
    client.setRequestHandler(ElicitRequestSchema, ({ method, params }) => answer(method, params))
  if (capabilities.sampling !== undefined)
    client.setRequestHandler(
      CreateMessageRequestSchema,
      async ({ method, params }) => (await answer(method, params)) as never,
    )
  if (capabilities.roots !== undefined)
    client.setRequestHandler(ListRootsRequestSchema, ({ method, params }) => answer(method, params))
  return client
}

function makeV2(which: RelayClient, capabilities: Record<string, unknown>, answer: Answer): ClientV2 {
  const mode = which === 'SDK v2 of 2026' ? { pin: '2026-07-28' } : ('legacy' as const)
  const client = new ClientV2({ name: 'relayed-v2', version: '1' }, { capabilities, versionNegotiation: { mode } })
  const handle = (method: 'elicitation/create' | 'sampling/createMessage' | 'roots/list') =>
    client.setRequestHandler(method, async (request) => (await answer(method, request.params)) as never)
  if (capabilities.elicitation !== undefined) handle('elicitation/create')
  if (capabilities.sampling !== undefined) handle('sampling/createMessage')
  if (capabilities.roots !== undefined) handle('roots/list')
  return client
}
