/**
 * One criterion, one answer: does it speak of this caller? The answer is true, false or unknown, and unknown is never
 * rounded: it satisfies neither `include` nor `require`, and always satisfies `exclude` and any deny. So a fact that is
 * missing, or a criterion that this program does not know (written by a newer one), can only close, never open.
 */
import type { Principal } from '../base/principal.ts'

/** As the REST API and the store spell it: one key, the selector, e.g. `{"email_domain":{"domain":"acme.test"}}`. */
export type Criterion = Readonly<Record<string, unknown>>

export type Truth = true | false | 'unknown'

type Judge = (principal: Principal, argument: Readonly<Record<string, unknown>>) => Truth

/** The selectors that this program knows. `/access/policies` refuses any other at write time. */
const JUDGES: Readonly<Record<string, Judge>> = {
  everyone: () => true,
  email: (principal, { email }) =>
    typeof email === 'string' && addressed(principal, (own) => own === email.toLowerCase()),
  email_domain: (principal, { domain }) =>
    typeof domain === 'string' && addressed(principal, (own) => domainOf(own) === domain.toLowerCase()),
  service_token: (principal, argument) => principal.kind === 'service' && principal.id === argument.token_id,
  any_valid_service_token: (principal) => principal.kind === 'service',
}

/** Never throws: what is malformed is unknown. */
export function judge(criterion: Criterion, principal: Principal): Truth {
  const keys = Object.keys(criterion)
  const selector = keys[0]
  if (selector === undefined || keys.length !== 1 || !Object.hasOwn(JUDGES, selector)) return 'unknown'
  const argument = criterion[selector]
  if (typeof argument !== 'object' || argument === null) return 'unknown'
  return JUDGES[selector]?.(principal, argument as Record<string, unknown>) ?? 'unknown'
}

/** A person whose address nobody vouches for has one that is not known, which is not the same as none. */
function addressed(principal: Principal, isMeant: (email: string) => boolean): Truth {
  if (principal.kind !== 'user') return false
  return principal.email === null ? 'unknown' : isMeant(principal.email)
}

/** What stands after the last `@`: a quoted local part may hold another. */
function domainOf(email: string): string {
  return email.slice(email.lastIndexOf('@') + 1)
}
