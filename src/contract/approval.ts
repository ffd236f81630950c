/** Requests for approval, as the REST API shows them. What a call was to be made with is shown to whom it concerns, and to nobody else. */
import { z } from 'zod'
import { pageQuery } from './envelope.ts'

export const APPROVAL_STATES = ['open', 'approved', 'rejected', 'used', 'expired'] as const

export const approvalQuery = pageQuery.extend({ state: z.enum(APPROVAL_STATES).optional() })
export type ApprovalQuery = z.infer<typeof approvalQuery>

/** In characters. */
export const REASON_MOST = 500

/** What goes along with a word. The body may be left out. */
export const approvalWord = z.strictObject({
  /** Why: whoever asked is told where it is turned down, and the audit keeps it. */
  reason: z.string().max(REASON_MOST, `has more than ${REASON_MOST} characters: say it more briefly`).optional(),
})
export type ApprovalWord = z.infer<typeof approvalWord>

const decisionShown = z.object({
  word: z.enum(['approve', 'reject']),
  /** The address by which they decided. */
  by: z.string(),
  at: z.string(),
  /** Why, in their own words; null where they gave no reason. */
  reason: z.string().nullable(),
})

export const approvalShown = z.object({
  id: z.string(),
  /** `expired`: nobody decided in time, or the call was not made in time. */
  state: z.enum(APPROVAL_STATES),
  server_id: z.string().nullable(),
  kind: z.string().nullable(),
  /** The server's own name of what is to be called. */
  name: z.string().nullable(),
  policy_id: z.string(),
  requester: z.object({ kind: z.string(), id: z.string(), label: z.string() }),
  groups: z.array(z.object({ approvals_needed: z.int(), given: z.int(), email_addresses: z.array(z.string()) })),
  /** The page, for whom the policy names. */
  url: z.string(),
  created_at: z.string(),
  expires_at: z.string(),
  decided_at: z.string().nullable(),
  /** What each said who decided, the first first. */
  decisions: z.array(decisionShown),
})
export type ApprovalShown = z.infer<typeof approvalShown>

export const approvalDetail = approvalShown.extend({
  /** What whoever asks has to do with it: may decide, agreed already, asked for it; or nothing, as every API token. */
  standing: z.enum(['approver', 'agreed', 'requester', 'nobody']),
  /** Null where the policy is gone. */
  policy_name: z.string().nullable(),
  /** As it was asked for; null for who has nothing to do with it, and where it does not open with the keys at hand. */
  about: z
    .object({
      portal: z.string(),
      server_name: z.string(),
      /** What the client calls itself. */
      client: z.string().nullable(),
      /** What it is for, in the requester's own words. */
      purposes: z.array(z.string()),
      /** JSON text of all that the server would get. */
      sent: z.string(),
    })
    .nullable(),
})
export type ApprovalDetail = z.infer<typeof approvalDetail>
