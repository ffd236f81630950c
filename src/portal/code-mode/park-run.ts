/**
 * A run of code for a client of 2026: where one of its calls asks the person something, the request ends with the question, and the run
 * waits in this process for the next request, at whatever replica that arrives; as calls at older servers do (`relay-parked.ts`). Where it
 * waits for what the person does at a page, no request is kept for longer than its client has patience: it is asked the same again.
 */
import { Cancellation } from '../../base/cancel.ts'
import { LIMITS } from '../../config/limits.ts'
import { askableBy, type ServerAnswer, type ServerQuestion } from '../../protocol/asked.ts'
import { inputRequired } from '../../protocol/era-2026/question.ts'
import type { JsonObject } from '../../protocol/model.ts'
import { addresseeOf } from '../ask.ts'
import { bindingOf } from '../binding.ts'
import type { Performed } from '../checkpoint.ts'
import type { Errand, InquiryEnd, Lingering, Until } from '../errand.ts'
import { mayStill } from '../may-still.ts'
import { type Came, Park, settle } from '../park.ts'
import { RELAY } from '../questions.ts'
import { methodsOf, type RelayNote } from '../relay-round.ts'
import type { Scene } from '../scene.ts'
import type { Reach } from './call-from-code.ts'
import type { Run } from './run-code.ts'

export type Start = (run: Run) => Promise<Performed>

class ParkedRun extends Park {
  /** Of the request that is there, or was the last one here. */
  errand: Errand
  /** It is at this replica. */
  isHere = true
  /** How long one request waits. Milliseconds. */
  readonly #turnMs: number

  constructor(scene: Scene, waitMs: number) {
    const askable = askableBy(scene.visit.client)
    super(addresseeOf(scene), { cancel: new Cancellation(), askable, mayStill: () => mayStill(scene), waitMs })
    this.errand = scene.errand
    this.#turnMs = scene.rooms.patience.turnMs
  }

  attach({ errand, visit }: Scene): void {
    this.errand = errand
    this.isHere = true
    this.askable = askableBy(visit.client)
    this.listener = (notification) => errand.report(notification)
    this.#follow()
  }

  /** There is one listener, and whoever waits in the request becomes it. */
  #follow(): void {
    this.errand.cancel.listen((reason) => this.giveUp(reason))
  }

  /** One nested call's way to the person. */
  reach(): Reach {
    let asked: ServerQuestion | null = null
    return {
      inquire: (method, params, until) => {
        asked = { method, params } as ServerQuestion
        return this.#inquire(asked, until)
      },
      linger: () => this.#linger(asked),
      report: this.report,
      stands: async () => (await this.errand.stands?.()) !== false,
    }
  }

  #linger(asked: ServerQuestion | null): Lingering | null {
    const first = this.#waitInRequest()
    if (first === null || asked === null) return first
    const ended = new AbortController()
    return { over: this.#stay(first, asked, ended.signal), end: () => ended.abort() }
  }

  #waitInRequest(): Lingering | null {
    if (!this.isAttended) return null
    // One that is elsewhere is ended from there.
    return this.isHere ? this.errand.linger() : { over: new Promise(() => {}), end() {} }
  }

  /** In one request after the other. @param ended nobody waits any more */
  async #stay(first: Lingering, asked: ServerQuestion, ended: AbortSignal): Lingering['over'] {
    for (let now: Lingering | null = first; now !== null; now = this.#waitInRequest()) {
      const why = await whyOver(now, this.#turnMs, ended)
      now.end()
      this.#follow()
      if (why !== 'late') return why
      const answer = await this.ask(asked, ended)
      if (this.cancel.cancelled || ended.aborted) return 'gone'
      if (!('result' in answer) || answer.result.action !== 'accept') return 'late'
    }
    return 'late'
  }

  async #inquire(question: ServerQuestion, until: Until | undefined): Promise<InquiryEnd> {
    const late = until?.waitMs === undefined ? AbortSignal.any([]) : AbortSignal.timeout(until.waitMs)
    const answer = await this.ask(question, AbortSignal.any([late, ...(until === undefined ? [] : [until.signal])]))
    if (late.aborted) return { kind: 'over', why: 'late' }
    return this.cancel.cancelled || until?.signal.aborted ? { kind: 'over', why: 'gone' } : endOf(answer)
  }
}

