/**
 * The one question before a client gets anything: may it act for you? What is proven comes first, what the client says of itself comes
 * in quotes, and where the browser goes on is said before it goes. Nothing is given by a link: only this form gives, except to the very
 * client, redirect and portal that the person let in before and asked to remember.
 */
import { html } from 'hono/html'
import { visible } from '../base/visible.ts'
import type { BrowserSession } from '../identity/browser-session-store.ts'
import type { Pending } from '../identity/oauth/model.ts'
import type { PageCall, PageRoute } from './deps.ts'
import { toClient } from './leads-to.ts'
import { formToken, type Markup, page, seeOther, show } from './page.ts'
import { problemBody, problemPage } from './problem.ts'
import { type ReachedServer, reachOf } from './reach.ts'
import { signInPath } from './return-to.ts'

export const CONSENT_PAGES: readonly PageRoute[] = [
  { method: 'GET', path: '/consent/:uid', handler: ask },
  { method: 'POST', path: '/consent/:uid', handler: answer },
]

interface Asked {
  pending: Pending
  session: BrowserSession
}

/** Who asks and who is asked, or the answer where one of them is missing. */
async function begin(call: PageCall): Promise<Asked | Response> {
  const organization = call.deps.organization.current().name
  const pending = await call.deps.authorizations.pending(call.params.uid ?? '', call.request.headers.get('cookie'))
  if (pending === null) return problemPage('unknown-authorization', { organization })
  const { session } = call.browser
  const isTooOld = pending.prompts.includes('login') && session !== null && session.createdAt < pending.startedAt
  if (session === null || isTooOld) return seeOther(signInPath(`/consent/${pending.uid}`))
  return { pending, session }
}

async function ask(call: PageCall): Promise<Response> {
  const asked = await begin(call)
  if (asked instanceof Response) return asked
  const { pending, session } = asked
  const { authorizations, directory } = call.deps
  const spec = directory.current(pending.portal.uid)
  const reached = spec === undefined ? null : reachOf(call.deps, spec, session)
  if (reached === null) return notAllowed(call, asked)
  if (
    !pending.prompts.includes('consent') &&
    mayRemember(pending) &&
    (await authorizations.isRemembered(pending, session))
  )
    return approve(call, asked, true)
  return show(call, `Let a client into ${pending.portal.name}?`, question(call, asked, reached), {
    formLeadsTo: toClient(pending),
  })
}

async function answer(call: PageCall): Promise<Response> {
  const asked = await begin(call)
  if (asked instanceof Response) return asked
  switch (call.form.get('decision')) {
    case 'allow':
      return approve(call, asked, mayRemember(asked.pending) && call.form.get('remember') === 'yes')
    case 'deny':
      return seeOther(await call.deps.authorizations.deny(asked.pending, asked.session))
    default:
      return problemPage('bad-form', { organization: call.deps.organization.current().name })
  }
}

async function approve(call: PageCall, asked: Asked, remember: boolean): Promise<Response> {
  const onward = await call.deps.authorizations.approve(asked.pending, asked.session, { remember })
  return onward === 'not-allowed' ? notAllowed(call, asked) : seeOther(onward)
}

function question(call: PageCall, { pending, session }: Asked, reached: readonly ReachedServer[]): Markup {
  const { client, portal, deviceCode, isLoopback } = pending
  return html`<section class="card" aria-labelledby="what">
    <h1 id="what">Let this client into <bdi>${portal.name}</bdi>?</h1>
    ${proof(pending)}
    ${isLoopback ? loopbackWarning() : ''}
    <dl class="facts">
      ${deviceCode === null ? '' : html`<dt>Code on the device</dt><dd><code>${deviceCode}</code><br /><span class="soft">Go on only if the device in your hands shows this code.</span></dd>`}
      ${pending.redirectHost === null ? '' : html`<dt>Answer goes to</dt><dd>${place(pending, pending.redirectHost)}</dd>`}
      <dt>Portal</dt><dd><bdi>${portal.name}</bdi><br /><code>${portal.url}</code></dd>
      <dt>It will reach</dt><dd>${reach(reached)}</dd>
      <dt>As</dt><dd><bdi>${session.label}</bdi><br /><a href="${signInPath(`/consent/${pending.uid}`)}">Use another account</a></dd>
    </dl>
    <form method="post" action="/consent/${encodeURIComponent(pending.uid)}">
      ${formToken(call)}
      ${mayRemember(pending) ? rememberTick(pending) : ''}
      <div class="actions">
        <button name="decision" value="deny">Deny</button>
        <button class="primary" name="decision" value="allow">Allow</button>
      </div>
    </form>
    <p class="hint">It can then act for you there, and renew that by itself, until you take it back on the portal’s home.</p>
    ${client.id === '' ? '' : html`<p class="hint">Client id: <code>${visible(client.id)}</code></p>`}
  </section>`
}

