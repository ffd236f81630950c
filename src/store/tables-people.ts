/** Rows about people: who they are, how they signed in, which clients they let in. The rules of `tables.ts` hold here too. */
import type { Stamps } from './tables.ts'

export interface UserRow {
  id: string
  /** Lower case, domain as A-label; null where no provider may speak for the address that it gave. */
  email: string | null
  name: string | null
  created_at: number
  last_seen_at: number | null
  disabled_at: number | null
}

export interface IdentityProviderRow extends Stamps {
  id: string
  name: string
  type: 'oidc' | 'onetimepin' | 'google' | 'azureAD' | 'okta' | 'github'
  /** JSON in the REST API's shape, without the secret. */
  config: string
  client_secret_sealed: string | null
  position: number
}

/** Who may work on the portal itself: an address, or a group of one provider. */
export interface RoleMemberRow {
  id: string
  role: 'owner' | 'admin' | 'auditor'
  kind: 'email' | 'group'
  value: string
  /** Empty for an address. */
  provider_id: string
  created_at: number
  created_by: string
}

/** One account at one provider, as it was when it signed in last. The key is issuer and subject, never the address. */
export interface IdentityRow {
  id: string
  user_id: string
  /** An identity provider's id, or `local`. */
  provider_id: string
  issuer: string
  subject: string
  /** Only an address that counts: of a domain that the provider owns, and verified by it. */
  email: string | null
  /** JSON array; null where the groups are not known, which is not the same as none. */
  groups: string | null
  /** JSON array, RFC 8176. */
  amr: string
  /** JSON object of the claims that policies may look at. */
  claims: string
  id_token_sealed: string | null
  refresh_token_sealed: string | null
  signed_in_at: number
  /** When the person last proved who they are, which a provider may remember from before; null where nobody says. */
  authenticated_at: number | null
  /** When the provider was last asked whether all this still holds. */
  checked_at: number
}

export interface LocalAccountRow {
  user_id: string
  /** `scrypt$N$r$p$salt$hash` */
  password_hash: string
  created_at: number
  changed_at: number
}

/** A person's browser, signed in at the portal. */
export interface BrowserSessionRow {
  id: string
  token_digest: string
  user_id: string
  identity_id: string
  created_at: number
  last_seen_at: number
  expires_at: number
  ended_at: number | null
  client_ip: string
  user_agent: string
}

/** One client's authorization by one person for one portal. */
export interface GrantRow {
  id: string
  user_id: string
  identity_id: string
  portal_uid: string
  client_id: string
  client_name: string
  /** Null for a device. */
  redirect_uri: string | null
  resource: string
  created_at: number
  last_used_at: number
  revoked_at: number | null
  /** `signed-out`, `revoked`, `replayed`, `replaced`, `provider`, `policy` */
  revoked_why: string | null
  /** JSON array of the server uids that its caller was told of, or null before the first. */
  announced: string | null
}

/** That a person let a client in once: it is not asked again for the same redirect and portal. */
export interface ConsentRow {
  user_id: string
  client_id: string
  /** The redirect URI; without its port where it is loopback. */
  redirect: string
  portal_uid: string
  created_at: number
}

export interface OauthClientRow {
  id: string
  /** `registered` by itself (RFC 7591), or `admin`. */
  kind: 'registered' | 'admin'
  /** JSON of RFC 7591 metadata; a secret stands in it as its SHA-256. */
  metadata: string
  created_at: number
  created_by: string
  last_used_at: number | null
  expires_at: number | null
}

/** What the authorization server keeps: codes, refresh tokens, interactions and the like. */
export interface OauthArtifactRow {
  /** `<model>:<SHA-256 of the id>` */
  key: string
  model: string
  payload_sealed: string
  grant_id: string | null
  uid_digest: string | null
  user_code_digest: string | null
  created_at: number
  expires_at: number | null
  consumed_at: number | null
}

/** One way to an identity provider and back. */
export interface SignInAttemptRow {
  /** SHA-256 of `state`. */
  id: string
  /** The browser that began it. */
  cookie_digest: string
  provider_id: string
  /** JSON `{nonce, verifier, issuer}` */
  secrets_sealed: string
  return_to: string
  created_at: number
  expires_at: number
  used_at: number | null
}

export interface PinRow {
  id: string
  email: string
  pin_hmac: string
  cookie_digest: string
  return_to: string
  tries: number
  created_at: number
  expires_at: number
  used_at: number | null
}

export interface SingleUseLinkRow {
  digest: string
  /** For a password, with the address; for the shared credential of a server, with the server's uid. */
  purpose: 'admin' | `password:${string}` | `connect:${string}`
  created_at: number
  created_by: string
  expires_at: number
  used_at: number | null
}

/** For assertions to servers: the newest that is not retired signs, all are published. */
export interface SigningKeyRow {
  kid: string
  alg: string
  public_jwk: string
  private_jwk_sealed: string
  created_at: number
  retired_at: number | null
}

/** What the portal asked a caller, to be answered on a page. */
export interface QuestionRow {
  /** SHA-256 of the id in the link. */
  id: string
  /** `user:<id>`: only this person may answer. */
  principal: string
  /** `grant:<id>` or `session:<id>`. */
  owner: string
  portal_uid: string
  kind: string
  /** JSON of what is asked. */
  subject: string
  created_at: number
  expires_at: number
  answered_at: number | null
  answer: string | null
}

/** A call that waits in one process while its client may bring the answers to another. */
export interface ParkedRow {
  id: string
  /** `user:<id>` or `service:<id>`: only this one may answer. */
  principal: string
  /** `grant:<id>` or `session:<id>`. */
  owner: string
  portal_uid: string
  /** The process that holds the call. */
  node: string
  /** What its client answered; null while it has not, and once the process that holds the call has taken it. */
  answers_sealed: string | null
  taken_at: number | null
  /** What the call came to, or what it asks next; null while it has not come. */
  reply_sealed: string | null
  created_at: number
  expires_at: number
}

/** What a session of 2025 wants to hear of. A session is written down a moment after it began, so this refers to none. */
export interface ResourceSubscriptionRow {
  session_id: string
  /** SHA-256 of the URI: a key may not be as long as a URI. */
  uri_digest: string
  /** As the session named it, which is as the server has it. */
  uri: string
  portal_uid: string
  server_uid: string
  /** 1 where a policy asked for something beside a yes, and got it. */
  has_met_terms: number
  created_at: number
}
