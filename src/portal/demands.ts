/**
 * What a policy asks for before a call that it allows goes on, in this order: what it is for, a newer sign-in, the agreement of others.
 * What counts once is used up at the very end, all or nothing, and given back where the call ended before anything was sent.
 *
 * A wait is long. After each the call is decided again: who calls as they are then, the policies of then, and the definition must be the
 * one that was asked about. A client that has no means to be asked is told what to do, and never let through.
 */
import { Fault, type FaultCode } from '../base/fault.ts'
import type { Principal } from '../base/principal.ts'
import { type Refusal, RefusedLater, refused } from '../base/refusal.ts'
import { digest, type Sealer } from '../base/secret.ts'
import { LIMITS } from '../config/limits.ts'
import { readGrantFacts } from '../identity/grant-facts-store.ts'
import type { Asking } from '../policy/model.ts'
import type { JsonObject } from '../protocol/model.ts'
import type { Store } from '../store/open.ts'
import { canonical } from '../upstream/definitions.ts'
import { giveBackApprovals, useApprovals } from './approval-store.ts'
import type { Perform, Performed } from './checkpoint.ts'
import { rulingNow } from './decide-again.ts'
import { meetApprovals } from './demand-approval.ts'
import { meetPurposes, purposeForAudit } from './demand-purpose.ts'
import { meetStepUps } from './demand-step-up.ts'
import type { Pursued } from './demand-turn.ts'
import { type PurposeKey, savePurpose, takePurpose } from './purpose-store.ts'
import { metBefore } from './relay-round.ts'
import type { Scene } from './scene.ts'

export interface DemandRooms {
  store: Store
  /** For the purpose `store`. */
  sealer: Sealer
  /** Somebody waits for others to agree. @throws Fault `audit-unavailable` */
  notify(requested: ApprovalWanted): Promise<void>
}

/** What those who are told of a new request learn. */
export interface ApprovalWanted {
  approval: string
  url: string
  server: { id: string; name: string }
  capability: string
  /** `user:<id>` or `service:<id>` */
  requester: string
  /** Milliseconds since 1970. */
  expiresAt: number
}

/** Does what is asked for, once everything that the policies want is met. @returns what else the caller gets */
export async function meetDemands(
  terms: readonly Asking[],
  scene: Scene,
  perform: Perform,
): Promise<Performed | Refusal> {
  let [asking, now] = [terms, scene]
  for (;;) {
    const before = metBefore(now)
    const met = await meet(
      asking.filter((one) => !before.includes(nameOf(one))),
      now,
    )
    if (met.kind === 'over') return met.held
    if (met.kind === 'met') return performOnce({ ...met, scene: { ...met.scene, met: asking.map(nameOf) } }, perform)
    if (met.kind !== 'again') throw new Error('an answer came to nobody')
    const anew = await decideAnew(met.scene)
    if (anew.kind === 'refused') return anew
    ;[asking, now] = [anew.terms, anew.scene]
  }
}

/** By what a policy asks for, too: what it asks for since is another thing. */
function nameOf(asking: Asking): string {
  return digest(canonical(asking as unknown as JsonObject))
}

interface Met {
  kind: 'met'
  scene: Scene
  used: Used
}

async function meet(asking: readonly Asking[], scene: Scene): Promise<Met | Pursued> {
  const purposes = await meetPurposes(asking, scene)
  if (purposes.kind !== 'met') return purposes
  const now = purposes.scene
  // Whatever becomes of it, the audit has what was said.
  if (purposes.texts.length > 0) now.end.purpose = purposeForAudit(purposes.texts)
  const stepUps = await meetStepUps(asking, now)
  if (stepUps.kind !== 'met') return stepUps
  const approved = await meetApprovals(asking, purposes.texts, now)
  if (approved.kind !== 'met') return approved
  const used = await useUp({ approvals: approved.approvals, purposes: purposes.once }, scene)
  // Another call took what was given for one.
  return used === null ? { kind: 'again', scene: now } : { kind: 'met', scene: now, used }
}

interface Once {
  approvals: readonly string[]
  purposes: readonly PurposeKey[]
}

interface Used {
  /** For a call that was not made after all. */
  giveBack(): Promise<void>
}

/** @returns null where it is not all there any more; then nothing was used */
async function useUp({ approvals, purposes }: Once, scene: Scene): Promise<Used | null> {
  const { store, sealer } = scene.rooms.demands
  const taken: { key: PurposeKey; text: string }[] = []
  const giveBack = async () => {
    if (approvals.length > 0) await giveBackApprovals(store, approvals)
    for (const { key, text } of taken) await savePurpose(store, sealer, key, { text, life: LIMITS.page_link.value })
  }
  if (approvals.length > 0 && !(await useApprovals(store, approvals))) return null
  for (const key of purposes) {
    const text = await takePurpose(store, sealer, key)
    if (text === undefined) {
      await giveBack()
      return null
    }
    taken.push({ key, text })
  }
  return { giveBack }
}

async function performOnce({ scene, used }: Met, perform: Perform): Promise<Performed> {
  try {
    const performed = await perform(scene)
    // A reply of our own, such as a question for an account: what servers say is raw.
    if (performed.reply.kind !== 'raw' && performed.isBegun !== true) await used.giveBack()
    return performed
  } catch (error) {
    if (isUnsent(error)) await used.giveBack()
    throw error
  }
}

function isUnsent(error: unknown): boolean {
  return error instanceof RefusedLater || (error instanceof Fault && UNSENT.has(error.code))
}

/** Nothing was performed: what was agreed to is still to be done. */
const UNSENT: ReadonlySet<FaultCode> = new Set([
  ...(['upstream-unreachable', 'upstream-not-connected', 'upstream-reconnect', 'upstream-more-scope'] as const),
  ...(['upstream-not-ready', 'upstream-busy', 'portal-loop'] as const),
])

type Anew = { kind: 'anew'; scene: Scene; terms: readonly Asking[] } | Refusal

async function decideAnew(scene: Scene): Promise<Anew> {
  const principal = await principalNow(scene)
  if (principal === null) return refused('not-allowed')
  const now = await rulingNow(scene, await scene.visit.anew(principal))
  if (now.kind === 'refused') return now
  const { visit, target, ruling } = now
  scene.end.rule = ruling.rule
  const isBypassed = scene.isBypassed || ruling.isBypassed
  return { kind: 'anew', scene: { ...scene, visit, target, isBypassed }, terms: ruling.terms }
}

/** Who calls, with what their provider says of them now; null where the grant is over. */
async function principalNow({ visit, rooms }: Scene): Promise<Principal | null> {
  const { principal } = visit
  if (principal.kind !== 'user' || principal.identity === null) return principal
  const identity = await readGrantFacts(rooms.demands.store.db, principal.grant)
  return identity && { ...principal, identity }
}
