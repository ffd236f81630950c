/** Real clients of both eras that can be asked for a page, for journeys: what each was asked and told, and how its person answers. */
import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2 } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { ElicitationCompleteNotificationSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'

export const ASKED_CLIENTS = ['SDK v1', 'SDK v2 of 2025', 'SDK v2 of 2026'] as const
export type AskedClient = (typeof ASKED_CLIENTS)[number]

export interface AskedFor {
  mode?: string
  message: string
  url?: string
  elicitationId?: string
}

/** What the person answers to a question. It is waited for, as a client waits for its person. */
export type Answering = (asked: AskedFor, times: number) => Action | Promise<Action>
type Action = 'accept' | 'decline' | 'cancel'

export interface Called {
  isError: boolean
  text: string
  structured: unknown
}

export interface CallOptions {
  signal?: AbortSignal
  onprogress?: (progress: { progress: number; message?: string | undefined }) => void
}

export interface OpenClient {
  call(name: string, args?: Record<string, unknown>, options?: CallOptions): Promise<Called>
  getPrompt(name: string, args: Record<string, string>): Promise<string>
  readResource(uri: string): Promise<string>
  complete(prompt: string, argument: { name: string; value: string }): Promise<string[]>
  tools(): Promise<string[]>
  /** Everything that it was asked. */
  asked: AskedFor[]
  /** Ids of pages that it was told are done. */
  completed: string[]
  /** Of 2025: by its own word, not by going away. */
  endSession(): Promise<void>
  close(): Promise<void>
}

export interface HowAsked {
  url: string
  token: string
  /** Null: it declares that it cannot be asked. */
  answer: Answering | null
}

export async function openAskedClient(which: AskedClient, { url, token, answer }: HowAsked): Promise<OpenClient> {
  const [asked, completed]: [AskedFor[], string[]] = [[], []]
  const reply = async (params: unknown) => {
    asked.push(params as AskedFor)
    const action = await answer?.(params as AskedFor, asked.length)
    return { action: action ?? 'cancel', ...(action === 'accept' ? { content: {} } : {}) } as const
  }
  const capabilities = answer === null ? {} : { elicitation: { url: {} } }
  const client =
    which === 'SDK v1' ? makeV1(capabilities, reply, completed) : makeV2(which, capabilities, reply, completed)
  const init = { requestInit: { headers: { Authorization: `Bearer ${token}` } } }
  const [v1, v2] = [new TransportV1(new URL(url), init), new TransportV2(new URL(url), init)]
  if (client instanceof ClientV1) await client.connect(v1 as Transport)
  else await client.connect(v2)
  return {
    ...{ asked, completed },
    async call(name, args = {}, options = {}) {
      const called = { name, arguments: args }
      const result =
        client instanceof ClientV1
          ? await client.callTool(called, undefined, options)
          : await client.callTool(called, options)
      return shapeOf(result)
    },
    async getPrompt(name, args) {
      const { messages } = await client.getPrompt({ name, arguments: args })
      return JSON.stringify(messages)
    },
    readResource: async (uri) => JSON.stringify((await client.readResource({ uri })).contents),
    async complete(name, argument) {
      const { completion } = await client.complete({ ref: { type: 'ref/prompt', name }, argument })
      return completion.values
    },
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    endSession: () => (client instanceof ClientV1 ? v1 : v2).terminateSession(),
    close: () => client.close(),
  }
}

type Reply = (params: unknown) => Promise<{ action: Action; content?: Record<string, never> }>

function makeV1(capabilities: object, reply: Reply, completed: string[]): ClientV1 {
  const client = new ClientV1({ name: 'asked-v1', version: '1' }, { capabilities })
  if (Object.keys(capabilities).length === 0) return client
  client.setRequestHandler(ElicitRequestSchema, (request) => reply(request.params))
  client.setNotificationHandler(ElicitationCompleteNotificationSchema, ({ params }) => {
    completed.push(params.elicitationId)
  })
  return client
}

function makeV2(which: AskedClient, capabilities: object, reply: Reply, completed: string[]): ClientV2 {
  const mode = which === 'SDK v2 of 2026' ? { pin: '2026-07-28' } : ('legacy' as const)
  const client = new ClientV2({ name: 'asked-v2', version: '1' }, { capabilities, versionNegotiation: { mode } })
  if (Object.keys(capabilities).length === 0) return client
  client.setRequestHandler('elicitation/create', (request) => reply(request.params))
  if (which === 'SDK v2 of 2026') return client
  client.setNotificationHandler('notifications/elicitation/complete', ({ params }) => {
    completed.push(params.elicitationId)
  })
  return client
}

function shapeOf(result: unknown): Called {
  const {
    isError = false,
    content,
    structuredContent,
  } = result as {
    isError?: boolean
    content: { text: string }[]
    structuredContent?: unknown
  }
  return { isError, text: content.map(({ text }) => text).join(''), structured: structuredContent }
}
