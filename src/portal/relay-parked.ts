/**
 * A client of 2026 and a server that asks in the midst of a call: the call goes on waiting at the server while the client's
 * request ends with the question, and the next request of the client takes it up again.
 */
import { Cancellation } from '../base/cancel.ts'
import { Fault } from '../base/fault.ts'
import type { ServerAnswer, ServerQuestion } from '../protocol/asked.ts'
import type { JsonObject } from '../protocol/model.ts'
import { addresseeOf } from './ask.ts'
import type { Performed } from './checkpoint.ts'
import { GIVEN_UP, Park } from './parks.ts'
import { fitFor, isObject, type Relayed, recordQuestion, unput } from './relay-put.ts'
import { fitAnswer, paramsFor } from './relay-question.ts'
import { asResult, methodsOf, type RelayNote, recordAnswers } from './relay-round.ts'
import type { Scene } from './scene.ts'
import { askOwner } from './upstream-call.ts'

/** What a server asks at once arrives at once, or nearly so. */
const GATHER_MS = 10

/** A call that will wait where its server asks something; most never do. */
export function performParked(call: Relayed): Promise<Performed> {
  const { entry, params, scene, askable } = call
  const own = new Cancellation()
  const park = new Park(addresseeOf(scene), own, () => mayStill(scene))
  attach(park, scene)
  const errand = { ...scene.errand, cancel: own, report: park.report }
  const ask = (question: ServerQuestion, signal: AbortSignal) => put(question, signal, { park, call })
  park.end = askOwner(entry, params, { ...scene, errand }, askable === null ? undefined : { askable, ask })
  return whatComes(park, 0, call)
}

/** The client is back. @throws Fault where the call waits no more, or waits in another process */
export async function continueParked(note: RelayNote, call: Relayed): Promise<Performed> {
  const { scene } = call
  const park = scene.rooms.parks.take(note.park ?? '', addresseeOf(scene))
  if (park === undefined) throw new Fault('upstream-lost', GONE)
  attach(park, scene)
  await recordAnswers(note, call)
  for (const key of Object.keys(note.keys)) answer(park, key, scene.errand.responses?.[key])
  return whatComes(park, note.rounds, call)
}

const GONE =
  'The call that asked this does not wait any more: its answer came too late, or the process that kept it has ended. See whether it took effect, then call anew.'

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

/** The end of the call, or what it asks first. */
async function whatComes(park: Park, rounds: number, call: Relayed): Promise<Performed> {
  const { scene } = call
  if (park.end === null) throw new Error('a call is parked before it was made')
  for (;;) {
    const came = await Promise.race([park.end, park.raised()])
    if (came !== 'asked') return came
    await new Promise((resolve) => setTimeout(resolve, GATHER_MS))
    // The server may have given up its question, or answered, meanwhile.
    if (park.open.size === 0) continue
    if (rounds < MOST_ROUNDS && scene.rooms.parks.keep(park)) break
    for (const { settle } of [...park.open.values()]) settle(GIVEN_UP)
  }
  park.listener = null
  const { client } = scene.visit
  const asked: Record<string, { method: string; params: JsonObject }> = {}
  for (const [key, { question }] of park.open) {
    await recordQuestion(question.method, call, { outcome: 'answered' })
    asked[key] = { method: question.method, params: paramsFor(question, client.version, key) }
  }
  const keys = methodsOf([...park.open].map(([key, { question }]) => [key, question]))
  const note: RelayNote = { state: null, park: park.id, node: scene.rooms.parks.node, keys, rounds: rounds + 1 }
  return { reply: asResult(asked, note, scene), credential: null, upstreamMs: 0 }
}

const MOST_ROUNDS = 8

/** What has no answer stays open, and is asked again. */
function answer(park: Park, key: string, given: JsonObject[string] | undefined): void {
  const open = park.open.get(key)
  if (open === undefined || given === undefined) return
  const result = isObject(given) ? fitAnswer(open.question, given) : null
  open.settle(
    result === null ? { error: { code: -32602, message: 'The client answered with what is no answer.' } } : { result },
  )
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
