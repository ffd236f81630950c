/** The REST API's addresses below the account, and the shapes that come from them with whatever else a newer portal adds. */
import { z } from 'zod'
import { groupShown } from '../contract/access-group.ts'
import { approvalShown } from '../contract/approval.ts'
import { authorizeShown, connectionShown } from '../contract/connection.ts'
import { definitionDecided, definitionShown } from '../contract/definitions.ts'
import { pageInfoSchema } from '../contract/envelope.ts'
import { listShown } from '../contract/gateway-list.ts'
import { identityProviderShown, identityProviderTested } from '../contract/identity-provider.ts'
import { logInfo, logRow } from '../contract/log.ts'
import { oauthClientShown, oauthClientWithSecret } from '../contract/oauth-client.ts'
import { organizationShown } from '../contract/organization.ts'
import { policyShown } from '../contract/policy.ts'
import { diffShown, explanationShown } from '../contract/policy-explanation.ts'
import { portalShown } from '../contract/portal.ts'
import { adminLinkShown, roleMemberShown } from '../contract/roles.ts'
import { serverShown, syncShown } from '../contract/server.ts'
import { shownContext } from '../contract/shown-context.ts'
import {
  accessTokenShown,
  accessTokenWithSecret,
  apiTokenShown,
  apiTokenWithSecret,
  serviceTokenShown,
  serviceTokenWithSecret,
} from '../contract/tokens.ts'
import { activeSessionShown, identityShown, userShown } from '../contract/user.ts'
import { deliveryShown, webhookShown, webhookWithSecret } from '../contract/webhook.ts'

export const PATHS = {
  portals: '/access/ai-controls/mcp/portals',
  servers: '/access/ai-controls/mcp/servers',
  logs: '/access/ai-controls/mcp/logs',
  policies: '/access/policies',
  groups: '/access/groups',
  lists: '/gateway/lists',
  policyExplanations: '/access/policy-explanations',
  policyDiffs: '/access/policy-diffs',
  serviceTokens: '/access/service_tokens',
  oauthClients: '/access/oauth/clients',
  apiTokens: '/tokens/api',
  accessTokens: '/tokens/access',
  roles: '/access/roles',
  identityProviders: '/access/identity_providers',
  adminLinks: '/admin/links',
  users: '/access/users',
  organization: '/access/organizations',
  revokeUser: '/access/organizations/revoke_user',
  approvals: '/access/approvals',
  webhooks: '/webhooks',
} as const

export const SHAPES = {
  portal: portalShown.loose(),
  shownContext: shownContext.loose(),
  server: serverShown.loose(),
  sync: syncShown.loose(),
  connection: connectionShown.loose(),
  connectLink: authorizeShown.loose(),
  definition: definitionShown.loose(),
  decided: z.array(definitionDecided.loose()),
  policy: policyShown.loose(),
  group: groupShown.loose(),
  list: listShown.loose(),
  explanation: explanationShown.loose(),
  policyDiff: diffShown.loose(),
  logRow,
  logInfo: logInfo.loose(),
  serviceToken: serviceTokenShown.loose(),
  newServiceToken: serviceTokenWithSecret.loose(),
  oauthClient: oauthClientShown.loose(),
  newOauthClient: oauthClientWithSecret.loose(),
  apiToken: apiTokenShown.loose(),
  newApiToken: apiTokenWithSecret.loose(),
  accessToken: accessTokenShown.loose(),
  newAccessToken: accessTokenWithSecret.loose(),
  roleMember: roleMemberShown.loose(),
  identityProvider: identityProviderShown.loose(),
  identityProviderTested: identityProviderTested.loose(),
  adminLink: adminLinkShown.loose(),
  user: userShown.loose(),
  activeSession: activeSessionShown.loose(),
  identity: identityShown.loose(),
  organization: organizationShown,
  approval: approvalShown.loose(),
  webhook: webhookShown.loose(),
  newWebhook: webhookWithSecret.loose(),
  delivery: deliveryShown.loose(),
  pageInfo: pageInfoSchema.loose(),
} as const

/** The address of one object of a list. */
export function one(path: string, id: string): string {
  return `${path}/${encodeURIComponent(id)}`
}
