/**
 * Identity providers, as the REST API takes and shows them. Names are Cloudflare's where it has one; beside them stand the few things that
 * say whom a provider may speak for. The secret is write-only.
 */
import { z } from 'zod'
import { emailSchema } from './email.ts'
import { nameSchema } from './ids.ts'
import { allowPrivateSchema, stamps } from './server.ts'

export const PROVIDER_TYPES = ['oidc', 'onetimepin', 'google', 'azureAD', 'okta', 'github'] as const
export type ProviderType = (typeof PROVIDER_TYPES)[number]

/** Only such with a public key: with a shared one, whoever knows our secret could sign for everybody. */
export const ID_TOKEN_ALGORITHMS = [
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const),
] as const
export const GROUP_SOURCES = ['claim', 'userinfo'] as const

const address = z
  .string()
  .max(2048)
  .refine((text) => {
    const url = URL.parse(text)
    const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:'
    return url !== null && isWeb && url.username === '' && url.password === '' && url.hash === ''
  }, 'give an address that begins with https://, without user, password and fragment')

const issuer = address.refine((text) => !text.includes('?'), 'an issuer has no query')

/** @returns lower case, as A-label; null for what is no domain */
export function plainDomain(text: string): string | null {
  const name = /^[^\s/?#@:%\\]{1,253}$/.test(text) ? URL.parse(`http://${text}/`)?.hostname : undefined
  return name !== undefined && /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?=\D)[a-z0-9-]{2,63}$/.test(name)
    ? name
    : null
}

const domains = z
  .array(
    z.string().transform((text, context) => {
      const domain = plainDomain(text)
      if (domain === null) context.addIssue({ code: 'custom', message: 'give a domain such as "example.com"' })
      return domain ?? ''
    }),
  )
  .max(1000)

const claimName = z.string().min(1).max(256)
const scope = z.string().regex(/^[\x21\x23-\x5B\x5D-\x7E]{1,256}$/, 'a scope has neither spaces nor quotes')
const guid = z
  .string()
  .regex(
    /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
    'give the directory (tenant) id, a GUID; "common" and "organizations" would let in every tenant there is',
  )
  .transform((text) => text.toLowerCase())

const clientId = z.string().min(1).max(1024)
const clientSecret = z.string().min(1).max(4096).optional()

const common = {
  client_id: clientId,
  client_secret: clientSecret,
  /** Claims that are kept for policies. */
  claims: z.array(claimName).max(100).optional(),
  email_claim_name: claimName.optional(),
  /** The domains that the provider may speak for. No address of another counts, and none where this is empty. */
  email_domains: domains.optional(),
  /** Lets people in whose address does not count, without an address. */
  allow_unknown_addresses: z.boolean().optional(),
  /** Where the groups stand: a JSON pointer such as "/realm_access/roles", or the name of a claim. */
  groups: z.strictObject({ claim: claimName, source: z.enum(GROUP_SOURCES).optional() }).nullish(),
  scopes: z.array(scope).max(50).optional(),
  algorithms: z
    .array(z.enum(ID_TOKEN_ALGORITHMS, { error: `choose from ${ID_TOKEN_ALGORITHMS.join(', ')}` }))
    .min(1)
    .max(ID_TOKEN_ALGORITHMS.length)
    .optional(),
  prompt: z.enum(['login', 'consent', 'select_account', 'none']).optional(),
  allow_private: allowPrivateSchema.optional(),
  /** What a read shows beside; nothing is written by it. */
  redirect_url: z.unknown().optional(),
}

const oidc = z.strictObject({
  ...common,
  issuer: issuer.optional(),
  auth_url: address.optional(),
  token_url: address.optional(),
  certs_url: address.optional(),
  userinfo_url: address.optional(),
  token_endpoint_auth_method: z.enum(['client_secret_basic', 'client_secret_post']).optional(),
  pkce_enabled: z.literal(true, 'PKCE is always used: leave it out').optional(),
})

const google = z.strictObject({ ...common, apps_domain: domains.element.optional() })

