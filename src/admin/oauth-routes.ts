/** The part of the table that is about OAuth clients. */
import { z } from 'zod'
import { pageInfoSchema, pageQuery } from '../contract/envelope.ts'
import * as clients from '../contract/oauth-client.ts'
import { endClientGrants, listClientGrants } from './client-grants.ts'
import {
  createOauthClient,
  deleteOauthClient,
  getOauthClient,
  getOauthConfiguration,
  listOauthClients,
  putOauthConfiguration,
  updateOauthClient,
} from './oauth-clients.ts'
import { type Route, route } from './route.ts'

const PATH = '/access/oauth/clients'

export const OAUTH_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: PATH,
    right: 'oauth_clients:read',
    summary: 'List OAuth clients',
    query: pageQuery,
    info: pageInfoSchema,
    result: z.array(clients.oauthClientShown),
    handler: listOauthClients,
  }),
  route({
    method: 'POST',
    path: PATH,
    right: 'oauth_clients:write',
    summary: 'Write down an OAuth client',
    body: clients.oauthClientCreate,
    result: clients.oauthClientWithSecret,
    handler: createOauthClient,
  }),
  route({
    method: 'GET',
    path: `${PATH}/{id}`,
    right: 'oauth_clients:read',
    summary: 'Read an OAuth client',
    result: clients.oauthClientShown,
    handler: getOauthClient,
  }),
  route({
    method: 'PUT',
    path: `${PATH}/{id}`,
    right: 'oauth_clients:write',
    summary: 'Change an OAuth client that an admin wrote down',
    body: clients.oauthClientUpdate,
    result: clients.oauthClientWithSecret,
    handler: updateOauthClient,
  }),
  route({
    method: 'DELETE',
    path: `${PATH}/{id}`,
    right: 'oauth_clients:write',
    summary: 'Delete an OAuth client and end all that people gave it',
    result: clients.oauthClientDeleted,
    handler: deleteOauthClient,
  }),
  route({
    method: 'GET',
    path: '/access/oauth/grants',
    right: 'oauth_clients:read',
    summary: 'List the clients that people let in, and how many did',
    query: pageQuery,
    info: pageInfoSchema,
    result: z.array(clients.clientUseShown),
    handler: listClientGrants,
  }),
  route({
    method: 'DELETE',
    path: '/access/oauth/grants/{id}',
    right: 'oauth_clients:write',
    summary: 'End all that people gave a client, by its client_id; the client itself stays',
    result: clients.oauthClientDeleted,
    handler: endClientGrants,
  }),
  route({
    method: 'GET',
    path: '/access/oauth/configuration',
    right: 'oauth_clients:read',
    summary: 'Read the rules for clients that introduce themselves',
    result: clients.oauthConfiguration,
    handler: getOauthConfiguration,
  }),
  route({
    method: 'PUT',
    path: '/access/oauth/configuration',
    right: 'oauth_clients:write',
    summary: 'Replace the rules for clients that introduce themselves',
    body: clients.oauthConfiguration,
    result: clients.oauthConfiguration,
    handler: putOauthConfiguration,
  }),
]
