/**
 * The REST API, as one table: method, path, right, shapes, handler. Authorization, validation, the audit and `/openapi.json`
 * follow from it; nothing is reachable that is not in it.
 */
import { z } from 'zod'
import { definitionChoices, definitionDecided, definitionQuery, definitionShown } from '../contract/definitions.ts'
import { pageInfoSchema, pageQuery } from '../contract/envelope.ts'
import { logExportQuery, logInfo, logQuery, logRow, logStreamQuery, logValue, logValuesQuery } from '../contract/log.ts'
import { meShown } from '../contract/me.ts'
import {
  portalCreate,
  portalDeleted,
  portalListQuery,
  portalShown,
  portalSummary,
  portalUpdate,
} from '../contract/portal.ts'
import { detailQuery, serverCreate, serverListQuery, serverShown, serverUpdate, syncShown } from '../contract/server.ts'
import * as tokens from '../contract/tokens.ts'
import { createAccessToken, getAccessToken, listAccessTokens, revokeAccessToken } from './access-tokens.ts'
import { ANALYTICS_ROUTES } from './analytics-routes.ts'
import { createApiToken, getApiToken, listApiTokens, revokeApiToken } from './api-tokens.ts'
import { APPROVAL_ROUTES } from './approval-routes.ts'
import { CONNECTION_ROUTES } from './connection-routes.ts'
import { approveDefinitions, listDefinitions, rejectDefinitions } from './definitions.ts'
import type { AdminDeps } from './deps.ts'
import { type Admin, openDoor } from './door.ts'
import { EXPLAIN_ROUTES } from './explain-routes.ts'
import { exportLogs } from './export-logs.ts'
import { KEY_ROUTES } from './key-routes.ts'
import { listLogs, listLogValues } from './logs.ts'
import { showMe } from './me.ts'
import { OAUTH_ROUTES } from './oauth-routes.ts'
import { PEOPLE_ROUTES } from './people-routes.ts'
import { POLICY_ROUTES } from './policy-routes.ts'
import { createPortal, deletePortal, getPortal, listPortals, updatePortal } from './portals.ts'
import { PROVIDER_ROUTES } from './provider-routes.ts'
import { ROLE_ROUTES } from './role-routes.ts'
import { type Route, route } from './route.ts'
import { SERVER_LOOK_ROUTES } from './server-look-routes.ts'
import { createServer, deleteServer, getServer, listServers, syncServer, updateServer } from './servers.ts'
import {
  createServiceToken,
  deleteServiceToken,
  getServiceToken,
  listServiceTokens,
  refreshServiceToken,
  rotateServiceToken,
  updateServiceToken,
} from './service-tokens.ts'
import { SETTINGS_ROUTES } from './settings-routes.ts'
import { tailLogs } from './tail-logs.ts'
import { WEBHOOK_ROUTES } from './webhook-routes.ts'

const MCP = '/access/ai-controls/mcp'
const paged = { query: pageQuery, info: pageInfoSchema }

