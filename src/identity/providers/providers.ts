/**
 * Signing in through the company's identity providers, several at once, each with a callback address of its own. What leaves a browser
 * comes back to the same browser, at the address of the same provider, once, within minutes; anything else is refused before the provider
 * is asked, and written down.
 */
import { randomBytes } from 'node:crypto'
import { randomNonce, randomPKCECodeVerifier } from 'openid-client'
import type { Egress } from '../../base/egress.ts'
import type { AssertionFor } from '../../base/identity-assertion.ts'
import type { UserId } from '../../base/ids.ts'
import type { Log } from '../../base/log.ts'
import { digest } from '../../base/secret.ts'
import type { ProviderType } from '../../contract/identity-provider.ts'
import {
  completeSignIn,
  recordRefusedSignIn,
  recordTested,
  type SignInFrom,
  type SignInRefusal,
  type SignInRooms,
} from '../complete-sign-in.ts'
import { insertAttempt, takeAttempt } from './attempt-store.ts'
import { CONNECTION_LIMITS, type ConnectionLimits, openConnection } from './connection.ts'
import { githubWay } from './github.ts'
import { openIdentityAssertions } from './identity-assertion.ts'
import { openNet } from './net.ts'
import { oidcWay } from './oidc.ts'
import { ProviderProblem, problemOf } from './problem.ts'
import { endWhatCameThrough, listProviders, readProvider, readProviderSecret } from './provider-store.ts'
import { openRecheck, type Verdict } from './recheck.ts'
import { type ProviderSettings, settingsOf, vouchesForLess } from './settings.ts'
import { openStartBudget, type StartBudget } from './start-budget.ts'
import type { Way } from './way.ts'

export interface OfferedProvider {
  id: string
  name: string
  type: ProviderType
}

export interface Starting {
  /** SHA-256 of the browser's binding cookie. */
  binding: string
  /** A path of our own, checked by whoever read it. */
  returnTo: string
  /** The person is to prove anew who they are. */
  isFresh?: boolean
  /** Nobody is signed in by it: an admin looks whether this way works. */
  isTest?: boolean
  from: Pick<SignInFrom, 'clientIp'>
}

export interface Coming {
  binding: string
  from: Omit<SignInFrom, 'method' | 'provider'>
}

export type Came =
  | { kind: 'signed-in'; setCookie: string; returnTo: string; userId: UserId; identityId: string }
  /** The provider vouched for this person. No account was made and nobody is signed in. */
  | { kind: 'tested'; label: string }
  | { kind: 'refused'; reason: SignInRefusal }

export interface Providers {
  /** Those that a browser can be sent to, in the order in which they were made; a mailed PIN is not among them. */
  offered(): readonly OfferedProvider[]
  /** @returns where to send the browser */
  start(providerId: string, starting: Starting): Promise<{ location: string } | { refused: SignInRefusal }>
  /**
   * @param callbackUrl as the browser asked for it; only its query counts
   * @throws Fault `audit-unavailable`
   */
  callback(providerId: string, callbackUrl: URL, coming: Coming): Promise<Came>
  /**
   * Asks the provider whether a person still stands, at most every ten minutes, and keeps what it says of their groups. Who is gone is
   * signed out everywhere before this returns.
   */
  recheck(identityId: string): Promise<Verdict>
  /** A person's word at another authorization server, by the provider that they signed in through. */
  assertionFor: AssertionFor
  close(): void
}

export interface ProviderRooms extends SignInRooms {
  egress: Egress
  /** The base URL under which people sign in. */
  issuer(): string
  log: Log
  limits?: Partial<ConnectionLimits>
}

interface Known {
  settings: ProviderSettings
  way: Way
  /** All that it was made from. */
  parts: string
}

export async function openProviders(rooms: ProviderRooms): Promise<Providers> {
  const { store, clock } = rooms
  let known: ReadonlyMap<string, Known> = new Map()
  const read = async (): Promise<void> => {
    known = await readKnown(rooms, known)
  }
  const stop = store.versions.changed('identity', read)
  await read()
  const budget = openStartBudget(clock)
  return {
    offered: () => [...known.values()].map(({ settings: { id, name, type } }) => ({ id, name, type })),
    async start(providerId, starting) {
      const asked = { ...rooms, providerId, provider: known.get(providerId) }
      return start(asked, budget, starting)
    },
    async callback(providerId, callbackUrl, coming) {
      const asked = { ...rooms, providerId, provider: known.get(providerId) }
      return callback(asked, callbackUrl, coming)
    },
    recheck: openRecheck(rooms, (id) => known.get(id)?.way ?? null),
    assertionFor: openIdentityAssertions(rooms, (id) => known.get(id)?.way ?? null),
    close: stop,
  }
}

/** Where an attempt leads that signs nobody in: no path of ours, so no form can ask for it. */
const TESTED = 'tested'

/** One request about one provider, which may not be there. */
interface Asked extends ProviderRooms {
  providerId: string
  provider: Known | undefined
}

async function start(
  asked: Asked,
  budget: StartBudget,
  { binding, returnTo, isFresh = false, isTest = false, from }: Starting,
) {
  const { provider } = asked
  const refuse = async (reason: SignInRefusal) => ({ refused: await record(asked, reason, from) })
  if (provider === undefined) return refuse('not-offered')
  if (!budget.take(from.clientIp)) return refuse('locked-out')
  try {
    return { location: (await leave(asked, provider, { binding, returnTo: isTest ? TESTED : returnTo, isFresh })).href }
  } catch (error) {
    return { refused: await recordProblem(asked, problemOf(error), from) }
  }
}

