/** The part of the table that is about credentials at servers: making the shared one, seeing all, ending each. */
import { z } from 'zod'
import { authorizeShown, connectionShown, serverAuthorize } from '../contract/connection.ts'
import { pageInfoSchema, pageQuery } from '../contract/envelope.ts'
import { authorizeServer } from './authorize-server.ts'
import { endConnection, listServerConnections, listUserConnections } from './connections.ts'
import { type Route, route } from './route.ts'

const SERVER = '/access/ai-controls/mcp/servers/{id}'
const paged = { query: pageQuery, info: pageInfoSchema, result: z.array(connectionShown) }

export const CONNECTION_ROUTES: readonly Route[] = [
  route({
    method: 'POST',
    path: `${SERVER}/authorize`,
    right: 'servers:write',
    summary: 'Make the link by which the shared account of a server is connected; older links of it are over',
    body: serverAuthorize,
    result: authorizeShown,
    handler: authorizeServer,
  }),
  route({
    method: 'GET',
    path: `${SERVER}/connections`,
    right: 'servers:read',
    summary: 'List the accounts that are connected at a server: the shared one, and each user’s own',
    ...paged,
    handler: listServerConnections,
  }),
  route({
    method: 'DELETE',
    path: `${SERVER}/connections/{connection_id}`,
    right: 'servers:write',
    summary: 'End a connection here and, where its authorization server lets it, there',
    result: connectionShown,
    handler: endConnection,
  }),
  route({
    method: 'GET',
    path: '/access/users/{id}/connections',
    right: 'users:read',
    summary: 'List the accounts that a user has connected at servers',
    ...paged,
    handler: listUserConnections,
  }),
]
