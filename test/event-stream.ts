/** Reads an event stream as it comes, for journeys that wait for a message and must also prove that none came. */
export interface EventStream {
  status: number
  headers: Headers
  /** JSON-RPC messages so far, in order. */
  readonly messages: readonly StreamedMessage[]
  /** The id of the last event that had one. */
  readonly lastId: string | null
  /** Resolves when the condition holds for what has come so far; rejects when the stream ends before, or after so long that it hangs. */
  until(condition: (messages: readonly StreamedMessage[]) => boolean): Promise<void>
  /** Resolves when the server ended the stream. */
  ended: Promise<void>
  close(): void
}

export interface StreamedMessage {
  id?: string | number
  method?: string
  params?: Record<string, unknown>
  result?: Record<string, unknown>
}

const PATIENCE_MS = 60_000

export async function openEventStream(url: string, init: RequestInit): Promise<EventStream> {
  const abort = new AbortController()
  const response = await fetch(url, { ...init, signal: abort.signal })
  const messages: StreamedMessage[] = []
  const waiting = new Set<() => void>()
  const note = () => {
    for (const look of waiting) look()
  }
  let lastId: string | null = null
  const ended = read(response, (message, id) => {
    if (message !== null) messages.push(message)
    lastId = id ?? lastId
    note()
  })
  return {
    status: response.status,
    headers: response.headers,
    messages,
    get lastId() {
      return lastId
    },
    ended,
    close: () => abort.abort(),
    until: (condition) =>
      new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => fail('in time'), PATIENCE_MS)
        const fail = (why: string) => {
          waiting.delete(look)
          clearTimeout(timer)
          reject(new Error(`what was waited for did not come ${why}: ${JSON.stringify(messages)}`))
        }
        const look = () => {
          if (!condition(messages)) return
          waiting.delete(look)
          clearTimeout(timer)
          resolve()
        }
        waiting.add(look)
        void ended.then(() => waiting.has(look) && fail('before the stream ended'))
        look()
      }),
  }
}

async function read(
  response: Response,
  take: (message: StreamedMessage | null, id: string | null) => void,
): Promise<void> {
  let rest = ''
  const decoder = new TextDecoder()
  try {
    for await (const chunk of response.body ?? []) {
      rest += decoder.decode(chunk, { stream: true })
      const events = rest.split('\n\n')
      rest = events.pop() ?? ''
      for (const event of events) {
        const lines = event.split('\n')
        const id =
          lines
            .find((line) => line.startsWith('id:'))
            ?.slice(3)
            .trim() ?? null
        const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trim())
        // An event without data is no message: it says where the stream can be taken up.
        take(data.join('') === '' ? null : JSON.parse(data.join('\n')), id)
      }
    }
  } catch {
    // Closed by this side: the stream is over either way.
  }
}
