/**
 * A client of 2026 and a server that asks in the midst of a call: the call goes on waiting at the server while the client's
 * request ends with the question, and the next request of the client takes it up again, here or at another replica.
 */
import { Cancellation } from '../base/cancel.ts'
import { type Askable, NOTHING_ASKABLE, type ServerAnswer, type ServerQuestion } from '../protocol/asked.ts'
import type { JsonObject } from '../protocol/model.ts'
import { addresseeOf } from './ask.ts'
import type { Performed } from './checkpoint.ts'
import { closeDeed } from './close-deed.ts'
import { startOf } from './deed-start.ts'
import { mayStill } from './may-still.ts'
import { Park, settle } from './park.ts'
import { answerMs, fitFor, type Relayed, recordPassedOver, recordQuestion } from './relay-put.ts'
import { paramsFor, unput } from './relay-question.ts'
import { asResult, methodsOf, type RelayNote, recordAnswers } from './relay-round.ts'
import { askOwner } from './upstream-call.ts'

/** A call that will wait where its server asks something; most never do. */
export function performParked(call: Relayed, askable: Askable): Promise<Performed> {
  const { entry, params, scene } = call
  const cancel = new Cancellation()
  const park = new Park(addresseeOf(scene), {
    ...{ cancel, askable, mayStill: () => mayStill(scene), waitMs: answerMs(call) },
  })
  attach(park, call)
  const errand = { ...scene.errand, cancel, report: park.report }
  const made = askOwner(
    entry,
    params,
    { ...scene, errand },
    {
      askable,
      ask: (question, signal) => put(question, signal, { park, call }),
      lacks: (asked) => void call.lacking.push(asked),
      passedOver: (question) => recordPassedOver(question, call),
      carries(credential) {
        park.credential = credential
      },
    },
  )
  park.end = made.catch((error: unknown) => recordLoss(error, { park, call }))
  scene.place?.until(park.end)
  return goOn(park, 0, call)
}

/** The client is back. @throws Fault where nobody keeps the call any more */
export async function continueParked(note: RelayNote, call: Relayed): Promise<Performed> {
  const { scene, askable } = call
  const { parks, desk } = scene.rooms
  const whose = addresseeOf(scene)
  const answers = answersOf(note, scene.errand.responses ?? {})
  await recordAnswers(note, call)
  const park = parks.take(note.park ?? '', whose)
  if (park !== undefined) {
    attach(park, call)
    settle(park, answers)
    return goOn(park, note.rounds, call)
  }
  const { promise: isOver, resolve } = Promise.withResolvers<void>()
  scene.errand.cancel.listen(() => resolve())
  const brought = { answers, askable: askable ?? NOTHING_ASKABLE }
  const came = await desk.bring({ park: note.park ?? '', rounds: note.rounds }, whose, brought, isOver)
  if (came.kind === 'ended') return came.done
  return putBack(came, { ...note, rounds: note.rounds + 1 }, call)
}

/** Only what was asked has an answer. */
function answersOf({ keys }: RelayNote, responses: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(responses).filter(([key]) => Object.hasOwn(keys, key)))
}

/** From now on this request is the call's: what the server reports goes to it, and it may give the call up. */
function attach(park: Park, { scene: { errand }, askable }: Relayed): void {
  park.listener = (notification) => errand.report(notification)
  park.askable = askable ?? NOTHING_ASKABLE
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
  const came = await parks.next(park, rounds)
  if (came.kind === 'ended') return came.done
  park.listener = null
  await desk.announce(park, rounds + 1)
  const note: RelayNote = { state: null, park: park.id, keys: {}, rounds: rounds + 1 }
  return putBack({ ...came, credential: park.credential }, note, call)
}

async function putBack(
  { questions, credential }: { questions: readonly (readonly [string, ServerQuestion])[]; credential: string | null },
  note: RelayNote,
  call: Relayed,
): Promise<Performed> {
  const { version } = call.scene.visit.client
  const asked: Record<string, { method: string; params: JsonObject }> = {}
  for (const [key, question] of questions) {
    await recordQuestion(question.method, call, { outcome: 'answered' })
    asked[key] = { method: question.method, params: paramsFor(question, version, key) }
  }
  const { met = [] } = call.scene
  const reply = asResult(asked, { ...note, keys: methodsOf(questions), met }, call)
  return { reply, credential, upstreamMs: 0, isBegun: true }
}

/** A call that ends in vain while no request waits for it has no deed that could say so: it gets one, part of the call's first. */
async function recordLoss(error: unknown, { park, call }: { park: Park; call: Relayed }): Promise<never> {
  if (!park.isAttended) {
    const { entry, scene } = call
    const start = startOf(scene.errand.request.method, entry.publicName, scene.visit)
    const end = { ...scene.end, credential: park.credential ?? 'none' }
    closeDeed(end, { kind: 'failed', error })
    const deed = await scene.rooms.audit.begin({ ...start, parent: scene.deed })
    await deed.finish(end)
  }
  throw error
}
