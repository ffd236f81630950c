/** What the criteria of policies and groups may name: groups, lists, identity providers, service tokens that there are. */
import { IDENTITY_SELECTORS, MACHINE_SELECTORS, MOST_CRITERIA } from '../contract/criteria.ts'
import { listProviders } from '../identity/providers/provider-store.ts'
import { listServiceTokens } from '../identity/service-token-store.ts'
import { type GroupRecord, listGroups } from '../policy/group-store.ts'
import { listLists } from '../policy/list-store.ts'
import type { Criterion } from '../policy/model.ts'
import type { Db } from '../store/open.ts'
import { invalid } from './refusal.ts'

export const PARTS = ['include', 'exclude', 'require'] as const

/** The criteria of a policy or a group. */
export type Rules = Readonly<Record<(typeof PARTS)[number], readonly Criterion[]>>

export interface Known {
  groups: ReadonlyMap<string, GroupRecord>
  /** Their types by their ids. */
  lists: ReadonlyMap<string, string>
  providers: ReadonlySet<string>
  serviceTokens: ReadonlySet<string>
}

/** Whoever signs in with a password of the portal's own. */
const LOCAL_PROVIDER = 'local'

export async function readKnown(db: Db): Promise<Known> {
  return {
    groups: new Map((await listGroups(db)).map((group) => [group.id, group])),
    lists: new Map((await listLists(db)).map(({ id, type }) => [id, type])),
    providers: new Set([LOCAL_PROVIDER, ...(await listProviders(db)).map(({ id }) => id as string)]),
    serviceTokens: new Set((await listServiceTokens(db)).map(({ id }) => id as string)),
  }
}

/** One criterion and where it stands in the body. */
export interface Placed {
  path: string
  selector: string
  argument: Readonly<Record<string, unknown>>
}

export function placed(rules: Rules): Placed[] {
  return PARTS.flatMap((part) =>
    rules[part].flatMap((criterion, index) =>
      Object.entries(criterion).map(([selector, argument]) => ({
        path: `${part}.${index}.${selector}`,
        selector,
        argument: (argument ?? {}) as Record<string, unknown>,
      })),
    ),
  )
}

/** @throws ApiRefusal 400 with the path of what names nothing, or where there are too many of them */
export function refuseUnknown(rules: Rules, known: Known): void {
  const all = placed(rules)
  if (all.length > MOST_CRITERIA) {
    throw invalid(
      'include',
      `with exclude and require there may be ${MOST_CRITERIA} criteria; put more into groups or lists`,
    )
  }
  for (const one of all) refuseUnknownIn(one, known)
}

function refuseUnknownIn({ path, selector, argument }: Placed, known: Known): void {
  const name = (field: string): string => String(argument[field])
  if (selector === 'group' && !known.groups.has(name('id'))) {
    throw invalid(`${path}.id`, 'names no group; list the groups to see their ids')
  }
  if (selector === 'email_list') requireList(known, name('id'), 'EMAIL', `${path}.id`)
  if (selector === 'ip_list') requireList(known, name('id'), 'IP', `${path}.id`)
  if (selector === 'service_token' && !known.serviceTokens.has(name('token_id'))) {
    throw invalid(`${path}.token_id`, 'names no service token; list the service tokens to see their ids')
  }
  if (selector === 'login_method') requireProvider(known, name('id'), `${path}.id`)
  if (argument.identity_provider_id !== undefined) {
    requireProvider(known, name('identity_provider_id'), `${path}.identity_provider_id`)
  }
}

/** @throws ApiRefusal 400 */
export function requireList(known: Pick<Known, 'lists'>, id: string, type: string, path: string): void {
  const is = known.lists.get(id)
  if (is === undefined) throw invalid(path, 'names no list; list the lists to see their ids')
  if (is !== type) throw invalid(path, `names a list of type ${is}; here one of type ${type} is needed`)
}

function requireProvider(known: Known, id: string, path: string): void {
  if (!known.providers.has(id)) throw invalid(path, 'names no identity provider; list them to see their ids')
}

/**
 * Whom a decision can never speak of may not stand in it: nobody would see that the rule does nothing.
 *
 * @throws ApiRefusal 400
 */
export function refuseUselessIn(decision: string, rules: Rules, groups: Known['groups']): void {
  for (const one of placed(rules)) {
    if (decision === 'allow' && MACHINE_SELECTORS.includes(one.selector) && !one.path.startsWith('exclude')) {
      throw invalid(one.path, 'speaks of requests without a person: choose the decision "non_identity"')
    }
    if (one.selector === 'linked_app_token' && decision === 'deny') {
      throw invalid(one.path, 'stands in policies that decide "non_identity" or "bypass" only')
    }
    if (decision !== 'bypass') continue
    const person = personWithin(one, groups)
    if (person !== null) {
      const where = one.selector === 'group' ? ` in the group "${groups.get(String(one.argument.id))?.name}"` : ''
      throw invalid(
        one.path,
        `"${person}"${where} speaks of a person, and whom a "bypass" lets in has not signed in: leave it out`,
      )
    }
  }
}

/** @returns the selector of a person's that a criterion is or, through groups, holds; null where there is none */
function personWithin(
  { selector, argument }: Placed,
  groups: Known['groups'],
  seen = new Set<string>(),
): string | null {
  if (IDENTITY_SELECTORS.includes(selector)) return selector
  const group = selector === 'group' ? groups.get(String(argument.id)) : undefined
  if (group === undefined || seen.has(group.id)) return null
  seen.add(group.id)
  for (const inner of placed(group)) {
    const found = personWithin(inner, groups, seen)
    if (found !== null) return found
  }
  return null
}
