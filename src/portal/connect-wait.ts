/** Waits, while a person is at the page, until their connection is other than it was. */
import { Fault } from '../base/fault.ts'
import type { ServerUid } from '../base/ids.ts'
import { modeFor } from '../protocol/elicitation.ts'
import { elicitationComplete } from '../protocol/era-2025/question.ts'
import { ConnectionNeeded, type ConnectionRecord } from '../upstream/connections/model.ts'
import type { Performed } from './checkpoint.ts'
import { isSame, mayDo, type Turn } from './connect-turn.ts'
import type { Scene } from './scene.ts'
import type { ServerSpec } from './spec.ts'

/** Well within what clients and proxies take for silence; more often where the whole patience is short. */
const SIGN_OF_LIFE_MS = 10_000

type Why = 'changed' | 'late' | 'closing'

/** The caller's own connection, as it is. */
export async function connectionNow({ visit, rooms }: Scene, server: ServerUid): Promise<ConnectionRecord | null> {
  const { principal } = visit
  const known = rooms.upstreams.ownConnection(server, principal)
  if (known !== undefined) return known
  await rooms.upstreams.readOwn(principal, [server])
  return rooms.upstreams.ownConnection(server, principal) ?? null
}

/**
 * Tries as soon as there is a connection that may do.
 *
 * @returns what came of it, where that is anything else than the need that is known; else why the waiting is over
 * @throws Fault `cancelled` where the caller gave up meanwhile
 */
export async function awaitConnection(
  turn: Turn,
  { uid, name }: Pick<ServerSpec, 'uid' | 'name'>,
  scene: Scene,
  attempt: () => Promise<Performed | ConnectionNeeded>,
): Promise<Performed | ConnectionNeeded | 'late' | 'closing'> {
  const deadline = startTimer(scene)
  let isTold = false
  try {
    for (;;) {
      // Watched first and looked at then: what changes in between is seen.
      const watch = watchConnection(uid, scene)
      try {
        const connection = await connectionNow(scene, uid)
        if (mayDo(turn, connection)) {
          if (!isTold) tellClient(turn, scene)
          isTold = true
          await scene.decideAgain()
          const came = await attempt()
          if (!(came instanceof ConnectionNeeded)) return came
          if (!isSame(came, turn, await connectionNow(scene, uid))) return came
        }
        const reasons = [watch.changed, deadline.late]
        const why = await lingerFor(reasons, { scene, giveSigns: () => giveSigns(turn, name, scene, deadline.signMs) })
        if (why !== 'changed') return why
      } finally {
        watch.stop()
      }
    }
  } finally {
    deadline.stop()
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

function watchConnection(server: ServerUid, { visit, rooms }: Scene) {
  const watching = new AbortController()
  const { principal } = visit
  if (principal.kind !== 'user') throw new Error('only a person has a connection of their own')
  const changed = rooms.upstreams
    .connectionChanged(server, `user:${principal.id}`, watching.signal)
    .then((): Why => 'changed')
    // Whatever stops the watching, nothing is seen any more.
    .catch((): Why => 'late')
  return { changed, stop: () => watching.abort() }
}

async function lingerFor(
  reasons: readonly Promise<Why>[],
  { scene, giveSigns }: { scene: Scene; giveSigns: () => () => void },
): Promise<Why> {
  const lingering = scene.errand.linger()
  if (lingering === null) return 'late'
  const stopSigns = giveSigns()
  try {
    const why = await Promise.race([...reasons, lingering.over])
    if (why === 'gone') throw new Fault('cancelled', 'The call was given up while its user was connecting.')
    return why
  } finally {
    stopSigns()
    lingering.end()
  }
}

/** For a client that asked for progress, and may take its silence for the end. */
function giveSigns({ questions }: Turn, name: string, { errand }: Scene, ms: number): () => void {
  if (errand.request.meta.progressToken === undefined) return () => undefined
  let signs = 0
  const timer = setInterval(() => {
    signs++
    // It may only grow, and what the server will say of its own progress is not known yet: it stays next to nothing.
    const progress = (questions * 1000 + signs) / 1e9
    const message = `Waiting for the user to connect ${name}.`
    errand.report({ method: 'notifications/progress', params: { progress, message } })
  }, ms)
  timer.unref()
  return () => clearInterval(timer)
}

/** 2025-11-25: the client learns that what it opened the page for is done. */
function tellClient({ page }: Turn, { visit, errand }: Scene): void {
  const { client } = visit
  if (page === null || client.version !== '2025-11-25' || modeFor(client, true) !== 'url') return
  errand.report(elicitationComplete(page))
}
