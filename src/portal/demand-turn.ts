/**
 * One thing that a call wants of its person, or that its person has to wait for: put, answered, waited for, put again, and no more
 * often than eight times. The same in both eras; what differs is who waits where:
 * - 2026: each turn waits a little, then the request ends with the question anew and comes back, to whichever replica
 * - 2025: the call waits on its own stream
 *
 * To have answered is not to be allowed: after every wait the call is decided again, by the policies of then.
 */
import type { PolicyId } from '../base/ids.ts'
import { type Refusal, refused } from '../base/refusal.ts'
import type { Fields } from '../protocol/elicitation.ts'
import type { JsonObject } from '../protocol/model.ts'
import type { Topic } from '../store/versions.ts'
import { ask } from './ask.ts'
import type { Performed } from './checkpoint.ts'
import { memoryOf, notesOf, remembering, type Turn, withTurn } from './demand-memory.ts'
import { awaitSettled } from './demand-wait.ts'
import type { Scene } from './scene.ts'

/** The official client gives up after ten rounds of all kinds. */
const MOST_QUESTIONS = 8

export interface Demand {
  /** Names it within the call; a client may see it. */
  topic: string
  reason: 'purpose' | 'step-up' | 'approval'
  policy: PolicyId
  message(isAgain: boolean): string
  /** Where it is done; absent where it is filled in. @param page as it was made for an earlier question of this call */
  link?(page: string | null): Promise<{ id: string; url: string }>
  fields?: Fields
  /** What this demand has to remember of this question. */
  state: Turn['state']
  waits: {
    topic: Topic
    message: string
    /** Whether it makes sense to decide anew. */
    isSettled(): Promise<boolean>
  }
  told: {
    /** The person said no; `said` whether in so many words. */
    unwilling(said: boolean): string
    /** Nobody did it in time. */
    late(url: string | null): string
    /** Who cannot be asked is told what to do. */
    unable(url: string | null): string
  }
  /** What was asked for is not wanted any more. */
  withdraw?(): Promise<void>
}

export type Pursued =
  /** Decide anew. */
  | { kind: 'again'; scene: Scene }
  | { kind: 'filled-in'; content: JsonObject; scene: Scene }
  | { kind: 'over'; held: Performed | Refusal }

export async function pursue(demand: Demand, scene: Scene): Promise<Pursued> {
  const memory = memoryOf(scene)
  const turn = memory.turns[demand.topic]
  const isBack = turn !== undefined && !turn.isTaken && scene.errand.answers?.has(kindOf(demand, turn)) === true
  if (!isBack) return put(demand, turn, scene)
  const asked = await ask({ kind: kindOf(demand, turn), message: '', fields: demand.fields ?? {} }, scene)
  if (asked.kind !== 'answered') return over(question(asked.reply, demand))
  const taken = { ...turn, isTaken: true }
  const after = await afterAnswer(demand, asked, taken, remembering(scene, withTurn(memory, demand.topic, taken)))
  return after === 'late' ? put(demand, taken, scene) : after
}

async function put(demand: Demand, before: Turn | undefined, scene: Scene): Promise<Pursued> {
  const { topic, state } = demand
  const questions = (before?.questions ?? 0) + 1
  const turn: Turn = { questions, isTaken: false, page: before?.page ?? null, state }
  if (questions > MOST_QUESTIONS) return over(refuse(demand, demand.told.late(await urlOf(demand, turn.page))))
  const memory = memoryOf(scene)
  let { page } = turn
  let url: string | null = null
  const { link } = demand
  const asked = await ask(
    {
      kind: kindOf(demand, turn),
      message: demand.message(before !== undefined),
      ...(demand.fields === undefined ? {} : { fields: demand.fields }),
      ...(link === undefined
        ? {}
        : {
            async link() {
              const made = await link(page)
              page = made.id
              url = made.url
              return made
            },
          }),
      notes: (id) => notesOf(withTurn(memory, topic, { ...turn, page: id ?? page })),
    },
    scene,
  )
  switch (asked.kind) {
    case 'returned':
      return over(question(asked.reply, demand))
    case 'unable':
      return over(refuse(demand, demand.told.unable(asked.url)))
    case 'answered': {
      const taken = { ...turn, page, isTaken: true }
      const after = await afterAnswer(demand, asked, taken, remembering(scene, withTurn(memory, topic, taken)))
      return after === 'late' ? over(refuse(demand, demand.told.late(url))) : after
    }
  }
}

interface Answer {
  action: 'accept' | 'decline' | 'cancel'
  content: JsonObject
}

async function afterAnswer(
  demand: Demand,
  { action, content }: Answer,
  { questions }: Turn,
  scene: Scene,
): Promise<Pursued | 'late'> {
  if (action !== 'accept') {
    await demand.withdraw?.()
    return over(refuse(demand, demand.told.unwilling(action === 'decline')))
  }
  if (demand.fields !== undefined) return { kind: 'filled-in', content, scene }
  // To have agreed to open the page is not to have been there: that is waited for.
  const why = await awaitSettled({ ...demand.waits, questions }, scene)
  return why === 'settled' ? { kind: 'again', scene } : 'late'
}

function kindOf({ topic }: Pick<Demand, 'topic'>, { questions }: Turn): string {
  return questions === 1 ? topic : `${topic}-${questions}`
}

async function urlOf({ link }: Demand, page: string | null): Promise<string | null> {
  return link === undefined ? null : (await link(page)).url
}

function question(reply: Performed['reply'], { reason }: Demand): Performed {
  return { reply, credential: null, upstreamMs: 0, note: { error: reason } }
}

export function refuse({ reason, policy }: Pick<Demand, 'reason' | 'policy'>, told: string): Refusal {
  return refused(reason, policy, told)
}

function over(held: Performed | Refusal): Pursued {
  return { kind: 'over', held }
}

/** Methods that may put questions; of the others nothing is asked, so what is not met already is a no. */
export function mayAsk({ visit, errand }: Pick<Scene, 'visit' | 'errand'>): boolean {
  return visit.principal.kind === 'user' && ASKING.has(errand.request.method)
}

const ASKING: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read'])

/** Another word for each policy, and no client learns its id. */
export function topicFor(reason: Demand['reason'], mark: string): string {
  return `${reason}-${mark.slice(0, 8)}`
}
