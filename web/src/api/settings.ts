/** Settings, as the REST API has them. */
import { queryOptions } from '@tanstack/react-query'
import type { IdentityProviderShown, IdentityProviderTested } from '../../../src/contract/identity-provider.ts'
import type { KeysShown } from '../../../src/contract/keys.ts'
import type { OrganizationShown } from '../../../src/contract/organization.ts'
import type { RoleMemberShown } from '../../../src/contract/roles.ts'
import type { SettingShown } from '../../../src/contract/settings.ts'
import type { ApiTokenShown } from '../../../src/contract/tokens.ts'
import type { DeliveryShown, WebhookShown } from '../../../src/contract/webhook.ts'
import { ask, part } from './ask.ts'

const PROVIDERS = '/access/identity_providers'
const ALL = { per_page: 1000 }

const all = <Result>(key: string, path: string) =>
  queryOptions({
    queryKey: [key] as readonly string[],
    queryFn: async ({ signal }) => (await ask<Result[]>('GET', path, { signal, query: ALL })).result,
  })

export const providersQuery = all<IdentityProviderShown>('identity-providers', PROVIDERS)
export const createProvider = (body: unknown) => ask<IdentityProviderShown>('POST', PROVIDERS, { body })
export const writeProvider = (id: string, body: unknown) =>
  ask<IdentityProviderShown>('PUT', `${PROVIDERS}/${part(id)}`, { body })
export const deleteProvider = (id: string) => ask<{ id: string }>('DELETE', `${PROVIDERS}/${part(id)}`)
export const testProvider = (id: string) => ask<IdentityProviderTested>('POST', `${PROVIDERS}/${part(id)}/test`)

/** One sign-in as the audit has it. */
export interface SignInRow {
  seq: number
  at: string
  phase: string
  outcome?: string | null
  error?: string | null
  capability?: string | null
  actor: { label: string }
}

const LOGS = '/access/ai-controls/mcp/logs'

/** @returns the number of the newest row of the audit: what comes after it happened after now, whatever this machine's clock says */
export async function newestRow(): Promise<string> {
  const { info } = await ask<unknown, { cursors: { after: string | null } }>('GET', LOGS, { query: { limit: 1 } })
  return info.cursors.after ?? '0'
}

/** Sign-ins by one provider that ended after a row of the audit, the oldest first; asked again and again. */
export const signInsQuery = (provider: string, after: string | null) =>
  queryOptions({
    queryKey: ['sign-ins', provider, after],
    queryFn: async ({ signal }) => {
      const query = { plane: 'sign-in', phase: 'ended', capability: provider, after: after ?? '0', limit: 20 }
      return (await ask<SignInRow[]>('GET', LOGS, { signal, query })).result
    },
    enabled: after !== null,
    refetchInterval: 1500,
    staleTime: 0,
  })

export const organizationQuery = queryOptions({
  queryKey: ['organization'],
  queryFn: async ({ signal }) => (await ask<OrganizationShown>('GET', '/access/organizations', { signal })).result,
})
export const writeOrganization = (body: unknown) => ask<OrganizationShown>('PUT', '/access/organizations', { body })

export const rolesQuery = all<RoleMemberShown>('roles', '/access/roles')
export const addRole = (body: unknown) => ask<RoleMemberShown>('POST', '/access/roles', { body })
export const removeRole = (id: string) => ask<{ id: string }>('DELETE', `/access/roles/${part(id)}`)

export const webhooksQuery = all<WebhookShown>('webhooks', '/webhooks')
export const createWebhook = (body: unknown) => ask<WebhookShown & { secret: string }>('POST', '/webhooks', { body })
export const writeWebhook = (id: string, body: unknown) => ask<WebhookShown>('PUT', `/webhooks/${part(id)}`, { body })
export const deleteWebhook = (id: string) => ask<{ id: string }>('DELETE', `/webhooks/${part(id)}`)
export const testWebhook = (id: string) => ask<DeliveryShown>('POST', `/webhooks/${part(id)}/test`)
export const rotateWebhook = (id: string) =>
  ask<WebhookShown & { secret: string }>('POST', `/webhooks/${part(id)}/rotate`)
export const deliveriesQuery = (id: string) =>
  queryOptions({
    queryKey: ['webhooks', id, 'deliveries'],
    queryFn: async ({ signal }) =>
      (await ask<DeliveryShown[]>('GET', `/webhooks/${part(id)}/deliveries`, { signal })).result,
  })

export const keysQuery = queryOptions({
  queryKey: ['keys'],
  queryFn: async ({ signal }) => (await ask<KeysShown>('GET', '/access/keys', { signal })).result,
})
export const writeKeys = (body: unknown) => ask<KeysShown>('PUT', '/access/keys', { body })
export const rotateKeys = () => ask<KeysShown>('POST', '/access/keys/rotate')

export const apiTokensQuery = all<ApiTokenShown>('api-tokens', '/tokens/api')
export const createApiToken = (body: unknown) => ask<ApiTokenShown & { token: string }>('POST', '/tokens/api', { body })
export const revokeApiToken = (id: string) => ask<ApiTokenShown>('DELETE', `/tokens/api/${part(id)}`)

export const startedWithQuery = all<SettingShown>('settings', '/settings')
