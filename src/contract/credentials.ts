/**
 * The forms that `auth_credentials` may take. A header that is set here is sent on every request to that server, so its
 * name must not be one that frames the message, routes it, or speaks for the protocol (request smuggling, session theft).
 */
import { z } from 'zod'

const MAX_CREDENTIALS = 16_384
const MAX_HEADERS = 32

const headerName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/
/** Visible ASCII, with spaces inside only: no CR, LF, NUL or leading blanks. */
const headerValue = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/

/** Of the frame, the route and the protocol, and those that the portal sends itself: whoever sets one sends another request than we think. */
const REFUSED_HEADERS: readonly string[] = [
  'accept',
  'accept-encoding',
  'cache-control',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'last-event-id',
  'origin',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'via',
]

export type BearerCredentials =
  | { kind: 'token'; token: string }
  /** Names in lower case, each once. */
  | { kind: 'headers'; headers: Readonly<Record<string, string>> }

/** @returns the credentials, or one sentence about what is wrong that never repeats a value */
export function parseBearerCredentials(text: string): BearerCredentials | string {
  if (text.length > MAX_CREDENTIALS) return `is longer than ${MAX_CREDENTIALS} characters`
  if (!text.trimStart().startsWith('{')) {
    if (!/^[\x21-\x7e]+$/.test(text)) return 'must be a token of visible ASCII characters without spaces'
    return { kind: 'token', token: text }
  }
  const parsed = z
    .strictObject({ headers: z.record(z.string(), z.string()) })
    .safeParse(parseJson(text), { reportInput: false })
  if (!parsed.success) return 'must be a token, or JSON of the form {"headers":{"Name":"value"}}'
  return checkHeaders(Object.entries(parsed.data.headers))
}

/** @returns whether a credential may set a header of this name, in whatever case */
export function isAllowedHeader(name: string): boolean {
  const lower = name.toLowerCase()
  return headerName.test(name) && !REFUSED_HEADERS.includes(lower) && !lower.startsWith('mcp-')
}

function checkHeaders(entries: readonly (readonly [string, string])[]): BearerCredentials | string {
  if (entries.length === 0) return 'names no header'
  if (entries.length > MAX_HEADERS) return `names more than ${MAX_HEADERS} headers`
  const headers = new Map<string, string>()
  for (const [name, value] of entries) {
    const lower = name.toLowerCase()
    if (!headerName.test(name)) return 'holds a header name that HTTP does not allow'
    if (!isAllowedHeader(name)) return `must not set the header "${lower}"`
    if (headers.has(lower)) return `sets the header "${lower}" twice`
    if (!headerValue.test(value)) return `holds a value for "${lower}" that is not visible ASCII`
    headers.set(lower, value)
  }
  return { kind: 'headers', headers: Object.fromEntries(headers) }
}

/** Written out because URL parsers drop line breaks and tabs: what is checked must be what is stored and dialled. */
export const httpUrl = z
  .string()
  .max(2048)
  .regex(/^https?:\/\/[\x21-\x7e]+$/i, 'give a full URL that begins with http:// or https://')
  .refine((text) => URL.canParse(text), 'is not a URL')
  .refine((text) => !text.includes('#'), 'must have no fragment')
  .refine((text) => !hasUserInfo(text), 'must have no user or password: give them as auth_credentials')

/** RFC 6749 section 3.3: words separated by single spaces. */
export const scopeSchema = z
  .string()
  .max(2048)
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/, 'give scopes separated by single spaces')

/** A client that the admin registered at the server's authorization server by hand. */
export const manualOauth = z.strictObject({
  auth_mode: z.literal('manual'),
  config: z.strictObject({
    authorization_endpoint: httpUrl,
    token_endpoint: httpUrl,
    issuer: httpUrl.optional(),
    revocation_endpoint: httpUrl.optional(),
    resource: httpUrl.optional(),
  }),
  registration_info: z.strictObject({
    client_id: z.string().min(1).max(512),
    redirect_uris: z.array(z.string().max(2048)).max(20).optional(),
    token_endpoint_auth_method: z.enum(['none', 'client_secret_post', 'client_secret_basic']).optional(),
    scope: z.string().max(2048).optional(),
  }),
})
export type ManualOauth = z.infer<typeof manualOauth>

/** Where the token endpoint is, for a client that no person stands behind; what is left out is found out. */
const foundOut = { issuer: httpUrl.optional(), token_endpoint: httpUrl.optional(), resource: httpUrl.optional() }
const client = { client_id: z.string().min(1).max(512), scope: z.string().max(2048).optional() }

