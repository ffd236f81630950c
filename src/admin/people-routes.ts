/** The part of the table that is about people: what the organisation settled for them, who they are, and ending what they have. */
import { z } from 'zod'
import { pageInfoSchema } from '../contract/envelope.ts'
import { organizationCreate, organizationShown, organizationUpdate, userRevoke } from '../contract/organization.ts'
import * as users from '../contract/user.ts'
import { changeOrganizationSettings, getOrganization } from './organizations.ts'
import { type Route, route } from './route.ts'
import {
  endActiveSession,
  getActiveSession,
  getLastSeenIdentity,
  listActiveSessions,
  listFailedLogins,
  listUserIdentities,
} from './user-sessions.ts'
import { disableUserAccess, enableUserAccess, getUser, listUsers, revokeUserAccess } from './users.ts'

const settle = {
  path: '/access/organizations',
  right: 'organization:write',
  result: organizationShown,
} as const

export const PEOPLE_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/access/organizations',
    right: 'organization:read',
    summary: 'Read what is settled about signing in',
    result: organizationShown,
    handler: getOrganization,
  }),
  route({
    ...settle,
    method: 'POST',
    summary: 'Settle it, with a name and an auth_domain; there is always one organisation',
    body: organizationCreate,
    handler: changeOrganizationSettings,
  }),
  route({
    ...settle,
    method: 'PUT',
    summary: 'Settle some of it; what is left out stays',
    body: organizationUpdate,
    handler: changeOrganizationSettings,
  }),
  route({
    ...settle,
    method: 'PATCH',
    summary: 'The same as PUT',
    body: organizationUpdate,
    handler: changeOrganizationSettings,
  }),
  route({
    method: 'POST',
    path: '/access/organizations/revoke_user',
    right: 'users:write',
    summary: 'End all sessions, clients and access tokens of a person',
    body: userRevoke,
    result: z.literal(true),
    handler: revokeUserAccess,
  }),

  route({
    method: 'GET',
    path: '/access/users',
    right: 'users:read',
    summary: 'List users',
    query: users.userQuery,
    info: pageInfoSchema,
    result: z.array(users.userShown),
    handler: listUsers,
  }),
  route({
    method: 'GET',
    path: '/access/users/{id}',
    right: 'users:read',
    summary: 'Read a user',
    result: users.userShown,
    handler: getUser,
  }),
  route({
    method: 'POST',
    path: '/access/users/{id}/disable',
    right: 'users:write',
    summary: 'Let a user in no more, and end all that they have',
    result: users.userShown,
    handler: disableUserAccess,
  }),
  route({
    method: 'POST',
    path: '/access/users/{id}/enable',
    right: 'users:write',
    summary: 'Let a user sign in again',
    result: users.userShown,
    handler: enableUserAccess,
  }),
  route({
    method: 'GET',
    path: '/access/users/{id}/active_sessions',
    right: 'users:read',
    summary: 'List the browsers that a user is signed in with, and the clients that they let in',
    result: z.array(users.activeSessionShown),
    handler: listActiveSessions,
  }),
  route({
    method: 'GET',
    path: '/access/users/{id}/active_sessions/{nonce}',
    right: 'users:read',
    summary: 'Read who a session is of, as its identity provider said',
    result: users.activeSessionIdentity,
    handler: getActiveSession,
  }),
  route({
    method: 'DELETE',
    path: '/access/users/{id}/active_sessions/{nonce}',
    right: 'users:write',
    summary: 'End one browser or one client of a user',
    result: users.activeSessionEnded,
    handler: endActiveSession,
  }),
  route({
    method: 'GET',
    path: '/access/users/{id}/identities',
    right: 'users:read',
    summary: 'List the accounts at identity providers that a user has, as each said at its last sign-in',
    result: z.array(users.identityShown),
    handler: listUserIdentities,
  }),
  route({
    method: 'GET',
    path: '/access/users/{id}/failed_logins',
    right: 'users:read',
    summary: 'List the last hundred times that somebody with this address was not let in',
    result: z.array(users.failedLoginShown),
    handler: listFailedLogins,
  }),
  route({
    method: 'GET',
    path: '/access/users/{id}/last_seen_identity',
    right: 'users:read',
    summary: 'Read what an identity provider said of a user at the last sign-in',
    result: users.identityShown,
    handler: getLastSeenIdentity,
  }),
]
