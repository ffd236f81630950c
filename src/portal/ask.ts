/**
 * Asks the caller one question, in the way that its client understands:
 * - 2026: the request ends with the question and a sealed state, and is sent again with the answer (MRTR)
 * - 2025: the question is a request of ours on the call's own stream, and the call waits for the answer
 * - a client that cannot be asked: an error that carries the link, for the model to show
 *
 * A question is a deed of its own in the audit, part of the one that asked: it begins when it is put, and what was
 * answered is its decision. In 2026 the answer comes with another request, so there it is a second one.
 *
 * Whoever asks must be ready to run twice: in 2026 everything before the question is done again when the answer comes.
 */
import type { DeedEnd } from '../audit/event.ts'
import { Fault } from '../base/fault.ts'
import { principalKey } from '../base/principal.ts'
import {
  type Answered,
  ELICIT,
  type Elicitation,
  elicitParams,
  type Fields,
  type Mode,
  modeFor,
  readAnswer,
} from '../protocol/elicitation.ts'
import { urlRequired } from '../protocol/era-2025/question.ts'
import { inputRequired, roundOf } from '../protocol/era-2026/question.ts'
import { ErrorCode, toolError } from '../protocol/errors.ts'
import type { JsonObject, Reply, RpcError } from '../protocol/model.ts'
import { fromPortal } from '../protocol/portal-mark.ts'
import { bindingOf } from './binding.ts'
import { startOf } from './deed-start.ts'
import type { InquiryEnd } from './errand.ts'
import { type Asked as Addressee, type Carried, hasMet, type Notes, RELAY } from './questions.ts'
import type { Scene } from './scene.ts'

export interface Question {
  /** One word: what is asked. An answer to one kind answers no other. */
  kind: string
  /** For a person to read. */
  message: string
  /** Makes the page where the person does it; called only when the question is put. Good for one person, so not for a bot. */
  link?: () => Promise<{ id: string; url: string }>
  /** What is to be filled in. */
  fields?: Fields
  /** What the asker wants to know when the answer comes with another request (2026), under its own topics; no client sees it. */
  notes?: (page: string | null) => Notes
}

export type Asked =
  | ({ kind: 'answered' } & Answered)
  /** The request is over with this reply: the caller sends it again, with the answer. */
  | { kind: 'returned'; reply: Reply }
  /** Nobody can be asked. `reply` is an error that says so, with the link. */
  | { kind: 'unable'; reply: Reply; url: string | null }

/** Asks once. @throws Fault `cancelled` where the caller gave its request up, `audit-unavailable` where it cannot be recorded */
export async function ask(question: Question, scene: Scene): Promise<Asked> {
  const { visit, errand } = scene
  const answer = errand.answers?.get(question.kind)
  if (answer !== undefined) return takeAnswer(question, answer, scene)
  const link = (await question.link?.()) ?? null
  const elicitation = { message: question.message, link, fields: question.fields ?? {} }
  const mode = modeFor(visit.client, link !== null)
  if (mode === null) return unable(elicitation, scene)
  const put = { kind: question.kind, mode, elicitation, notes: question.notes?.(link?.id ?? null) ?? {} }
  return visit.client.era === '2026' ? putBack(put, scene) : putNow(put, scene)
}

interface Put {
  kind: string
  mode: Mode
  elicitation: Elicitation
  notes: Notes
}

/** 2026: nobody waits. */
async function putBack({ kind, mode, elicitation, notes }: Put, scene: Scene): Promise<Asked> {
  const { visit, errand, rooms } = scene
  await record(kind, scene, { outcome: 'answered' })
  const asked = { method: ELICIT, params: fromPortal(elicitParams(elicitation, mode, visit.client.version)) }
  const answers = Object.fromEntries(errand.answers ?? [])
  const carried = { kind, answers, notes: { ...errand.notes, ...notes } }
  const state = rooms.questions.carry(
    bindingOf(addresseeOf(scene), scene.target, errand.request, visit.mounted),
    carried,
  )
  return { kind: 'returned', reply: { kind: 'result', result: inputRequired({ [kind]: asked }, state) } }
}

async function takeAnswer(question: Question, answer: JsonObject, scene: Scene): Promise<Asked> {
  const read = readAnswer(answer, question.fields ?? {})
  if (read === null) {
    await record(question.kind, scene, { outcome: 'error', error: String(ErrorCode.InvalidParams) })
    return { kind: 'returned', reply: { kind: 'error', error: NO_ANSWER } }
  }
  await record(question.kind, scene, endOf(read))
  return { kind: 'answered', ...read }
}

