/**
 * The selectors of policies and groups, each in the JSON shape of the `cloudflare` SDK's union of access rules. A criterion is
 * an object with one key, the selector. One that is not here is refused when it is written: nobody could enforce it.
 */
import { z } from 'zod'
import { addressBytes } from '../base/address.ts'
import { emailDomainSchema, emailSchema } from './email.ts'

const empty = z.strictObject({})
const id = z.string().min(1).max(64)
/** What another system calls something: a group, a claim, an attribute. */
const word = z.string().min(1).max(1024)
const claimValue = z.string().max(4096)
const identity_provider_id = id

/** @returns whether a text is an address, or a range as RFC 4632 and RFC 4291 write it */
export function isAddressRange(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/')
  const bytes = addressBytes(address)
  if (bytes === null || more.length > 0 || address.startsWith('[')) return false
  return bits === undefined || (/^(0|[1-9]\d{0,2})$/.test(bits) && Number(bits) <= bytes.length * 8)
}

const ip = z
  .string()
  .max(64)
  .refine(isAddressRange, 'give an address or a range of them, such as "192.0.2.7", "10.0.0.0/8" or "2001:db8::/32"')

/** Signed answers come from there, so it has neither user nor password, and names no place inside a page. */
const url = z
  .string()
  .max(2048)
  .regex(/^https?:\/\/[\x21-\x7e]+$/i, 'give a full URL that begins with https://')
  .refine((text) => {
    const parsed = URL.parse(text)
    return parsed !== null && parsed.username === '' && parsed.password === '' && !text.includes('#')
  }, 'must have no user, password or fragment')

const RISKS = ['low', 'medium', 'high', 'unscored'] as const

/** What stands behind each selector. */
export const SELECTOR_SHAPES = {
  email: z.strictObject({ email: emailSchema }),
  email_domain: z.strictObject({ domain: emailDomainSchema }),
  email_list: z.strictObject({ id }),
  everyone: empty,
  ip: z.strictObject({ ip }),
  ip_list: z.strictObject({ id }),
  geo: z.strictObject({
    country_code: z.string().regex(/^[A-Z][A-Z0-9]$/, 'give two capital letters of ISO 3166-1, such as "PT"'),
  }),
  group: z.strictObject({ id }),
  service_token: z.strictObject({ token_id: id }),
  any_valid_service_token: empty,
  linked_app_token: z.strictObject({ app_uid: id }),
  certificate: empty,
  common_name: z.strictObject({ common_name: word }),
  device_posture: z.strictObject({ integration_uid: id, account_id: id.optional() }),
  login_method: z.strictObject({ id }),
  auth_method: z.strictObject({
    auth_method: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,64}$/, 'give a method as RFC 8176 names it, such as "mfa" or "hwk"'),
  }),
  auth_context: z.strictObject({ id: word, ac_id: word, identity_provider_id }),
  oidc: z.strictObject({ claim_name: word, claim_value: claimValue, identity_provider_id }),
  saml: z.strictObject({ attribute_name: word, attribute_value: claimValue, identity_provider_id }),
  azureAD: z.strictObject({ id: word, identity_provider_id }),
  okta: z.strictObject({ name: word, identity_provider_id }),
  gsuite: z.strictObject({ email: emailSchema, identity_provider_id }),
  'github-organization': z.strictObject({ name: word, team: word.optional(), identity_provider_id }),
  external_evaluation: z.strictObject({ evaluate_url: url, keys_url: url }),
  user_risk_score: z.strictObject({ user_risk_score: z.array(z.enum(RISKS)).min(1).max(RISKS.length) }),
  cloudflare_account_member: z.strictObject({ account_id: id.optional() }),
} as const

export type Selector = keyof typeof SELECTOR_SHAPES

export const SELECTORS = Object.keys(SELECTOR_SHAPES) as Selector[]

type Shapes = typeof SELECTOR_SHAPES
type Shape = { [S in Selector]: z.ZodOptional<Shapes[S]> }

const shape = Object.fromEntries(
  Object.entries(SELECTOR_SHAPES).map(([selector, inner]) => [selector, inner.optional()]),
) as unknown as Shape

export const criterion = z
  .strictObject(shape, { error: 'give an object with one selector, such as {"email_domain":{"domain":"example.com"}}' })
  .refine((given) => Object.values(given).filter((value) => value !== undefined).length === 1, {
    error: `give one selector of ${SELECTORS.join(', ')}, such as {"email_domain":{"domain":"example.com"}}`,
  })
  .meta({ minProperties: 1, maxProperties: 1 })
export type CriterionInput = z.infer<typeof criterion>

/** In one list of them. */
export const MOST_CRITERIA = 1000
export const criteria = z.array(criterion).max(MOST_CRITERIA)

export const shownCriteria = z.array(z.record(z.string(), z.unknown()))

/** They speak of a person, whom a request that a `bypass` lets in does not have. */
export const IDENTITY_SELECTORS: readonly string[] = [
  ...(['email', 'email_domain', 'email_list', 'login_method', 'auth_method', 'auth_context', 'oidc', 'saml'] as const),
  ...(['azureAD', 'okta', 'gsuite', 'github-organization', 'external_evaluation', 'user_risk_score'] as const),
  ...(['cloudflare_account_member'] as const),
] satisfies readonly Selector[]

/** They speak of a request that no person signed in for, so an `allow` never meets them. */
export const MACHINE_SELECTORS: readonly string[] = [
  ...(['service_token', 'any_valid_service_token', 'linked_app_token'] as const),
] satisfies readonly Selector[]
