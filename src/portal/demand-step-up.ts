/**
 * A newer or stronger sign-in, where a policy wants one. The person signs in again in their browser, by the same account that let the
 * client in; what their provider then says is what counts. One that never says it ends the call: nobody is sent round in circles.
 */

import type { IdentityFacts } from '../base/principal.ts'
import { digest } from '../base/secret.ts'
import { type GrantSignIn, readGrantSignIn } from '../identity/grant-facts-store.ts'
import type { Asking, StepUpTerms } from '../policy/model.ts'
import { memoryOf } from './demand-memory.ts'
import { aboutCall, stepUpPage } from './demand-page.ts'
import { type Demand, mayAsk, type Pursued, pursue, refuse, topicFor } from './demand-turn.ts'
import type { Scene } from './scene.ts'

/** Sign-ins that one call may ask for in vain. */
const MOST_IN_VAIN = 2

/** Whether what is known of a person's last sign-in is what a policy wants. Unknown is not enough. */
export function isProven(
  { methods, maxAge }: Pick<StepUpTerms, 'methods' | 'maxAge'>,
  { amr, signedInAt }: Pick<IdentityFacts, 'amr' | 'signedInAt'>,
  now: number,
): boolean {
  if (methods.length > 0 && !methods.some((method) => amr.includes(method))) return false
  return maxAge === null || (signedInAt !== undefined && now - signedInAt <= maxAge)
}

export async function meetStepUps(asking: readonly Asking[], scene: Scene): Promise<{ kind: 'met' } | Pursued> {
  for (const one of asking) {
    const { stepUp } = one.terms
    if (stepUp === null) continue
    const met = await meetStepUp(one, stepUp, scene)
    if (met.kind !== 'met') return met
  }
  return { kind: 'met' }
}

async function meetStepUp(asking: Asking, terms: StepUpTerms, scene: Scene): Promise<{ kind: 'met' } | Pursued> {
  const { principal } = scene.visit
  const about = { reason: 'step-up', policy: asking.policy } as const
  const over = (told: string): Pursued => ({ kind: 'over', held: refuse(about, told) })
  const { store } = scene.rooms.demands
  const known = principal.kind === 'user' ? principal.identity : null
  if (known !== null && isProven(terms, known, store.clock.now())) return { kind: 'met' }
  // This replica may not have heard of a sign-in of a moment ago.
  const signIn = principal.kind === 'user' ? await readGrantSignIn(store.db, principal.grant) : null
  if (signIn === null) return over(NO_SIGN_IN)
  if (isProven(terms, signIn.facts, store.clock.now())) return { kind: 'met' }
  if (!mayAsk(scene)) return over(`${whyOf(terms)} Nothing was done.`)
  const demand = demandOf(asking, { terms, ...signIn }, scene)
  return Number(demand.state.inVain) >= MOST_IN_VAIN ? over(unavailing(terms)) : pursue(demand, scene)
}

const NO_SIGN_IN =
  'A policy wants a newer or stronger sign-in, and behind this credential there is none: it was made by an administrator. Nothing was done. Use a client that signs in by itself.'

interface Lacking extends GrantSignIn {
  terms: StepUpTerms
}

function demandOf({ policy }: Asking, { terms, facts, lastSignIn }: Lacking, scene: Scene): Demand {
  const { visit, rooms } = scene
  const topic = topicFor('step-up', digest(policy))
  const before = memoryOf(scene).turns[topic]
  // Not when the provider says they did: it counts in seconds, and two sign-ins may be of one.
  const isOther = before !== undefined && before.state.lastSignIn !== lastSignIn
  const inVain = Number(before?.state.inVain ?? 0) + (isOther ? 1 : 0)
  const { issuer, subject } = facts
  const { methods, maxAge } = terms
  const page = { ...aboutCall(scene), grant: visit.principal.grant, issuer, subject, methods, maxAge }
  const why = whyOf(terms)
  const { store } = rooms.demands
  return {
    topic,
    reason: 'step-up',
    policy,
    message: (isAgain) => {
      if (inVain > 0) return `You signed in, but that was not enough. ${why} Please sign in that way.`
      return `${isAgain ? 'Still waiting for you to sign in again on the page. ' : ''}${why} As soon as that is done, what was asked for goes on by itself.`
    },
    link: (id) => stepUpPage(scene, page, id),
    state: { lastSignIn, inVain },
    waits: {
      topic: 'tokens',
      message: 'Waiting for the user to sign in again.',
      isSettled: async () => {
        const now = await readGrantSignIn(store.db, visit.principal.grant)
        return now !== null && (now.lastSignIn !== lastSignIn || isProven(terms, now.facts, store.clock.now()))
      },
    },
    told: {
      unwilling: (said) =>
        `${why} The user ${said ? 'said no' : 'closed the question without an answer'}, and nothing was done.`,
      late: (url) => `${why} Nobody did so in time, and nothing was done. ${at(url)}`,
      unable: (url) => `${why} Nothing was done. ${at(url)}`,
    },
  }
}

export function whyOf({ methods, maxAge }: Pick<StepUpTerms, 'methods' | 'maxAge'>): string {
  const how = methods.length === 0 ? '' : ` with ${methods.join(' or ')}`
  const when = maxAge === null ? '' : ` within the last ${sayDuration(maxAge)}`
  return `A policy wants the user to have signed in${how}${when}.`
}

function unavailing({ methods }: StepUpTerms): string {
  const said = methods.length === 0 ? 'when they did' : `${methods.join(' or ')} in it`
  return `The user signed in again twice, and their identity provider did not say ${said}. Nothing was done. Ask an administrator of the portal to look at the policy and the provider.`
}

function at(url: string | null): string {
  return url === null
    ? 'Call again to be asked again.'
    : `Ask the user to open ${url} and sign in there, then call again.`
}

function sayDuration(ms: number): string {
  const minutes = Math.round(ms / 60_000)
  if (minutes < 1) return `${Math.max(1, Math.round(ms / 1000))} seconds`
  if (minutes < 120) return minutes === 1 ? 'minute' : `${minutes} minutes`
  return `${Math.round(minutes / 60)} hours`
}
