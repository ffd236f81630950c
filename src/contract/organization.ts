/**
 * The shapes of `/access/organizations`: what the organisation has settled about signing in. Fields of Cloudflare's that decide nothing here
 * are kept and shown; one that would lock something, and locks nothing here, is refused rather than kept as if it did.
 */
import { z } from 'zod'
import { durationPattern, parseDuration } from './duration.ts'
import { nameSchema } from './ids.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const YEAR = 365 * 24 * HOUR

/** A Go-style duration between two others. */
function durationFrom(least: number, most: number, words: string) {
  return z.string().refine((text) => {
    const ms = parseDuration(text)
    return ms !== undefined && ms >= least && ms <= most && ms % 1000 === 0
  }, `give a duration of whole seconds from ${words}, such as "24h" or "1h30m"`)
}

const text = z.string().max(2048)
const words = z.array(text).max(100)
const duration = z.string().regex(durationPattern, 'give a duration such as "24h" or "30m"')
const unenforced = 'is not enforced by this portal: leave it out'

const loginDesign = z.strictObject({
  background_color: text.optional(),
  footer_text: text.optional(),
  header_text: text.optional(),
  logo_path: text.optional(),
  text_color: text.optional(),
})

/** Kept and shown, and deciding nothing. Null takes one away. */
const kept = {
  allow_authenticate_via_warp: z.boolean().nullish(),
  auth_domain: z.string().min(1).max(253).nullish(),
  auto_redirect_to_identity: z.boolean().nullish(),
  custom_pages: z.strictObject({ forbidden: text.optional(), identity_denied: text.optional() }).nullish(),
  deny_unmatched_requests: z.boolean().nullish(),
  deny_unmatched_requests_exempted_zone_names: words.nullish(),
  is_ui_read_only: z.boolean().nullish(),
  login_design: loginDesign.nullish(),
  mfa_config: z
    .strictObject({
      allowed_authenticators: words.optional(),
      amr_matching_session_duration: duration.optional(),
      required_aaguids: text.optional(),
      session_duration: duration.optional(),
    })
    .nullish(),
  mfa_piv_key_requirements: z
    .strictObject({
      pin_policy: text.optional(),
      require_fips_device: z.boolean().optional(),
      ssh_key_size: z.array(z.int()).max(20).optional(),
      ssh_key_type: words.optional(),
      touch_policy: text.optional(),
    })
    .nullish(),
  mfa_required_for_all_apps: z.literal(false, { error: unenforced }).nullish(),
  ui_read_only_toggle_reason: text.nullish(),
  user_seat_expiration_inactive_time: duration.nullish(),
  warp_auth_non_browser_401: z.boolean().nullish(),
  warp_auth_session_duration: duration.nullish(),
}

/** The names of what decides nothing. */
export const KEPT_SETTINGS = Object.keys(kept) as readonly (keyof typeof kept)[]

const inactivity = z.strictObject({
  action: z.enum(['disable', 'delete']),
  enabled: z.boolean(),
  inactivity_threshold_days: z.int().min(30).max(365),
})

const settled = {
  name: nameSchema.optional(),
  /** How long a browser stays signed in. */
  session_duration: durationFrom(MINUTE, YEAR, '1m to 8760h').optional(),
  strict_service_token_auth: z.boolean().optional(),
  /** How long a client renews what it was given without its person. */
  grant_lifetime: durationFrom(HOUR, YEAR, '1h to 8760h').optional(),
  access_token_lifetime: durationFrom(MINUTE, HOUR, '1m to 1h').optional(),
  /** Accounts with a password, kept by the portal itself. */
  local_sign_in: z.enum(['on', 'off']).optional(),
  key_rotation_interval_days: z.int().min(1).max(365).optional(),
  /** What becomes of service tokens that nobody uses and no policy names. */
  service_token_inactivity: inactivity.optional(),
}

const echoed = {
  account_id: z.unknown().optional(),
  created_at: z.unknown().optional(),
  updated_at: z.unknown().optional(),
  trusted_accounts: z.unknown().optional(),
}

/** What is left out stays. */
export const organizationUpdate = z.strictObject({ ...settled, ...kept, ...echoed })
export type OrganizationUpdate = z.infer<typeof organizationUpdate>

/** There is always an organisation: creating it settles what is given. */
export const organizationCreate = organizationUpdate.extend({
  name: nameSchema,
  auth_domain: z.string().min(1).max(253),
})
export type OrganizationCreate = z.infer<typeof organizationCreate>

export const organizationShown = z.looseObject({
  name: z.string(),
  session_duration: z.string(),
  strict_service_token_auth: z.boolean(),
  grant_lifetime: z.string(),
  access_token_lifetime: z.string(),
  local_sign_in: z.enum(['on', 'off']),
  key_rotation_interval_days: z.number(),
  service_token_inactivity: inactivity,
})
export type OrganizationShown = z.infer<typeof organizationShown>

/** Whose sign-ins end: one of the two, or both where they are the same person's. */
export const userRevoke = z
  .strictObject({
    email: z.string().min(1).max(320).optional(),
    user_uid: z.string().min(1).max(64).optional(),
    /** Ends the accounts that they have connected at servers too, which are kept otherwise. */
    connections: z.boolean().optional(),
    /** Of Cloudflare's client on the device, which has no part here. */
    devices: z.boolean().optional(),
    warp_session_reauth: z.boolean().optional(),
  })
  .refine(({ email, user_uid }) => email !== undefined || user_uid !== undefined, {
    error: 'say who: the address of a person, or the id as user_uid',
    path: ['email'],
  })
export type UserRevoke = z.infer<typeof userRevoke>
