/** One row of the table of attacks: what the server does, and what must become of it. */
import type { FaultCode } from '../../../src/base/fault.ts'
import type { RawAnswer } from '../../raw-mcp.ts'
import type { WatchedPortico } from '../watched-portico.ts'
import type { Behaviour, JsonObject, Memory, Transport } from './wire.ts'

export interface Mode {
  name: string
  transports: readonly Transport[]
  /** Completes "a server that …". */
  attack: string
  /** Completes "… : the portal …", as a sentence about what holds. */
  defence: string
  /** The row of SECURITY.md that this proves. */
  row: string
  serve: Behaviour
  /** What a call of its tool comes to. `unlisted`: its tools never become known. */
  gets: Gets | ((transport: Transport) => Gets)
  /** It needs the machine for itself, or memory would be blamed on its neighbours. */
  isFlood?: boolean
  /** The credential that it is given. */
  credential?: string
  /** More members of the server as it is registered. */
  registered?: JsonObject
  /** What else must hold, after the call. Throws. */
  check?(scene: Scene): Promise<void> | void
}

export type Gets = FaultCode | 'ok' | 'tool-error' | 'error' | 'unlisted'

/** What a mode's own check may look at. */
export interface Scene {
  transport: Transport
  /** The server as the portal knows it. */
  server: string
  portal: WatchedPortico
  /** What the call came to, and everything that was streamed with it. */
  answer: RawAnswer
  /** Calls once more. */
  call(options?: CallOptions): Promise<RawAnswer>
  /** Calls, reads nothing, and resolves when the portal has had enough of that. */
  stall(): Promise<void>
  /** What the server remembers; over stdio a child cannot be asked. */
  seen(): Promise<Memory & { strangers: number }>
  /** The tools that the portal lists of this server, as a caller sees them. */
  listed(): Promise<JsonObject[]>
  sync(): Promise<{ status: string; error?: string; tool_count: number }>
  /** One request of another kind. */
  ask(method: string, params?: JsonObject): Promise<RawAnswer>
  api<T>(method: string, path: string, body?: unknown): Promise<T>
}

export interface CallOptions {
  tool?: string
  /** The whole public name, in place of the server's own tool. */
  name?: string
  input?: JsonObject
  progressToken?: string
  signal?: AbortSignal
}
