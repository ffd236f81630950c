/** What says who may enter: policies, groups, lists, and the applications that stand for portals and servers. */
import { z } from 'zod'
import { appCreate, appDeleted, appQuery, appRevoked, appShown, appUpdate } from '../contract/access-app.ts'
import { groupCreate, groupDeleted, groupShown, groupUpdate } from '../contract/access-group.ts'
import { pageInfoSchema, pageQuery } from '../contract/envelope.ts'
import {
  listCreate,
  listDeleted,
  listEdit,
  listItemShown,
  listQuery,
  listShown,
  listUpdate,
} from '../contract/gateway-list.ts'
import {
  appPolicyCreate,
  appPolicyShown,
  appPolicyUpdate,
  policyCreate,
  policyDeleted,
  policyShown,
  policyUpdate,
} from '../contract/policy.ts'
import {
  createAppPolicy,
  deleteAppPolicy,
  getAppPolicy,
  listAppPolicies,
  makeAppPolicyReusable,
  updateAppPolicy,
} from './access-app-policies.ts'
import { createApp, deleteApp, getApp, listApps, revokeAppTokens, updateApp } from './access-apps.ts'
import { createGroup, deleteGroup, getGroup, listGroups, updateGroup } from './access-groups.ts'
import { createList, deleteList, editList, getList, listItems, listLists, updateList } from './gateway-lists.ts'
import { createPolicy, deletePolicy, getPolicy, listPolicies, updatePolicy } from './policies.ts'
import { type Route, route } from './route.ts'

const paged = { query: pageQuery, info: pageInfoSchema }
const read = { method: 'GET', right: 'policies:read' } as const
const create = { method: 'POST', right: 'policies:write' } as const
const update = { method: 'PUT', right: 'policies:write' } as const
const remove = { method: 'DELETE', right: 'policies:write' } as const

const POLICIES = '/access/policies'
const GROUPS = '/access/groups'
const LISTS = '/gateway/lists'
const APPS = '/access/apps'
const POLICY_OF_APP = `${APPS}/{id}/policies/{policy_id}`

const OF_POLICIES: readonly Route[] = [
  route({
    ...{ ...read, path: POLICIES, summary: 'List policies', ...paged },
    result: z.array(policyShown),
    handler: listPolicies,
  }),
  route({
    ...{ ...create, path: POLICIES, summary: 'Create a policy' },
    ...{ body: policyCreate, result: policyShown, handler: createPolicy },
  }),
  route({
    ...{ ...read, path: `${POLICIES}/{id}`, summary: 'Read a policy' },
    ...{ result: policyShown, handler: getPolicy },
  }),
  route({
    ...{ ...update, path: `${POLICIES}/{id}`, summary: 'Update a policy' },
    ...{ body: policyUpdate, result: policyShown, handler: updatePolicy },
  }),
  route({
    ...{ ...remove, path: `${POLICIES}/{id}`, summary: 'Delete a policy' },
    ...{ result: policyDeleted, handler: deletePolicy },
  }),
]

const OF_GROUPS: readonly Route[] = [
  route({
    ...{ ...read, path: GROUPS, summary: 'List groups', ...paged },
    ...{ result: z.array(groupShown), handler: listGroups },
  }),
  route({
    ...{ ...create, path: GROUPS, summary: 'Create a group' },
    ...{ body: groupCreate, result: groupShown, handler: createGroup },
  }),
  route({ ...{ ...read, path: `${GROUPS}/{id}`, summary: 'Read a group' }, result: groupShown, handler: getGroup }),
  route({
    ...{ ...update, path: `${GROUPS}/{id}`, summary: 'Update a group' },
    ...{ body: groupUpdate, result: groupShown, handler: updateGroup },
  }),
  route({
    ...{ ...remove, path: `${GROUPS}/{id}`, summary: 'Delete a group' },
    ...{ result: groupDeleted, handler: deleteGroup },
  }),
]

