/**
 * The way back from an authorization server. The code that it brings is taken out of the address bar at once, and what came for it waits,
 * sealed and unused, until the person has seen whose account it is and said yes, in the browser that began it: whoever was lured
 * here, in either direction, reads a stranger's name, and nothing is connected.
 */
import { html } from 'hono/html'
import type { ServerUid } from '../base/ids.ts'
import { visible } from '../base/visible.ts'
import type { Arrival } from '../upstream/connections/desk-model.ts'
import { listServers } from '../upstream/server-store.ts'
import { doneEnd, recorded, recordRefused, refusedEnd } from './connect-deeds.ts'
import { BACK_TO_CONSOLE, deskProblem, donePage } from './connect-told.ts'
import { CONSOLE_SERVERS } from './connect-way.ts'
import { hostOfPlace, scopeList } from './connection-words.ts'
import type { PageCall, PageRoute } from './deps.ts'
import { formToken, type Markup, seeOther, show } from './page.ts'
import { problemPage } from './problem.ts'
import { ownPath } from './return-to.ts'

export const CONNECT_BACK_PAGES: readonly PageRoute[] = [
  { method: 'GET', path: '/servers-callback', handler: comeBack },
  { method: 'GET', path: '/servers-callback/:server', handler: comeBack },
]

const CONFIRM = 'confirm'

/** A server may be called that too; but only what came back has an attempt. */
export function isToConfirm({ params, url, form }: PageCall): boolean {
  return params.server === CONFIRM && (url.searchParams.has('attempt') || form.has('attempt'))
}

function standing({ browser }: PageCall) {
  return { binding: browser.binding, user: browser.session?.userId ?? null }
}

async function comeBack(call: PageCall): Promise<Response> {
  const { desk } = call.deps
  const came = await desk.comeBack(call.url.searchParams, call.url.pathname, standing(call))
  if (came.kind === 'refused') {
    await recordRefused(call, { method: 'connect callback' }, came.reason)
    return deskProblem(call, came.reason, came.returnTo)
  }
  const { attempt } = came.arrival
  const server = await serverOf(call, came.arrival.server)
  await recorded(call, { method: 'connect callback', server: server.id }, async () => ({ end: doneEnd(), value: null }))
  return seeOther(`/connect/${CONFIRM}?attempt=${encodeURIComponent(attempt)}`)
}

/** A server that is gone meanwhile has no name, and what waits for it is worth nothing. */
async function serverOf(call: PageCall, uid: ServerUid): Promise<{ id: string; name: string }> {
  const found = (await listServers(call.deps.store.db)).find((one) => one.uid === uid)
  return found ?? { id: '', name: 'a server that is gone' }
}

export async function askToConfirm(call: PageCall): Promise<Response> {
  const arrival = await call.deps.desk.waiting(call.url.searchParams.get('attempt') ?? '', standing(call))
  if (arrival === undefined) return deskProblem(call, 'not-yours', null)
  const server = await serverOf(call, arrival.server)
  return show(call, `Connect ${server.name}?`, question(call, arrival, server.name))
}

