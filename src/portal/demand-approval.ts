/** The agreement of others, where a policy wants it: asked for once, waited for, used up by the very call that it was given to. */
import { randomBytes } from 'node:crypto'
import { principalKey } from '../base/principal.ts'
import { visible } from '../base/visible.ts'
import { LIMITS } from '../config/limits.ts'
import type { Asking } from '../policy/model.ts'
import {
  type ApprovalRecord,
  findApproval,
  type Need,
  type Requested,
  readApproval,
  requestApproval,
  withdrawApproval,
} from './approval-store.ts'
import { aboutOf, bindingOf, MOST_SHOWN, requesterOf, shownOf, type Wanted, wantedBy } from './approvals.ts'
import { aboutCall, approvalUrl } from './demand-page.ts'
import { type Demand, mayAsk, type Pursued, pursue, refuse, topicFor } from './demand-turn.ts'
import type { Scene } from './scene.ts'

export interface Approved {
  kind: 'met'
  /** Agreed to, and not used up yet. */
  approvals: readonly string[]
}

/** @param purposes what the person said that it is for; approvers read it */
export async function meetApprovals(
  asking: readonly Asking[],
  purposes: readonly string[],
  scene: Scene,
): Promise<Approved | Pursued> {
  const { target, input, rooms } = scene
  const { store, sealer } = rooms.demands
  const approvals: string[] = []
  for (const one of asking) {
    if (one.terms.approval === null) continue
    // Who is to agree must see what it is; where nobody could look at it, there is nothing to agree to.
    if (target.kind !== 'capability' || input === null) return no(one, `${WANTS} Nothing was done.`)
    const wanted = wantedBy(one, target.entry, { ...input, ...throughOf(scene) })
    if (wanted === null) continue
    if (shownOf(wanted) === null) return no(one, TOO_LONG)
    const found = await findApproval(store, bindingOf(wanted, scene), sealer)
    if (found?.state === 'approved') approvals.push(found.id)
    else if (found?.state === 'rejected') return no(one, rejected(found))
    else return seek(wanted, found ?? null, purposes, scene)
  }
  return { kind: 'met', approvals }
}

const WANTS = 'A policy wants other people to agree to this call first.'

/** What they wrote is one line, in quotes: it is for whoever asked, and not to be taken for a sentence of the portal. */
function rejected({ words }: ApprovalRecord): string {
  const reason = words.find(({ word }) => word === 'reject')?.reason ?? null
  const why = reason === null ? '' : ` They gave this reason: ${JSON.stringify(visible(reason))}.`
  return `Somebody who had to agree to this very call turned it down.${why} Nothing was done. Do not try again unless the user asks for it.`
}

/** What is read through a template is another thing than the template. */
function throughOf({ target }: Scene): { uri?: string } {
  return target.kind === 'capability' && target.entry.kind === 'template' ? { uri: target.name } : {}
}

function no({ policy }: Asking, told: string): Pursued {
  return { kind: 'over', held: refuse({ reason: 'approval', policy }, told) }
}

async function seek(
  wanted: Wanted,
  found: ApprovalRecord | null,
  purposes: readonly string[],
  scene: Scene,
): Promise<Pursued> {
  const { asking, needs } = wanted
  const { errand, rooms } = scene
  const { principal } = scene.visit
  const own = principal.kind === 'user' ? principal.email : null
  // Nobody is asked for what could never be enough: nobody agrees to their own.
  if (needs.some(({ needed, emails }) => emails.filter((email) => email !== own).length < needed))
    return no(asking, TOO_FEW)
  if (!ASKED_FOR.has(errand.request.method)) return no(asking, `${WANTS} Nothing was done.`)
  const requested: Requested = found ? { kind: 'known', id: found.id } : await request(wanted, purposes, scene)
  if (requested.kind === 'too-many') return no(asking, TOO_MANY[requested.which])
  const { id } = requested
  const url = approvalUrl(rooms.links, id)
  const unable = `${whyOf(wanted, scene)} Nothing was done. They find the request at ${url} or on the portal’s home. Once they agreed, call again with exactly the same arguments within 15 minutes.`
  if (!mayAsk(scene)) return no(asking, unable)
  return pursue(demandOf(wanted, { id, url, unable }, scene), scene)
}

