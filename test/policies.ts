/** Callers, facts and policies for tests of rules. */
import type { GrantId, PolicyId, ServiceTokenId, UserId } from '../src/base/ids.ts'
import type { AnonymousPrincipal, IdentityFacts, ServicePrincipal, UserPrincipal } from '../src/base/principal.ts'
import type { CallFacts, Capability, Criterion, Facts, Policy } from '../src/policy/model.ts'
import { NO_ANNOTATIONS, NOWHERE } from '../src/policy/model.ts'
import { type Books, makeRuleBook, type PolicySource } from '../src/policy/rule-book.ts'

export const NOW = Date.UTC(2026, 5, 1)

export const ada: UserPrincipal = {
  kind: 'user',
  id: 'u1' as UserId,
  email: 'ada@acme.test',
  label: 'ada@acme.test',
  grant: 'g1' as GrantId,
  identity: null,
}
export const bot: ServicePrincipal = {
  kind: 'service',
  id: 's1' as ServiceTokenId,
  name: 'ci',
  clientId: 'c.access',
  grant: 's1' as GrantId,
}
export const nobody: AnonymousPrincipal = { kind: 'anonymous', id: 'a1', name: 'anonymous', grant: 'a1' as GrantId }

/** Ada as a provider speaks of her. */
export function signedIn(identity: Partial<IdentityFacts>, email: string | null = ada.email): UserPrincipal {
  const said = { provider: 'idp', issuer: 'https://idp.test', subject: 'ada', groups: null, amr: [], claims: {} }
  return { ...ada, email, identity: { ...said, ...identity } }
}

export function factsOf(principal: Facts['principal'], more: Partial<Facts> = {}): Facts {
  return { principal, origin: NOWHERE, country: null, external: new Map(), now: NOW, assume: 'nothing', ...more }
}

export interface PolicyParts {
  include?: readonly unknown[]
  require?: readonly unknown[]
  exclude?: readonly unknown[]
  extra?: Readonly<Record<string, unknown>>
}

/** As it would stand in the store, whatever anybody wrote there. */
export function stored(id: string, decision: string, parts: PolicyParts): PolicySource {
  const { include = [], require = [], exclude = [], extra = {} } = parts
  const list = (all: readonly unknown[]) => all as readonly Criterion[]
  return {
    ...{ id: id as PolicyId, name: id, decision: decision as PolicySource['decision'] },
    ...{ include: list(include), require: list(require), exclude: list(exclude), extra },
  }
}

export function prepared(sources: readonly PolicySource[], books: Partial<Books> = {}): Policy[] {
  const book = makeRuleBook({ groups: [], lists: [], ...books, policies: sources })
  return sources.map(({ id }) => book.policy(id))
}

export function tool(name: string, more: Partial<Capability> = {}): Capability {
  return { server: 0, serverId: 'files', kind: 'tool', name, annotations: NO_ANNOTATIONS, labels: [], ...more }
}

export function callWith(input: Record<string, unknown>, more: Partial<CallFacts> = {}): CallFacts {
  return { arguments: input, flow: null, ...more }
}
