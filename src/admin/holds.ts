/** Nobody makes, gives or takes away more than they hold. */
import type { Operator } from '../base/principal.ts'
import { rightsOf } from '../contract/rights.ts'

const RANK: Readonly<Record<Operator['role'], number>> = { auditor: 0, admin: 1, owner: 2 }

/** @param wanted empty scopes are all that the role has */
export function holds(operator: Operator, wanted: { role: Operator['role']; scopes: readonly string[] }): boolean {
  if (RANK[wanted.role] > RANK[operator.role]) return false
  const own = rightsOf(operator.role, operator.scopes)
  return rightsOf(wanted.role, wanted.scopes).every((right) => own.includes(right))
}
