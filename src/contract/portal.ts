/** The shapes of a portal and of the servers behind it. */
import { z } from 'zod'
import { overrideListInput, portalOverrideShown } from './capability-override.ts'
import { pageQuery } from './envelope.ts'
import { serviceTokenHeaderSchema } from './header-names.ts'
import { descriptionSchema, nameSchema, policyIdSchema, portalHostnameSchema, portalIdSchema } from './ids.ts'
import { limitShown, portalLimitsInput } from './limits-on-calls.ts'
import { oauthConfiguration } from './oauth-client.ts'
import { serverEcho, serverShown, stamps } from './server.ts'

export const CODE_MODES = ['off', 'opt_in', 'default_on', 'enforced'] as const
/** How much of the tools' definitions clients are shown that do not say it themselves (`?optimize_context=`). */
export const CONTEXT_MODES = ['off', 'minimize_tools', 'search_and_execute'] as const

/** `server_id`, or `id` as some documents write it. The server's own members may come along from a read and say nothing. */
export const mappingInput = z.strictObject({
  server_id: z.string().min(1).max(32).optional(),
  id: z.string().min(1).max(32).optional(),
  default_disabled: z.boolean().nullish(),
  on_behalf: z.boolean().nullish(),
  updated_tools: overrideListInput.nullish(),
  updated_prompts: overrideListInput.nullish(),
  name: z.unknown().optional(),
  hostname: z.unknown().optional(),
  auth_type: z.unknown().optional(),
  description: z.unknown().optional(),
  isolation: z.unknown().optional(),
  allow_private: z.unknown().optional(),
  deadlines: z.unknown().optional(),
  relay: z.unknown().optional(),
  resources: z.unknown().optional(),
  definitions: z.unknown().optional(),
  instructions: z.unknown().optional(),
  identity_header: z.unknown().optional(),
  identity_claims: z.unknown().optional(),
  transport: z.unknown().optional(),
  policies: z.unknown().optional(),
  own_policies: z.unknown().optional(),
  labels: z.unknown().optional(),
  limits: z.unknown().optional(),
  bypass_credential: z.unknown().optional(),
  is_shared_oauth_callback_enabled: z.unknown().optional(),
  secure_web_gateway: z.unknown().optional(),
  ...serverEcho,
})
export type MappingInput = z.infer<typeof mappingInput>

const settings = {
  description: descriptionSchema.nullish(),
  code_mode: z.enum(CODE_MODES).optional(),
  allow_code_mode: z.boolean().optional(),
  optimize_context: z.enum(CONTEXT_MODES).optional(),
  secure_web_gateway: z.boolean().optional(),
  servers: z.array(mappingInput).max(10_000).optional(),
  policies: z.array(policyIdSchema).max(1000).optional(),
  /** How many calls may be made through it. */
  limits: portalLimitsInput.nullish(),
  /** The header that may hold a whole service token as JSON; null for none. */
  read_service_tokens_from_header: serviceTokenHeaderSchema.nullish(),
  /** Which clients may introduce themselves here, beside what the organisation says; null for no rules of its own. */
  oauth_configuration: oauthConfiguration.nullish(),
}

export const portalCreate = z.strictObject({
  id: portalIdSchema,
  hostname: portalHostnameSchema,
  name: nameSchema,
  ...settings,
})
export type PortalCreate = z.infer<typeof portalCreate>

/** Every member optional: what is left out stays; lists that are sent replace. */
export const portalUpdate = z.strictObject({
  id: z.string().optional(),
  hostname: portalHostnameSchema.optional(),
  name: nameSchema.optional(),
  ...settings,
  server_ids: z.unknown().optional(),
  tool_count: z.unknown().optional(),
  prompt_count: z.unknown().optional(),
  origin: z.unknown().optional(),
  created_at: z.unknown().optional(),
  created_by: z.unknown().optional(),
  modified_at: z.unknown().optional(),
  modified_by: z.unknown().optional(),
})
export type PortalUpdate = z.infer<typeof portalUpdate>

export const portalServerShown = serverShown.omit({ updated_tools: true, updated_prompts: true }).extend({
  server_id: z.string(),
  default_disabled: z.boolean(),
  on_behalf: z.boolean(),
  updated_tools: z.array(portalOverrideShown).optional(),
  updated_prompts: z.array(portalOverrideShown).optional(),
})
export type PortalServerShown = z.infer<typeof portalServerShown>

const portalAlone = {
  id: z.string(),
  hostname: z.string(),
  name: z.string(),
  description: z.string().optional(),
  code_mode: z.enum(CODE_MODES),
  allow_code_mode: z.boolean(),
  optimize_context: z.enum(CONTEXT_MODES),
  secure_web_gateway: z.boolean(),
  policies: z.array(z.string()),
  limits: z.array(limitShown),
  read_service_tokens_from_header: z.string().optional(),
  oauth_configuration: oauthConfiguration.optional(),
  ...stamps,
}

export const portalShown = z.object({ ...portalAlone, servers: z.array(portalServerShown) })
export type PortalShown = z.infer<typeof portalShown>

/** `summary`: which servers are in it, and how many tools they have, without what these are. */
export const portalListQuery = pageQuery.extend({ summary: z.enum(['true', 'false']).optional() })
export type PortalListQuery = z.infer<typeof portalListQuery>

/** Without `servers`, rather than with none: sent back whole, it takes none out. */
export const portalSummary = z.object({
  ...portalAlone,
  /** In the portal's order. */
  server_ids: z.array(z.string()),
  /** Of all its servers, hidden ones and held ones included. */
  tool_count: z.int(),
  prompt_count: z.int(),
})
export type PortalSummary = z.infer<typeof portalSummary>

/** What a delete answers. */
export const portalDeleted = z.object(portalAlone)
