/** The shapes of the three tokens, never confused: service tokens for bots, API tokens for admins, access tokens for people. */
import { z } from 'zod'
import { durationPattern } from './duration.ts'
import { emailSchema } from './email.ts'
import { nameSchema, portalIdSchema, timeSchema } from './ids.ts'
import { rightSchema, roleSchema } from './rights.ts'

const duration = z.union([z.literal('forever'), z.string().regex(durationPattern)], {
  error: 'give a duration such as "8760h" or "2h45m", or "forever"',
})

const serviceSettings = {
  duration: duration.optional(),
  enabled: z.boolean().optional(),
  client_secret_version: z.int().min(1).optional(),
  previous_client_secret_expires_at: timeSchema.optional(),
}

export const serviceTokenCreate = z.strictObject({ name: nameSchema, ...serviceSettings })
export type ServiceTokenCreate = z.infer<typeof serviceTokenCreate>

export const serviceTokenUpdate = z.strictObject({
  name: nameSchema.optional(),
  ...serviceSettings,
  id: z.unknown().optional(),
  client_id: z.unknown().optional(),
  expires_at: z.unknown().optional(),
  last_seen_at: z.unknown().optional(),
  created_at: z.unknown().optional(),
  updated_at: z.unknown().optional(),
})
export type ServiceTokenUpdate = z.infer<typeof serviceTokenUpdate>

export const serviceTokenRotate = z.strictObject({ previous_client_secret_expires_at: timeSchema.optional() })
export type ServiceTokenRotate = z.infer<typeof serviceTokenRotate>

export const serviceTokenShown = z.object({
  id: z.string(),
  name: z.string(),
  client_id: z.string(),
  duration: z.string(),
  enabled: z.boolean(),
  /** Absent for `forever`. */
  expires_at: z.string().optional(),
  client_secret_version: z.int(),
  previous_client_secret_expires_at: z.string().optional(),
  last_seen_at: z.string().optional(),
  created_at: z.string(),
  updated_at: z.string(),
})
export type ServiceTokenShown = z.infer<typeof serviceTokenShown>

/** The only answers that hold a secret: creation and rotation, once. */
export const serviceTokenWithSecret = serviceTokenShown.extend({ client_secret: z.string().optional() })

export const apiTokenCreate = z.strictObject({
  name: nameSchema,
  role: roleSchema,
  /** Empty or absent: all that the role has. */
  scopes: z.array(rightSchema).max(100).optional(),
  expires_at: timeSchema.nullish(),
})
export type ApiTokenCreate = z.infer<typeof apiTokenCreate>

export const apiTokenShown = z.object({
  id: z.string(),
  name: z.string(),
  role: roleSchema,
  scopes: z.array(z.string()),
  created_at: z.string(),
  created_by: z.string(),
  expires_at: z.string().nullable(),
  revoked_at: z.string().nullable(),
})
export type ApiTokenShown = z.infer<typeof apiTokenShown>

export const apiTokenWithSecret = apiTokenShown.extend({ token: z.string() })

export const accessTokenCreate = z.strictObject({
  email: emailSchema,
  /** The portal's id: the token is good there and nowhere else. Absent: the portal `default`. */
  portal: portalIdSchema.optional(),
  name: nameSchema.nullish(),
  expires_at: timeSchema.nullish(),
})
export type AccessTokenCreate = z.infer<typeof accessTokenCreate>

export const accessTokenShown = z.object({
  id: z.string(),
  name: z.string().nullable(),
  user_id: z.string(),
  email: z.string().nullable(),
  portal: z.string(),
  created_at: z.string(),
  created_by: z.string(),
  expires_at: z.string().nullable(),
  revoked_at: z.string().nullable(),
})
export type AccessTokenShown = z.infer<typeof accessTokenShown>

export const accessTokenWithSecret = accessTokenShown.extend({ token: z.string() })
