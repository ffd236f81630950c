/**
 * Selectors that speak of the person who calls. What a provider did not say is unknown; what another provider might say of
 * the same person was not said at this sign-in, so it is false.
 */
import type { IdentityFacts } from '../base/principal.ts'
import type { Selector } from '../contract/criteria.ts'
import type { Truth } from './model.ts'
import { comparableDomain, comparableEmail } from './same-address.ts'
import { identityOf, type Judged, type Prepare, whyNoIdentity } from './selector.ts'

type OfPeople = Extract<
  Selector,
  | ('email' | 'email_domain' | 'email_list' | 'login_method' | 'auth_method' | 'auth_context' | 'oidc')
  | ('azureAD' | 'okta' | 'gsuite' | 'github-organization')
>

const AT = 0x40

export const OF_PEOPLE: { [S in OfPeople]: Prepare<S> } = {
  email({ email }) {
    const wanted = comparableEmail(email)
    if (wanted === null) return `"${email}" is no address that anybody can have`
    return { ...addressed(`wanted: ${wanted}`, (own) => own === wanted), addresses: new Set([wanted]) }
  },
  email_domain({ domain }) {
    const wanted = comparableDomain(domain)
    if (wanted === null) return `"${domain}" is no domain that anybody can have`
    // The last `@` is meant, since a quoted local part may hold another; no domain has one in it.
    const end = `@${wanted}`
    const judged = addressed(`wanted: an address at ${wanted} itself`, (own) => {
      // Nearly every address is elsewhere, which one character tells.
      return own.charCodeAt(own.length - end.length) === AT && own.endsWith(end)
    })
    return { ...judged, addresses: new Set([end]) }
  },
  email_list({ id }, lookups) {
    const list = lookups.list(id)
    if (list === undefined) return `there is no list ${id}`
    const { emails, name, isBroken } = list
    if (emails === null) return `the list "${name}" does not hold addresses of people`
    return addressed(`wanted: an address of the list "${name}"`, (own) => emails.has(own) || (isBroken && 'unknown'))
  },
  login_method: ({ id }) =>
    identified(
      (identity) => identity.provider === id,
      (identity) => `signed in through ${identity.provider}, wanted: ${id}`,
    ),
  auth_method: ({ auth_method: method }) =>
    identified(
      // Whoever signed in did so by some method: a provider that names none has not said it.
      ({ amr }) => (amr.length === 0 ? 'unknown' : amr.includes(method)),
      ({ amr, provider }) =>
        amr.length === 0
          ? `${provider} did not say how the person signed in`
          : `signed in with ${amr.join(', ')}, wanted: ${method}`,
    ),
  auth_context: ({ ac_id: context, identity_provider_id: provider }) => claimed(provider, 'acrs', context),
  oidc: ({ claim_name: name, claim_value: value, identity_provider_id: provider }) => claimed(provider, name, value),
  // Object ids of Entra are GUIDs, which it writes in lower case and people paste in either.
  azureAD: ({ id, identity_provider_id: provider }) => grouped(provider, id, (name) => name.toLowerCase()),
  okta: ({ name, identity_provider_id: provider }) => grouped(provider, name, null),
  gsuite({ email, identity_provider_id: provider }) {
    if (comparableEmail(email) === null) return `"${email}" is no address that a group can have`
    return grouped(provider, email, (own) => comparableEmail(own) ?? own)
  },
  'github-organization'({ name, team, identity_provider_id: provider }) {
    if (!/^[\w.-]+$/.test(name)) return `"${name}" is no name that an organization can have`
    if (team !== undefined && !/^[\w.-]+$/.test(team))
      return `give the team "${team}" as its address has it, such as "my-team"`
    // GitHub takes no notice of case in either.
    return grouped(provider, team === undefined ? name : `${name}/${team}`, (own) => own.toLowerCase())
  },
}

/** A person whose address nobody vouches for has one that is not known, which is not the same as none. */
function addressed(asked: string, isMeant: (email: string) => Truth): Judged {
  return {
    judge({ principal }) {
      // People first: it is them that rules are asked about.
      if (principal.kind === 'user') return principal.email === null ? 'unknown' : isMeant(principal.email)
      return principal.kind === 'anonymous' && 'unknown'
    },
    why(facts) {
      const { principal } = facts
      if (principal.kind !== 'user')
        return `${asked}; ${whyNoIdentity(principal.kind === 'service' ? 'none' : 'unknown', facts)}`
      return principal.email === null
        ? `${asked}; nobody vouches for an address of the caller`
        : `${asked}; the caller has ${principal.email}`
    },
  }
}

function identified(see: (identity: IdentityFacts) => Truth, say: (identity: IdentityFacts) => string): Judged {
  return {
    judge(facts) {
      const identity = identityOf(facts)
      return typeof identity === 'string' ? identity === 'unknown' && 'unknown' : see(identity)
    },
    why(facts) {
      const identity = identityOf(facts)
      return typeof identity === 'string' ? whyNoIdentity(identity, facts) : say(identity)
    },
  }
}

/** What only this provider can say: of whoever signed in elsewhere it said nothing, and so not this. */
function saidBy(id: string, see: (identity: IdentityFacts) => Truth, say: (identity: IdentityFacts) => string): Judged {
  const { why } = identified(see, (identity) =>
    identity.provider === id ? say(identity) : `signed in through ${identity.provider}, and only ${id} could say it`,
  )
  return {
    judge(facts) {
      const identity = identityOf(facts)
      if (typeof identity === 'string') return identity === 'unknown' && 'unknown'
      return identity.provider === id && see(identity)
    },
    why,
  }
}

/** @param plain the form in which names of this provider are compared; null where they are compared as they stand */
function grouped(provider: string, wanted: string, plain: ((name: string) => string) | null): Judged {
  const meant = plain === null ? wanted : plain(wanted)
  return saidBy(
    provider,
    ({ groups }) => {
      if (groups === null) return 'unknown'
      // A loop, because a decision may ask this a hundred times.
      for (const name of groups) if (name === wanted || (plain !== null && plain(name) === meant)) return true
      return false
    },
    ({ groups }) =>
      groups === null
        ? `${provider} did not say all groups of the person, so whether "${wanted}" is one is not known`
        : `wanted: the group "${wanted}"; ${provider} names ${groups.length} groups of the person`,
  )
}

function claimed(provider: string, name: string, wanted: string): Judged {
  return saidBy(
    provider,
    ({ claims }) => (Object.hasOwn(claims, name) ? holds(claims[name], wanted) : 'unknown'),
    ({ claims }) =>
      Object.hasOwn(claims, name)
        ? `wanted: "${wanted}" in the claim ${name}, which says ${shown(claims[name])}`
        : `${provider} did not say the claim ${name}, or its settings do not keep it`,
  )
}

/** A list of values contains it, a single one is it. What is neither cannot be compared with text. */
function holds(said: unknown, wanted: string): Truth {
  const values: unknown[] = Array.isArray(said) ? said : [said]
  const texts = values.map((value) => (isScalar(value) ? String(value) : null))
  return texts.includes(wanted) || (texts.includes(null) && 'unknown')
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
