/** Policies, groups and lists, and what their forms choose from, as the REST API has them. */
import { queryOptions, useQuery } from '@tanstack/react-query'
import type { AppShown } from '../../../src/contract/access-app.ts'
import type { GroupShown } from '../../../src/contract/access-group.ts'
import type { ListShown } from '../../../src/contract/gateway-list.ts'
import type { IdentityProviderShown } from '../../../src/contract/identity-provider.ts'
import type { AppPolicyShown, PolicyShown } from '../../../src/contract/policy.ts'
import type { DiffShown } from '../../../src/contract/policy-explanation.ts'
import type { PolicyTestShown, PolicyTestUserShown } from '../../../src/contract/policy-test.ts'
import type { PortalSummary } from '../../../src/contract/portal.ts'
import type { ServerShown } from '../../../src/contract/server.ts'
import type { ServiceTokenShown } from '../../../src/contract/tokens.ts'
import type { Names } from '../rules/names.ts'
import { ask, part, type Query, type Told } from './ask.ts'

export const POLICIES = '/access/policies'
export const GROUPS = '/access/groups'
export const LISTS = '/gateway/lists'
export const PORTALS = '/access/ai-controls/mcp/portals'
export const SERVERS = '/access/ai-controls/mcp/servers'

const PAGE = 1000

/** All of a list, page by page: a choice that lacks some would look like one that has all. */
async function all<Row>(path: string, signal: AbortSignal, query: Query = {}): Promise<Row[]> {
  const rows: Row[] = []
  for (let page = 1; ; page += 1) {
    const { result } = await ask<Row[]>('GET', path, { signal, query: { ...query, page, per_page: PAGE } })
    rows.push(...result)
    if (result.length < PAGE) return rows
  }
}

const every = <Row>(key: readonly string[], path: string, query: Query = {}) =>
  queryOptions({ queryKey: key, queryFn: ({ signal }) => all<Row>(path, signal, query) })

export const policiesQuery = every<PolicyShown>(['policies'], POLICIES)
export const groupsQuery = every<GroupShown>(['groups'], GROUPS)
export const listsQuery = every<ListShown>(['lists'], LISTS)
/** Without what their tools are: a choice among portals and servers needs their names alone. */
export const attachedPortalsQuery = every<PortalSummary>(['portals', '', 'attached'], PORTALS, { summary: true })
export const attachedServersQuery = every<ServerShown>(['servers', '', 'attached'], SERVERS, { summary: true })
export const tokenChoicesQuery = every<ServiceTokenShown>(['service_tokens', '', 'choices'], '/access/service_tokens')
export const providerChoicesQuery = every<IdentityProviderShown>(
  ['identity_providers', '', 'choices'],
  '/access/identity_providers',
)

const one = <Shown extends object>(key: string, path: string, id: string) =>
  queryOptions({
    queryKey: [key, id],
    queryFn: async ({ signal }) => (await ask<Shown>('GET', `${path}/${part(id)}`, { signal })).result,
    // Another object is no placeholder for this one: a form would be filled with it.
    placeholderData: () => undefined,
  })

const APPS = '/access/apps'
/** The policies of one portal or server; its own are read and changed here. */
export const ownPolicies = (app: string) => `${APPS}/${part(app)}/policies`
export const appQuery = (app: string) =>
  queryOptions({ ...one<AppShown>('policies', APPS, app), queryKey: ['policies', 'of', app] })
export const ownPolicyQuery = (app: string, id: string) =>
  queryOptions({ ...one<AppPolicyShown>('policies', ownPolicies(app), id), queryKey: ['policies', 'of', app, id] })

/** What stands for a portal or a server, with its policies in order. @param id the server's, or the portal's hostname */
export const appOfQuery = (where: 'portal' | 'server', id: string) =>
  queryOptions({
    queryKey: ['policies', 'of', where, id],
    queryFn: async ({ signal }): Promise<AppShown | null> => {
      const isIt = ({ type, domain, destinations }: AppShown) =>
        where === 'portal'
          ? type === 'mcp_portal' && domain === id
          : type === 'mcp' && destinations.some(({ mcp_server_id: server }) => server === id)
      return (await all<AppShown>(APPS, signal, { search: id })).find(isIt) ?? null
    },
    placeholderData: () => undefined,
  })

/** @param to the place that the policy shall have among those of the application; the first is 1 */
export function place({ app, id, to }: { app: string; id: string; to: number }): Promise<Told<AppPolicyShown>> {
  return ask('PUT', `${ownPolicies(app)}/${part(id)}`, { body: { precedence: to } })
}

/** An application's own becomes one that may be attached anywhere; where it is attached, it stays. */
export function makeReusable(app: string, id: string): Promise<Told<AppPolicyShown>> {
  return ask('PUT', `${ownPolicies(app)}/${part(id)}/make_reusable`)
}

export const policyQuery = (id: string) => one<PolicyShown>('policies', POLICIES, id)
export const groupQuery = (id: string) => one<GroupShown>('groups', GROUPS, id)
export const listQuery = (id: string) => one<ListShown>('lists', LISTS, id)

/** Creates where there is no id yet, else changes. */
export function save<Shown>(path: string, id: string | null, body: unknown): Promise<Told<Shown>> {
  return id === null ? ask('POST', path, { body }) : ask('PUT', `${path}/${part(id)}`, { body })
}

export function remove(path: string, id: string): Promise<Told<{ id: string }>> {
  return ask('DELETE', `${path}/${part(id)}`)
}

/** @param policies all that the portal or server shall have, in order */
export function attach(where: 'portal' | 'server', id: string, policies: readonly string[]): Promise<Told<unknown>> {
  const path = where === 'portal' ? PORTALS : SERVERS
  return ask('PUT', `${path}/${part(id)}`, { body: { policies } })
}

export interface Tried {
  counts: PolicyTestShown
  people: PolicyTestUserShown[]
}

/** Whom one policy alone lets in. @param policy an id, or one written out */
export async function tryPolicy(policy: unknown): Promise<Told<Tried>> {
  const started = await ask<{ id: string }>('POST', '/access/policy-tests', { body: { policies: [policy] } })
  const path = `/access/policy-tests/${part(started.result.id)}`
  const [counts, people] = await Promise.all([
    ask<PolicyTestShown>('GET', path),
    ask<PolicyTestUserShown[]>('GET', `${path}/users`, { query: { per_page: PAGE } }),
  ])
  return { ...started, result: { counts: counts.result, people: people.result } }
}

/** Who gains or loses what if a policy were written so. */
export function compare(policy: Readonly<Record<string, unknown>>): Promise<Told<DiffShown>> {
  return ask('POST', '/access/policy-diffs', { body: { policies: [policy] } })
}

/** @returns what ids are called; ids where names are not known, or not to be seen */
export function useNames(): Names {
  const groups = useQuery(groupsQuery).data
  const lists = useQuery(listsQuery).data
  const tokens = useQuery(tokenChoicesQuery).data
  const providers = useQuery(providerChoicesQuery).data
  const among = (rows: readonly { id: string; name: string }[] | undefined) => (id: string) =>
    rows?.find((row) => row.id === id)?.name ?? id
  return { group: among(groups), list: among(lists), serviceToken: among(tokens), provider: among(providers) }
}