const OF_LISTS: readonly Route[] = [
  route({
    ...{ ...read, path: LISTS, summary: 'List lists', query: listQuery, info: pageInfoSchema },
    ...{ result: z.array(listShown), handler: listLists },
  }),
  route({
    ...{ ...create, path: LISTS, summary: 'Create a list' },
    ...{ body: listCreate, result: listShown, handler: createList },
  }),
  route({ ...{ ...read, path: `${LISTS}/{id}`, summary: 'Read a list' }, result: listShown, handler: getList }),
  route({
    ...{ ...update, path: `${LISTS}/{id}`, summary: 'Update a list, and replace what stands in it' },
    ...{ body: listUpdate, result: listShown, handler: updateList },
  }),
  route({
    ...{ ...update, method: 'PATCH', path: `${LISTS}/{id}`, summary: 'Append to a list, or remove from it' },
    ...{ body: listEdit, result: listShown, handler: editList },
  }),
  route({
    ...{ ...remove, path: `${LISTS}/{id}`, summary: 'Delete a list' },
    ...{ result: listDeleted, handler: deleteList },
  }),
  route({
    ...{ ...read, path: `${LISTS}/{id}/items`, summary: 'List what stands in a list', ...paged },
    ...{ result: z.array(listItemShown), handler: listItems },
  }),
]

const OF_APPS: readonly Route[] = [
  route({
    ...{ ...read, path: APPS, summary: 'List applications: one for each portal and server' },
    ...{ query: appQuery, info: pageInfoSchema, result: z.array(appShown), handler: listApps },
  }),
  route({
    ...{ ...create, path: APPS, summary: 'Bind an application to a portal or server that there is' },
    ...{ body: appCreate, result: appShown, handler: createApp },
  }),
  route({ ...{ ...read, path: `${APPS}/{id}`, summary: 'Read an application' }, result: appShown, handler: getApp }),
  route({
    ...{ ...update, path: `${APPS}/{id}`, summary: 'Update an application' },
    ...{ body: appUpdate, result: appShown, handler: updateApp },
  }),
  route({
    ...{ ...remove, path: `${APPS}/{id}`, summary: 'Forget what only the application had' },
    ...{ result: appDeleted, handler: deleteApp },
  }),
  route({
    ...{ ...create, path: `${APPS}/{id}/revoke_tokens`, summary: 'End all clients and access tokens of a portal' },
    ...{ result: appRevoked, handler: revokeAppTokens },
  }),
  route({
    ...{ ...read, path: `${APPS}/{id}/policies`, summary: "List an application's policies", ...paged },
    ...{ result: z.array(appPolicyShown), handler: listAppPolicies },
  }),
  route({
    ...{ ...create, path: `${APPS}/{id}/policies`, summary: "Create a policy of an application's own" },
    ...{ body: appPolicyCreate, result: appPolicyShown, handler: createAppPolicy },
  }),
  route({
    ...{ ...read, path: POLICY_OF_APP, summary: 'Read a policy of an application' },
    ...{ result: appPolicyShown, handler: getAppPolicy },
  }),
  route({
    ...{ ...update, path: POLICY_OF_APP, summary: 'Update a policy of an application' },
    ...{ body: appPolicyUpdate, result: appPolicyShown, handler: updateAppPolicy },
  }),
  route({
    ...{ ...remove, path: POLICY_OF_APP, summary: 'Detach a policy from an application; its own is deleted' },
    ...{ result: policyDeleted, handler: deleteAppPolicy },
  }),
  route({
    ...{ ...update, path: `${POLICY_OF_APP}/make_reusable`, summary: "Make an application's own policy reusable" },
    ...{ result: appPolicyShown, handler: makeAppPolicyReusable },
  }),
]

export const POLICY_ROUTES: readonly Route[] = [...OF_POLICIES, ...OF_GROUPS, ...OF_LISTS, ...OF_APPS]
