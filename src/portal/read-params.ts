/** What a handler asks of its params before it looks anything up. A mistake is a deed too: it is recorded. */
import { ErrorCode } from '../protocol/errors.ts'
import type { Json, JsonObject } from '../protocol/model.ts'
import { type Outcome, passCheckpoint } from './checkpoint.ts'
import type { Errand } from './errand.ts'
import type { Rooms } from './rooms.ts'
import { PORTAL } from './target.ts'
import type { Visit } from './visit.ts'

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** @param message one public sentence: which member is wrong and what it must be */
export function badInput(visit: Visit, errand: Errand, rooms: Rooms, message: string): Promise<Outcome> {
  const error = { code: ErrorCode.InvalidParams, message: `Invalid params: ${message}` }
  return passCheckpoint({ method: errand.request.method, target: PORTAL }, { visit, errand, rooms }, () => ({
    reply: { kind: 'error', error },
    credential: null,
    upstreamMs: 0,
  }))
}
