/** What a selector becomes when it is prepared, and what it may look up then. */
import type { z } from 'zod'
import type { IdentityFacts } from '../base/principal.ts'
import type { SELECTOR_SHAPES, Selector } from '../contract/criteria.ts'
import type { PreparedList } from './lists.ts'
import type { Condition, Facts, Needs, Truth } from './model.ts'

/** What criteria name by id. Undefined where there is no such thing. */
export interface Lookups {
  group(id: string): Pick<Condition, 'judge' | 'why' | 'needs' | 'addresses'> | undefined
  list(id: string): PreparedList | undefined
}

export const NOTHING_TO_LOOK_UP: Lookups = { group: () => undefined, list: () => undefined }

export interface Judged {
  judge(facts: Facts): Truth
  why(facts: Facts): string
  needs?: Needs
  /** As `Condition.addresses`. */
  addresses?: ReadonlySet<string> | undefined
}

/** @returns in words why it cannot be judged, where it cannot */
export type Prepare<S extends Selector> = (
  argument: z.infer<(typeof SELECTOR_SHAPES)[S]>,
  lookups: Lookups,
) => Judged | string

export const NEEDS_NOTHING: Needs = { origin: false, external: [] }
export const NEEDS_ORIGIN: Needs = { origin: true, external: [] }

/**
 * What a provider said of the caller: `none` for a machine, of whom no provider says anything; `unknown` where nobody can tell
 * who it is, or the person never signed in.
 */
export function identityOf({ principal }: Facts): IdentityFacts | 'none' | 'unknown' {
  if (principal.kind === 'service') return 'none'
  return principal.kind === 'user' && principal.identity !== null ? principal.identity : 'unknown'
}

export function whyNoIdentity(identity: 'none' | 'unknown', { principal }: Facts): string {
  if (identity === 'none') return 'the caller is a service token, of which no identity provider says anything'
  return principal.kind === 'anonymous'
    ? 'the caller is nobody who signed in, so it is not known who it is'
    : 'the person never signed in through an identity provider, so it is not known'
}
