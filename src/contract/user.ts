/** The shapes of people: who they are, how they are signed in, and what a provider said of them last. */
import { z } from 'zod'
import { pageQuery } from './envelope.ts'
import { roleSchema } from './rights.ts'

/** `email` is asked for whole, `name` and `search` in part; all without regard to case. */
export const userQuery = pageQuery.extend({ email: z.string().max(320).optional() })
export type UserQuery = z.infer<typeof userQuery>

export const userShown = z.object({
  id: z.string(),
  /** The same as `id`: Cloudflare's clients look for both. */
  uid: z.string(),
  seat_uid: z.string(),
  email: z.string().nullable(),
  name: z.string().nullable(),
  /** Whether the person has ever signed in and may still. */
  access_seat: z.boolean(),
  gateway_seat: z.literal(false),
  /** Browsers that are signed in now. */
  active_device_count: z.int(),
  created_at: z.string(),
  updated_at: z.string(),
  last_successful_login: z.string().nullable(),
  last_seen_at: z.string().nullable(),
  /** Null while the person may sign in. */
  disabled_at: z.string().nullable(),
  /** The highest that any account of the person gives; null for most people. */
  role: roleSchema.nullable(),
  /** Ids of the identity providers that vouched for the person, the last one first; `local` for a password. */
  identity_providers: z.array(z.string()),
})
export type UserShown = z.infer<typeof userShown>

const portalOfSession = z.object({ hostname: z.string(), name: z.string(), type: z.string(), uid: z.string() })

/** A browser that is signed in, or a client that a person let in. Times are seconds since 1970, as Cloudflare has them. */
export const activeSessionShown = z.object({
  name: z.string(),
  expiration: z.int(),
  metadata: z.object({
    /** The portals that a client was let into, by id; empty for a browser. */
    apps: z.record(z.string(), portalOfSession),
    expires: z.int(),
    iat: z.int(),
    nonce: z.string(),
    /** How many seconds it still has. */
    ttl: z.int(),
    kind: z.enum(['browser', 'client']),
  }),
})
export type ActiveSessionShown = z.infer<typeof activeSessionShown>

/** What a provider said at a sign-in. `groups` is null where they are not known, which is not the same as none. */
export const identityShown = z.object({
  account_id: z.string(),
  user_uuid: z.string(),
  email: z.string().nullable(),
  name: z.string().nullable(),
  idp: z.object({ id: z.string(), type: z.string() }),
  issuer: z.string(),
  subject: z.string(),
  /** RFC 8176 */
  amr: z.array(z.string()),
  groups: z.array(z.string()).nullable(),
  groups_known: z.boolean(),
  /** Claims that policies may look at. */
  oidc_fields: z.record(z.string(), z.unknown()),
  /** When the person signed in, in seconds since 1970. */
  iat: z.int(),
  auth_status: z.literal('NONE'),
  is_warp: z.literal(false),
  is_gateway: z.literal(false),
})
export type IdentityShown = z.infer<typeof identityShown>

export const activeSessionIdentity = identityShown.extend({ isActive: z.literal(true), ip: z.string().optional() })

export const failedLoginShown = z.object({
  /** Cloudflare's clients expect one; nothing expires. */
  expiration: z.int(),
  metadata: z.object({
    datetime: z.string(),
    /** One of the reasons in the reference of errors. */
    reason: z.string(),
    method: z.string(),
    ip: z.string().nullable(),
    user_email: z.string(),
    user_uuid: z.string(),
    /** The deed in the audit. */
    ray_id: z.string(),
  }),
})
export type FailedLoginShown = z.infer<typeof failedLoginShown>

export const activeSessionEnded = z.object({ nonce: z.string(), kind: z.enum(['browser', 'client']) })
