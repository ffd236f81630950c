/**
 * The page before a person leaves to connect an account: which server, where they will sign in, what will be asked for there, whose
 * calls will use it. Nothing has happened when it is shown; its forms alone do something.
 */
import { html } from 'hono/html'
import { visible } from '../base/visible.ts'
import type { ConnectDesk, DeskRefusal } from '../upstream/connections/desk-model.ts'
import type { ConnectionRecord } from '../upstream/connections/model.ts'
import type { Way } from './connect-way.ts'
import { accountOf, hostOfPlace, scopeList, timesOf, wrongWith } from './connection-words.ts'
import type { PageCall } from './deps.ts'
import { toProvider } from './leads-to.ts'
import { formToken, type Markup, show } from './page.ts'
import { tell } from './problem.ts'
import { signInPath } from './return-to.ts'

export interface ConnectPage {
  way: Way
  /** In place now. */
  connection: ConnectionRecord | undefined
  offer: Offer
}

/** What the person can do here. */
export type Offer =
  | { kind: 'oauth'; preview: Extract<Awaited<ReturnType<ConnectDesk['preview']>>, { kind: 'preview' }> }
  /** A token is pasted; `host` is where it goes. */
  | { kind: 'token'; host: string; isWrong: boolean }
  /** The portal connects people by the word of their identity provider. */
  | { kind: 'itself' }
  | { kind: 'none'; reason: DeskRefusal }

export function connectPage(call: PageCall, shown: ConnectPage): Promise<Response> {
  const { way, offer } = shown
  const { name } = way.server
  const isShared = way.owner === 'admin'
  const status =
    offer.kind === 'none' ? tell(`connect-${offer.reason}`).status : offer.kind === 'token' && offer.isWrong ? 400 : 200
  return show(
    call,
    `Connect ${name}`,
    html`<section class="card" aria-labelledby="what">
      <h1 id="what">Connect <bdi>${name}</bdi></h1>
      ${isShared ? sharedLead(way) : html`<p class="lead">This server works with your own account there.${offer.kind === 'itself' ? '' : ' Connect it once, and your clients can use it.'}</p>`}
      ${offer.kind === 'oauth' ? leadsTo(offer.preview.issuer) : ''}
      ${offer.kind === 'itself' ? html`<div class="note"><p>There is nothing to do here: the portal connects you by itself, by the word of your company’s sign-in, when you first use this server.</p></div>` : ''}
      ${offer.kind === 'none' ? problemNote(offer.reason) : ''}
      <dl class="facts">
        <dt>Server</dt><dd><bdi>${name}</bdi> <code class="soft">${way.server.id}</code></dd>
        ${way.client === null ? '' : html`<dt>Asked for by</dt><dd>your client that calls itself <bdi>“${visible(way.client)}”</bdi></dd>`}
        ${offer.kind === 'oauth' ? html`<dt>It will ask for</dt><dd>${scopeList(offer.preview.scope, shown.connection === undefined ? [] : offer.preview.added)}</dd>` : ''}
        <dt>Used by</dt><dd>${isShared ? html`<strong>everyone</strong> who may use this server` : 'your own clients: nobody else’s calls use it'}</dd>
        ${way.session === null || isShared ? '' : html`<dt>As</dt><dd><bdi>${way.session.label}</bdi><br /><a href="${signInPath(call.url.pathname + call.url.search)}">Use another account of this portal</a></dd>`}
        ${state(call, shown)}
      </dl>
      ${offer.kind === 'token' ? tokenForm(call, shown, offer) : ''}
      <div class="actions">${actions(call, shown)}</div>
      ${offer.kind === 'oauth' ? html`<p class="hint">You come back here after signing in there, and are asked once more before anything is kept.</p>` : ''}
    </section>`,
    { status, formLeadsTo: toProvider(call.deps.issuer()) },
  )
}

