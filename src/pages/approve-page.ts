/**
 * What an approver reads before they decide: who asks, by which client, what is called and with what, why, and under which policy. All of it
 * comes from elsewhere: a client, a model, a server. So it is text, all of it, with whatever cannot be seen made visible.
 */
import { html } from 'hono/html'
import { visible, visibleLine } from '../base/visible.ts'
import { LIMITS } from '../config/limits.ts'
import { type ApprovalAbout, type ApprovalRecord, agreedOf } from '../portal/approval-store.ts'
import { isOpen } from '../portal/approval-word.ts'
import type { Standing } from '../portal/approvals.ts'
import type { PageCall } from './deps.ts'
import { formToken, type Markup, show } from './page.ts'
import { ago, counted } from './people-words.ts'

export interface ApprovalPage {
  approval: ApprovalRecord
  standing: Standing
  /** The name of the policy that wants it; null where it is gone. */
  policy: string | null
}

export function approvalPage(call: PageCall, shown: ApprovalPage): Promise<Response> {
  const { approval, standing } = shown
  const { about } = approval
  const canDecide = standing === 'approver' && isOpen(approval, call.deps.clock.now()) && about !== null
  const title = standing === 'requester' ? 'Your call waits for approval' : 'Somebody asks for your approval'
  const heading = isOpen(approval, call.deps.clock.now()) ? title : 'A request for approval'
  return show(
    call,
    heading,
    html`<section class="card" aria-labelledby="what">
      <h1 id="what">${heading}</h1>
      ${stateNote(call, shown)}
      ${about === null ? html`<div class="note bad"><p>What was asked for cannot be read with the keys of this portal, so nobody can decide about it.</p></div>` : facts(call, shown, about)}
      ${canDecide ? decision(call, approval) : html`<div class="actions"><a class="button" href="/">To the portal’s home</a></div>`}
    </section>`,
    { wide: true },
  )
}

function stateNote(call: PageCall, { approval, standing }: ApprovalPage): Markup {
  const { state, expiresAt } = approval
  const now = call.deps.clock.now()
  const minutes = Math.max(1, Math.ceil((expiresAt - now) / 60_000))
  if (state === 'used')
    return html`<div class="note good" role="status"><p>It was approved, and the call was made.</p></div>`
  if (state === 'rejected')
    return html`<div class="note bad" role="status"><p>It was turned down. The call is not made.</p></div>`
  if (expiresAt <= now)
    return html`<div class="note warn" role="status"><p>It is over: ${state === 'approved' ? 'it was approved, and the call was not made in time' : 'nobody decided in time'}.</p></div>`
  if (state === 'approved')
    return html`<div class="note good" role="status"><p>It is approved. The very same call passes once, within ${counted(minutes, 'minute')}.${standing === 'requester' ? ' Go back to your client.' : ''}</p></div>`
  if (standing === 'requester')
    return html`<div class="note" role="status"><p>Others have to agree, and have been told. You need not wait here: go back to your client. It can be decided for another ${counted(minutes, 'minute')}.</p></div>`
  if (standing === 'agreed')
    return html`<div class="note good" role="status"><p>You agreed. Others still have to.</p></div>`
  return html`<p class="lead">Read what will be done. If you agree, this very call is made once, and no other. It can be decided for another ${counted(minutes, 'minute')}.</p>`
}

function facts(call: PageCall, { approval, policy }: ApprovalPage, about: ApprovalAbout): Markup {
  const { requester, createdAt, needs, given, words } = approval
  const { server, kind, name, client, purposes, portal } = about
  const bot = requester.kind === 'service' ? html` <span class="tag">service token</span>` : ''
  return html`<dl class="facts">
      <dt>Asked by</dt><dd><bdi>${visible(requester.label)}</bdi>${bot}<br /><span class="soft">${ago(call.deps.clock.now() - createdAt)}, in <bdi>${visible(portal)}</bdi>${client === null ? '' : html`, by a client that calls itself <bdi>“${visible(client)}”</bdi>`}</span></dd>
      <dt>Server</dt><dd><bdi>${visible(server.name)}</bdi> <code class="soft">${server.id}</code></dd>
      <dt>${KINDS[kind] ?? 'What'}</dt><dd><code>${visible(name)}</code></dd>
      ${purposes.length === 0 ? '' : html`<dt>What for</dt><dd>${purposes.map((text) => html`<bdi>“${visible(text)}”</bdi><br />`)}<span class="soft">in their own words</span></dd>`}
      <dt>Policy</dt><dd><bdi>${policy === null ? 'one that is gone' : visible(policy)}</bdi></dd>
      <dt>Must agree</dt><dd><ul class="plain">${needs.map((need) => html`<li>${agreedOf(need, given)} of ${need.needed} so far, of <bdi>${named(need.emails)}</bdi></li>`)}</ul></dd>
      <dt>Called with</dt><dd><pre dir="ltr">${visibleLine(about.sent)}</pre></dd>
      ${words.length === 0 ? '' : html`<dt>Decided</dt><dd><ul class="plain">${words.map(said)}</ul></dd>`}
    </dl>`
}

const KINDS: Readonly<Record<string, string>> = {
  tool: 'Tool',
  prompt: 'Prompt',
  resource: 'Resource',
  template: 'Resource',
}

const MOST_NAMED = 5

function named(emails: readonly string[]): string {
  const rest = emails.length - MOST_NAMED
  return emails.slice(0, MOST_NAMED).join(', ') + (rest > 0 ? ` and ${counted(rest, 'other')}` : '')
}

function said({ word, email, reason }: ApprovalRecord['words'][number]): Markup {
  const what = word === 'approve' ? 'agreed' : 'turned it down'
  return html`<li><bdi>${visible(email)}</bdi> ${what}${reason === null ? '' : html`: <bdi>“${visible(reason)}”</bdi>`}</li>`
}

/** Several lines can be typed there, so that the Enter key decides nothing. */
function decision(call: PageCall, { id }: ApprovalRecord): Markup {
  return html`<form method="post" action="/approve/${id}">
    ${formToken(call)}
    <label for="reason">Why? (optional)</label>
    <textarea id="reason" name="reason" rows="2" maxlength="${LIMITS.approval_reason.value}" aria-describedby="kept"></textarea>
    <p class="hint" id="kept">Whoever asked is told it if you turn the call down. It is kept in the audit, with your name.</p>
    <div class="actions">
      <button class="danger" name="word" value="reject">Turn down</button>
      <button class="primary" name="word" value="approve">Approve this call</button>
    </div>
  </form>`
}
