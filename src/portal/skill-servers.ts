/**
 * Asks servers which skills they have, all at the same time. Each is a deed of its own, part of the list's, and counts against the limits of
 * calls like a call: whoever lists skills without end must not be a way around them. One that is down, slow, full, or wants an account that
 * its caller has not connected has no skills for now; the audit says why.
 */
import { Cancellation } from '../base/cancel.ts'
import { Fault } from '../base/fault.ts'
import { RefusedLater } from '../base/refusal.ts'
import { LIMITS } from '../config/limits.ts'
import type { Json } from '../protocol/model.ts'
import { unreadableReply } from '../protocol/raw-error.ts'
import { canonicalUri } from '../protocol/skill.ts'
import type { Entry } from './catalog.ts'
import { type Performed, passCheckpoint } from './checkpoint.ts'
import type { Errand } from './errand.ts'
import { type Gathered, gather } from './gather.ts'
import { isObject } from './read-params.ts'
import type { Scene } from './scene.ts'
import { sendToOwner } from './send-to-owner.ts'
import type { ServerSpec } from './spec.ts'
import { PORTAL } from './target.ts'

const PATIENCE_MS = LIMITS.skills_time.value

/** What one server answered. */
export interface Listed {
  /** Its index in portal order. */
  server: number
  items: readonly Json[]
  /** As of `Gathered`. */
  ttlMs: number
  upstreamMs: number
}

/** @param asked by index, in portal order @returns of those that answered, in the same order */
export async function askServers(asked: readonly number[], scene: Scene): Promise<readonly Listed[]> {
  const cancels = asked.map(() => new Cancellation())
  scene.errand.cancel.listen((reason) => {
    for (const cancel of cancels) cancel.cancel(reason)
  })
  const lists = await Promise.all(asked.map((server, at) => askOne(server, scene, cancels[at] ?? new Cancellation())))
  return lists.filter((one) => one !== null)
}

async function askOne(server: number, scene: Scene, cancel: Cancellation): Promise<Listed | null> {
  const { visit, rooms, deed: parent } = scene
  const spec = visit.spec.servers[server]
  if (spec === undefined) return null
  const errand = ownErrand(scene.errand, cancel)
  const { method } = errand.request
  let gathered: Gathered | null = null
  await passCheckpoint({ method, target: PORTAL, parent }, { visit, errand, rooms }, async (inner) => {
    inner.end.server = spec.id
    // Whether a bypass alone let the caller in is decided by server.
    const isBypassed = visit.access.servers.get(spec.uid)?.bypass !== false
    const came = await counted(spec, inner, () =>
      inTime(spec, cancel, () => gatherFrom({ server: spec, serverIndex: server }, { ...inner, isBypassed })),
    )
    if (!('failed' in came)) {
      gathered = { ...came, items: once(came.items) }
      return came.done
    }
    return came.odd ? { ...came.failed, reply: { kind: 'error', error: unreadableReply() } } : came.failed
  })
  // What the checkpoint calls back has set it; the compiler does not see that.
  const { items, ttlMs, done } = (gathered as Gathered | null) ?? {}
  return items === undefined ? null : { server, items, ttlMs: ttlMs ?? 0, upstreamMs: done?.upstreamMs ?? 0 }
}

/** Official clients refuse what stands in a list twice, and the list with it. */
function once(items: readonly Json[]): readonly Json[] {
  const seen = new Set<string>()
  return items.filter((item) => {
    const uri = isObject(item) && typeof item.uri === 'string' ? item.uri : ''
    const key = canonicalUri(uri) ?? uri
    return !seen.has(key) && seen.add(key)
  })
}

/** Nothing of the caller's own that is good for one request alone: several servers get it. */
function ownErrand(errand: Errand, cancel: Cancellation): Errand {
  const { progressToken, logLevel, ...meta } = errand.request.meta
  return { ...errand, request: { ...errand.request, params: {}, meta }, cancel, report: () => {}, inquire: null }
}

function gatherFrom(owner: Pick<Entry, 'server' | 'serverIndex'>, scene: Scene) {
  return gather('skills', (params): Promise<Performed> => sendToOwner(owner, params, scene))
}

/** @throws RefusedLater where as many calls were made as may be */
async function counted<T>(server: ServerSpec, { visit, rooms }: Scene, ask: () => Promise<T>): Promise<T> {
  const claim = await rooms.limits.take(visit, { server, kind: 'resource', original: '' })
  if (claim.kind === 'refused') throw new RefusedLater(claim)
  try {
    return await ask()
  } finally {
    claim.release()
  }
}

/** @throws Fault `upstream-timeout`: others wait for their skills, and not for this server */
async function inTime<T>({ name }: ServerSpec, cancel: Cancellation, ask: () => Promise<T>): Promise<T> {
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    cancel.cancel('others do not wait for it any longer')
  }, PATIENCE_MS)
  try {
    return await ask()
  } catch (error) {
    if (!isLate) throw error
    const fault = new Fault('upstream-timeout', `${name} did not say in time which skills it has.`, error)
    fault.credential = error instanceof Fault ? error.credential : null
    throw fault
  } finally {
    clearTimeout(timer)
  }
}
