/** Rows about what the portal holds at servers, and about who is told of it. The rules of `tables.ts` hold here too. */
import type { Stamps } from './tables.ts'

/** One credential at one server: the shared one, or one person's own. At most one of each owner. */
export interface ConnectionRow {
  id: string
  server_uid: string
  /** `admin` for the shared one of people's making, `machine` for the portal's own, else `user:<id>`. */
  owner: string
  /** The person whose it is; null for a shared one. */
  user_id: string | null
  /**
   * `oauth` by a person in a browser, `token` pasted by a person, `machine` by client credentials, `enterprise` by what the person's
   * identity provider says.
   */
  kind: 'oauth' | 'token' | 'machine' | 'enterprise'
  /** `needs_reauth`: only a person can mend it. `error`: it may mend itself. */
  status: 'ready' | 'needs_reauth' | 'error'
  /** One word of a closed list: why it is not ready. */
  reason: string | null
  /** As its metadata names it, exactly; null for a pasted token. */
  issuer: string | null
  /** RFC 8707: what the tokens are for. */
  resource: string | null
  client_id: string | null
  /** What was granted, separated by spaces; null where that was not said. */
  scope: string | null
  /** What the server's side calls the account, for people to recognise it. */
  account: string | null
  /** JSON `{server, owner, version, access, type, refresh}`; what stands inside must agree with the row. */
  tokens_sealed: string | null
  has_refresh_token: number
  /** Of the access token; null where that was not said. */
  expires_at: number | null
  /** When it is renewed, while it is in use: at four fifths of its life. */
  renew_at: number | null
  /** When it was last renewed, or made. */
  refreshed_at: number | null
  /** Grows with each change of the tokens. */
  version: number
  /** When admins were told that it will end; null while there is nothing to tell. */
  warned_at: number | null
  created_at: number
  created_by: string
}

/** The portal as a client of one authorization server, for one server behind it. */
export interface UpstreamClientRow {
  id: string
  server_uid: string
  issuer: string
  /** `document`: known by the URL of its own document. `registered`: RFC 7591. */
  kind: 'document' | 'registered'
  client_id: string
  client_secret_sealed: string | null
  auth_method: 'none' | 'client_secret_basic' | 'client_secret_post'
  redirect_uri: string
  created_at: number
  /** Of the secret, where the server said. */
  expires_at: number | null
}

/** One way to an authorization server and back. */
export interface ConnectAttemptRow {
  /** SHA-256 of `state`. */
  id: string
  server_uid: string
  /** Whose connection it will be: `admin` or `user:<id>`. */
  owner: string
  /** The browser that began it. */
  cookie_digest: string
  /** For the audit: who began it. */
  started_by: string
  /** As recorded before the browser left. */
  issuer: string
  redirect_uri: string
  /** What was asked for. */
  scope: string | null
  /** A path of our own. */
  return_to: string
  /** JSON of all that the way back needs. */
  secrets_sealed: string
  created_at: number
  expires_at: number
  used_at: number | null
  /** From here on: what came back, waiting for the person's word. */
  account: string | null
  granted_scope: string | null
  result_sealed: string | null
  confirmed_at: number | null
}

/** Who is told of events by HTTP. */
export interface WebhookRow extends Stamps {
  id: string
  name: string
  url: string
  /** JSON array of event names; empty means all. */
  events: string
  enabled: number
  /** JSON array of `host:port` inside our own network. */
  allow_private: string
  /** What deliveries are signed with. */
  secret_sealed: string
  secret_version: number
}

export interface WebhookDeliveryRow {
  id: string
  webhook_id: string
  event: string
  /** The body, exactly as it is signed and sent. */
  payload: string
  created_at: number
  tries: number
  /** When it is tried again; null once it was delivered or given up. */
  next_at: number | null
  last_status: number | null
  last_error: string | null
  delivered_at: number | null
}
