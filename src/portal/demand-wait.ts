/** Waits, while somebody is at a page of ours, until what is stored is other than it was. */
import { Fault } from '../base/fault.ts'
import type { Topic } from '../store/versions.ts'
import type { Scene } from './scene.ts'

/** Well within what clients and proxies take for silence; more often where the whole patience is short. */
const SIGN_OF_LIFE_MS = 10_000

export interface Awaited {
  /** What is raised when it may have come. */
  topic: Topic
  /** For a client that asked for progress. */
  message: string
  /** How many questions the call has put. */
  questions: number
  /** Looks at what is stored. */
  isSettled(): Promise<boolean>
}

/**
 * @returns why the waiting is over; `late` also where nobody could be kept waiting
 * @throws Fault `cancelled` where the caller gave up meanwhile
 */
export async function awaitSettled(awaited: Awaited, scene: Scene): Promise<'settled' | 'late' | 'closing'> {
  const lingering = scene.errand.linger()
  if (lingering === null) return (await awaited.isSettled()) ? 'settled' : 'late'
  const timer = startTimer(scene)
  const stopSigns = giveSigns(awaited, scene, timer.signMs)
  // What is raised between a look and the wait after it must not be missed.
  let raised = Promise.withResolvers<'raised'>()
  const unfollow = scene.rooms.demands.store.versions.changed(awaited.topic, () => raised.resolve('raised'))
  try {
    for (;;) {
      raised = Promise.withResolvers<'raised'>()
      if (await awaited.isSettled()) return 'settled'
      const why = await Promise.race([raised.promise, timer.late, lingering.over])
      if (why === 'gone') throw new Fault('cancelled', 'The call was given up while it was waiting for a person.')
      if (why !== 'raised') return why
    }
  } finally {
    unfollow()
    stopSigns()
    timer.stop()
    lingering.end()
  }
}

function startTimer({ visit, rooms }: Scene) {
  const { turnMs, wholeMs } = rooms.patience
  const { promise: late, resolve } = Promise.withResolvers<'late'>()
  const ms = visit.client.era === '2026' ? turnMs : wholeMs
  const timer = setTimeout(() => resolve('late'), ms)
  timer.unref()
  return { late, signMs: Math.min(SIGN_OF_LIFE_MS, ms / 4), stop: () => clearTimeout(timer) }
}

/** A client that asked for progress may take its silence for the end. */
function giveSigns({ questions, message }: Awaited, { errand }: Scene, ms: number): () => void {
  if (errand.request.meta.progressToken === undefined) return () => undefined
  let signs = 0
  const timer = setInterval(() => {
    signs++
    // It may only grow, and what the server will say of its own progress is not known yet: it stays next to nothing.
    const progress = (questions * 1000 + signs) / 1e12
    errand.report({ method: 'notifications/progress', params: { progress, message } })
  }, ms)
  timer.unref()
  return () => clearInterval(timer)
}
