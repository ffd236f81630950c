/** People, as the REST API has them. */
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import type { ConnectionShown } from '../../../src/contract/connection.ts'
import type { AdminLinkShown } from '../../../src/contract/roles.ts'
import type { AccessTokenShown } from '../../../src/contract/tokens.ts'
import type { ActiveSessionShown, FailedLoginShown, IdentityShown, UserShown } from '../../../src/contract/user.ts'
import { ask, part } from './ask.ts'

const USERS = '/access/users'
const PER_PAGE = 100

interface PageInfo {
  page: number
  total_pages: number
  total_count: number
}

/** Everything about people begins with it. */
export const USER_READS = [['users'], ['access-tokens']] as const

export const usersQuery = (search: string) =>
  infiniteQueryOptions({
    queryKey: ['users', 'list', search],
    initialPageParam: 1,
    queryFn: ({ signal, pageParam }) =>
      ask<UserShown[], PageInfo>('GET', USERS, { signal, query: { search, page: pageParam, per_page: PER_PAGE } }),
    getNextPageParam: ({ info }) => (info.page < info.total_pages ? info.page + 1 : undefined),
  })

export const userQuery = (id: string) =>
  queryOptions({
    queryKey: ['users', id],
    queryFn: async ({ signal }) => (await ask<UserShown>('GET', `${USERS}/${part(id)}`, { signal })).result,
  })

const beside = <Result>(id: string, what: string, path = `${USERS}/${part(id)}/${what}`) =>
  queryOptions({
    queryKey: ['users', id, what],
    queryFn: async ({ signal }) => (await ask<Result[]>('GET', path, { signal })).result,
  })

export const identitiesQuery = (id: string) => beside<IdentityShown>(id, 'identities')
export const sessionsQuery = (id: string) => beside<ActiveSessionShown>(id, 'active_sessions')
export const failedLoginsQuery = (id: string) => beside<FailedLoginShown>(id, 'failed_logins')
export const connectionsQuery = (id: string) => beside<ConnectionShown>(id, 'connections')

export const tokensOfQuery = (user: UserShown) =>
  queryOptions({
    queryKey: ['users', user.id, 'access-tokens'],
    queryFn: async ({ signal }) => {
      const query = { search: user.email ?? user.id, per_page: 1000 }
      const { result } = await ask<AccessTokenShown[]>('GET', '/tokens/access', { signal, query })
      return result.filter((token) => token.user_id === user.id && token.revoked_at === null)
    },
  })

export const endSession = (user: string) => (nonce: string) =>
  ask('DELETE', `${USERS}/${part(user)}/active_sessions/${part(nonce)}`)

export const endConnection = ({ server_id, id }: ConnectionShown) =>
  ask('DELETE', `/access/ai-controls/mcp/servers/${part(server_id)}/connections/${part(id)}`)

export const endAccessToken = (id: string) => ask('DELETE', `/tokens/access/${part(id)}`)

export const revokeEverywhere = (user: string, connections: boolean) =>
  ask<true>('POST', '/access/organizations/revoke_user', { body: { user_uid: user, connections } })

/** It is shown once, and whoever has it sets the password. */
export const makePasswordLink = (email: string) =>
  ask<AdminLinkShown>('POST', '/admin/links', { body: { purpose: 'password', email } })

export const switchUser = (user: string, to: 'enable' | 'disable') =>
  ask<UserShown>('POST', `${USERS}/${part(user)}/${to}`)
