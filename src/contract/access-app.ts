/**
 * The shapes of an Access application, of the two types that a portal has: `mcp_portal` stands for a portal and `mcp` for a
 * server. What would restrict and is not enforced here is refused; what is looks only is kept and shown.
 */
import { z } from 'zod'
import { durationPattern } from './duration.ts'
import { pageQuery } from './envelope.ts'
import { nameSchema } from './ids.ts'
import { oauthConfiguration } from './oauth-client.ts'
import { appPolicyCreate, appPolicyShown, policyEcho, precedenceSchema } from './policy.ts'
import { stamps } from './server.ts'
import { stampsEcho } from './stamps-echo.ts'

export const APP_TYPES = ['mcp', 'mcp_portal'] as const

const text = z.string().max(2048)
const unenforced = 'is not enforced by this portal: leave it out'
const onlyFalse = z.literal(false, { error: unenforced }).nullish()

/** Kept and shown as they were sent: they decide nothing in this portal. */
export const KEPT_APP_SETTINGS = {
  session_duration: z.string().regex(durationPattern, 'give a duration such as "24h" or "30m"').nullish(),
  allow_authenticate_via_warp: z.boolean().nullish(),
  app_launcher_visible: z.boolean().nullish(),
  auto_redirect_to_identity: z.boolean().nullish(),
  cors_headers: z.record(z.string(), z.unknown()).nullish(),
  custom_deny_message: text.nullish(),
  custom_deny_url: text.nullish(),
  custom_non_identity_deny_url: text.nullish(),
  custom_pages: z.array(z.string().max(64)).max(20).nullish(),
  eager_redirect_cookie_setting: z.boolean().nullish(),
  enable_binding_cookie: z.boolean().nullish(),
  http_only_cookie_attribute: z.boolean().nullish(),
  landing_page_design: z.record(z.string(), z.unknown()).nullish(),
  logo_url: text.nullish(),
  path_cookie_attribute: z.boolean().nullish(),
  same_site_cookie_attribute: z.string().max(16).nullish(),
  service_auth_401_redirect: z.boolean().nullish(),
  skip_interstitial: z.boolean().nullish(),
  tags: z.array(z.string().max(256)).max(100).nullish(),
} as const
export type KeptAppSetting = keyof typeof KEPT_APP_SETTINGS
export const KEPT_APP_SETTING_NAMES = Object.keys(KEPT_APP_SETTINGS) as KeptAppSetting[]

const destination = z.union(
  [
    z.strictObject({ type: z.literal('via_mcp_server_portal'), mcp_server_id: z.string().min(1).max(32) }),
    z.strictObject({ type: z.literal('public').optional(), uri: text }),
  ],
  { error: 'give {"type":"via_mcp_server_portal","mcp_server_id":"…"}, or {"type":"public","uri":"…"} of the portal' },
)

/** A reusable policy by its id, with or without its place; or a policy of the application's own, written out. */
const appPolicyInput = z.union(
  [
    z.string().min(1).max(64),
    appPolicyCreate.extend({ ...policyEcho, id: z.string().min(1).max(64).optional() }),
    z.strictObject({
      id: z.string().min(1).max(64),
      account_id: z.unknown().optional(),
      precedence: precedenceSchema.optional(),
    }),
  ],
  { error: 'give the id of a policy, {"id":"…","precedence":1}, or a policy as POST /access/policies takes it' },
)
export type AppPolicyInput = z.infer<typeof appPolicyInput>

const settings = {
  /** Of a portal: its hostname. */
  domain: text.nullish(),
  self_hosted_domains: z.array(text).max(20).nullish(),
  destinations: z.array(destination).max(20).nullish(),
  policies: z.array(appPolicyInput).max(1000).nullish(),
  /** Of a portal: which clients may introduce themselves there. */
  oauth_configuration: oauthConfiguration
    .extend({ enabled: z.literal(true, { error: 'the portal is always its own authorization server' }).optional() })
    .nullish(),
  /** Who may sign in with what is said by a policy: `require` a `login_method`. */
  allowed_idps: z
    .array(z.never({ error: 'is not enforced here: say it in a policy, as require login_method' }))
    .nullish(),
  options_preflight_bypass: onlyFalse,
  allow_iframe: onlyFalse,
  mfa_config: z.null({ error: 'is not enforced here: say it in a policy' }).optional(),
  scim_config: z.null({ error: unenforced }).optional(),
  ...KEPT_APP_SETTINGS,
}

/** What a read shows and only the portal sets: it may come back and says nothing. */
const echo = {
  id: z.unknown().optional(),
  uid: z.unknown().optional(),
  aud: z.unknown().optional(),
  account_id: z.unknown().optional(),
  ...stampsEcho,
}

const type = z.enum(APP_TYPES, { error: 'must be "mcp" for a server or "mcp_portal" for a portal' })

/** For a portal or server that there is: the application is there as long as it is, and this binds to it. */
export const appCreate = z.strictObject({ type, name: nameSchema.nullish(), ...settings, ...echo })
export type AppCreate = z.infer<typeof appCreate>

export const appUpdate = z.strictObject({ type: type.optional(), name: nameSchema.nullish(), ...settings, ...echo })
export type AppUpdate = z.infer<typeof appUpdate>

export const appShown = z.looseObject({
  id: z.string(),
  uid: z.string(),
  type: z.enum(APP_TYPES),
  name: z.string(),
  /** Stays the same as long as the portal or server does. */
  aud: z.string(),
  domain: z.string().optional(),
  self_hosted_domains: z.array(z.string()).optional(),
  destinations: z.array(z.record(z.string(), z.unknown())),
  policies: z.array(appPolicyShown),
  allowed_idps: z.array(z.string()),
  updated_at: z.string(),
  ...stamps,
})
export type AppShown = z.infer<typeof appShown>

export const appQuery = pageQuery.extend({
  domain: z.string().max(253).optional(),
  aud: z.string().max(64).optional(),
  exact: z.string().max(8).optional(),
  target_attributes: z.string().max(256).optional(),
})
export type AppQuery = z.infer<typeof appQuery>

export const appDeleted = z.object({ id: z.string() })

export const appRevoked = z.object({ clients: z.int(), access_tokens: z.int() })