/** 2025: the call waits, on a stream that is open already or opens now. */
async function putNow({ kind, mode, elicitation }: Put, scene: Scene): Promise<Asked> {
  const { visit, errand, rooms } = scene
  const params = fromPortal(elicitParams(elicitation, mode, visit.client.version))
  const entry = await rooms.audit.begin(questionOf(kind, scene))
  const inquiry = errand.inquire?.(ELICIT, params) ?? null
  if (inquiry === null) {
    await entry.finish({ outcome: 'error', error: 'no-stream' })
    if (mode !== 'url') return unable(elicitation, scene)
    return { kind: 'returned', reply: { kind: 'error', error: urlRequired(params) } }
  }
  const end = await inquiry.catch(async (error: unknown) => {
    await entry.finish({ outcome: 'failed', error: error instanceof Fault ? error.code : 'bug' })
    throw error
  })
  const read = end.kind === 'result' ? readAnswer(end.body, elicitation.fields) : null
  await entry.finish(read === null ? endOfNoAnswer(end) : endOf(read))
  if (read !== null) return { kind: 'answered', ...read }
  if (end.kind !== 'over') return unable(elicitation, scene)
  if (end.why === 'gone') throw new Fault('cancelled', 'The call was given up while its question was open.')
  return { kind: 'answered', action: 'cancel', content: {} }
}

/** Such a client can still show what it is told. */
function unable({ message, link }: Elicitation, { errand }: Scene): Asked {
  const where = link === null ? 'This client cannot ask a person.' : `Open this page to do so: ${link.url}`
  const text = `${message} ${where}`
  const error: RpcError = { code: ErrorCode.InternalError, message: text }
  const isTool = errand.request.method === 'tools/call'
  const reply: Reply = isTool ? toolError(text) : { kind: 'error', error }
  return { kind: 'unable', reply, url: link?.url ?? null }
}

const NO_ANSWER: RpcError = {
  code: ErrorCode.InvalidParams,
  message:
    'Invalid params: "inputResponses" holds no answer to what was asked. Send the request without it to be asked again.',
}

const BAD_STATE: RpcError = {
  code: ErrorCode.InvalidParams,
  message:
    'Invalid params: "requestState" is not the one of this very request, is too old, or was used before. Nothing was done; send the request without it to be asked again.',
}

/**
 * What a request brought along from an earlier try, before anything is done for it. The state is the caller's to forge: it
 * counts only where we sealed it, for this caller, place, target and these params, not long ago, and only once.
 *
 * @returns the scene with the answers that count, or the error
 */
export async function resume(scene: Scene): Promise<Scene | RpcError> {
  const { visit, errand, rooms } = scene
  if (visit.client.era !== '2026') return scene
  const round = roundOf(errand.request.params)
  if (round === null) return scene
  if (round === 'malformed') return BAD_STATE
  // An answer to nothing answers nothing.
  if (round.state === null) return scene
  const { state, responses } = round
  const isRepeatable = isRead(errand.request, scene)
  // What a server kept for itself is good once, unless reading twice is all that could come of it.
  const hasAnswer = (kind: string, notes: Notes) =>
    kind === RELAY ? !isRepeatable || hasMet(notes) : Object.hasOwn(responses, kind)
  const addressee = addresseeOf(scene)
  const binding = bindingOf(addressee, scene.target, errand.request, visit.mounted)
  const carried = await rooms.questions.take(binding, state, addressee, hasAnswer)
  if (carried === undefined) return BAD_STATE
  const { notes } = carried
  if (carried.kind !== RELAY) return { ...scene, errand: { ...errand, answers: answersOf(carried, responses), notes } }
  const answers = new Map(Object.entries(carried.answers))
  return { ...scene, errand: { ...errand, answers, notes, responses } }
}

function isRead({ method }: Scene['errand']['request'], { target }: Scene): boolean {
  if (method !== 'tools/call') return true
  return target.kind === 'capability' && target.entry.capability.annotations?.readOnlyHint === true
}

function answersOf({ kind, answers }: Carried, responses: JsonObject): ReadonlyMap<string, JsonObject> {
  const known = new Map(Object.entries(answers))
  if (!Object.hasOwn(responses, kind)) return known
  const answer = responses[kind]
  const isObject = typeof answer === 'object' && answer !== null && !Array.isArray(answer)
  // It may travel on in the next state. What is cut off is no answer, and is told so when it is looked at.
  const fits = isObject && JSON.stringify(answer).length <= MOST_ANSWER
  return known.set(kind, fits ? (answer as JsonObject) : {})
}

/** In characters; far more than the fields of a form of ours may have. */
const MOST_ANSWER = 4096

/** Who is asked: answers and pages are theirs alone. */
export function addresseeOf({ visit }: Pick<Scene, 'visit'>): Addressee {
  return { principal: principalKey(visit.principal), owner: visit.owner, portalUid: visit.spec.uid }
}

function questionOf(kind: string, { visit, deed }: Scene) {
  return { ...startOf(ELICIT, kind, visit), parent: deed }
}

async function record(kind: string, scene: Scene, end: DeedEnd): Promise<void> {
  const entry = await scene.rooms.audit.begin(questionOf(kind, scene))
  await entry.finish(end)
}

function endOf({ action }: Answered): DeedEnd {
  if (action === 'accept') return { outcome: 'answered', decision: 'allow' }
  return { outcome: 'refused', decision: 'deny', error: action === 'decline' ? 'declined' : 'dismissed' }
}

function endOfNoAnswer(end: InquiryEnd): DeedEnd {
  if (end.kind !== 'over') return { outcome: 'error', error: end.kind === 'error' ? 'client-error' : 'bad-answer' }
  return end.why === 'gone' ? { outcome: 'cancelled' } : { outcome: 'failed', error: end.why }
}
