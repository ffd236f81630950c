/** What a measurement is made of: a client that stands somewhere, the words of the server it asks, and a feature that it tries. */

export type Json = Record<string, unknown>

export const CLIENTS = ['SDK v1', 'SDK v2 of 2026', 'mcp-remote', 'Inspector'] as const
export type ClientName = (typeof CLIENTS)[number]

export const SERVERS = ['http', 'sse', 'stdio', 'proxy', 'fixture'] as const
export type ServerName = (typeof SERVERS)[number]

export interface AskOptions {
  onprogress?: (progress: { progress: number; total?: number | undefined }) => void
  signal?: AbortSignal
}

/** One connected client, as far as a feature may use it. Whatever the client throws is thrown. */
export interface Probe {
  era: '2025' | '2026'
  /** Sends one request of MCP. @returns its result, as the client hands it out */
  ask(method: string, params?: Json, options?: AskOptions): Promise<Json>
  /** The same as a client that declares the tasks extension; absent where the client has no way to declare it. */
  askAsTask?(method: string, params: Json): Promise<Json>
  /** Every notification that it was told, in order. */
  heard: readonly Told[]
  /** Every question that a server asked through it, in order. */
  asked: readonly Told[]
  /** Asks for logs at this level and above, in the way of its era. @returns what goes along in `_meta` of a call */
  wantLogs(level: string): Promise<Json>
  /** Asks to be told of changes of the lists and of this resource, in the way of its era. */
  watch(uri: string): Promise<void>
  close(): Promise<void>
}

export interface Told {
  method: string
  params: Json
}

/** One thing to do and to compare: the tool, what it is given. */
export interface ToolCall {
  name: string
  arguments?: Json
}

/** How a server's capabilities are called, and which of them it has; what is absent it does not have. */
export interface Words {
  text: ToolCall
  structured: ToolCall
  image: ToolCall
  audio?: ToolCall
  embedded: ToolCall
  links: ToolCall
  prompt: ToolCall
  promptContent: ToolCall
  textUri: string
  binaryUri: string
  template: string
  templateUri: string
  promptCompletion: { prompt: string; argument: { name: string; value: string } }
  templateCompletion: { name: string; value: string }
  progress: ToolCall
  cancel: ToolCall
  logs: ToolCall
  form: ToolCall
  page: ToolCall
  sample: ToolCall
  roots: ToolCall
  toolsChange?: ToolCall
  promptsChange?: ToolCall
  resourcesChange?: ToolCall
  watched: string
  update: ToolCall
  failing: ToolCall
  unknownUri: string
  pagesOf?: readonly string[]
  task2026?: ToolCall
  task2025?: ToolCall
  /** Tools that are listed only for clients that can be asked. */
  notForAll?: readonly string[]
}

/** What a feature is tried with. */
export interface Trial {
  probe: Probe
  words: Words
  /** What a tool or prompt is called where the client stands. */
  place(name: string): string
  /** The reverse; names that stand nowhere stay. */
  original(name: string): string
  /** How long to wait for what may never come, in milliseconds. */
  patienceMs: number
}

export interface Feature {
  name: string
  /**
   * Does it, and says what came of it: the same, whatever stands in between.
   *
   * @throws where it cannot be done
   */
  run(trial: Trial): Promise<unknown>
}

/** Thrown for what this server has no words for: nothing was tried, and the client is not to blame. */
export class NotThere extends Error {}

/** Thrown for what this client has no way to do. */
export class NoSuchWay extends Error {}

/** @throws Error when nothing that fits has come in time */
export async function until<T>(trial: Trial, look: () => T | undefined, what: string): Promise<T> {
  const deadline = Date.now() + trial.patienceMs
  for (;;) {
    const found = look()
    if (found !== undefined) return found
    if (Date.now() > deadline) throw new Error(`${what} did not come`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
