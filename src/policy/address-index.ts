/**
 * Whom a policy can speak of at all, by address: most rules name addresses, domains, or groups of them, and one caller has one
 * address. So that a decision over a hundred rules looks at the three that may matter, and not at every group of the company.
 * It only ever says "certainly not": everything else is judged.
 */
import { inOrderOfWalk } from './decide.ts'
import type { Facts, Policy } from './model.ts'

/** Beyond, what is indexed costs more than it saves. */
const MOST_ADDRESSES = 10_000

/** `ada@acme.test`, or `@acme.test` for all of a domain. */
export type Addresses = ReadonlySet<string>

export interface AddressIndex {
  /**
   * @returns the places of the policies that may speak of this caller, in the order of the walk; undefined where these are
   * not the very ones that the index was made of, so that no rule is passed over by mistake
   */
  places(policies: readonly Policy[], facts: Facts): readonly number[] | undefined
}

export function openAddressIndex(indexed: readonly Policy[]): AddressIndex {
  const order = inOrderOfWalk(indexed)
  // By rank in that order, so that what is found can be merged.
  const byAddress = new Map<string, number[]>()
  const unbound: number[] = []
  for (const [rank, at] of order.entries()) {
    const { addresses } = indexed[at] as Policy
    if (addresses === undefined) unbound.push(rank)
    for (const address of addresses ?? []) {
      const known = byAddress.get(address)
      if (known === undefined) byAddress.set(address, [rank])
      else known.push(rank)
    }
  }
  const toPlaces = (ranks: readonly number[]) => ranks.map((rank) => order[rank] as number)
  const unboundPlaces = toPlaces(unbound)
  return {
    places(policies, facts) {
      if (policies !== indexed) return undefined
      const email = addressOf(facts)
      if (email === null) return order
      const named = byAddress.get(email)
      const ofDomain = byAddress.get(domainOf(email))
      if (named === undefined && ofDomain === undefined) return unboundPlaces
      return toPlaces(inOrder(inOrder(unbound, named), ofDomain))
    },
  }
}

/** @returns false for policies whose `include` certainly does not hold of this caller */
export function possibleFor(facts: Facts): (policy: Policy) => boolean {
  const email = addressOf(facts)
  if (email === null) return () => true
  const domain = domainOf(email)
  return ({ addresses }) => addresses === undefined || addresses.has(email) || addresses.has(domain)
}

/** Null where the caller has none, or one that is not known and may be any. */
function addressOf({ principal }: Facts): string | null {
  return principal.kind === 'user' ? principal.email : null
}

function domainOf(email: string): string {
  return email.slice(email.lastIndexOf('@'))
}

/** Two ascending lists made one, in which nothing stands twice. */
function inOrder(one: readonly number[], other: readonly number[] | undefined): readonly number[] {
  if (other === undefined) return one
  const all: number[] = []
  let next = 0
  for (const at of one) {
    for (let rival = other[next]; rival !== undefined && rival <= at; rival = other[++next]) {
      if (rival < at) all.push(rival)
    }
    all.push(at)
  }
  for (; next < other.length; next++) all.push(other[next] as number)
  return all
}

/**
 * Of several of which any one would do.
 *
 * @returns undefined where one of them may speak of anybody
 */
export function anyOf(parts: readonly { addresses?: Addresses | undefined }[]): Addresses | undefined {
  const all = new Set<string>()
  for (const { addresses } of parts) {
    if (addresses === undefined || all.size + addresses.size > MOST_ADDRESSES) return undefined
    for (const address of addresses) all.add(address)
  }
  return all
}
