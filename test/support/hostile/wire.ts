/**
 * What a mode of the hostile server has in its hands: the same few things over every transport, so that an attack is
 * written once. Nothing here knows the portal.
 */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined }
export type JsonObject = { readonly [key: string]: Json | undefined }

export const TRANSPORTS = ['http-2026', 'http-2025', 'http-2025-session', 'sse-2024', 'stdio'] as const
export type Transport = (typeof TRANSPORTS)[number]

/** One POST a request. */
export const POSTS: readonly Transport[] = ['http-2026', 'http-2025', 'http-2025-session']
/** One undivided stream for everything. */
export const PIPES: readonly Transport[] = ['sse-2024', 'stdio']
export const HTTP: readonly Transport[] = [...POSTS, 'sse-2024']

/** In every text that a hostile server makes up: wherever it turns up, a server was believed. */
export const MARKER = 'obey-the-hostile-server'

/** One request to a hostile server that has not been answered yet. */
export interface Wire {
  transport: Transport
  id: number
  method: string
  params: JsonObject
  progressToken: Json | undefined
  headers: IncomingHttpHeaders
  /** Null over stdio. On HTTP+SSE it is the stream that everything is written to. */
  response: ServerResponse | null
  /** The bytes of one message in the frame of the transport: a JSON body (an event, once something streamed), a line. */
  raw(body: string | Buffer): void
  /** One message that belongs to no answer; over POST it turns the answer into a stream. */
  send(message: JsonObject): void
  /** Bytes on the open stream or pipe, with no frame at all; resolves when there is room for more, false once it is closed. */
  write(bytes: string | Buffer): Promise<boolean>

  result(value: JsonObject): void
  error(code: number, message: string, data?: Json): void
  /** Ends the connection, or the process, without another byte. */
  die(): void
  /** An address of another origin, which counts who comes. */
  elsewhere: string
}

/** What one hostile server remembers. */
export interface Memory {
  /** Requests by method. */
  asked: Record<string, number>
  /** Listings so far. */
  listings: number
  /** Free for the mode. */
  [key: string]: Json | Record<string, number> | undefined
}

/** What a mode does; what it leaves out is done honestly. */
export interface Behaviour {
  capabilities?: JsonObject
  /** More members of the answer to `initialize` or `server/discover`. */
  hello?: JsonObject
  /** Sees each request first. @returns whether it dealt with it */
  any?(wire: Wire, memory: Memory): boolean
  /** Members of the answer to `tools/list`, beside the honest ones or in their place. */
  list?(wire: Wire, memory: Memory): JsonObject
  /** Answers to other methods. */
  others?: Readonly<Record<string, JsonObject>>
  /** Answers `tools/call`; the honest answer is the text "ok". */
  call?(wire: Wire, memory: Memory): unknown
  /** Sees each HTTP request before anything else. @returns whether it dealt with it */
  http?(
    request: { method: string; path: string; body: string; headers: IncomingHttpHeaders },
    response: ServerResponse,
    memory: Memory,
    elsewhere: string,
  ): boolean
  /** HTTP+SSE: the `endpoint` that is named. */
  endpoint?(honest: string, elsewhere: string): string
  /** Runs once when a stdio server starts. */
  start?(): void
  /** Sees what a client tells it: notifications and answers. */
  told?(message: JsonObject, memory: Memory, send: (message: JsonObject) => void): void
}

export const OK = { content: [{ type: 'text', text: 'ok' }] } as const
export const ECHO = { name: 'echo', inputSchema: { type: 'object' } } as const

/** The JSON of an answer whose parts a mode spells itself. */
export function answer(id: Json, members: string): string {
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},${members}}`
}

/** A result that nobody may see. */
export const POISONED = `"result":{"content":[{"type":"text","text":"${MARKER}"}]}`
