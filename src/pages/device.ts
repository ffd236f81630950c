/**
 * Where a person types the code that a device shows (RFC 8628). The code is only ever typed: a link may lead here, and what it carries is not
 * looked at, because a code that comes by link is one that somebody else wants this person to approve. Then the same question as for any client,
 * with what is known of the device: from where it asked, and how long ago.
 */
import { html } from 'hono/html'
import { visible } from '../base/visible.ts'
import type { BrowserSession } from '../identity/browser-session-store.ts'
import type { PendingDevice } from '../identity/oauth/model.ts'
import type { PageCall, PageRoute } from './deps.ts'
import { formToken, type Markup, seeOther, show } from './page.ts'
import { problemPage } from './problem.ts'
import { reachOf } from './reach.ts'
import { signInPath } from './return-to.ts'

export const DEVICE_PAGES: readonly PageRoute[] = [
  { method: 'GET', path: '/device', handler: ask },
  { method: 'POST', path: '/device', handler: look },
  { method: 'POST', path: '/device/answer', handler: answer },
]

function ask(call: PageCall): Promise<Response> | Response {
  return call.browser.session === null ? seeOther(signInPath('/device')) : entry(call, null)
}

interface Found {
  pending: PendingDevice
  session: BrowserSession
}

/** The device of the code in the form, or the answer where there is none. */
async function find(call: PageCall): Promise<Found | Response> {
  const { session } = call.browser
  if (session === null) return seeOther(signInPath('/device'))
  const from = { userId: session.userId, clientIp: call.caller.clientIp }
  const pending = await call.deps.authorizations.findDevice(call.form.get('user_code') ?? '', from)
  if (pending === 'locked-out') return problem(call, 'locked-out')
  if (pending === 'wrong')
    return entry(call, 'No device waits with this code. Look again at what it shows; a code is good for ten minutes.')
  return { pending, session }
}

async function look(call: PageCall): Promise<Response> {
  const found = await find(call)
  if (found instanceof Response) return found
  const spec = call.deps.directory.current(found.pending.portal.uid)
  const reached = spec === undefined ? null : reachOf(call.deps, spec, found.session)
  if (reached === null) return notAllowed(call, found.pending)
  return show(
    call,
    'Let a device in?',
    question(
      call,
      found,
      reached.map(({ name }) => name),
    ),
  )
}

async function answer(call: PageCall): Promise<Response> {
  const decision = call.form.get('decision')
  if (decision !== 'allow' && decision !== 'deny') return problem(call, 'bad-form')
  const found = await find(call)
  if (found instanceof Response) return found
  const { authorizations } = call.deps
  if (decision === 'deny') {
    await authorizations.denyDevice(found.pending, found.session)
    return done(
      call,
      'Denied',
      'The device was told no. If you did not start this, tell your admin where the code came from.',
    )
  }
  const outcome = await authorizations.approveDevice(found.pending, found.session)
  if (outcome === 'not-allowed') return notAllowed(call, found.pending)
  if (outcome === 'over')
    return entry(call, 'The device went away meanwhile. Start again there, and type its new code.')
  return done(
    call,
    'The device is in',
    'Go back to it; it goes on by itself. You can take this back at any time on the portal’s home.',
  )
}

function problem(call: PageCall, kind: 'locked-out' | 'bad-form'): Promise<Response> {
  return problemPage(kind, { organization: call.deps.organization.current().name })
}

function entry(call: PageCall, wrong: string | null): Promise<Response> {
  const body = html`<section class="card" aria-labelledby="what">
    <h1 id="what">Connect a device</h1>
    <p>Type the code that the device in your hands shows. Never type one that somebody sent you: whoever sent it would get in as you.</p>
    ${wrong === null ? '' : html`<div class="note bad" role="alert"><p>${wrong}</p></div>`}
    <form method="post" action="/device">
      ${formToken(call)}
      <label for="user_code">Code</label>
      <input id="user_code" name="user_code" required maxlength="16" autocomplete="off" autocapitalize="characters" spellcheck="false" placeholder="BCDF-GHJK" />
      <div class="actions"><button class="primary">Continue</button></div>
    </form>
  </section>`
  return show(call, 'Connect a device', body, { status: wrong === null ? 200 : 400 })
}

function question(call: PageCall, { pending, session }: Found, reached: readonly string[]): Markup {
  const { client, portal, code, askedFrom, startedAt } = pending
  const minutes = Math.max(0, Math.floor((call.deps.clock.now() - startedAt) / 60_000))
  return html`<section class="card" aria-labelledby="what">
    <h1 id="what">Let this device into <bdi>${portal.name}</bdi>?</h1>
    <div class="note warn">
      <p class="proof">${client.verifiedHost ?? 'Not verified'}</p>
      <p>${client.kind === 'admin' ? html`An admin of this portal wrote this client down.` : html`A code proves nothing about who shows it.`} It calls itself <bdi>“${visible(client.name)}”</bdi>.</p>
    </div>
    ${client.borrowsName ? html`<div class="note bad"><p><strong>Beware: this name belongs to a well-known client, and nothing shows that this is it.</strong></p></div>` : ''}
    <dl class="facts">
      <dt>Code</dt><dd><code>${code}</code><br /><span class="soft">Go on only if the device in your hands shows this code.</span></dd>
      <dt>Asked from</dt><dd>${askedFrom === '' ? 'an unknown address' : html`<code>${askedFrom}</code>`}, ${minutes === 0 ? 'less than a minute ago' : minutes === 1 ? '1 minute ago' : `${minutes} minutes ago`}</dd>
      <dt>Portal</dt><dd><bdi>${portal.name}</bdi><br /><code>${portal.url}</code></dd>
      <dt>It will reach</dt><dd>${reached.length === 0 ? 'No server yet; those that you are given later.' : html`<ul class="plain">${reached.map((name) => html`<li><bdi>${name}</bdi></li>`)}</ul>`}</dd>
      <dt>As</dt><dd><bdi>${session.label}</bdi></dd>
    </dl>
    <form method="post" action="/device/answer">
      ${formToken(call)}
      <input type="hidden" name="user_code" value="${code}" />
      <div class="actions">
        <button name="decision" value="deny">Deny</button>
        <button class="primary" name="decision" value="allow">Allow</button>
      </div>
    </form>
    <p class="hint">It can then act for you there, and renew that by itself, until you take it back on the portal’s home.</p>
  </section>`
}

function notAllowed(call: PageCall, { portal }: PendingDevice): Promise<Response> {
  const body = html`<section class="card" aria-labelledby="what">
    <h1 id="what">You may not enter this portal</h1>
    <p>No policy lets you into <bdi>${portal.name}</bdi>, so the device cannot come in for you. Ask an admin.</p>
  </section>`
  return show(call, 'Not allowed', body, { status: 403 })
}

function done(call: PageCall, title: string, text: string): Promise<Response> {
  const body = html`<section class="card" aria-labelledby="what">
    <h1 id="what">${title}</h1>
    <p>${text}</p>
    <p><a href="/">To the portal’s home</a></p>
  </section>`
  return show(call, title, body)
}
