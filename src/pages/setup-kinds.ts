/**
 * The kinds of identity provider that the first run offers, as data: what each asks for, and how that becomes the REST API's body. Domains
 * are required here though the API can do without: with none, everybody with an account at Google or GitHub could sign in.
 */
import type { ProviderType } from '../contract/identity-provider.ts'
import { placesIn } from '../contract/server.ts'
import type { Field } from './setup-fields.ts'

export interface Kind {
  type: Exclude<ProviderType, 'onetimepin'>
  title: string
  /** Where its settings are found at the provider. */
  about: string
  fields: readonly Field[]
  config(given: (field: string) => string): Record<string, unknown>
}

const ID: Field = { name: 'client_id', label: 'Client ID', required: true, most: 1024 }
const SECRET: Field = {
  name: 'client_secret',
  label: 'Client secret',
  hint: 'Kept sealed and never shown again.',
  kind: 'secret',
  required: true,
  most: 4096,
}
const DOMAINS: Field = {
  name: 'email_domains',
  label: 'Domains of your addresses',
  hint: 'Such as acme.com, acme.org. Only people with a verified address of these come in.',
  required: true,
}
const COMMON = [ID, SECRET, DOMAINS]

function common(given: (field: string) => string): Record<string, unknown> {
  const secret = given('client_secret')
  return {
    client_id: given('client_id'),
    ...(secret === '' ? {} : { client_secret: secret }),
    email_domains: given('email_domains')
      .split(/[\s,;]+/)
      .filter(Boolean),
  }
}

export const KINDS: readonly Kind[] = [
  {
    type: 'google',
    title: 'Google',
    about: 'Google Cloud console, APIs & Services, Credentials: an OAuth client ID of the type “Web application”.',
    fields: COMMON,
    config: common,
  },
  {
    type: 'azureAD',
    title: 'Microsoft Entra ID',
    about: 'Entra admin center, App registrations: a registration with a redirect URI of the type “Web”.',
    fields: [
      {
        name: 'directory_id',
        label: 'Directory (tenant) ID',
        hint: 'A GUID, on the overview of the app registration.',
        required: true,
        most: 64,
      },
      ...COMMON,
      {
        name: 'tenant_owns_domains',
        label: 'Only our own admins can give an account an address of these domains.',
        hint: 'Entra does not say whether it verified an address. Without this tick no address of it counts.',
        kind: 'tick',
      },
      {
        name: 'support_groups',
        label: 'Tell the portal the groups of people, for policies and roles.',
        kind: 'tick',
      },
    ],
    config: (given) => ({
      ...common(given),
      directory_id: given('directory_id'),
      ...(given('tenant_owns_domains') === '' ? {} : { tenant_owns_domains: true }),
      ...(given('support_groups') === '' ? {} : { support_groups: true }),
    }),
  },
  {
    type: 'okta',
    title: 'Okta',
    about: 'Okta admin console, Applications: an app integration of the type “OIDC, Web Application”.',
    fields: [
      { name: 'okta_account', label: 'Okta domain', hint: 'Such as acme.okta.com.', required: true, most: 253 },
      ...COMMON,
    ],
    config: (given) => ({ ...common(given), okta_account: given('okta_account') }),
  },
  {
    type: 'github',
    title: 'GitHub',
    about: 'GitHub, Settings, Developer settings: an OAuth app, best of your organisation.',
    fields: COMMON,
    config: common,
  },
  {
    type: 'oidc',
    title: 'Another, by OpenID Connect',
    about: 'Keycloak, Authentik, Zitadel, Auth0 and others: a confidential client with the authorization code flow.',
    fields: [
      {
        name: 'issuer',
        label: 'Issuer',
        hint: 'The address below which /.well-known/openid-configuration is found.',
        required: true,
        inputmode: 'url',
      },
      ID,
      { ...SECRET, required: false, hint: 'Not for a public client. Kept sealed and never shown again.' },
      DOMAINS,
      {
        name: 'groups',
        label: 'Groups',
        hint: 'The claim that holds them, or a JSON pointer to it, such as /realm_access/roles.',
        most: 256,
      },
      {
        name: 'inside',
        label: 'It is on this machine or inside our own network, and the portal may reach it there.',
        kind: 'tick',
      },
    ],
    config: (given) => ({
      ...common(given),
      issuer: given('issuer'),
      ...(given('groups') === '' ? {} : { groups: { claim: given('groups') } }),
      ...(given('inside') === '' ? {} : { allow_private: placesIn(given('issuer')) }),
    }),
  },
]
