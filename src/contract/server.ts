/** The shapes of a server: what is sent, what is shown. Secrets are sent and never shown. */
import { z } from 'zod'
import { parsePlace, placeOf } from '../base/destination.ts'
import { overrideListInput, serverOverrideShown } from './capability-override.ts'
import { connectionOfServer } from './connection.ts'
import { httpUrl } from './credentials.ts'
import { pageQuery } from './envelope.ts'
import { identityClaimsSchema, identityHeaderSchema } from './header-names.ts'
import { descriptionSchema, nameSchema, policyIdSchema, serverIdSchema } from './ids.ts'
import { limitShown, serverLimitsInput } from './limits-on-calls.ts'
import { LABELS, labelsInput } from './reach.ts'

const noNul = (text: string): boolean => !text.includes('\0')

/** Nobody can connect to this one: it names a child process. */
const stdioUrl = z.string().regex(/^stdio:\/\/[a-z0-9_-]{1,32}$/)

export const serverHostname = z.union([stdioUrl, httpUrl], {
  error: 'give the full URL of the MCP endpoint, such as "https://example.com/mcp", or "stdio://" and the server\'s id',
})

export const envSchema = z
  .record(
    z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/),
    z.string().max(32_768).refine(noNul, 'must hold no NUL character'),
  )
  .refine((env) => Object.keys(env).length <= 100, 'at most 100 variables')

const plainText = z.string().max(8192).refine(noNul, 'must hold no NUL character')

/** No shell: the arguments reach the program as they are. `env` is write-only. */
export const stdioTransport = z.strictObject({
  type: z.literal('stdio'),
  command: plainText.min(1),
  args: z.array(plainText).max(256).optional(),
  env: envSchema.optional(),
  cwd: plainText.min(1).optional(),
})
export type StdioTransportInput = z.infer<typeof stdioTransport>

export const AUTH_TYPES = ['oauth', 'bearer', 'unauthenticated'] as const
export const AUTH_MODES = ['dcr', 'manual', 'client_credentials', 'enterprise'] as const
export const ISOLATIONS = ['shared', 'per_credential', 'per_user', 'per_session'] as const

/** What becomes of a definition that changes, or appears, after the first sync: see `docs/guides/definitions.md`. */
export const DEFINITIONS_MODES = ['auto', 'hold_changed', 'hold_new'] as const
export type DefinitionsMode = (typeof DEFINITIONS_MODES)[number]
/** Whether what the server says of itself to models is passed on. */
export const INSTRUCTIONS_MODES = ['off', 'on'] as const

/** One `host:port` of our own network, exactly: what is opened is meant. */
export const allowPrivateSchema = z
  .array(
    z
      .string()
      .max(300)
      .refine((text) => parsePlace(text) !== null, 'must be "host:port", such as "10.0.0.5:8080" or "[fd00::5]:443"'),
  )
  .max(16)

/** What `allow_private` must name to open the place of an address; nothing for what is no URL, which its own schema refuses. */
export function placesIn(address: string): string[] {
  const url = URL.parse(address)
  if (url === null) return []
  const { host, port } = placeOf(url)
  return [`${host.includes(':') ? `[${host}]` : host}:${port}`]
}

/** What one call may take. What is left out, and all of it where this is null, is the limit of all servers. */
export const deadlinesSchema = z.strictObject({
  idle_seconds: z.int().min(1).max(3600).optional(),
  total_seconds: z.int().min(1).max(86_400).optional(),
})
export type DeadlinesInput = z.infer<typeof deadlinesSchema>

const SAMPLING_MAX_TOKENS = 200_000
const ANSWER_TIME_SECONDS = 3600

/** Which of a server's questions reach whoever calls it: see `docs/guides/questions.md`. */
export const relaySchema = z.strictObject({
  /** Forms and pages for people. */
  elicitation: z.boolean().optional(),
  /** Answers of the caller's model, at the caller's cost. */
  sampling: z.boolean().optional(),
  /** The most tokens that one such answer may have. */
  sampling_max_tokens: z.int().min(1).max(SAMPLING_MAX_TOKENS).optional(),
  /** The folders that the client works in; only where one person is alone on the connection. */
  roots: z.boolean().optional(),
  /** Seconds that whoever is asked has to answer. */
  answer_time: z.int().min(1).max(ANSWER_TIME_SECONDS).optional(),
})
export type RelayInput = z.infer<typeof relaySchema>

export const relayShown = relaySchema.required()
export type RelayShown = z.infer<typeof relayShown>

