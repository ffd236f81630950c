/** The shapes of OAuth clients that an admin writes down or looks at, and of the rules for clients that introduce themselves. */
import { z } from 'zod'
import { nameSchema } from './ids.ts'

export const CLIENT_AUTH_METHODS = ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const
export const CLIENT_GRANT_TYPES = [
  'authorization_code',
  'refresh_token',
  'urn:ietf:params:oauth:grant-type:device_code',
] as const

const settings = {
  redirect_uris: z.array(z.string().min(1).max(2048)).max(20).optional(),
  grant_types: z.array(z.enum(CLIENT_GRANT_TYPES)).min(1).max(3).optional(),
  /** A client that cannot keep a secret has `none`; each must prove itself with PKCE, whatever stands here. */
  token_endpoint_auth_method: z.enum(CLIENT_AUTH_METHODS).optional(),
  token_endpoint_auth_signing_alg: z.string().max(16).optional(),
  jwks_uri: z.string().max(2048).optional(),
  jwks: z.object({ keys: z.array(z.record(z.string(), z.unknown())).max(10) }).optional(),
}

export const oauthClientCreate = z.strictObject({ client_name: nameSchema, ...settings })
export type OauthClientCreate = z.infer<typeof oauthClientCreate>

/** What is left out stays. */
export const oauthClientUpdate = z.strictObject({
  client_name: nameSchema.optional(),
  ...settings,
  /** A new secret, at once: the old one ends. */
  rotate_client_secret: z.boolean().optional(),
  id: z.unknown().optional(),
  client_id: z.unknown().optional(),
  kind: z.unknown().optional(),
  application_type: z.unknown().optional(),
  created_at: z.unknown().optional(),
  created_by: z.unknown().optional(),
  last_used_at: z.unknown().optional(),
  expires_at: z.unknown().optional(),
})
export type OauthClientUpdate = z.infer<typeof oauthClientUpdate>

export const oauthClientShown = z.object({
  id: z.string(),
  /** The same as `id`, as OAuth calls it. */
  client_id: z.string(),
  /** `registered` introduced itself. */
  kind: z.enum(['registered', 'admin']),
  /** Empty where it has none; may be a lie where it introduced itself. */
  client_name: z.string(),
  redirect_uris: z.array(z.string()),
  grant_types: z.array(z.string()),
  token_endpoint_auth_method: z.string(),
  token_endpoint_auth_signing_alg: z.string().optional(),
  jwks_uri: z.string().optional(),
  jwks: z.object({ keys: z.array(z.unknown()) }).optional(),
  created_at: z.string(),
  /** An admin, or the address that it introduced itself from. */
  created_by: z.string(),
  last_used_at: z.string().nullable(),
  /** Null for a client that an admin wrote down. */
  expires_at: z.string().nullable(),
})
export type OauthClientShown = z.infer<typeof oauthClientShown>

/** Only the answer that gives a secret holds it. */
export const oauthClientWithSecret = oauthClientShown.extend({ client_secret: z.string().optional() })

/** A client that people let in, and how many of them. `document` is known by its metadata document alone: its id is its address. */
export const clientUseShown = z.object({
  client_id: z.string(),
  kind: z.enum(['document', 'registered', 'admin']),
  client_name: z.string(),
  people: z.int(),
  grants: z.int(),
  last_used_at: z.string(),
})
export type ClientUseShown = z.infer<typeof clientUseShown>

export const oauthClientDeleted = z.object({ id: z.string(), grants_revoked: z.int() })

/** Cloudflare's names; `device_authorization` is ours. */
export const oauthConfiguration = z.strictObject({
  dynamic_client_registration: z
    .strictObject({
      enabled: z.boolean().optional(),
      allow_any_on_localhost: z.boolean().optional(),
      allow_any_on_loopback: z.boolean().optional(),
      allowed_uris: z.array(z.string().min(1).max(2048)).max(1000).optional(),
    })
    .optional(),
  device_authorization: z.strictObject({ enabled: z.boolean().optional() }).optional(),
})
export type OauthConfiguration = z.infer<typeof oauthConfiguration>
