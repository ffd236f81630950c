/** What admins are told: in the log, in the audit, and by webhook. No secret is ever in it, nor an address. */
import type { WebhookEventType } from '../../contract/webhook.ts'

export type Notice = ConnectionNotice | ApprovalNotice

export interface ConnectionNotice {
  type: Exclude<WebhookEventType, 'approval.requested'>
  /** Milliseconds since 1970. */
  at: number
  data: NoticeData
}

export interface ApprovalNotice {
  type: 'approval.requested'
  /** Milliseconds since 1970. */
  at: number
  /** As receivers read it. */
  data: {
    server: { id: string; name: string }
    /** The server's own name of what is to be called. */
    capability: string
    /** The page opens for whom it concerns, signed in, and for nobody else. */
    approval: { id: string; url: string }
    /** `user:<id>` or `service:<id>` */
    requester: string
    /** RFC 3339: until when it can be decided. */
    expires_at: string
  }
}

/** As receivers read it. */
export interface NoticeData {
  server: { id: string; name: string }
  connection: { id: string; owner: string }
  /** One word of a closed list. */
  reason: string | null
  /** When the credential ends, or ended: RFC 3339. */
  expires_at: string | null
}

/** What the room of the servers says happened; it is a floor above, so its shape stands here again. */
export interface ConnectionHappening {
  type: Exclude<WebhookEventType, 'webhook.test' | 'approval.requested'>
  server: { id: string; name: string }
  connection: string
  owner: string
  reason: string | null
  /** Milliseconds since 1970. */
  expiresAt: number | null
}

/** That somebody waits for others to agree, as the room of the portal says it; it is a floor above. */
export interface ApprovalHappening {
  approval: string
  url: string
  server: { id: string; name: string }
  capability: string
  requester: string
  /** Milliseconds since 1970. */
  expiresAt: number
}

/** @param at milliseconds since 1970 */
export function approvalNotice(happening: ApprovalHappening, at: number): ApprovalNotice {
  const { approval: id, url, server, capability, requester, expiresAt } = happening
  const expires_at = new Date(expiresAt).toISOString()
  return { type: 'approval.requested', at, data: { server, capability, approval: { id, url }, requester, expires_at } }
}

/** @param at milliseconds since 1970 */
export function connectionNotice(happening: ConnectionHappening, at: number): ConnectionNotice {
  const { type, server, connection, owner, reason, expiresAt } = happening
  return {
    type,
    at,
    data: {
      server: { id: server.id, name: server.name },
      connection: { id: connection, owner },
      reason,
      expires_at: expiresAt === null ? null : new Date(expiresAt).toISOString(),
    },
  }
}
