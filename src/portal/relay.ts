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
import { isAskable, type ServerAnswer, type ServerQuestion } from '../protocol/asked.ts'
import { type InputRequired, isInputRequired, readInputRequired } from '../protocol/era-2026/question.ts'
import type { JsonObject } from '../protocol/model.ts'
import type { Entry } from './catalog.ts'
import type { Performed } from './checkpoint.ts'
import { GIVEN_UP } from './park.ts'
import { askableAt, lackOf } from './relay-askable.ts'
import { showPages, wantsPages } from './relay-pages.ts'
import { continueParked, performParked } from './relay-parked.ts'
import { failedCall, putNow, type Relayed, recordPassedOver } from './relay-put.ts'
import { MOST_OPEN, noteOf, putBack, type RelayNote, recordAnswers, volunteered, withAnswers } from './relay-round.ts'
import type { Scene } from './scene.ts'
import type { Asking } from './send-to-owner.ts'
import { askOwner } from './upstream-call.ts'

/** The official client gives up after ten rounds of all kinds. */
const MOST_ROUNDS = 8

/** Performs a call whose server may ask something first. @throws what `askOwner` throws, RefusedLater */
export function relayed(entry: Entry, params: JsonObject, scene: Scene): Promise<Performed> {
  const { visit, errand, rooms } = scene
  const era = rooms.upstreams.inventory(entry.server.uid)?.era ?? null
  const askable = askableAt(entry.server, { visit, errand, era })
  const call: Relayed = { entry, params, scene, askable, lacking: [] }
  if (visit.client.era === '2025') {
    if (askable !== null) return performLive(call, null)
    return askOwner(entry, params, scene).then((done) => (isWanting(done) ? performLive(call, done) : done))
  }
  const note = noteOf(scene)
  const rounds = note?.rounds ?? 0
  const settled = (done: Performed) => (isWanting(done) ? wanted(done, rounds + 1, call) : done)
  if (note !== null && note.park !== null) return continueParked(note, call).then(settled)
  if (era === '2026') return performRound(call, note, askable === null ? undefined : { askable }).then(settled)
  // What a client volunteers is a word of 2026: an older server is not sent it.
  const older = askable === null ? askOwner(entry, params, scene, lacksOf(call)) : performParked(call, askable)
  return older.then((done) => lacked(done, call) ?? settled(done))
}

/** An older server asks what was not declared, and whoever called learns of it where the call fails. */
function lacksOf({ lacking }: Relayed): Asking {
  return { lacks: (question) => void lacking.push(question) }
}

/** @returns what the client has to declare, where that is what the call failed for; else null */
function lacked(done: Performed, { lacking, entry }: Relayed): Performed | null {
  const { reply } = done
  const isFailed = reply.kind === 'raw' && (reply.outcome === 'error' || reply.has.isError)
  const error = isFailed ? lackOf(lacking, entry.server) : null
  return error === null ? null : { ...done, reply: { kind: 'error', error }, isBegun: true }
}

/** The call is not done: its server wants something first. */
function isWanting(done: Performed): boolean {
  return isInputRequired(done.reply) || wantsPages(done)
}

/** A client of 2026 is told so, and comes again. */
function wanted(done: Performed, rounds: number, call: Relayed): Performed | Promise<Performed> {
  if (rounds > MOST_ROUNDS) return failedCall(done, call, TOO_MANY)
  return wantsPages(done) ? showPages(done, rounds, call) : putBack(done, rounds, call)
}

/** 2026 on both sides: nobody waits. Nearly every call, so it is spared a frame. */
function performRound(call: Relayed, note: RelayNote | null, asking: Asking | undefined): Promise<Performed> {
  const { entry, params, scene } = call
  if (note === null) return askOwner(entry, volunteered(params, scene), scene, asking)
  const sent = withAnswers(params, note, scene.errand.responses ?? {})
  return recordAnswers(note, call).then(() => askOwner(entry, sent, scene, asking))
}

const TOO_MANY = 'asked more than eight times in one call'

/**
 * 2025: the call waits on its own stream while its caller answers.
 *
 * @param first where the server was called already, and wants something
 */
async function performLive(call: Relayed, first: Performed | null): Promise<Performed> {
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
    return answer === 'gone' ? GIVEN_UP : answer
  }
  const held = { ...scene, errand: { ...errand, cancel: own } }
  const passedOver = (question: ServerQuestion) => recordPassedOver(question, call)
  const asking = call.askable === null ? undefined : { askable: call.askable, ask, passedOver }
  const perform = (sent: JsonObject) =>
    askOwner(entry, sent, held, asking).catch((error: unknown) => {
      throw refused ?? error
    })
  let done = first ?? (await perform(call.params))
  for (let rounds = 1; isInputRequired(done.reply); rounds++) {
    const required = readInputRequired(done.reply)
    if (required === null) return failedCall(done, call, 'asked for something that cannot be understood')
    if (rounds > MOST_ROUNDS) return failedCall(done, call, TOO_MANY)
    const answers = await answersTo(required, call, ask)
    if (refused !== null) throw refused
    if (answers === null) return failedCall(done, call, 'asked something that was not answered')
    const next = await perform({ ...call.params, ...answers })
    done = { ...next, upstreamMs: done.upstreamMs + next.upstreamMs }
  }
  return wantsPages(done) ? showPages(done, 1, call) : done
}

/** @returns what is sent with the next try; null where a question was not answered: a server of 2026 cannot be told of an error */
async function answersTo(
  { questions, state }: InputRequired,
  { askable }: Relayed,
  ask: (question: ServerQuestion, signal: AbortSignal) => Promise<ServerAnswer>,
): Promise<JsonObject | null> {
  const may = [...questions.values()].every((question) => askable !== null && isAskable(question, askable))
  if (!may || questions.size > MOST_OPEN) return null
  const never = new AbortController().signal
  const answers: Record<string, JsonObject> = {}
  for (const [key, question] of questions) {
    const answer = await ask(question, never)
    if ('error' in answer) return null
    answers[key] = answer.result
  }
  return {
    ...(questions.size === 0 ? {} : { inputResponses: answers }),
    ...(state === null ? {} : { requestState: state }),
  }
}