export const RESOURCE_URIS = ['plain', 'wrapped'] as const
export const CACHE_HINTS = ['private', 'as_told'] as const

/** How its resources are shown: see `docs/guides/resources.md`. */
export const resourcesSchema = z.strictObject({
  /** `plain`: as the server names them, as long as no other server names them too. `wrapped`: each with the server's id in it. */
  uris: z.enum(RESOURCE_URIS).optional(),
  /** Whether clients are told that others may keep a copy of what they read, where the server says so. */
  cache: z.enum(CACHE_HINTS).optional(),
})
export type ResourcesInput = z.infer<typeof resourcesSchema>

export const resourcesShown = resourcesSchema.required()
export type ResourcesShown = z.infer<typeof resourcesShown>

const settings = {
  description: descriptionSchema.nullish(),
  auth_credentials: z.string().min(1).optional(),
  client_secret: z.string().min(1).max(4096).optional(),
  is_shared_oauth_callback_enabled: z.boolean().optional(),
  secure_web_gateway: z.boolean().optional(),
  updated_tools: overrideListInput.nullish(),
  updated_prompts: overrideListInput.nullish(),
  isolation: z.enum(ISOLATIONS).optional(),
  allow_private: allowPrivateSchema.optional(),
  deadlines: deadlinesSchema.nullish(),
  /** Null for what holds for all servers. */
  relay: relaySchema.nullish(),
  /** Null for what holds for all servers. */
  resources: resourcesSchema.nullish(),
  definitions: z.enum(DEFINITIONS_MODES).optional(),
  instructions: z.enum(INSTRUCTIONS_MODES).optional(),
  /** The header in which the server is told who calls, signed; null for none. */
  identity_header: identityHeaderSchema.nullish(),
  /** What it is told beside who it is. */
  identity_claims: identityClaimsSchema.optional(),
  policies: z.array(policyIdSchema).max(1000).optional(),
  /**
   * False: the portals' policies decide alone, as with a server that never had any. Left out, it stays, and a policy that is attached makes
   * it true: a server whose last one is taken away is closed.
   */
  own_policies: z.boolean().optional(),
  /** What its tools do with data: rules may speak of it. */
  labels: labelsInput.nullish(),
  /** How many calls it may get. */
  limits: serverLimitsInput.nullish(),
  /** Whether callers that only a `bypass` policy lets in use the stored credential; otherwise they have none. */
  bypass_credential: z.boolean().nullish(),
  transport: stdioTransport.nullish(),
}

export const serverCreate = z.strictObject({
  id: serverIdSchema,
  name: nameSchema,
  hostname: serverHostname,
  auth_type: z.enum(AUTH_TYPES),
  ...settings,
})
export type ServerCreate = z.infer<typeof serverCreate>

/** A read may be sent back whole: what only the portal sets is accepted and ignored. */
export const serverEcho = {
  tools: z.unknown().optional(),
  prompts: z.unknown().optional(),
  tool_count: z.unknown().optional(),
  prompt_count: z.unknown().optional(),
  held_definitions: z.unknown().optional(),
  upstream_instructions: z.unknown().optional(),
  identity_audience: z.unknown().optional(),
  status: z.unknown().optional(),
  authentication_status: z.unknown().optional(),
  auth_config_summary: z.unknown().optional(),
  connection: z.unknown().optional(),
  error: z.unknown().optional(),
  error_details: z.unknown().optional(),
  last_synced: z.unknown().optional(),
  last_successful_sync: z.unknown().optional(),
  circuit: z.unknown().optional(),
  origin: z.unknown().optional(),
  created_at: z.unknown().optional(),
  created_by: z.unknown().optional(),
  modified_at: z.unknown().optional(),
  modified_by: z.unknown().optional(),
}

/** Every member optional: what is left out stays. `id`, `hostname`, `auth_type` and the command cannot change. */
export const serverUpdate = z.strictObject({
  id: z.string().optional(),
  hostname: z.string().optional(),
  auth_type: z.string().optional(),
  name: nameSchema.optional(),
  ...settings,
  ...serverEcho,
})
export type ServerUpdate = z.infer<typeof serverUpdate>

const definition = z.record(z.string(), z.unknown())

export const authConfigSummary = z.object({
  auth_mode: z.enum(AUTH_MODES),
  has_client_secret: z.boolean(),
  client_secret_version: z.int(),
  config: z.record(z.string(), z.unknown()).optional(),
  registration_info: z.record(z.string(), z.unknown()).optional(),
  /** The way back: what a client that is written down by hand must have at the authorization server; where none is, what was registered there, once it was. */
  redirect_uri: z.string().optional(),
  /** By what the portal is known where authorization servers read such documents; absent where it has none for them. */
  client_document: z.string().optional(),
  /** Scopes that an admin agreed to beyond those first asked for. */
  approved_scope: z.string().optional(),
})