/** Where the browser goes on to, in words: what stands before the colon of a private-use URI is not a host. */
function place({ redirectUri, isLoopback }: Pending, host: string): Markup {
  if (isLoopback) return html`<bdi>${host}</bdi>, this computer`
  return /^https?:/i.test(redirectUri ?? '')
    ? html`<bdi>${host}</bdi>`
    : html`whatever program opens links that begin with <bdi>${host}</bdi>`
}

/** The proven part, first and large; then what the client says. */
function proof({ client }: Pending): Markup {
  const name = visible(client.name)
  const claims = name === '' ? html`It gives no name.` : html`It calls itself <bdi>“${name}”</bdi>.`
  const borrowed = client.borrowsName
    ? html`<div class="note bad">
        <p><strong>Beware: this name belongs to a well-known client, and nothing shows that this is it.</strong> Deny, unless you know where it comes from.</p>
      </div>`
    : ''
  if (client.verifiedHost !== null)
    return html`<div class="note good">
        <p class="proof"><bdi>${client.verifiedHost}</bdi></p>
        <p>Verified: the client’s description is published there. ${claims}</p>
      </div>
      ${borrowed}`
  if (client.kind === 'admin')
    return html`<div class="note good">
        <p class="proof"><bdi>“${name}”</bdi></p>
        <p>An admin of this portal wrote this client down.</p>
      </div>
      ${borrowed}`
  return html`<div class="note warn">
      <p class="proof">Not verified</p>
      <p>This client registered itself; nobody has verified who it is. ${claims}</p>
    </div>
    ${borrowed}`
}

function loopbackWarning(): Markup {
  return html`<div class="note warn">
    <p><strong>A program on this computer receives the access.</strong> Any program that runs here could ask in another’s name: allow it only if you have just started this sign-in yourself.</p>
  </div>`
}

function reach(reached: readonly ReachedServer[]): Markup {
  if (reached.length === 0) return html`No server yet; those that you are given later.`
  const count = reached.length === 1 ? '1 server' : `${reached.length} servers`
  return html`${count}, with your rights:
    <ul class="plain">
      ${reached.map(({ name }) => html`<li><bdi>${name}</bdi></li>`)}
    </ul>`
}

/**
 * Never for a program that is reached by a scheme of its own: any program may claim the scheme (RFC 8252, section 8.6), and a browser
 * opens one only after a click, so that an answer without a page would lead nowhere.
 */
function mayRemember({ redirectUri }: Pending): boolean {
  return redirectUri !== null && /^https?:/i.test(redirectUri)
}

/** Off for a program on this computer, and under a borrowed name: another one could come later and say the same of itself. */
function rememberTick({ redirectUri, isLoopback, client }: Pending): Markup {
  const isOthers = !isLoopback && !client.borrowsName && /^https:/i.test(redirectUri ?? '')
  return html`<label class="tick">
    <input type="checkbox" name="remember" value="yes" ${isOthers ? 'checked' : ''} />
    <span>Do not ask me again for this client and this portal</span>
  </label>`
}

/** No policy lets this person in. The page says whom to ask, because neither the client nor another try helps. */
function notAllowed(call: PageCall, { pending, session }: Asked): Promise<Response> {
  const organization = call.deps.organization.current().name
  const title = `You may not use ${pending.portal.name}`
  return page(
    title,
    html`${problemBody({
      title,
      happened: `No policy of this portal lets ${session.label} in. The client was given nothing.`,
      advice: `Ask an admin of ${organization} for access to ${pending.portal.name}, or use another account.`,
      actions: html`<a class="button primary" href="${signInPath(`/consent/${pending.uid}`)}">Use another account</a>
        <form method="post" action="/consent/${encodeURIComponent(pending.uid)}">
          ${formToken(call)}<button class="full" name="decision" value="deny">Tell the client</button>
        </form>`,
    })}`,
    403,
    { organization, signedInAs: session.label, formLeadsTo: toClient(pending) },
  )
}
