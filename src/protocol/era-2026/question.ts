/** Questions to clients of the stateless revisions (MRTR): the request ends with what is asked, and is sent again with the answers. */
import { questionOf, type ServerQuestion } from '../asked.ts'
import { parse } from '../json-bytes.ts'
import type { Json, JsonObject, RawReply } from '../model.ts'

/**
 * @param asked by key, which the client repeats beside the answer; none where the client is only to come again
 * @param state sealed: it comes back from the client, who may have tried to change it
 */
export function inputRequired(
  asked: Readonly<Record<string, { method: string; params: JsonObject }>>,
  state: string,
): JsonObject {
  const requests = Object.keys(asked).length === 0 ? {} : { inputRequests: asked }
  return { resultType: 'input_required', ...requests, requestState: state }
}

/** What a server wants before it goes on (MRTR). */
export interface InputRequired {
  questions: ReadonlyMap<string, ServerQuestion>
  /** To be sent back as it came; null where it gave none. */
  state: string | null
}

export function isInputRequired(reply: { kind: string }): reply is RawReply {
  return reply.kind === 'raw' && (reply as RawReply).has.resultType === 'input_required'
}

/** @returns null for what is not to be understood, or asks for what is no question */
export function readInputRequired(raw: RawReply): InputRequired | null {
  const result = parse(raw.bytes, raw.body)
  if (!isObject(result)) return null
  const { inputRequests: requests = {}, requestState: state = null } = result
  if (!isObject(requests) || (state !== null && typeof state !== 'string')) return null
  const questions = new Map<string, ServerQuestion>()
  for (const [key, asked] of Object.entries(requests)) {
    if (!isObject(asked) || typeof asked.method !== 'string' || !isObject(asked.params ?? {})) return null
    const question = questionOf(asked.method, (asked.params ?? {}) as JsonObject)
    if (question === null) return null
    questions.set(key, question)
  }
  return questions.size === 0 && state === null ? null : { questions, state }
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