export const errorDetails = z.object({
  status_code: z.int().optional(),
  mcp_code: z.int().optional(),
  retryable: z.boolean().optional(),
  is_upstream: z.boolean().optional(),
  cause: z.string().optional(),
})

export const SERVER_STATUSES = ['waiting', 'ready', 'stale', 'error'] as const

export const stamps = {
  created_at: z.string(),
  created_by: z.string(),
  modified_at: z.string(),
  modified_by: z.string(),
  origin: z.enum(['api', 'file']),
}

/** As the process that answers sees it; others may see it differently for a moment. */
export const circuitShown = z.object({
  state: z.enum(['closed', 'open', 'half_open']),
  failures: z.int(),
  since: z.string().optional(),
  next_probe: z.string().optional(),
})

export const serverShown = z.object({
  id: z.string(),
  name: z.string(),
  hostname: z.string(),
  auth_type: z.enum(AUTH_TYPES),
  description: z.string().nullable(),
  isolation: z.enum(ISOLATIONS),
  allow_private: z.array(z.string()),
  /** Null where the server has the limits of all. */
  deadlines: deadlinesSchema.nullable(),
  relay: relayShown,
  resources: resourcesShown,
  definitions: z.enum(DEFINITIONS_MODES),
  instructions: z.enum(INSTRUCTIONS_MODES),
  /** Null where the server is not told who calls. */
  identity_header: z.string().nullable(),
  identity_claims: z.array(z.string()),
  /** The `aud` that the server must ask for; it is this server's alone, and one made anew under the same id has another. */
  identity_audience: z.string().optional(),
  /** How many definitions wait for an admin. */
  held_definitions: z.int(),
  /** What the server would have models read, without hidden characters; passed on only with `instructions: on`. */
  upstream_instructions: z.string().optional(),
  transport: z
    .object({ type: z.literal('stdio'), command: z.string(), args: z.array(z.string()), cwd: z.string().optional() })
    .optional(),
  policies: z.array(z.string()),
  /** True and no policies: what it had was taken away, and nobody may use it. */
  own_policies: z.boolean(),
  labels: z.array(z.enum(LABELS)),
  limits: z.array(limitShown),
  bypass_credential: z.boolean(),
  /** Both empty where only a summary or counts were asked for; the counts below are those of the whole lists. */
  tools: z.array(definition),
  prompts: z.array(definition),
  tool_count: z.int(),
  prompt_count: z.int(),
  updated_tools: z.array(serverOverrideShown).optional(),
  updated_prompts: z.array(serverOverrideShown).optional(),
  status: z.enum(SERVER_STATUSES),
  authentication_status: z.enum(['not_required', 'required', 'connected', 'stale', 'manual']),
  auth_config_summary: authConfigSummary.optional(),
  /** The shared credential, where there is one. */
  connection: connectionOfServer.optional(),
  error: z.string().optional(),
  error_details: errorDetails.optional(),
  last_synced: z.string().optional(),
  last_successful_sync: z.string().optional(),
  circuit: circuitShown.optional(),
  is_shared_oauth_callback_enabled: z.boolean(),
  secure_web_gateway: z.boolean(),
  ...stamps,
})
export type ServerShown = z.infer<typeof serverShown>

/** `summary`: without the definitions of tools and prompts, which are most of a server. */
export const serverListQuery = pageQuery.extend({ summary: z.enum(['true', 'false']).optional() })
export type ServerListQuery = z.infer<typeof serverListQuery>

/**
 * What of each tool and prompt is told: all of it, unless said otherwise; `brief`, what people read of it (name, title, description and
 * annotations); `counts`, only how many there are.
 */
export const DETAILS = ['full', 'brief', 'counts'] as const
export type Detail = (typeof DETAILS)[number]

export const detailQuery = z.object({ detail: z.enum(DETAILS).optional() })
export type DetailQuery = z.infer<typeof detailQuery>

export const syncShown = z.object({
  status: z.enum(SERVER_STATUSES),
  error: z.string().optional(),
  error_details: errorDetails.optional(),
  tool_count: z.int(),
  prompt_count: z.int(),
  resource_count: z.int(),
  template_count: z.int(),
})
export type SyncShown = z.infer<typeof syncShown>