const ASKED_FOR: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read'])

const TOO_FEW =
  'A policy wants other people to agree to this call, and names too few who could: nobody agrees to their own. Nothing was done. Ask an administrator of the portal.'

const TOO_LONG = `${WANTS} What it is called with is longer than the ${MOST_SHOWN} characters that they can be shown, so nobody could agree to all of it. Nothing was done. Call with less at a time.`

const TOO_MANY = {
  open: `${WANTS} ${LIMITS.approvals_open.value} of your requests wait for approval already, which is as many as may. Nothing was done. Wait until one of them is decided.`,
  hour: `${WANTS} You have asked for approval ${LIMITS.approvals_an_hour.value} times within the hour, which is as often as one may. Nothing was done. Try again later.`,
}

async function request(wanted: Wanted, purposes: readonly string[], scene: Scene): Promise<Requested> {
  const { visit, rooms } = scene
  const { store, sealer, notify } = rooms.demands
  const { server, original } = wanted.entry
  const made = {
    // 256 bits; who holds it still has to be one of those whom it concerns.
    id: randomBytes(32).toString('base64url'),
    binding: bindingOf(wanted, scene),
    ...{ principal: principalKey(visit.principal), grant: visit.principal.grant, portalUid: visit.spec.uid },
    ...{ serverUid: server.uid, policy: wanted.asking.policy, needs: wanted.needs },
    ...{ about: aboutOf(wanted, scene, purposes), requester: requesterOf(scene) },
  }
  const requested = await store.write((trx) => requestApproval(store, trx, made, sealer))
  if (requested.kind === 'made') {
    await notify({
      approval: made.id,
      url: approvalUrl(rooms.links, made.id),
      server: { id: server.id, name: server.name },
      capability: original,
      requester: made.principal,
      expiresAt: store.clock.now() + LIMITS.approval.value,
    })
  }
  return requested
}

interface Sought {
  id: string
  url: string
  unable: string
}

function demandOf(wanted: Wanted, { id, url, unable }: Sought, scene: Scene): Demand {
  const { store, sealer } = scene.rooms.demands
  const { asking } = wanted
  const why = whyOf(wanted, scene)
  return {
    topic: topicFor('approval', bindingOf(wanted, scene)),
    reason: 'approval',
    policy: asking.policy,
    message: (isAgain) =>
      `${isAgain ? 'Still waiting for approval. ' : ''}${why} They have been told. The page shows how it stands; as soon as they agreed, what was asked for goes on by itself.`,
    link: async () => ({ id, url }),
    state: {},
    waits: {
      topic: 'approvals',
      message: 'Waiting for approval.',
      isSettled: async () => {
        const now = await readApproval(store.db, id, sealer)
        return now?.state !== 'open' || now.expiresAt <= store.clock.now()
      },
    },
    told: {
      unwilling: (said) =>
        `${why} The user ${said ? 'said no' : 'closed the question without an answer'}, so nobody is asked any more, and nothing was done. Try again only if they ask for it.`,
      late: () =>
        `${why} Nobody has decided yet, and nothing was done. The request stays open at ${url}; once they agreed, call again with exactly the same arguments within 15 minutes.`,
      unable: () => unable,
    },
    withdraw: () => withdrawApproval(store, id),
  }
}

/** Who must agree to what. */
function whyOf({ needs }: Wanted, scene: Scene): string {
  const { server, name } = aboutCall(scene)
  return `${name} of ${server.name} needs the approval of ${needs.map(sayNeed).join(', and of ')}.`
}

const MOST_NAMED = 3

function sayNeed({ needed, emails }: Need): string {
  const named = emails.slice(0, MOST_NAMED).join(', ')
  const rest = emails.length > MOST_NAMED ? ` and ${emails.length - MOST_NAMED} others` : ''
  return emails.length === 1 ? named : `${needed === 1 ? 'one' : needed} of ${named}${rest}`
}