const azureAD = z.strictObject({
  ...common,
  directory_id: guid,
  support_groups: z.boolean().optional(),
  conditional_access_enabled: z.literal(false, 'is not supported by this portal: leave it out').optional(),
  /** That nobody but the tenant's own admins can give an account an address of `email_domains`. */
  tenant_owns_domains: z.boolean().optional(),
  /** For national clouds. */
  authority: issuer.optional(),
  graph_url: issuer.optional(),
})

const okta = z.strictObject({
  ...common,
  okta_account: z.string().min(1).max(253),
  authorization_server_id: z
    .string()
    .regex(/^[\w-]{1,100}$/)
    .optional(),
})

/** GitHub has no OpenID Connect for people: what it knows of somebody is asked of its API. */
const github = z.strictObject({
  ...common,
  groups: z.null('are always the organisations and teams: leave it out').optional(),
  algorithms: z.undefined('GitHub signs nothing: leave it out').optional(),
  /** For GitHub Enterprise Server. */
  auth_url: address.optional(),
  token_url: address.optional(),
  api_url: address.optional(),
})

const beside = {
  name: nameSchema,
  id: z.unknown().optional(),
  read_only: z.unknown().optional(),
  callback_url: z.unknown().optional(),
  has_client_secret: z.unknown().optional(),
  scim_config: z
    .looseObject({ enabled: z.literal(false, 'is not supported by this portal: leave it out').optional() })
    .optional(),
  created_at: z.unknown().optional(),
  created_by: z.unknown().optional(),
  modified_at: z.unknown().optional(),
  modified_by: z.unknown().optional(),
  origin: z.unknown().optional(),
}

export const identityProviderWrite = z.discriminatedUnion(
  'type',
  [
    z.strictObject({ ...beside, type: z.literal('oidc'), config: oidc }),
    z.strictObject({ ...beside, type: z.literal('google'), config: google }),
    z.strictObject({ ...beside, type: z.literal('azureAD'), config: azureAD }),
    z.strictObject({ ...beside, type: z.literal('okta'), config: okta }),
    z.strictObject({ ...beside, type: z.literal('github'), config: github }),
    z.strictObject({
      ...beside,
      type: z.literal('onetimepin'),
      config: z.strictObject({ redirect_url: z.unknown().optional() }).optional(),
    }),
  ],
  { error: `must be one of ${PROVIDER_TYPES.join(', ')}` },
)
export type IdentityProviderWrite = z.infer<typeof identityProviderWrite>

/** As it is kept: what was written, without the secret. */
export type ProviderConfig = Partial<
  Omit<z.infer<typeof oidc>, Dropped> &
    Omit<z.infer<typeof google>, Dropped> &
    Omit<z.infer<typeof azureAD>, Dropped> &
    Omit<z.infer<typeof okta>, Dropped> &
    Pick<z.infer<typeof github>, 'api_url'>
>
type Dropped = 'client_secret' | 'redirect_url' | 'pkce_enabled' | 'conditional_access_enabled'

export const identityProviderShown = z.object({
  id: z.string(),
  name: z.string(),
  type: z.enum(PROVIDER_TYPES),
  config: z.record(z.string(), z.unknown()),
  has_client_secret: z.boolean(),
  /** The redirect URI to register at the provider. Absent for `onetimepin`. */
  callback_url: z.string().optional(),
  ...stamps,
})
export type IdentityProviderShown = z.infer<typeof identityProviderShown>

export const identityProviderDeleted = z.object({ id: z.string() })

export const identityProviderTested = z.object({
  ok: z.boolean(),
  checks: z.array(z.object({ check: z.string(), ok: z.boolean(), message: z.string() })),
})
export type IdentityProviderTested = z.infer<typeof identityProviderTested>

/** @returns lower case, its domain as A-label; null for what is no address */
export function plainAddress(text: string): string | null {
  const at = text.lastIndexOf('@')
  const domain = plainDomain(text.slice(at + 1))
  if (at < 1 || domain === null) return null
  // Such as U+212A, which is no "k" and would be one in lower case: another mailbox may be behind it.
  if (text.slice(0, at) !== text.slice(0, at).normalize('NFC')) return null
  const plain = `${text.slice(0, at)}@${domain}`.toLowerCase()
  return emailSchema.safeParse(plain).success ? plain : null
}