function question(call: PageCall, arrival: Arrival, name: string): Markup {
  const { account, issuer, owner, replaces, scope, added, withheld } = arrival
  const host = hostOfPlace(issuer)
  return html`<section class="card" aria-labelledby="what">
    <h1 id="what">Is this the right account?</h1>
    ${
      account === null
        ? html`<p class="lead">You are connecting an account at <bdi>${host}</bdi> to <bdi>${name}</bdi>.</p>
      <div class="note warn"><p><strong><bdi>${host}</bdi> does not say whose account it is.</strong> Go on only if you have just signed in there yourself.</p></div>`
        : html`<p class="lead">You are connecting to <bdi>${name}</bdi>:</p>
      <div class="note"><p class="proof"><bdi>${visible(account)}</bdi></p><p>at <bdi>${host}</bdi></p></div>`
    }
    ${owner === 'admin' ? html`<div class="note warn"><p><strong>It will be used for everyone who may use this server.</strong></p></div>` : ''}
    ${replaces === null ? '' : html`<div class="note warn"><p><strong>It takes the place of another account:</strong> <bdi>${visible(replaces)}</bdi>, which is disconnected then.</p></div>`}
    <dl class="facts">
      <dt>It may</dt><dd>${scopeList(scope, added)}</dd>
      ${withheld.length === 0 ? '' : html`<dt>Asked for, and not given</dt><dd>${scopeList(withheld.join(' '))}</dd>`}
      <dt>Used by</dt><dd>${owner === 'admin' ? html`<strong>everyone</strong> who may use this server` : html`<bdi>${call.browser.session?.label ?? 'you'}</bdi>, and nobody else`}</dd>
    </dl>
    <form method="post" action="/connect/${CONFIRM}">
      ${formToken(call)}<input type="hidden" name="attempt" value="${arrival.attempt}" />
      <div class="actions">
        <button name="decision" value="decline">Not my account</button>
        <button class="primary" name="decision" value="confirm">Connect this account</button>
      </div>
    </form>
    <p class="hint">Nothing is connected before you say so. If you did not begin this yourself, choose “Not my account”.</p>
  </section>`
}

export async function takeWord(call: PageCall): Promise<Response> {
  const attempt = call.form.get('attempt') ?? ''
  const decision = call.form.get('decision')
  if (decision !== 'confirm' && decision !== 'decline')
    return problemPage('bad-form', { organization: call.deps.organization.current().name })
  const arrival = await call.deps.desk.waiting(attempt, standing(call))
  if (arrival === undefined) {
    await recordRefused(call, { method: `connect ${decision}` }, 'not-yours')
    return deskProblem(call, 'not-yours', null)
  }
  return decision === 'confirm' ? confirm(call, arrival) : decline(call, arrival)
}

async function confirm(call: PageCall, arrival: Arrival): Promise<Response> {
  const server = await serverOf(call, arrival.server)
  const by = call.browser.session?.label ?? 'a link'
  const made = await recorded(call, { method: 'connect confirm', server: server.id }, async () => {
    const value = await call.deps.desk.confirm(arrival.attempt, { ...standing(call), by })
    return {
      end: value === undefined ? refusedEnd('not-yours') : doneEnd(value, ['account', 'scope', 'tokens']),
      value,
    }
  })
  if (made === undefined) return deskProblem(call, 'not-yours', null)
  return donePage(call, { server, owner: arrival.owner, returnTo: arrival.returnTo })
}

async function decline(call: PageCall, arrival: Arrival): Promise<Response> {
  const server = await serverOf(call, arrival.server)
  const isOver = await recorded(call, { method: 'connect decline', server: server.id }, async () => {
    const value = await call.deps.desk.decline(arrival.attempt, standing(call))
    return { end: value ? doneEnd() : refusedEnd('not-yours'), value }
  })
  if (!isOver) return deskProblem(call, 'not-yours', null)
  return declinedPage(call, server.name, ownPath(arrival.returnTo))
}

function declinedPage(call: PageCall, name: string, returnTo: string): Promise<Response> {
  const isOfConsole = returnTo.startsWith(CONSOLE_SERVERS)
  return show(
    call,
    'Not connected',
    html`<section class="card" aria-labelledby="what">
      <h1 id="what">Not connected</h1>
      <p class="lead" role="status">The account was not connected to <bdi>${name}</bdi>, and what came of it was thrown away.</p>
      <p>You may still be signed in with it at the other side: sign out there before you try again with another one.</p>
      <div class="actions">${isOfConsole ? html`<a class="button primary" href="${returnTo}">${BACK_TO_CONSOLE}</a>` : ''}<a class="button" href="/">To the portal’s home</a></div>
    </section>`,
  )
}
