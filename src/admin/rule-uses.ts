/** Where groups and lists are named, as a reader would say it: nothing that is named is taken away. */
import { listGroups } from '../policy/group-store.ts'
import { listPolicies } from '../policy/policy-store.ts'
import type { Db } from '../store/open.ts'
import { placed, type Rules } from './known-rules.ts'

type Named = 'group' | 'list'

/** Selectors that name one by its `id`. */
const NAMING: Readonly<Record<Named, readonly string[]>> = { group: ['group'], list: ['email_list', 'ip_list'] }

/** @returns `policy "Staff"`, `group "Finance"`, each once */
export async function usesOf(db: Db, what: Named, id: string): Promise<string[]> {
  const names = (rules: Rules): boolean =>
    placed(rules).some(({ selector, argument }) => NAMING[what].includes(selector) && argument.id === id)
  const approves = (extra: Readonly<Record<string, unknown>>): boolean =>
    what === 'list' &&
    ((extra.approval_groups ?? []) as readonly { email_list_uuid?: string }[]).some((one) => one.email_list_uuid === id)
  const groups = (await listGroups(db)).filter((group) => group.id !== id && names(group))
  const policies = (await listPolicies(db)).filter((policy) => names(policy) || approves(policy.extra))
  return [...policies.map(({ name }) => `policy "${name}"`), ...groups.map(({ name }) => `group "${name}"`)]
}

const MOST_SAID = 5

/** @returns the first few of them, and how many more there are */
export function saidShortly(uses: readonly string[]): string {
  const more = uses.length - MOST_SAID
  return `${uses.slice(0, MOST_SAID).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
