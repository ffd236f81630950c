/** The part of the table that is about approvals. */
import { z } from 'zod'
import { approvalDetail, approvalQuery, approvalShown, approvalWord } from '../contract/approval.ts'
import { pageInfoSchema } from '../contract/envelope.ts'
import { approve, getApproval, listApprovals, reject } from './approvals.ts'
import { type Route, route } from './route.ts'

const PATH = '/access/approvals'

export const APPROVAL_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: PATH,
    right: 'approvals:read',
    summary: 'List requests for approval, the newest first',
    query: approvalQuery,
    info: pageInfoSchema,
    result: z.array(approvalShown),
    handler: listApprovals,
  }),
  route({
    method: 'GET',
    path: `${PATH}/{id}`,
    right: 'approvals:read',
    summary: 'Read a request for approval; what it is called with is shown to whom it concerns alone',
    result: approvalDetail,
    handler: getApproval,
  }),
  route({
    method: 'POST',
    path: `${PATH}/{id}/approve`,
    right: 'approvals:write',
    summary: 'Agree to a call, as a signed-in person whom its policy names',
    body: approvalWord,
    result: approvalShown,
    handler: approve,
  }),
  route({
    method: 'POST',
    path: `${PATH}/{id}/reject`,
    right: 'approvals:write',
    summary: 'Turn a call down, as a signed-in person whom its policy names; whoever asked is told why',
    body: approvalWord,
    result: approvalShown,
    handler: reject,
  }),
]
