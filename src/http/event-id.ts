/**
 * The ids of events on streams of 2025-era clients, in one place. There are two kinds, and neither can be taken for the other:
 *
 * - of the stream for news, a mark of what was told (`portal/changes.ts`): anybody's text is compared with it, and no more;
 * - of a call's stream, `<seal>.<place>`: the seal names one call, opens in the session that it was made for and in no other, and so
 *   cannot be guessed, altered or lent; the place is how far the client has read there.
 *
 * What does not open is nobody's, and says nothing about whose it might have been.
 */
import type { Sealer } from '../base/secret.ts'
import type { Session } from '../portal/sessions.ts'
import type { JsonRpcId } from '../protocol/model.ts'

/** One call's stream, as its ids name it. */
export interface StreamName {
  /** The process in which the call is under way. */
  node: string
  /** Of that process. */
  stream: number
  /** What the client is owed an answer to, so that any process can give it one. */
  request: JsonRpcId
  method: string
}

/** Where a client wants to go on. */
export interface EventPlace extends StreamName {
  seal: string
  /** The last event that it has; `end` for the answer. */
  after: number | 'end'
  /** How often it was sent on to another process in vain. */
  tries: number
}

const WHERE = 'event'
const EVENT_ID = /^(v1\.[0-9a-f]{8}\.[\w-]{16}\.[\w-]{22,2048})\.(\d{1,9}|end)(?:\.(\d{1,3}))?$/
/** In characters of JSON. The id of each event carries it. */
const LONGEST_REQUEST = 200

type Sealed = [node: string, stream: number, request: JsonRpcId, method: string]

/** @returns null where the caller's own id is too long to be carried in each event */
export function sealStream(sealer: Sealer, session: Session, name: StreamName): string | null {
  const { node, stream, request, method } = name
  if (JSON.stringify(request).length > LONGEST_REQUEST) return null
  const sealed: Sealed = [node, stream, request, method]
  return sealer.seal(JSON.stringify(sealed), `${WHERE} ${session.id}`)
}

/** @param tries how often the client was sent on to another process in vain */
export function eventId(seal: string, after: number | 'end', tries = 0): string {
  return tries === 0 ? `${seal}.${after}` : `${seal}.${after}.${tries}`
}

/** @returns null for what is no id of a call's stream of this very session */
export function readEventId(sealer: Sealer, session: Session, id: string): EventPlace | null {
  const [, seal, after, tries = '0'] = EVENT_ID.exec(id) ?? []
  if (seal === undefined || after === undefined) return null
  const plain = sealer.open(seal, `${WHERE} ${session.id}`)
  if (plain === undefined) return null
  // Only what this program sealed comes out of a seal, so its form is trusted.
  const [node, stream, request, method] = JSON.parse(plain) as Sealed
  return { node, stream, request, method, seal, after: after === 'end' ? after : Number(after), tries: Number(tries) }
}
