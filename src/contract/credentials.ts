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

/** @returns the client, or one sentence about what is wrong */
export function parseManualOauth(text: string): ManualOauth | string {
  if (text.length > MAX_CREDENTIALS) return `is longer than ${MAX_CREDENTIALS} characters`
  const parsed = manualOauth.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const where = issue === undefined || issue.path.length === 0 ? '' : ` at "${issue.path.join('.')}": ${issue.message}`
  return `must be JSON with "auth_mode":"manual", "config" and "registration_info"${where}`
}

/** Where a stored client secret would go, and as whom: a change of any of it needs the secret anew. */
export function secretDestination({ config, registration_info }: ManualOauth): string {
  const { authorization_endpoint, token_endpoint, issuer, revocation_endpoint } = config
  return JSON.stringify([
    authorization_endpoint,
    token_endpoint,
    issuer ?? null,
    revocation_endpoint ?? null,
    registration_info.client_id,
  ])
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
