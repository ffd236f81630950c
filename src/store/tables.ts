/**
 * The one schema, for SQLite and PostgreSQL alike. Times are integer milliseconds since 1970, flags are 0 or 1, ids are
 * text, and what is a list or an object is JSON text. A column ending in `_sealed` holds a seal (base/secret) whose
 * additional data is `table/row id/column`; one ending in `_digest` holds SHA-256 as hex.
 */
import type { Generated } from 'kysely'
import type {
  ConnectAttemptRow,
  ConnectionRow,
  UpstreamClientRow,
  WebhookDeliveryRow,
  WebhookRow,
} from './tables-connections.ts'
import type {
  BrowserSessionRow,
  ConsentRow,
  GrantRow,
  IdentityProviderRow,
  IdentityRow,
  LocalAccountRow,
  OauthArtifactRow,
  OauthClientRow,
  ParkedRow,
  PinRow,
  QuestionRow,
  ResourceSubscriptionRow,
  RoleMemberRow,
  SignInAttemptRow,
  SigningKeyRow,
  SingleUseLinkRow,
  UserRow,
} from './tables-people.ts'
import type {
  AccessAppRow,
  AccessGroupRow,
  ApprovalRow,
  FlowLegRow,
  LimitSlotRow,
  LimitWindowRow,
  ListItemRow,
  ListRow,
  PolicyTestRow,
  PurposeRow,
} from './tables-policy.ts'

export interface Tables {
  settings: { key: string; value: string }
  /** One counter a topic; grows with each change, so replicas know when to read again. */
  versions: { topic: string; version: number }
  leases: { name: string; holder: string; until: number }
  portals: PortalRow
  portal_servers: PortalServerRow
  servers: ServerRow
  inventories: InventoryRow
  definition_pins: DefinitionPinRow
  definition_holds: DefinitionHoldRow
  policies: PolicyRow
  access_groups: AccessGroupRow
  lists: ListRow
  list_items: ListItemRow
  access_apps: AccessAppRow
  policy_tests: PolicyTestRow
  approvals: ApprovalRow
  purposes: PurposeRow
  limit_windows: LimitWindowRow
  limit_slots: LimitSlotRow
  flow_legs: FlowLegRow
  users: UserRow
  identity_providers: IdentityProviderRow
  role_members: RoleMemberRow
  identities: IdentityRow
  local_accounts: LocalAccountRow
  browser_sessions: BrowserSessionRow
  grants: GrantRow
  consents: ConsentRow
  oauth_clients: OauthClientRow
  oauth_artifacts: OauthArtifactRow
  sign_in_attempts: SignInAttemptRow
  pins: PinRow
  attempt_counters: { key: string; count: number; last_at: number; locked_until: number | null }
  single_use_links: SingleUseLinkRow
  signing_keys: SigningKeyRow
  questions: QuestionRow
  parked: ParkedRow
  resource_subscriptions: ResourceSubscriptionRow
  connections: ConnectionRow
  upstream_clients: UpstreamClientRow
  connect_attempts: ConnectAttemptRow
  webhooks: WebhookRow
  webhook_deliveries: WebhookDeliveryRow
  access_tokens: AccessTokenRow
  service_tokens: ServiceTokenRow
  api_tokens: ApiTokenRow
  sessions: SessionRow
  /** `owner` is `grant:<id>` or `session:<id>`. */
  toggles: { owner: string; server_uid: string; enabled: number; set_at: number; set_by: Generated<'model' | 'person'> }
}

export interface Stamps {
  created_at: number
  created_by: string
  modified_at: number
  modified_by: string
  /** `api`, or `file` for what the config file declares: read-only over the API. */
  origin: 'api' | 'file'
}

export interface PortalRow extends Stamps {
  uid: string
  id: string
  hostname: string
  name: string
  description: string | null
  code_mode: 'off' | 'opt_in' | 'default_on' | 'enforced'
  optimize_context: 'off' | 'minimize_tools' | 'search_and_execute'
  secure_web_gateway: number
  /** JSON array of policy ids, in order. */
  policies: string
  /** JSON of which clients may register and whether a device may ask, or null for the common ones. */
  oauth_configuration: string | null
  /** The header that may hold a whole service token as JSON, or null. */
  read_service_tokens_from_header: string | null
  /** JSON array of limits on calls, or null for none. */
  limits: string | null
  /** Portals keep the order in which they were made. */
  position: Generated<number>
}

export interface PortalServerRow {
  portal_uid: string
  server_uid: string
  /** The order that the client sent. */
  position: number
  default_disabled: number
  on_behalf: number
  /** JSON array of overrides `{name, enabled?, alias?, description?}`. */
  updated_tools: string
  updated_prompts: string
}

