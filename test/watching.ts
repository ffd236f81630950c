/** Callers of both eras that wait to hear of resources, as raw messages: what each was told, in order. */
import { type EventStream, openEventStream } from './event-stream.ts'
import { bearer, open2025, request2026 } from './raw-mcp.ts'

export const UPDATED = 'notifications/resources/updated'

export interface Watching {
  stream: EventStream
  /** What it was told so far. */
  told(): unknown[]
  /** Resolves when it was told so often in all. */
  untilTold(times: number): Promise<void>
}

function watching(stream: EventStream): Watching {
  const told = () => stream.messages.filter(({ method }) => method === UPDATED).map(({ params }) => params?.uri)
  return { stream, told, untilTold: (times) => stream.until(() => told().length >= times) }
}

export interface Listener extends Watching {
  /** The URIs that were acknowledged. */
  acknowledged(): unknown
}

/** A `subscriptions/listen` of 2026, once it was acknowledged. @param shown an access token, or the headers that say who calls */
export async function listen2026(
  url: string,
  shown: string | Readonly<Record<string, string>>,
  uris: readonly unknown[],
  id: string | number = 'listen',
): Promise<Listener> {
  const stream = await openEventStream(url, {
    method: 'POST',
    headers: {
      ...(typeof shown === 'string' ? { authorization: `Bearer ${shown}` } : shown),
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'subscriptions/listen',
    },
    body: JSON.stringify(request2026('subscriptions/listen', { notifications: { resourceSubscriptions: uris } }, id)),
  })
  await stream.until(({ length }) => length > 0)
  const [first] = stream.messages
  return {
    ...watching(stream),
    acknowledged: () => (first?.params?.notifications as { resourceSubscriptions?: unknown })?.resourceSubscriptions,
  }
}

export type Session2025 = Awaited<ReturnType<typeof open2025>> & Watching

/** A session of 2025 with its stream open, here or elsewhere. */
export async function session2025(url: string, token: string, streamUrl = url): Promise<Session2025> {
  const session = await open2025(url, bearer(token))
  const stream = await openEventStream(streamUrl, { headers: { ...session.headers, accept: 'text/event-stream' } })
  if (stream.status !== 200) throw new Error(`no stream: ${stream.status}`)
  return { ...session, ...watching(stream) }
}