/** @returns `late` when the turn is over, and so much time has passed */
async function whyOver({ over }: Lingering, turnMs: number, ended: AbortSignal): Lingering['over'] {
  const { promise: late, resolve } = Promise.withResolvers<'late'>()
  const timer = setTimeout(() => resolve('late'), turnMs)
  const { promise: left, resolve: leave } = Promise.withResolvers<'gone'>()
  ended.addEventListener('abort', () => leave('gone'), { once: true })
  try {
    return await Promise.race([over, late, left])
  } finally {
    clearTimeout(timer)
  }
}

function endOf(answer: ServerAnswer): InquiryEnd {
  return 'error' in answer
    ? { kind: 'error', body: answer.error as unknown as JsonObject }
    : { kind: 'result', body: answer.result }
}

/** @param start begins the run, whose questions go to whatever request of the caller's is there */
export function performParkedRun(scene: Scene, start: Start): Promise<Performed> {
  const park = new ParkedRun(scene, LIMITS.answer_time.value)
  park.attach(scene)
  park.end = start({ reach: () => park.reach(), cancel: park.cancel })
  return goOn(park, 0, scene)
}

/** The client is back. @throws Fault where nobody keeps the run any more */
export async function continueParkedRun({ park: id, keys, rounds }: RelayNote, scene: Scene): Promise<Performed> {
  const { parks, desk } = scene.rooms
  const whose = addresseeOf(scene)
  const responses = Object.entries(scene.errand.responses ?? {})
  const answers = Object.fromEntries(responses.filter(([key]) => Object.hasOwn(keys, key)))
  const park = parks.take(id ?? '', whose)
  if (park instanceof ParkedRun) {
    park.attach(scene)
    settle(park, answers)
    return goOn(park, rounds, scene)
  }
  const isOver = new Promise<void>((resolve) => scene.errand.cancel.listen(() => resolve()))
  const brought = { answers, askable: askableBy(scene.visit.client) }
  const came = await desk.bring({ park: id ?? '', rounds }, whose, brought, isOver)
  return came.kind === 'ended' ? came.done : putBack(came.questions, { park: id ?? '', rounds: rounds + 1 }, scene)
}

async function goOn(park: ParkedRun, rounds: number, scene: Scene): Promise<Performed> {
  const { parks, desk } = scene.rooms
  const came: Came = await parks.next(park, rounds)
  if (came.kind === 'ended') return came.done
  park.listener = null
  park.isHere = false
  await desk.announce(park, rounds + 1)
  return putBack(came.questions, { park: park.id, rounds: rounds + 1 }, scene)
}

/** Each question is recorded by the call that asks it, and was made fit there for whoever reads it. */
function putBack(
  questions: readonly (readonly [string, ServerQuestion])[],
  { park, rounds }: { park: string; rounds: number },
  scene: Scene,
): Performed {
  const { errand, rooms, target, visit } = scene
  const note: RelayNote = { state: null, park, keys: methodsOf(questions), rounds }
  const binding = bindingOf(addresseeOf(scene), target, errand.request, visit.mounted)
  const notes = { ...errand.notes, [RELAY]: note as unknown as JsonObject }
  const state = rooms.questions.carry(binding, { kind: RELAY, answers: {}, notes }, LIMITS.answer_time.value)
  const result = inputRequired(Object.fromEntries(questions), state)
  return { reply: { kind: 'result', result }, credential: null, upstreamMs: 0, isBegun: true }
}
