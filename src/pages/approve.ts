/**
 * Where people agree to a call of somebody else's, or turn it down; and where whoever asked sees how it stands. Looking decides nothing, so
 * a mail scanner that follows the link does no harm: only a form of ours, from the browser of a signed-in person whom the policy names, does.
 */
import { Fault } from '../base/fault.ts'
import type { BrowserSession } from '../identity/browser-session-store.ts'
import { readPolicy } from '../policy/policy-store.ts'
import { type ApprovalRecord, readApproval } from '../portal/approval-store.ts'
import { endOf, type Given, giveWord, readReason, type Wish } from '../portal/approval-word.ts'
import { standingOf } from '../portal/approvals.ts'
import { overPage, PAGE_ID, recordForeign, startOf } from './approve-deeds.ts'
import { approvalPage } from './approve-page.ts'
import type { PageCall, PageRoute } from './deps.ts'
import { seeOther } from './page.ts'
import { signInPath } from './return-to.ts'

export const APPROVE_PAGES: readonly PageRoute[] = [
  { method: 'GET', path: '/approve/:id', handler: look },
  { method: 'POST', path: '/approve/:id', handler: decide },
]

async function look(call: PageCall): Promise<Response> {
  const { id = '' } = call.params
  const { session } = call.browser
  if (session === null) return seeOther(signInPath(PAGE_ID.test(id) ? `/approve/${id}` : '/'))
  const approval = PAGE_ID.test(id) ? await readApproval(call.deps.store.db, id, call.deps.sealer) : undefined
  if (approval === undefined) return overPage(call)
  const standing = standingOf(approval, session)
  if (standing !== 'nobody') return shown(call, approval, session)
  await recordForeign(call, session, 'GET /approve')
  return overPage(call)
}

async function shown(call: PageCall, approval: ApprovalRecord, session: BrowserSession): Promise<Response> {
  const policy = await readPolicy(call.deps.store.db, approval.policy)
  return approvalPage(call, { approval, standing: standingOf(approval, session), policy: policy?.name ?? null })
}

async function decide(call: PageCall): Promise<Response> {
  const { browser, form, params } = call
  const { id = '' } = params
  const { session } = browser
  const word = form.get('word')
  if (session === null) return seeOther(signInPath(PAGE_ID.test(id) ? `/approve/${id}` : '/'))
  const reason = readReason(form.get('reason') ?? '')
  // No page of ours sends more than it lets people type.
  if (!PAGE_ID.test(id) || (word !== 'approve' && word !== 'reject') || reason === 'too-much') return overPage(call)
  const given = await recorded(call, session, { id, word, reason })
  if (given.kind === 'signed-out') return seeOther(signInPath(`/approve/${id}`))
  if (given.kind === 'not-theirs' && (given.approval === null || !isRequester(given.approval, session)))
    return overPage(call)
  // Shown by another request: whoever loads the page anew must not say their word again.
  return seeOther(`/approve/${id}`)
}

function isRequester(approval: ApprovalRecord, session: BrowserSession): boolean {
  return standingOf(approval, session) === 'requester'
}

/** Recorded first: a word that cannot be recorded is not given. */
async function recorded(call: PageCall, session: BrowserSession, wish: Wish): Promise<Given> {
  const { audit } = call.deps
  const entry = await audit.begin(startOf(call, session, `${wish.word} call`))
  try {
    const given = await giveWord(call.deps, session, wish)
    await entry.finish(endOf(given, wish))
    return given
  } catch (error) {
    await entry.finish({ outcome: 'failed', error: error instanceof Fault ? error.code : 'bug' })
    throw error
  }
}
