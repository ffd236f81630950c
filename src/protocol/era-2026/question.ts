/** Questions to clients of the stateless revisions (MRTR): the request ends with what is asked, and is sent again with the answers. */
import type { Json, JsonObject } from '../model.ts'

/**
 * @param key the client repeats it beside the answer
 * @param state sealed: it comes back from the client, who may have tried to change it
 */
export function inputRequired(key: string, asked: { method: string; params: JsonObject }, state: string): JsonObject {
  return { resultType: 'input_required', inputRequests: { [key]: asked }, requestState: state }
}

/** What a request brings along when it is sent again; neither is for a server. */
export interface Round {
  state: string | null
  responses: JsonObject
}

/** No state of ours, and no answer to a form of ours, is nearly as long. */
const MOST_STATE = 16 * 1024

/** @returns null for a request that is sent for the first time, or `malformed` */
export function roundOf(params: JsonObject): Round | 'malformed' | null {
  const { requestState: state, inputResponses: responses } = params
  if (state === undefined && responses === undefined) return null
  if (state !== undefined && (typeof state !== 'string' || state.length > MOST_STATE)) return 'malformed'
  if (responses === undefined) return { state: state ?? null, responses: {} }
  if (!isObject(responses)) return 'malformed'
  return { state: state ?? null, responses }
}

/** The params of the request itself: the same, however often it is sent. */
export function withoutRound(params: JsonObject): JsonObject {
  const { requestState, inputResponses, ...own } = params
  return own
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