export const ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: `${MCP}/portals`,
    right: 'portals:read',
    summary:
      'List portals; with `summary=true` with the ids of their servers and counts of their tools and prompts instead of these',
    query: portalListQuery,
    info: pageInfoSchema,
    result: z.array(z.union([portalShown, portalSummary])),
    handler: listPortals,
  }),
  route({
    method: 'POST',
    path: `${MCP}/portals`,
    right: 'portals:write',
    summary: 'Create a portal',
    body: portalCreate,
    result: portalShown,
    handler: createPortal,
  }),
  route({
    method: 'GET',
    path: `${MCP}/portals/{id}`,
    right: 'portals:read',
    summary: 'Read a portal; with `detail=brief` or `counts` without the schemas of its tools, or without its tools',
    query: detailQuery,
    result: portalShown,
    handler: getPortal,
  }),
  route({
    method: 'PUT',
    path: `${MCP}/portals/{id}`,
    right: 'portals:write',
    summary: 'Update a portal',
    body: portalUpdate,
    query: detailQuery,
    result: portalShown,
    handler: updatePortal,
  }),
  route({
    method: 'DELETE',
    path: `${MCP}/portals/{id}`,
    right: 'portals:write',
    summary: 'Delete a portal',
    result: portalDeleted,
    handler: deletePortal,
  }),

  route({
    method: 'GET',
    path: `${MCP}/servers`,
    right: 'servers:read',
    summary: 'List servers; with `summary=true` without the definitions of their tools and prompts',
    query: serverListQuery,
    info: pageInfoSchema,
    result: z.array(serverShown),
    handler: listServers,
  }),
  route({
    method: 'POST',
    path: `${MCP}/servers`,
    right: 'servers:write',
    summary: 'Create a server',
    body: serverCreate,
    result: serverShown,
    handler: createServer,
  }),
  route({
    method: 'GET',
    path: `${MCP}/servers/{id}`,
    right: 'servers:read',
    summary: 'Read a server; with `detail=brief` or `counts` without the schemas of its tools, or without its tools',
    query: detailQuery,
    result: serverShown,
    handler: getServer,
  }),
  route({
    method: 'PUT',
    path: `${MCP}/servers/{id}`,
    right: 'servers:write',
    summary: 'Update a server',
    body: serverUpdate,
    query: detailQuery,
    result: serverShown,
    handler: updateServer,
  }),
  route({
    method: 'DELETE',
    path: `${MCP}/servers/{id}`,
    right: 'servers:write',
    summary: 'Delete a server',
    result: serverShown,
    handler: deleteServer,
  }),
  route({
    method: 'POST',
    path: `${MCP}/servers/{id}/sync`,
    right: 'servers:write',
    summary: 'Sync a server now',
    result: syncShown,
    handler: syncServer,
  }),
  route({
    method: 'GET',
    path: `${MCP}/servers/{id}/definitions`,
    right: 'servers:read',
    summary: 'List what a server defines, and what of it is held',
    query: definitionQuery,
    info: pageInfoSchema,
    result: z.array(definitionShown),
    handler: listDefinitions,
  }),
  route({
    method: 'POST',
    path: `${MCP}/servers/{id}/definitions/approve`,
    right: 'servers:write',
    summary: 'Approve held definitions, exactly as they were seen',
    body: definitionChoices,
    result: z.array(definitionDecided),
    handler: approveDefinitions,
  }),
  route({
    method: 'POST',
    path: `${MCP}/servers/{id}/definitions/reject`,
    right: 'servers:write',
    summary: 'Reject held definitions, exactly as they were seen',
    body: definitionChoices,
    result: z.array(definitionDecided),
    handler: rejectDefinitions,
  }),

  route({
    method: 'GET',
    path: `${MCP}/logs`,
    right: 'logs:read',
    summary: 'Read the audit',
    query: logQuery,
    info: logInfo,
    result: z.array(logRow),
    handler: listLogs,
  }),
  route({
    method: 'GET',
    path: `${MCP}/logs/values`,
    right: 'logs:read',
    summary: 'List what the newest rows of the audit can be filtered by, the most frequent first',
    query: logValuesQuery,
    result: z.array(logValue),
    handler: listLogValues,
  }),
  route({
    method: 'GET',
    path: `${MCP}/logs/stream`,
    right: 'logs:read',
    summary: 'Follow the audit as it grows, as Server-Sent Events: row, mark, gap, end',
    query: logStreamQuery,
    result: z.null(),
    types: ['text/event-stream'],
    handler: tailLogs,
  }),
  route({
    method: 'GET',
    path: `${MCP}/logs/export`,
    right: 'logs:read',
    summary: 'Take rows of the audit along as a file, newest first',
    query: logExportQuery,
    result: z.null(),
    types: ['text/csv', 'application/jsonl'],
    handler: exportLogs,
  }),

  route({
    method: 'GET',
    path: '/me',
    right: 'organization:read',
    summary: 'Who asks, with which rights, and what this portal is',
    result: meShown,
    handler: showMe,
  }),

  ...POLICY_ROUTES,

  route({
    method: 'GET',
    path: '/access/service_tokens',
    right: 'service_tokens:read',
    summary: 'List service tokens',
    ...paged,
    result: z.array(tokens.serviceTokenShown),
    handler: listServiceTokens,
  }),
  route({
    method: 'POST',
    path: '/access/service_tokens',
    right: 'service_tokens:write',
    summary: 'Create a service token',
    body: tokens.serviceTokenCreate,
    result: tokens.serviceTokenWithSecret,
    handler: createServiceToken,
  }),
  route({
    method: 'GET',
    path: '/access/service_tokens/{id}',
    right: 'service_tokens:read',
    summary: 'Read a service token',
    result: tokens.serviceTokenShown,
    handler: getServiceToken,
  }),
  route({
    method: 'PUT',
    path: '/access/service_tokens/{id}',
    right: 'service_tokens:write',
    summary: 'Update a service token',
    body: tokens.serviceTokenUpdate,
    result: tokens.serviceTokenWithSecret,
    handler: updateServiceToken,
  }),
  route({
    method: 'DELETE',
    path: '/access/service_tokens/{id}',
    right: 'service_tokens:write',
    summary: 'Delete a service token',
    result: tokens.serviceTokenShown,
    handler: deleteServiceToken,
  }),
  route({
    method: 'POST',
    path: '/access/service_tokens/{id}/rotate',
    right: 'service_tokens:write',
    summary: 'Give a service token a new secret',
    body: tokens.serviceTokenRotate,
    result: tokens.serviceTokenWithSecret,
    handler: rotateServiceToken,
  }),
  route({
    method: 'POST',
    path: '/access/service_tokens/{id}/refresh',
    right: 'service_tokens:write',
    summary: 'Let a service token run anew',
    result: tokens.serviceTokenShown,
    handler: refreshServiceToken,
  }),

  ...ANALYTICS_ROUTES,
  ...EXPLAIN_ROUTES,
  ...APPROVAL_ROUTES,
  ...CONNECTION_ROUTES,
  ...SERVER_LOOK_ROUTES,
  ...KEY_ROUTES,
  ...PEOPLE_ROUTES,
  ...ROLE_ROUTES,
  ...PROVIDER_ROUTES,
  ...OAUTH_ROUTES,
  ...WEBHOOK_ROUTES,
  ...SETTINGS_ROUTES,

  route({
    method: 'GET',
    path: '/tokens/api',
    right: 'api_tokens:read',
    summary: 'List API tokens',
    ...paged,
    result: z.array(tokens.apiTokenShown),
    handler: listApiTokens,
  }),
  route({
    method: 'POST',
    path: '/tokens/api',
    right: 'api_tokens:write',
    summary: 'Create an API token',
    body: tokens.apiTokenCreate,
    result: tokens.apiTokenWithSecret,
    handler: createApiToken,
  }),
  route({
    method: 'GET',
    path: '/tokens/api/{id}',
    right: 'api_tokens:read',
    summary: 'Read an API token',
    result: tokens.apiTokenShown,
    handler: getApiToken,
  }),
  route({
    method: 'DELETE',
    path: '/tokens/api/{id}',
    right: 'api_tokens:write',
    summary: 'Revoke an API token',
    result: tokens.apiTokenShown,
    handler: revokeApiToken,
  }),

  route({
    method: 'GET',
    path: '/tokens/access',
    right: 'access_tokens:read',
    summary: 'List access tokens',
    ...paged,
    result: z.array(tokens.accessTokenShown),
    handler: listAccessTokens,
  }),
  route({
    method: 'POST',
    path: '/tokens/access',
    right: 'access_tokens:write',
    summary: 'Create an access token',
    body: tokens.accessTokenCreate,
    result: tokens.accessTokenWithSecret,
    handler: createAccessToken,
  }),
  route({
    method: 'GET',
    path: '/tokens/access/{id}',
    right: 'access_tokens:read',
    summary: 'Read an access token',
    result: tokens.accessTokenShown,
    handler: getAccessToken,
  }),
  route({
    method: 'DELETE',
    path: '/tokens/access/{id}',
    right: 'access_tokens:write',
    summary: 'Revoke an access token',
    result: tokens.accessTokenShown,
    handler: revokeAccessToken,
  }),
]

/** Opens nothing and holds nothing: the rooms that it is given have their own lifetimes. */
export function createAdmin(deps: AdminDeps): Admin {
  return openDoor(ROUTES, deps)
}
