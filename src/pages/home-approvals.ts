/** On the home of who is signed in: calls that wait for their word, and calls of their own clients that wait for others. */
import { html } from 'hono/html'
import { visible } from '../base/visible.ts'
import type { BrowserSession } from '../identity/browser-session-store.ts'
import { type ApprovalRecord, listApprovals } from '../portal/approval-store.ts'
import { standingOf } from '../portal/approvals.ts'
import type { PageCall } from './deps.ts'
import type { Markup } from './page.ts'
import { ago } from './people-words.ts'

/** What a person can take in; the others come up as these are decided. */
const MOST_SHOWN = 50

/** Nothing where nothing waits. */
export async function approvalsOf(call: PageCall, session: BrowserSession): Promise<Markup | ''> {
  const { store, sealer } = call.deps
  const open = await listApprovals(store, sealer, { open: true })
  const theirs = open.filter((one) => standingOf(one, session) === 'approver').slice(0, MOST_SHOWN)
  const own = open.filter((one) => standingOf(one, session) === 'requester')
  if (theirs.length === 0 && own.length === 0) return ''
  return html`${theirs.length === 0 ? '' : card(call, theirs, { id: 'approvals', title: 'Waiting for your approval', label: 'Look' })}
    ${own.length === 0 ? '' : card(call, own, { id: 'asked', title: 'Your calls that wait for approval', label: 'How it stands' })}`
}

function card(
  call: PageCall,
  approvals: readonly ApprovalRecord[],
  { id, title, label }: { id: string; title: string; label: string },
): Markup {
  const now = call.deps.clock.now()
  return html`<section class="card" aria-labelledby="${id}">
    <h2 id="${id}">${title}</h2>
    <ul class="rows">${approvals.map(({ id: approval, about, requester, createdAt }) => {
      const what = about === null ? 'a call' : `${visible(about.name)} of ${visible(about.server.name)}`
      return html`<li><span class="what"><strong><bdi>${what}</bdi></strong><br /><span class="soft"><bdi>${visible(requester.label)}</bdi>, ${ago(now - createdAt)}</span></span>
        <a class="button quiet" href="/approve/${approval}" aria-label="${label}: ${what}, asked by ${visible(requester.label)}">${label}</a></li>`
    })}</ul>
  </section>`
}
