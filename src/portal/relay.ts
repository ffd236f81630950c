/**
 * What a server asks in the midst of a call, put to its caller, whatever the eras of the two:
 * - 2026 client, 2026 server: the request ends with the questions, and a state of ours that holds the server's
 * - 2025 client, 2026 server: the questions are requests on the call's own stream, and the server is asked again
 * - 2025 client, older server: the question travels, and so does the answer
 * - 2026 client, older server: the call waits at the server (`relay-parked.ts`)
 *
 * Nothing is declared to a server that this caller cannot do, or that an admin switched off. After each answer the call is decided
 * again; in 2026 the checkpoint does so, because the answer comes with a request of its own.
 */
import { Cancellation } from '../base/cancel.ts'
import type { ServerAnswer, ServerQuestion } from '../protocol/asked.ts'
import { type InputRequired, isInputRequired, readInputRequired } from '../protocol/era-2026/question.ts'
import type { JsonObject } from '../protocol/model.ts'
import type { Entry } from './catalog.ts'
import type { Performed } from './checkpoint.ts'
import { askableAt } from './relay-askable.ts'
import { continueParked, performParked } from './relay-parked.ts'
import { failedCall, putNow, type Relayed } from './relay-put.ts'
import { noteOf, putBack, type RelayNote, recordAnswers, withAnswers } from './relay-round.ts'
import type { Scene } from './scene.ts'
import { askOwner } from './upstream-call.ts'

/** The official client gives up after ten rounds of all kinds. */
const MOST_ROUNDS = 8

/** Performs a call whose server may ask something first. @throws what `askOwner` throws, RefusedLater */
export function relayed(entry: Entry, params: JsonObject, scene: Scene): Promise<Performed> {
  const { visit, rooms } = scene
  const era = rooms.upstreams.inventory(entry.server.uid)?.era ?? null
  const askable = askableAt(entry.server, { visit, errand: scene.errand, era })
  const call: Relayed = { entry, params, scene, askable }
  if (visit.client.era === '2025') {
    return askable === null
      ? askOwner(entry, params, scene).then((done) => (isInputRequired(done.reply) ? unanswerable(done, call) : done))
      : performLive(call)
  }
  const note = noteOf(scene)
  if (note?.park != null) return continueParked(note, call)
  if (askable !== null && era !== '2026') return performParked(call)
  return performRound(call, note)
}

/** 2026 on both sides: nobody waits. */
function performRound(call: Relayed, note: RelayNote | null): Promise<Performed> {
  const { entry, params, scene, askable } = call
  const asking = askable === null ? undefined : { askable }
  const looked = (done: Performed) => {
    if (!isInputRequired(done.reply)) return done
    const rounds = (note?.rounds ?? 0) + 1
    return rounds > MOST_ROUNDS ? failedCall(done, call, TOO_MANY) : putBack(done, rounds, call)
  }
  if (note === null) return askOwner(entry, params, scene, asking).then(looked)
  const sent = withAnswers(params, note, scene.errand.responses ?? {})
  return recordAnswers(note, call)
    .then(() => askOwner(entry, sent, scene, asking))
    .then(looked)
}

const TOO_MANY = 'asked more than eight times in one call'

/** 2025: the call waits on its own stream while its caller answers. */
async function performLive(call: Relayed): Promise<Performed> {
  const { entry, scene } = call
  const { errand } = scene
  const own = new Cancellation()
  const listen = () => errand.cancel.listen((reason) => own.cancel(reason))
  listen()
  let refused: unknown = null
  const ask = async (question: ServerQuestion, signal: AbortSignal): Promise<ServerAnswer> => {
    const answer = await putNow(question, signal, call)
    // Whoever asked listened meanwhile, and there is one listener.
    listen()
    if (answer === 'gone') own.cancel('the caller gave up')
    await scene.decideAgain().catch((error: unknown) => {
      refused = error
      own.cancel('what was asked for may not be done any more')
    })
    return answer === 'gone' ? { error: { code: -32603, message: 'Nobody answers.' } } : answer
  }
  const held = { ...scene, errand: { ...errand, cancel: own } }
  const asking = call.askable === null ? undefined : { askable: call.askable, ask }
  let sent = call.params
  let ms = 0
  for (let rounds = 0; ; rounds++) {
    const done = await askOwner(entry, sent, held, asking).catch((error: unknown) => {
      throw refused ?? error
    })
    ms += done.upstreamMs
    const performed = { ...done, upstreamMs: ms }
    if (!isInputRequired(done.reply)) return performed
    const required = readInputRequired(done.reply)
    if (required === null) return failedCall(performed, call, 'asked for something that cannot be understood')
    if (rounds === MOST_ROUNDS) return failedCall(performed, call, TOO_MANY)
    const answers = await answersTo(required, ask)
    if (refused !== null) throw refused
    if (answers === null) return failedCall(performed, call, 'asked something that was not answered')
    sent = { ...call.params, ...(required.state === null ? {} : { requestState: required.state }) }
    if (required.questions.size > 0) sent = { ...sent, inputResponses: answers }
  }
}

/** @returns null where one of them was not answered: a server of 2026 cannot be told of an error */
async function answersTo(
  { questions }: InputRequired,
  ask: (question: ServerQuestion, signal: AbortSignal) => Promise<ServerAnswer>,
): Promise<JsonObject | null> {
  if (questions.size > 3) return null
  const never = new AbortController().signal
  const answers: Record<string, JsonObject> = {}
  for (const [key, question] of questions) {
    const answer = await ask(question, never)
    if ('error' in answer) return null
    answers[key] = answer.result
  }
  return answers
}

/** Nothing was declared, and the server asks all the same; a state alone only wants to be asked again, which needs nobody. */
function unanswerable(done: Performed, call: Relayed): Performed | Promise<Performed> {
  const required = isInputRequired(done.reply) ? readInputRequired(done.reply) : null
  const isOnlyState = required !== null && required.questions.size === 0
  return isOnlyState ? performLive(call) : failedCall(done, call, 'asked for what this client cannot do')
}
