/**
 * A client of 2026 and a server that asks in the midst of a call: the call goes on waiting at the server while the client's
 * request ends with the question, and the next request of the client takes it up again, here or at another replica.
 */
import { Cancellation } from '../base/cancel.ts'
import type { ServerAnswer, ServerQuestion } from '../protocol/asked.ts'
import type { JsonObject } from '../protocol/model.ts'
import { addresseeOf } from './ask.ts'
import type { Performed } from './checkpoint.ts'
import { type Came, comes, GIVEN_UP, Park, settle } from './parks.ts'
import { fitFor, type Relayed, recordQuestion, unput } from './relay-put.ts'
import { paramsFor } from './relay-question.ts'
import { asResult, methodsOf, type RelayNote, recordAnswers } from './relay-round.ts'
import type { Scene } from './scene.ts'
import { askOwner } from './upstream-call.ts'

/** The official client gives up after ten rounds of all kinds. */
const MOST_ROUNDS = 8

/** A call that will wait where its server asks something; most never do. */
export function performParked(call: Relayed): Promise<Performed> {
  const { entry, params, scene, askable } = call
  const own = new Cancellation()
  const park = new Park(addresseeOf(scene), own, () => mayStill(scene))
  attach(park, scene)
  const errand = { ...scene.errand, cancel: own, report: park.report }
  const ask = (question: ServerQuestion, signal: AbortSignal) => put(question, signal, { park, call })
  park.end = askOwner(
    entry,
    params,
    { ...scene, errand },
    askable === null ? undefined : { askable, ask, lacks: (asked) => void call.lacking.push(asked) },
  )
  return goOn(park, 0, call)
}

/** The client is back. @throws Fault where nobody keeps the call any more */
export async function continueParked(note: RelayNote, call: Relayed): Promise<Performed> {
  const { scene } = call
  const { parks, desk } = scene.rooms
  const whose = addresseeOf(scene)
  const answers = answersOf(note, scene.errand.responses ?? {})
  await recordAnswers(note, call)
  const park = parks.take(note.park ?? '', whose)
  if (park !== undefined) {
    attach(park, scene)
    settle(park, answers)
    return goOn(park, note.rounds, call)
  }
  const { promise: isOver, resolve } = Promise.withResolvers<void>()
  scene.errand.cancel.listen(() => resolve())
  const came = await desk.bring({ park: note.park ?? '', rounds: note.rounds }, whose, answers, isOver)
  if (came.kind === 'ended') return came.done
  return putBack(came.questions, { ...note, rounds: note.rounds + 1 }, call)
}

/** Only what was asked has an answer. */
function answersOf({ keys }: RelayNote, responses: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(responses).filter(([key]) => Object.hasOwn(keys, key)))
}

/** From now on this request is the call's: what the server reports goes to it, and it may give the call up. */
function attach(park: Park, { errand }: Scene): void {
  park.listener = (notification) => errand.report(notification)
  errand.cancel.listen((reason) => park.giveUp(reason))
}

async function put(
  question: ServerQuestion,
  signal: AbortSignal,
  { park, call }: { park: Park; call: Relayed },
): Promise<ServerAnswer> {
  const fit = fitFor(question, call)
  if ('question' in fit) return park.ask(fit.question, signal)
  await recordQuestion(question.method, call, { outcome: 'refused', decision: 'deny', error: 'not-passed-on' })
  return unput(question, fit.refused)
}

/** The end of the call, or what its server asks first. */
async function goOn(park: Park, rounds: number, call: Relayed): Promise<Performed> {
  const { parks, desk } = call.scene.rooms
  let came: Came = await comes(park)
  while (came.kind === 'asked' && (rounds >= MOST_ROUNDS || !parks.keep(park))) {
    for (const { settle: giveUp } of [...park.open.values()]) giveUp(GIVEN_UP)
    came = await comes(park)
  }
  if (came.kind === 'ended') return came.done
  park.listener = null
  await desk.announce(park, rounds + 1)
  const note: RelayNote = { state: null, park: park.id, keys: {}, rounds: rounds + 1 }
  return putBack(came.questions, note, call)
}

async function putBack(
  questions: readonly (readonly [string, ServerQuestion])[],
  note: RelayNote,
  call: Relayed,
): Promise<Performed> {
  const { version } = call.scene.visit.client
  const asked: Record<string, { method: string; params: JsonObject }> = {}
  for (const [key, question] of questions) {
    await recordQuestion(question.method, call, { outcome: 'answered' })
    asked[key] = { method: question.method, params: paramsFor(question, version, key) }
  }
  const reply = asResult(asked, { ...note, keys: methodsOf(questions) }, call.scene)
  return { reply, credential: null, upstreamMs: 0 }
}

async function mayStill(scene: Scene): Promise<boolean> {
  try {
    await scene.decideAgain()
    return true
  } catch {
    // Refused, or not to be told: either way it is not to go on.
    return false
  }
}
