/** The part of the table that is about who may work on the portal itself. */
import { z } from 'zod'
import { pageInfoSchema, pageQuery } from '../contract/envelope.ts'
import * as roles from '../contract/roles.ts'
import { createAdminLink } from './admin-links.ts'
import { addRole, listRoles, removeRole } from './roles.ts'
import { type Route, route } from './route.ts'

export const ROLE_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/access/roles',
    right: 'roles:read',
    summary: 'List who has a role',
    query: pageQuery,
    info: pageInfoSchema,
    result: z.array(roles.roleMemberShown),
    handler: listRoles,
  }),
  route({
    method: 'POST',
    path: '/access/roles',
    right: 'roles:write',
    summary: 'Give a role to an address, or to a group of an identity provider',
    body: roles.roleMemberCreate,
    result: roles.roleMemberShown,
    handler: addRole,
  }),
  route({
    method: 'DELETE',
    path: '/access/roles/{id}',
    right: 'roles:write',
    summary: 'Take a role away',
    result: roles.roleMemberDeleted,
    handler: removeRole,
  }),
  route({
    method: 'POST',
    path: '/admin/links',
    right: 'users:write',
    summary: 'Make the link by which the first person becomes owner, or a person sets their password',
    body: roles.adminLinkCreate,
    result: roles.adminLinkShown,
    handler: createAdminLink,
  }),
]