function sharedLead({ linkedBy }: Way): Markup {
  return html`<div class="note warn">
    <p><strong>The account that you connect here will be used for everyone who may use this server.</strong> Connect one that is meant for that, not your own.</p>
    ${linkedBy === null ? '' : html`<p>This link was made by <bdi>${visible(linkedBy)}</bdi>, and works once. Go on only if you expected it.</p>`}
  </div>`
}

function leadsTo(issuer: string): Markup {
  return html`<div class="note">
    <p>You will sign in at</p>
    <p class="proof"><bdi>${hostOfPlace(issuer)}</bdi></p>
    <p class="soft">Go on only if you know this place.</p>
  </div>`
}

function problemNote(reason: DeskRefusal): Markup {
  const { title, happened, advice } = tell(`connect-${reason}`)
  return html`<div class="note bad" role="alert"><p><strong>${title}.</strong> ${happened} ${advice}</p></div>`
}

function state(call: PageCall, { connection, way }: ConnectPage): Markup | '' {
  if (connection === undefined) return way.owner === 'admin' ? '' : html`<dt>Now</dt><dd>Not connected.</dd>`
  // Whoever holds a link is not thereby told whose account is in place.
  if (way.owner === 'admin')
    return html`<dt>Now</dt><dd>An account is connected. It is used until another one takes its place.</dd>`
  const wrong = wrongWith(connection)
  return html`<dt>Now</dt><dd>${accountOf(connection)}<br /><span class="soft">${timesOf(connection, call.deps.clock.now())}</span>
    ${wrong === null ? '' : html`<div class="note bad"><p>${wrong}</p></div>`}</dd>`
}

function tokenForm(
  call: PageCall,
  { way, connection }: ConnectPage,
  { host, isWrong }: { host: string; isWrong: boolean },
): Markup {
  const marks = isWrong
    ? html`aria-invalid="true" aria-describedby="token-problem token-kept"`
    : html`aria-describedby="token-kept"`
  return html`<form method="post" action="/connect/${way.server.id}">
    ${hidden(call, way)}
    ${isWrong ? html`<div class="note bad" role="alert" id="token-problem"><p><strong>${tell('connect-bad-token').title}.</strong> ${tell('connect-bad-token').advice}</p></div>` : ''}
    <label for="token">Token that you made at the server</label>
    <input id="token" name="token" type="password" autocomplete="off" autocapitalize="none" spellcheck="false" required maxlength="8192" ${marks} />
    <p class="hint" id="token-kept">It is kept sealed in this portal, sent to <bdi>${host}</bdi> and nowhere else, and shown to nobody again, not even to you.</p>
    <div class="actions"><button class="primary">${connection === undefined ? 'Connect' : 'Connect again'}</button></div>
  </form>`
}

function actions(call: PageCall, { way, connection, offer }: ConnectPage): Markup {
  const mayEnd = connection !== undefined && way.owner !== 'admin' && connection.kind !== 'enterprise'
  return html`<a class="button" href="/">${way.owner === 'admin' ? 'Do nothing' : 'To the portal’s home'}</a>
    ${offer.kind === 'none' && offer.reason === 'unreachable' ? html`<a class="button primary" href="${call.url.pathname}${call.url.search}">Try again</a>` : ''}
    ${mayEnd ? html`<form method="post" action="/connect/${way.server.id}/disconnect">${formToken(call)}<button class="danger">Disconnect</button></form>` : ''}
    ${
      offer.kind === 'oauth'
        ? html`<form method="post" action="/connect/${way.server.id}">${hidden(call, way)}<button class="primary">${connection === undefined || way.owner === 'admin' ? 'Connect' : 'Connect again'}</button></form>`
        : ''
    }`
}

function hidden(call: PageCall, { carries }: Way): Markup {
  return html`${formToken(call)}${carries === null ? '' : html`<input type="hidden" name="${carries.name}" value="${carries.value}" />`}`
}
