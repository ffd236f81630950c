/** Calls that wait for people to agree, as the REST API has them. */
import { queryOptions } from '@tanstack/react-query'
import type { ApprovalDetail, ApprovalShown } from '../../../src/contract/approval.ts'
import { ask, part } from './ask.ts'

const APPROVALS = '/access/approvals'
const POLL_MS = 4000

export const APPROVAL_READS = [['approvals']] as const

/** The newest first; read again by itself, since calls wait for it. */
export const approvalsQuery = queryOptions({
  queryKey: ['approvals'],
  queryFn: async ({ signal }) =>
    (await ask<ApprovalShown[]>('GET', APPROVALS, { signal, query: { per_page: 1000 } })).result,
  refetchInterval: POLL_MS,
})

export const approvalQuery = (id: string) =>
  queryOptions({
    queryKey: ['approvals', 'one', id],
    queryFn: async ({ signal }) => (await ask<ApprovalDetail>('GET', `${APPROVALS}/${part(id)}`, { signal })).result,
    refetchInterval: POLL_MS,
  })

export interface Wish {
  id: string
  word: 'approve' | 'reject'
  /** Why; may be empty. */
  reason: string
}

export const decide = ({ id, word, reason }: Wish) =>
  ask<ApprovalShown>('POST', `${APPROVALS}/${part(id)}/${word}`, { body: { reason } })