async function callback(asked: Asked, { searchParams, search }: URL, { binding, from }: Coming): Promise<Came> {
  const { store, sealer, providerId, provider } = asked
  const refuse = async (reason: SignInRefusal): Promise<Came> => {
    return { kind: 'refused', reason: await record(asked, reason, from) }
  }
  if (provider === undefined) return refuse('not-offered')
  const [state, second] = searchParams.getAll('state')
  if (state === undefined || second !== undefined) return refuse('login-binding')
  const attempt = await takeAttempt(store, sealer, { id: digest(state), binding, providerId })
  if (attempt === null) return refuse('login-binding')
  const answer = new URL(redirectUriOf(asked, providerId))
  answer.search = search
  try {
    const vouched = await provider.way.come(answer, state, attempt.secrets)
    if (attempt.returnTo === TESTED)
      return { kind: 'tested', label: await recordTested(vouched, { ...from, ...seenAs(asked) }, asked) }
    const done = await completeSignIn(vouched, { ...from, ...seenAs(asked) }, asked)
    if (done.kind === 'refused') return done
    const { setCookie, who } = done
    if (!(await stillVouches(asked, provider, who.identityId))) return refuse('not-offered')
    return { kind: 'signed-in', setCookie, returnTo: attempt.returnTo, userId: who.userId, identityId: who.identityId }
  } catch (error) {
    if (!(error instanceof ProviderProblem)) throw error
    return { kind: 'refused', reason: await recordProblem(asked, error, from) }
  }
}

/**
 * Whoever removes a provider, or takes from what it may vouch for, ends what came through it by then. What came a moment later, on its word of a moment before, is ended here:
 * one of the two sees the other.
 */
async function stillVouches({ store }: Asked, { settings }: Known, identityId: string): Promise<boolean> {
  const record = await readProvider(store.db, settings.id)
  const now = record === undefined ? null : settingsOf({ ...record, clientSecret: null })
  if (now !== null && samePlace(now, settings) && !vouchesForLess(settings, now)) return true
  await store.write((trx) => endWhatCameThrough(store, trx, { identity: identityId }))
  return false
}

function samePlace(one: ProviderSettings, other: ProviderSettings): boolean {
  const placeIn = ({ issuer, endpoints }: ProviderSettings) => JSON.stringify([issuer, endpoints])
  return placeIn(one) === placeIn(other)
}

type Seen = Pick<SignInFrom, 'clientIp'>

async function record(asked: Asked, reason: SignInRefusal, { clientIp }: Seen, who = ''): Promise<SignInRefusal> {
  await recordRefusedSignIn(reason, { clientIp, ...seenAs(asked) }, who, asked)
  return reason
}

function recordProblem(asked: Asked, { reason, message, who }: ProviderProblem, from: Seen): Promise<SignInRefusal> {
  const about = { provider: asked.providerId, reason, detail: message }
  asked.log.warn(about, 'a sign-in through an identity provider was refused')
  return record(asked, reason, from, who)
}

/** As the audit names it. */
function seenAs({ provider }: Asked): Pick<SignInFrom, 'method' | 'provider'> {
  if (provider === undefined) return { method: 'sign-in oidc' }
  const { id, type } = provider.settings
  return { method: type === 'github' ? 'sign-in github' : 'sign-in oidc', provider: id }
}

async function leave(
  rooms: ProviderRooms,
  { settings, way }: Known,
  { binding, returnTo, isFresh }: Pick<Starting, 'binding' | 'returnTo'> & { isFresh: boolean },
): Promise<URL> {
  // 256 bit each.
  const state = randomBytes(32).toString('base64url')
  const secrets = { nonce: randomNonce(), verifier: randomPKCECodeVerifier(), issuer: await way.issuer(), isFresh }
  const url = await way.leave({ redirectUri: redirectUriOf(rooms, settings.id), state, ...secrets })
  await insertAttempt(rooms.store, rooms.sealer, {
    ...{ id: digest(state), binding, providerId: settings.id, secrets, returnTo },
  })
  return url
}

/** One for each provider, so that an answer of one cannot be taken for another's (RFC 9700, 4.4). */
function redirectUriOf({ issuer }: ProviderRooms, providerId: string): string {
  return `${issuer()}${callbackPathOf(providerId)}`
}

export function callbackPathOf(providerId: string): string {
  return `/sign-in/to/${encodeURIComponent(providerId)}/callback`
}

/** A provider that did not change keeps what is known of it. */
async function readKnown(rooms: ProviderRooms, before: ReadonlyMap<string, Known>): Promise<Map<string, Known>> {
  const { store, sealer } = rooms
  const after = new Map<string, Known>()
  for (const record of await listProviders(store.db)) {
    const clientSecret = await readProviderSecret(store.db, sealer, record.id)
    const settings = settingsOf({ ...record, clientSecret })
    if (settings === null) continue
    const parts = JSON.stringify(settings)
    const was = before.get(record.id)
    after.set(record.id, was?.parts === parts ? was : { settings, parts, way: wayOf(rooms, settings) })
  }
  return after
}

function wayOf({ egress, clock, log, limits }: ProviderRooms, settings: ProviderSettings): Way {
  const net = openNet(egress, settings.allowed)
  const connection = openConnection(settings, net, { clock, limits: { ...CONNECTION_LIMITS, ...limits } })
  if (settings.type === 'github') return githubWay({ settings, connection, net })
  const onDropped = (claims: readonly string[]): void => {
    log.warn(
      { provider: settings.id, claims },
      'claims were longer than what is kept of them; policies do not see them',
    )
  }
  return oidcWay({ settings, connection, net, onDropped })
}