export interface ServerRow extends Stamps {
  uid: string
  id: string
  name: string
  description: string | null
  hostname: string
  auth_type: 'oauth' | 'bearer' | 'unauthenticated'
  /** Of `oauth`: how a credential is come by; null for the others. */
  auth_mode: 'dcr' | 'manual' | 'client_credentials' | 'enterprise' | null
  /** The scopes that an admin agreed to for the shared credential beyond those first asked for, separated by spaces. */
  approved_scope: string | null
  auth_credentials_sealed: string | null
  client_secret_sealed: string | null
  /** Grows each time a client secret is stored. */
  client_secret_version: number
  /** JSON `{type:"stdio", command, args, cwd?}`, or null for HTTP. */
  transport: string | null
  /** JSON object of the child's environment. */
  env_sealed: string | null
  isolation: 'shared' | 'per_credential' | 'per_user' | 'per_session'
  /** JSON array of `host:port` inside our own network that this server may be at. */
  allow_private: string
  /** JSON `{idleSeconds, totalSeconds}`, each a number or null; null where both are the common ones. */
  deadlines: string | null
  /** JSON `{elicitation, sampling, samplingMaxTokens, roots, answerSeconds}`: which of its questions reach callers; null where as for all servers. */
  relay: string | null
  /** JSON `{uris, cache}`: how its resources are shown; null where as for all servers. */
  resources: string | null
  definitions: 'auto' | 'hold_changed' | 'hold_new'
  /** Of its first successful sync, which pinned all that it listed; null before. */
  definitions_pinned_at: number | null
  instructions: 'off' | 'on'
  /** The header in which this server is told who calls, or null. */
  identity_header: string | null
  /** JSON array of the claims that it is told besides, or null for none. */
  identity_claims: string | null
  updated_tools: string
  updated_prompts: string
  /** JSON array of its own, or the text `null` where it never had any: an empty one lets nobody in. */
  policies: string
  /** JSON array of what its tools do with data (`reads_private`, …), or null for nothing said. */
  labels: string | null
  /** JSON array of limits on calls, or null for none. */
  limits: string | null
  /** Whether callers that only a bypass let in use the stored credential. */
  bypass_credential: number
  is_shared_oauth_callback_enabled: number
  secure_web_gateway: number
  status: 'waiting' | 'ready' | 'stale' | 'error'
  authentication_status: 'not_required' | 'required' | 'connected' | 'stale' | 'manual'
  error: string | null
  error_details: string | null
  last_synced: number | null
  last_successful_sync: number | null
  position: Generated<number>
}

/** What one credential saw at one server. */
export interface InventoryRow {
  server_uid: string
  /** `admin` for the shared credential, `user:<id>` for a person's own. */
  credential: string
  version: number
  era: '2025' | '2026'
  capabilities: string
  /** JSON arrays of `{name, json, hash}`. */
  tools: string
  prompts: string
  resources: string
  templates: string
  /** JSON array of `{kind, name, state}`: what is not offered, because it is not equal to its pin. */
  held: string
  /** What the server says of itself to models. */
  instructions: string | null
  synced_at: number
}

/** A definition as it was approved. Its name is in the JSON; the key is a digest, because names may be long and odd. */
export interface DefinitionPinRow {
  server_uid: string
  kind: 'tool' | 'prompt' | 'resource' | 'template'
  /** SHA-256 of the name as a JSON string. */
  name_digest: string
  hash: string
  json: string
  approved_at: number
  /** An API token's name, `sync` where the rules allowed it, `upgrade`. */
  approved_by: string
}

/** What is remembered of a definition that was held, or is. */
export interface DefinitionHoldRow {
  server_uid: string
  kind: 'tool' | 'prompt' | 'resource' | 'template'
  name_digest: string
  /** The last one that was held. */
  hash: string
  since: number
  /** How many different ones came since then. */
  changes: number
  /** When the audit was told; null while it was not. */
  raised_at: number | null
  /** JSON array of the hashes that an admin rejected. */
  rejected: string
}

export interface PolicyRow extends Stamps {
  id: string
  name: string
  decision: 'allow' | 'deny' | 'non_identity' | 'bypass'
  include: string
  exclude: string
  require: string
  /** JSON object of the other fields, as the API has them: what it reaches, what it asks for, from when and until when. */
  extra: string
  /** Of an application's own policy, which no other may name: the application; null where it is reusable. */
  app_id: string | null
  position: Generated<number>
}

export interface AccessTokenRow {
  id: string
  token_digest: string
  user_id: string
  grant_id: string
  /** The audience: one portal, at each of its URLs. */
  portal_uid: string
  name: string | null
  created_at: number
  created_by: string
  expires_at: number | null
  revoked_at: number | null
}

export interface ServiceTokenRow {
  id: string
  name: string
  client_id: string
  secret_digest: string
  previous_secret_digest: string | null
  previous_expires_at: number | null
  client_secret_version: number
  duration: string
  enabled: number
  expires_at: number | null
  created_at: number
  updated_at: number
  last_seen_at: number | null
}

export interface ApiTokenRow {
  id: string
  name: string
  token_digest: string
  role: 'owner' | 'admin' | 'auditor'
  /** JSON array; empty means all that the role has. */
  scopes: string
  created_at: number
  created_by: string
  expires_at: number | null
  revoked_at: number | null
}

/** Only sessions with something to remember have a row; the rest lives in the sealed session id. */
export interface SessionRow {
  id: string
  principal: string
  portal_uid: string
  created_at: number
  last_seen_at: number
  ended_at: number | null
  log_level: string | null
}
