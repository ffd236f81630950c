/** The part of the table that is about identity providers. */
import { z } from 'zod'
import { pageInfoSchema, pageQuery } from '../contract/envelope.ts'
import * as providers from '../contract/identity-provider.ts'
import {
  createIdentityProvider,
  deleteIdentityProvider,
  getIdentityProvider,
  listIdentityProviders,
  testIdentityProvider,
  updateIdentityProvider,
} from './identity-providers.ts'
import { type Route, route } from './route.ts'

const PATH = '/access/identity_providers'

export const PROVIDER_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: PATH,
    right: 'identity_providers:read',
    summary: 'List identity providers',
    query: pageQuery,
    info: pageInfoSchema,
    result: z.array(providers.identityProviderShown),
    handler: listIdentityProviders,
  }),
  route({
    method: 'POST',
    path: PATH,
    right: 'identity_providers:write',
    summary: 'Add an identity provider',
    body: providers.identityProviderWrite,
    result: providers.identityProviderShown,
    handler: createIdentityProvider,
  }),
  route({
    method: 'GET',
    path: `${PATH}/{id}`,
    right: 'identity_providers:read',
    summary: 'Read an identity provider',
    result: providers.identityProviderShown,
    handler: getIdentityProvider,
  }),
  route({
    method: 'PUT',
    path: `${PATH}/{id}`,
    right: 'identity_providers:write',
    summary: 'Replace what is set of an identity provider; a secret that is not sent stays',
    body: providers.identityProviderWrite,
    result: providers.identityProviderShown,
    handler: updateIdentityProvider,
  }),
  route({
    method: 'DELETE',
    path: `${PATH}/{id}`,
    right: 'identity_providers:write',
    summary: 'Remove an identity provider, and sign out everybody who came through it',
    result: providers.identityProviderDeleted,
    handler: deleteIdentityProvider,
  }),
  route({
    method: 'POST',
    path: `${PATH}/{id}/test`,
    right: 'identity_providers:write',
    summary: 'Try an identity provider without signing anybody in',
    result: providers.identityProviderTested,
    handler: testIdentityProvider,
  }),
]
