/** The shapes of credentials that the portal holds at servers: whose they are and how they are. No secret is ever in one. */
import { z } from 'zod'
import { scopeSchema } from './credentials.ts'

export const CONNECTION_STATUSES = ['ready', 'needs_reauth', 'error'] as const
export const CONNECTION_KINDS = ['oauth', 'token', 'machine', 'enterprise'] as const

const state = {
  status: z.enum(CONNECTION_STATUSES),
  /** One word of a closed list: why it is not ready. */
  reason: z.string().nullable(),
  /** The same as a sentence. */
  problem: z.string().nullable(),
  /** What the server's side calls the account. */
  account: z.string().nullable(),
  issuer: z.string().nullable(),
  scope: z.string().nullable(),
  /** Of the access token; it is renewed before. */
  expires_at: z.string().nullable(),
  refreshed_at: z.string().nullable(),
  /** A link for whose it is, or a command for an admin; null where there is nothing to do. */
  mend: z.string().nullable(),
}

export const connectionOfServer = z.object({ id: z.string(), kind: z.enum(CONNECTION_KINDS), ...state })
export type ConnectionOfServer = z.infer<typeof connectionOfServer>

export const connectionShown = z.object({
  id: z.string(),
  server_id: z.string(),
  kind: z.enum(CONNECTION_KINDS),
  /** `admin`: the shared one, made by a person. `machine`: the portal's own. `user`: one person's. */
  owner: z.enum(['admin', 'machine', 'user']),
  /** Null for a shared one. */
  user: z.object({ id: z.string(), email: z.string().nullable(), name: z.string().nullable() }).nullable(),
  ...state,
  resource: z.string().nullable(),
  /** Whether it can be renewed without a person. */
  has_refresh_token: z.boolean(),
  created_at: z.string(),
  created_by: z.string(),
})
export type ConnectionShown = z.infer<typeof connectionShown>

/** `scope`: all that is to be asked for beyond what was asked for first; whoever sends it agrees to it. */
export const serverAuthorize = z.strictObject({ scope: scopeSchema.optional() })
export type ServerAuthorize = z.infer<typeof serverAuthorize>

export const authorizeShown = z.object({
  /** Works once, in the browser of whoever opens it. It is a secret. */
  url: z.string(),
  expires_at: z.string(),
  server: z.string(),
  /** What will be asked for; null where the authorization server decides. */
  scope: z.string().nullable(),
  /** Where the link leads on to; absent where that is not known yet. */
  issuer: z.string().optional(),
})
export type AuthorizeShown = z.infer<typeof authorizeShown>
