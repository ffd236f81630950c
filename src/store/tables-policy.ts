/** Rows of what policies are made of and what they ask for. The rules of `tables.ts` hold here too. */
import type { Stamps } from './tables.ts'

export interface AccessGroupRow extends Stamps {
  id: string
  name: string
  /** JSON arrays of criteria. */
  include: string
  exclude: string
  require: string
  is_default: number
  position: number
}

export interface ListRow extends Stamps {
  id: string
  name: string
  description: string | null
  /** `EMAIL`, `IP`, `DOMAIN`, … as Cloudflare's Gateway names them. */
  type: string
  position: number
}

export interface ListItemRow {
  list_id: string
  value: string
  description: string | null
  created_at: number
}

/** The Access application that stands for a portal or a server. Its policies are the object's own. */
export interface AccessAppRow {
  id: string
  kind: 'mcp_portal' | 'mcp'
  /** Of the portal or server. */
  object_uid: string
  /** JSON object of what only the application has: session_duration, allowed_idps, tags and the like. */
  settings: string
  created_at: number
  modified_at: number
}

export interface PolicyTestRow {
  id: string
  /** JSON of what was asked. */
  request: string
  status: 'blocked' | 'processing' | 'exceeded_time' | 'complete'
  /** JSON of what came out, by user. */
  result: string
  created_at: number
  created_by: string
}

/** That one call may go on because others agreed to it. */
export interface ApprovalRow {
  id: string
  /** SHA-256 of all that it is bound to; see `portal/approvals`. */
  binding: string
  /** Who asked: `user:<id>` or `service:<id>`. */
  principal: string
  grant_id: string
  portal_uid: string
  server_uid: string
  policy_id: string
  /** JSON of what an approver is shown. */
  about_sealed: string
  /** JSON of who asked, as identities: issuer and subject, and the address; so that nobody approves their own. */
  requester: string
  /** JSON array of `{needed, emails}`. */
  needs: string
  /** JSON array of who agreed, `{user, issuer, subject, email, at}`. */
  given: string
  /** JSON array of what each said who decided, `{word, email, at, reason}`, sealed at `approvals/<id>/words`; null where nobody did. */
  words_sealed: string | null
  state: 'open' | 'approved' | 'rejected' | 'used'
  version: number
  created_at: number
  expires_at: number
  decided_at: number | null
  used_at: number | null
}

/** Why somebody said they need what a policy guards. */
export interface PurposeRow {
  /** `grant:<id>` */
  owner: string
  policy_id: string
  /** Sealed at `purposes/<owner>/<policy_id>/purpose`. */
  purpose_sealed: string
  given_at: number
  expires_at: number
}

/** One lease of calls: it counts in every window that its beginning is in. */
export interface LimitWindowRow {
  /** SHA-256 of what is counted together. */
  key: string
  begins_at: number
  taken: number
  expires_at: number
}

/** How many of a limit's concurrent calls one replica has leased. */
export interface LimitSlotRow {
  key: string
  holder: string
  slots: number
  expires_at: number
}

/** That a call with a label went through, for rules about the flow of data. */
export interface FlowLegRow {
  id: string
  /** `grant:<id>`, in both eras. */
  owner: string
  label: string
  deed: string
  at: number
}
