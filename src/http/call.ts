/** One request from its handler to its last byte, the same for both eras: only the encoding differs. */
import { Fault } from '../base/fault.ts'
import type { Outcome } from '../portal/checkpoint.ts'
import type { Errand } from '../portal/errand.ts'
import { serve } from '../portal/portal.ts'
import type { Visit } from '../portal/visit.ts'
import {
  methodNotFound,
  missingCapability,
  replyOfBug,
  replyOfFault,
  replyOfRefusal,
  replyOfTold,
  type SoughtKind,
} from '../protocol/errors.ts'
import type { Era, JsonObject, Reply } from '../protocol/model.ts'
import type { DoorRooms } from './guest.ts'

/** What the caller gets, in neutral form; `forbidden` for who may not be in this portal at all. */
export type Served = { kind: 'reply'; reply: Reply } | { kind: 'forbidden' } | { kind: 'unavailable' }

export async function serveRequest(visit: Visit, errand: Errand, rooms: DoorRooms): Promise<Served> {
  const { method, params } = errand.request
  const serving = serve(visit, errand, rooms)
  if (serving === undefined) return { kind: 'reply', reply: { kind: 'error', error: methodNotFound(method) } }
  const { tally } = rooms
  let outcome: Outcome
  tally.inFlight++
  try {
    outcome = await serving
  } catch (error) {
    tally.requests.unrecorded++
    // Only what cannot be recorded arrives here; it was neither done nor answered.
    rooms.log.error({ err: error, method }, 'a request could not be recorded')
    return { kind: 'unavailable' }
  } finally {
    tally.inFlight--
  }
  tally.requests[outcome.kind]++
  if (outcome.kind === 'refused' && !visit.access.enter.allow) return { kind: 'forbidden' }
  return { kind: 'reply', reply: replyOf(outcome, visit.client.era, { method, params }, rooms) }
}

type Asked = Pick<Errand['request'], 'method' | 'params'>

function replyOf(outcome: Outcome, era: Era, { method, params }: Asked, rooms: DoorRooms): Reply {
  switch (outcome.kind) {
    case 'answered':
      return outcome.reply
    case 'refused': {
      const { told, lacks } = outcome
      if (told === null) return replyOfRefusal(soughtBy(method, params))
      if (lacks === undefined || era === '2025') return replyOfTold(told, method)
      return { kind: 'error', error: missingCapability(told, lacks as JsonObject) }
    }
    case 'failed': {
      const { error } = outcome
      if (!(error instanceof Fault)) {
        rooms.log.error({ err: error, method }, 'a bug stopped a request')
        return replyOfBug()
      }
      rooms.log.info({ err: error, method }, 'a request failed')
      return replyOfFault(error, method)
    }
  }
}

/** What the request named, as the caller spelled it: the answer repeats nothing else. */
function soughtBy(method: string, params: JsonObject): { kind: SoughtKind; name: string } | null {
  if (method.startsWith('tasks/')) return { kind: 'task', name: '' }
  const ref = method === 'completion/complete' ? (params.ref as JsonObject) : params
  const kind = method === 'tools/call' ? 'tool' : typeof ref.uri === 'string' ? 'resource' : 'prompt'
  const name = kind === 'resource' ? ref.uri : ref.name
  return typeof name === 'string' ? { kind, name } : null
}