export const SIGNING_ALGORITHMS = ['ES256', 'ES384', 'RS256', 'PS256', 'EdDSA'] as const
const signing = {
  /** With `private_key_jwt`, `client_secret` is the private key: PKCS #8 in PEM. */
  signing_algorithm: z.enum(SIGNING_ALGORITHMS).optional(),
  key_id: z.string().min(1).max(256).optional(),
}
const METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const

/** The portal's own credential, whoever calls (RFC 6749 section 4.4). */
export const clientCredentialsOauth = z.strictObject({
  auth_mode: z.literal('client_credentials'),
  config: z.strictObject(foundOut).optional(),
  registration_info: z.strictObject({ ...client, ...signing, token_endpoint_auth_method: z.enum(METHODS).optional() }),
})

/** Each signed-in user's own credential, given on the word of their identity provider (SEP-990, ID-JAG): nobody meets a second consent. */
export const enterpriseOauth = z.strictObject({
  auth_mode: z.literal('enterprise'),
  config: z
    .strictObject({
      ...foundOut,
      /** The id of the identity provider whose word counts; left out: the one that the user signed in with. */
      identity_provider: z.string().min(1).max(64).optional(),
    })
    .optional(),
  registration_info: z.strictObject({
    ...client,
    ...signing,
    token_endpoint_auth_method: z.enum([...METHODS, 'none']).optional(),
  }),
})

/** What an admin may write down of an OAuth client, by `auth_mode`. */
export const writtenOauth = z.discriminatedUnion('auth_mode', [manualOauth, clientCredentialsOauth, enterpriseOauth])
export type WrittenOauth = z.infer<typeof writtenOauth>
export type AuthMode = 'dcr' | WrittenOauth['auth_mode']

/** @returns the client, or one sentence about what is wrong that repeats nothing of what was sent */
export function parseWrittenOauth(text: string): WrittenOauth | string {
  if (text.length > MAX_CREDENTIALS) return `is longer than ${MAX_CREDENTIALS} characters`
  const parsed = writtenOauth.safeParse(parseJson(text), { reportInput: false })
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const where = issue === undefined || issue.path.length === 0 ? '' : ` at "${issue.path.join('.')}": ${issue.message}`
  return `must be JSON with "auth_mode" ("manual", "client_credentials" or "enterprise"), "config" and "registration_info", or {"auth_mode":"dcr"}${where}`
}

/** @returns the client, or one sentence about what is wrong */
export function parseManualOauth(text: string): ManualOauth | string {
  const parsed = parseWrittenOauth(text)
  if (typeof parsed === 'string') return parsed
  return parsed.auth_mode === 'manual' ? parsed : 'must have "auth_mode":"manual"'
}

/** What is written where an admin goes back to a client that the portal finds by itself. */
const automaticOauth = z.strictObject({ auth_mode: z.literal('dcr') })

/** Whether it says that nothing is written down: the portal makes itself known at the authorization server. */
export function isAutomaticOauth(text: string): boolean {
  return text.length <= MAX_CREDENTIALS && automaticOauth.safeParse(parseJson(text)).success
}

/** Whether `client_secret` is needed; it is a private key for `private_key_jwt`. */
export function needsSecret({ registration_info }: WrittenOauth): boolean {
  return registration_info.token_endpoint_auth_method !== 'none'
}

/** Whether `client_secret` is a private key, which is never sent anywhere. */
export function isKeyClient({ registration_info }: WrittenOauth): boolean {
  return registration_info.token_endpoint_auth_method === 'private_key_jwt'
}

/**
 * Where a stored client secret would go, and as whom: a change of any of it needs the secret anew. What is left out is found out at the
 * server, and that finding is no admin's word: leaving out what was written is another destination too.
 */
export function secretDestination(client: WrittenOauth): string {
  const { auth_mode: mode, registration_info: registration } = client
  const { issuer = null, token_endpoint = null } = client.config ?? {}
  // A private key that became a password would be sent in the clear to whom it was only ever proven.
  const common = [mode, issuer, token_endpoint, registration.client_id, isKeyClient(client)]
  switch (mode) {
    case 'manual':
      return JSON.stringify([
        ...common,
        client.config.authorization_endpoint,
        client.config.revocation_endpoint ?? null,
      ])
    case 'client_credentials':
      return JSON.stringify(common)
    case 'enterprise':
      return JSON.stringify([...common, client.config?.identity_provider ?? null])
  }
}

/** What tokens were given for and by whom: a change of any of it ends every connection. Null where all is found out. */
export function connectionGround(client: WrittenOauth | null): string {
  return client === null ? 'dcr' : JSON.stringify([secretDestination(client), client.config?.resource ?? null])
}

export function hasUserInfo(url: string): boolean {
  const parsed = URL.parse(url)
  return parsed !== null && (parsed.username !== '' || parsed.password !== '')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // What is no JSON is refused by the schema that follows.
    return undefined
  }
}
