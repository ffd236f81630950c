/**
 * Somebody who is not here, as a caller of a portal: whom a question about policies is about. What a person is, is what their
 * latest sign-in said; it proves nothing to anybody and opens nothing.
 */
import type { GrantId, ServiceTokenId, UserId } from '../base/ids.ts'
import type { Principal, UserPrincipal } from '../base/principal.ts'
import type { ClaimedPerson } from '../contract/policy-explanation.ts'
import { type KnownPerson, listKnownPeople, SIMULATED } from '../identity/known-people-store.ts'
import { findUserByEmail } from '../identity/people-store.ts'
import { listServiceTokens, type ServiceTokenRecord } from '../identity/service-token-store.ts'
import type { Db } from '../store/open.ts'
import { notFound } from './refusal.ts'

export interface SimulatedCaller {
  principal: Principal
  /** Why they get nowhere whatever the policies say, or null. */
  stopped: string | null
  /** What is not known of them, in words. */
  unknown: readonly string[]
}

export interface WhoAsked {
  user?: string | undefined
  service_token?: string | undefined
  claims?: ClaimedPerson | undefined
}

/** @throws ApiRefusal 404 where nobody has that id */
export async function simulateCaller(
  db: Db,
  { user, service_token: bot, claims }: WhoAsked,
  now: number,
): Promise<SimulatedCaller> {
  if (user !== undefined) return personOf(db, user)
  if (bot !== undefined) return simulateBot(await findBot(db, bot), now)
  if (claims !== undefined) return { principal: invented(claims), stopped: null, unknown: [] }
  return simulateAnybody()
}

/** Nobody who signed in. */
export function simulateAnybody(): SimulatedCaller {
  const grant = SIMULATED
  return { principal: { kind: 'anonymous', id: SIMULATED, name: 'anonymous', grant }, stopped: null, unknown: [] }
}

async function personOf(db: Db, who: string): Promise<SimulatedCaller> {
  const email = who.includes('@') ? who.toLowerCase() : null
  const id = email === null ? (who as UserId) : (await findUserByEmail(db, email))?.id
  const [known] = id === undefined ? [] : await listKnownPeople(db, id)
  if (known !== undefined) return simulatePerson(known)
  if (email === null) throw notFound('user', who)
  const unknown = ['Nobody with this address has signed in, so groups and all else that a provider says are not known.']
  return { principal: { ...invented({ email }), identity: null }, stopped: null, unknown }
}

export function simulatePerson({ principal, isDisabled }: KnownPerson): SimulatedCaller {
  const unknown: string[] = []
  if (principal.identity === null)
    unknown.push('They never signed in through a provider, so groups and all else that one says are not known.')
  else if (principal.identity.groups === null) unknown.push('Their provider did not say in which groups they are.')
  return { principal, stopped: isDisabled ? 'The person is disabled.' : null, unknown }
}

export function simulateBot(
  { id, name, clientId, enabled, expiresAt }: ServiceTokenRecord,
  now: number,
): SimulatedCaller {
  const isOver = expiresAt !== null && expiresAt <= now
  const stopped = enabled ? (isOver ? 'The service token is over.' : null) : 'The service token is disabled.'
  return { principal: { kind: 'service', id, name, clientId, grant: id as string as GrantId }, stopped, unknown: [] }
}

async function findBot(db: Db, which: string): Promise<ServiceTokenRecord> {
  const all = await listServiceTokens(db)
  const found = all.find(({ id, clientId }) => id === (which as ServiceTokenId) || clientId === which)
  const named = all.filter(({ name }) => name === which)
  const one = found ?? (named.length === 1 ? named[0] : undefined)
  if (one === undefined)
    throw notFound(named.length > 1 ? 'one service token only that is named' : 'service token', which)
  return one
}

function invented({ email, groups, login_method, amr, oidc }: ClaimedPerson): UserPrincipal {
  const address = email?.toLowerCase() ?? null
  return {
    ...{ kind: 'user', id: SIMULATED as string as UserId, email: address, grant: SIMULATED },
    label: address ?? 'somebody',
    identity: {
      ...{ provider: login_method ?? 'simulated', issuer: 'simulated', subject: 'simulated' },
      ...{ groups: groups ?? null, amr: amr ?? [], claims: oidc ?? {} },
    },
  }
}
