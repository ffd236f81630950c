/**
 * One round with a client of 2026: its request ends with the questions of a server, and comes again with the answers. What the
 * server gave to be sent back is kept in our own state, sealed for this very request of this very caller: servers often know
 * the portal alone, so that they could not tell one caller's state from another's.
 */
import { randomUUID } from 'node:crypto'
import { isAskable, type ServerQuestion } from '../protocol/asked.ts'
import { inputRequired, isInputRequired, readInputRequired } from '../protocol/era-2026/question.ts'
import type { JsonObject } from '../protocol/model.ts'
import { addresseeOf } from './ask.ts'
import { bindingOf } from './binding.ts'
import type { Performed } from './checkpoint.ts'
import { RELAY } from './questions.ts'
import { answerMs, endOfAnswer, failedCall, fitFor, type Relayed, recordQuestion } from './relay-put.ts'
import { fitAnswer, isObject, paramsFor } from './relay-question.ts'
import type { Scene } from './scene.ts'

/** What is remembered of a round until the next one. */
export interface RelayNote {
  /** The server's own state; null where it gave none. */
  state: string | null
  /** The call that waits at an older server, by its id; null where none does. */
  park: string | null
  /** What was asked, by key: the method. */
  keys: Readonly<Record<string, ServerQuestion['method']>>
  rounds: number
  /** What policies asked for before a call that has begun, and got. */
  met?: readonly string[]
}

/** @returns null for a request that no server's question was put for */
export function noteOf({ errand }: Pick<Scene, 'errand'>): RelayNote | null {
  return errand.responses === undefined ? null : ((errand.notes?.[RELAY] as unknown as RelayNote | undefined) ?? null)
}

/** Whether the request brings the answers to a call that waits at its server. */
export function isAtServer(scene: Pick<Scene, 'errand'>): boolean {
  return noteOf(scene)?.park != null
}

/** @returns what a call that has begun at its server has met already, for it is that very call which goes on */
export function metBefore(scene: Pick<Scene, 'errand'>): readonly string[] {
  return noteOf(scene)?.met ?? []
}

/** Open at once, in one call. */
export const MOST_OPEN = 3
/** In characters; more does not fit into a state of ours. */
const MOST_STATE = 8 * 1024

/** The server's answer wants something first. */
export async function putBack(done: Performed, rounds: number, call: Relayed): Promise<Performed> {
  const required = isInputRequired(done.reply) ? readInputRequired(done.reply) : null
  if (required === null) return failedCall(done, call, 'asked for something that cannot be understood')
  const { questions, state } = required
  if (questions.size > MOST_OPEN) return failedCall(done, call, 'asked more than three things at once')
  if (state !== null && state.length > MOST_STATE)
    return failedCall(done, call, 'gave a state that is too long to be carried')
  const put = await putAll(questions, call)
  if ('refused' in put) return failedCall(done, call, put.refused)
  const { met = [] } = call.scene
  const note: RelayNote = { state, park: null, keys: methodsOf(questions), rounds, met }
  // The server has the call: what was agreed to once is this one's.
  return { ...done, reply: asResult(put.asked, note, call), isBegun: true }
}

type Put = { asked: Record<string, { method: string; params: JsonObject }> } | { refused: string }

/** All or nothing: one question that may not be put is the end of the call. */
export async function putAll(questions: ReadonlyMap<string, ServerQuestion>, call: Relayed): Promise<Put> {
  const { client } = call.scene.visit
  const asked: Record<string, { method: string; params: JsonObject }> = {}
  for (const [key, question] of questions) {
    const { method } = question
    const can = call.askable !== null && isAskable(question, call.askable)
    const fit = can ? fitFor(question, call) : { refused: 'the client cannot do it' }
    if ('refused' in fit) {
      await recordQuestion(method, call, { outcome: 'refused', decision: 'deny', error: 'not-passed-on' })
      return { refused: `asked something that is not passed on: ${fit.refused}` }
    }
    await recordQuestion(method, call, { outcome: 'answered' })
    asked[key] = { method, params: paramsFor(fit.question, client.version, randomUUID()) }
  }
  return { asked }
}

export function methodsOf(questions: Iterable<readonly [string, ServerQuestion]>): RelayNote['keys'] {
  return Object.fromEntries([...questions].map(([key, { method }]) => [key, method]))
}

/** The reply that ends this request. What other questions were answered before travels on. */
export function asResult(
  asked: Readonly<Record<string, { method: string; params: JsonObject }>>,
  note: RelayNote,
  call: Relayed,
): Performed['reply'] {
  const { scene } = call
  const { errand, rooms, target } = scene
  const answers = Object.fromEntries(errand.answers ?? [])
  const notes = { ...errand.notes, [RELAY]: note as unknown as JsonObject }
  const binding = bindingOf(addresseeOf(scene), target, errand.request, scene.visit.mounted)
  const state = rooms.questions.carry(binding, { kind: RELAY, answers, notes }, answerMs(call))
  return { kind: 'result', result: inputRequired(asked, state) }
}

/** What the server is sent anew: its own state, and the answers to what it asked, as they came. Others' keys are nobody's. */
export function withAnswers(params: JsonObject, note: RelayNote, responses: JsonObject): JsonObject {
  const asked = Object.keys(note.keys)
  const known = asked.filter((key) => Object.hasOwn(responses, key))
  const answers = Object.fromEntries(known.map((key) => [key, withoutMarks(responses[key])]))
  return {
    ...params,
    ...(known.length === 0 ? {} : { inputResponses: answers as JsonObject }),
    ...(note.state === null ? {} : { requestState: note.state }),
  }
}

/**
 * Answers that come before anything was asked: a client may know what a server will want. They are the caller's own words, like its
 * params; no question of the portal's own is answered by them.
 */
export function volunteered(params: JsonObject, { errand }: Pick<Scene, 'errand'>): JsonObject {
  const { inputResponses: said, requestState } = errand.request.params
  if (said === undefined || requestState !== undefined || !isObject(said)) return params
  const answers = Object.fromEntries(Object.entries(said).map(([key, answer]) => [key, withoutMarks(answer)]))
  return { ...params, inputResponses: answers as JsonObject }
}

export function withoutMarks(answer: JsonObject[string] | undefined): JsonObject[string] {
  if (!isObject(answer)) return answer ?? null
  const { _meta, ...own } = answer
  return own
}

/** That the caller answered, for the audit. */
export async function recordAnswers(note: RelayNote, call: Relayed): Promise<void> {
  const responses = call.scene.errand.responses ?? {}
  for (const [key, method] of Object.entries(note.keys)) {
    const answer = responses[key]
    if (!isObject(answer)) continue
    const result = fitAnswer({ method, params: {} }, answer)
    await recordQuestion(method, call, result === null ? BAD : endOfAnswer({ method, params: {} }, { result }))
  }
}

const BAD = { outcome: 'error', error: 'bad-answer' } as const
