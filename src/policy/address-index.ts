/**
 * Who a policy can speak of at all, by address: most rules name addresses, domains, or groups of them, and one caller has one
 * address. So that a decision over a hundred rules looks at the three that may matter, and not at every group of the company.
 * It only ever says "certainly not": everything else is judged.
 */
import type { Facts, Policy } from './model.ts'

/** Beyond, what is indexed costs more than it saves. */
const MOST_ADDRESSES = 10_000

/** `ada@acme.test`, or `@acme.test` for all of a domain. */
export type Addresses = ReadonlySet<string>

export interface AddressIndex {
  /** @returns false for policies whose `include` certainly does not hold of this caller */
  possible(facts: Facts): (policy: Policy) => boolean
}

export function openAddressIndex(policies: readonly Policy[]): AddressIndex {
  const byAddress = new Map<string, Policy[]>()
  for (const policy of new Set(policies)) {
    for (const address of policy.addresses ?? []) {
      const known = byAddress.get(address)
      if (known === undefined) byAddress.set(address, [policy])
      else known.push(policy)
    }
  }
  return {
    possible({ principal }) {
      // An address that is not known may be any.
      if (principal.kind !== 'user' || principal.email === null) return anyPolicy
      const { email } = principal
      const named = byAddress.get(email)
      const ofDomain = byAddress.get(email.slice(email.lastIndexOf('@')))
      if (named === undefined && ofDomain === undefined) return isUnbound
      const found = new Set([...(named ?? []), ...(ofDomain ?? [])])
      return (policy) => policy.addresses === undefined || found.has(policy)
    },
  }
}

const anyPolicy = (): boolean => true
const isUnbound = (policy: Policy): boolean => policy.addresses === undefined

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
