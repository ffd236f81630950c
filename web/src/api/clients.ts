/** Programs that people and bots use, and their tokens, as the REST API has them. */
import { queryOptions } from '@tanstack/react-query'
import type { ClientUseShown, OauthClientShown, OauthConfiguration } from '../../../src/contract/oauth-client.ts'
import type { PortalSummary } from '../../../src/contract/portal.ts'
import type { AccessTokenShown, ServiceTokenShown } from '../../../src/contract/tokens.ts'
import { ask, part } from './ask.ts'

const OAUTH = '/access/oauth'
const SERVICE = '/access/service_tokens'
const ACCESS = '/tokens/access'
const ALL = { per_page: 1000 }

/** A client as the console lists it: written down, introduced by itself, or known by its document; and what people let it do. */
export interface ListedClient {
  id: string
  name: string
  kind: 'admin' | 'registered' | 'document'
  /** Null for one that is known by its document alone. */
  client: OauthClientShown | null
  people: number
  grants: number
  lastUsedAt: string | null
}

export const CLIENT_READS = [['oauth-clients'], ['users']] as const

export const oauthClientsQuery = queryOptions({
  queryKey: ['oauth-clients'] as readonly string[],
  queryFn: async ({ signal }) => {
    const [clients, uses] = await Promise.all([
      ask<OauthClientShown[]>('GET', `${OAUTH}/clients`, { signal, query: ALL }),
      ask<ClientUseShown[]>('GET', `${OAUTH}/grants`, { signal, query: ALL }),
    ])
    return listed(clients.result, uses.result)
  },
})

function listed(clients: readonly OauthClientShown[], uses: readonly ClientUseShown[]): ListedClient[] {
  const byId = new Map(uses.map((use) => [use.client_id, use]))
  const kept = clients.map((client): ListedClient => {
    const use = byId.get(client.id)
    const { id, client_name: name, kind, last_used_at: lastUsedAt } = client
    return { id, name, kind, client, people: use?.people ?? 0, grants: use?.grants ?? 0, lastUsedAt }
  })
  const known = new Set(clients.map(({ id }) => id))
  const documents = uses
    .filter(({ client_id }) => !known.has(client_id))
    .map(({ client_id: id, client_name: name, kind, people, grants, last_used_at: lastUsedAt }): ListedClient => {
      return { id, name, kind, client: null, people, grants, lastUsedAt }
    })
  return [...kept, ...documents]
}

type WithSecret<Shown> = Shown & { client_secret?: string }

export const createOauthClient = (body: unknown) =>
  ask<WithSecret<OauthClientShown>>('POST', `${OAUTH}/clients`, { body })
export const writeOauthClient = (id: string, body: unknown) =>
  ask<WithSecret<OauthClientShown>>('PUT', `${OAUTH}/clients/${part(id)}`, { body })
export const deleteOauthClient = (id: string) => ask('DELETE', `${OAUTH}/clients/${part(id)}`)
export const endClientGrants = (id: string) => ask('DELETE', `${OAUTH}/grants/${part(id)}`)

export const clientRulesQuery = queryOptions({
  queryKey: ['oauth-configuration'],
  queryFn: async ({ signal }) => (await ask<OauthConfiguration>('GET', `${OAUTH}/configuration`, { signal })).result,
})
export const writeClientRules = (body: OauthConfiguration) =>
  ask<OauthConfiguration>('PUT', `${OAUTH}/configuration`, { body })

export const serviceTokensQuery = queryOptions({
  queryKey: ['service-tokens'] as readonly string[],
  queryFn: async ({ signal }) => (await ask<ServiceTokenShown[]>('GET', SERVICE, { signal, query: ALL })).result,
})
export const createServiceToken = (body: unknown) => ask<WithSecret<ServiceTokenShown>>('POST', SERVICE, { body })
export const writeServiceToken = (id: string, body: unknown) =>
  ask<WithSecret<ServiceTokenShown>>('PUT', `${SERVICE}/${part(id)}`, { body })
export const rotateServiceToken = (id: string, body: unknown) =>
  ask<WithSecret<ServiceTokenShown>>('POST', `${SERVICE}/${part(id)}/rotate`, { body })
export const refreshServiceToken = (id: string) => ask<ServiceTokenShown>('POST', `${SERVICE}/${part(id)}/refresh`)
export const deleteServiceToken = (id: string) => ask<ServiceTokenShown>('DELETE', `${SERVICE}/${part(id)}`)

export const accessTokensQuery = queryOptions({
  queryKey: ['access-tokens'] as readonly string[],
  queryFn: async ({ signal }) => (await ask<AccessTokenShown[]>('GET', ACCESS, { signal, query: ALL })).result,
})
export const createAccessToken = (body: unknown) => ask<AccessTokenShown & { token: string }>('POST', ACCESS, { body })
export const revokeAccessToken = (id: string) => ask<AccessTokenShown>('DELETE', `${ACCESS}/${part(id)}`)

/** Ids and names alone, to choose from. */
export const portalChoicesQuery = queryOptions({
  queryKey: ['portals', 'choices'],
  queryFn: async ({ signal }) => {
    const { result } = await ask<PortalSummary[]>('GET', '/access/ai-controls/mcp/portals', {
      signal,
      query: { ...ALL, summary: true },
    })
    return result.map(({ id, name }): readonly [string, string] => [id, `${name} (${id})`])
  },
})
