/**
 * Third step: how people sign in. Passwords are on until somebody turns them off; a provider is added by the REST API, which lets owners
 * alone do it. Nobody is asked anything by a page that is only looked at: a provider is tried by a button.
 */
import { html } from 'hono/html'
import type { GrantId, UserId } from '../base/ids.ts'
import {
  type IdentityProviderTested,
  identityProviderShown,
  identityProviderTested,
} from '../contract/identity-provider.ts'
import { COPY_SCRIPT } from './copy-script.ts'
import type { PageCall, PageRoute } from './deps.ts'
import { text } from './home-clients.ts'
import { formToken, type Markup, seeOther } from './page.ts'
import { problemPage } from './problem.ts'
import { alertOf, EMPTY, type Field, type Filled, formFields, problemsAt, typed } from './setup-fields.ts'
import { KINDS, type Kind } from './setup-kinds.ts'
import { ownerAt, showStep } from './setup-steps.ts'

const PATH = '/setup/sign-in'
const PROVIDERS = '/access/identity_providers'

export const SETUP_SIGN_IN_PAGES: readonly PageRoute[] = [
  { method: 'GET', path: PATH, handler: (call) => owned(call, () => choose(call)) },
  { method: 'POST', path: `${PATH}/codes`, handler: (call) => owned(call, () => offerCodes(call)) },
  { method: 'GET', path: `${PATH}/at/:id`, handler: (call) => owned(call, () => showProvider(call, null)) },
  { method: 'POST', path: `${PATH}/at/:id/test`, handler: (call) => owned(call, () => tryProvider(call)) },
  { method: 'POST', path: `${PATH}/at/:id/remove`, handler: (call) => owned(call, () => remove(call)) },
  { method: 'GET', path: `${PATH}/:type`, handler: (call) => owned(call, () => askFor(call, EMPTY)) },
  { method: 'POST', path: `${PATH}/:type`, handler: (call) => owned(call, () => add(call)) },
]

async function owned(call: PageCall, then: () => Promise<Response>): Promise<Response> {
  const owner = await ownerAt(call, 'sign-in')
  return owner instanceof Response ? owner : then()
}

async function choose(call: PageCall, filled: Filled = EMPTY): Promise<Response> {
  const offered = call.deps.providers.offered()
  return showStep(
    call,
    'sign-in',
    html`<section class="card" aria-labelledby="what">
        <h1 id="what">How people sign in</h1>
        <p class="lead">Passwords do for a small team. A company lets its identity provider say who people are.</p>
        <ul class="rows">
          <li><span class="what"><strong>Passwords</strong><br />${aboutPasswords(call)}</span></li>
          ${offered.map(
            ({ id, name }) => html`<li><span class="what"><strong><bdi>${name}</bdi></strong></span>
              <a class="button" href="${PATH}/at/${encodeURIComponent(id)}" aria-label="Look at it: ${name}">Look at it</a></li>`,
          )}
        </ul>
      </section>
      <section class="card" aria-labelledby="add">
        <h2 id="add">Add an identity provider</h2>
        <div class="stack">
          ${KINDS.map(({ type, title }) => html`<a class="button" href="${PATH}/${type}">${title}</a>`)}
        </div>
      </section>
      ${codes(call, filled)}
      <form method="post" action="/setup/done" class="actions">
        ${formToken(call)}<input type="hidden" name="step" value="sign-in" />
        <button class="primary">${offered.length === 0 && !call.deps.local.offersPin() ? 'Go on with passwords' : 'Go on'}</button>
      </form>`,
    { status: filled.problems.length === 0 ? 200 : 400 },
  )
}

function aboutPasswords({ deps }: PageCall): Markup {
  return deps.local.offersPassword()
    ? html`<span class="soft">On. A link by which a colleague sets one: <code>portico admin password ADDRESS</code></span>`
    : html`<span class="soft">Off.</span>`
}

const ANYBODY: Field = {
  name: 'anybody',
  label: 'I know that everybody with a mailbox can then sign in, and that the policies of my portals let them in.',
  kind: 'tick',
}

function codes(call: PageCall, filled: Filled): Markup {
  const { local, setUp } = call.deps
  const body = local.offersPin()
    ? html`<p>On. Whoever a policy would let in gets a code of eight digits by mail.</p>`
    : setUp.hasMail
      ? html`<p>A code of eight digits, mailed to whoever a policy would let in. It proves that somebody reads that mailbox, any mailbox.</p>
          <form method="post" action="${PATH}/codes">
            ${formToken(call)}${alertOf(filled, [ANYBODY])}
            ${letsAnybodyIn(call) ? html`<div class="note warn"><p>A policy lets in everybody who is signed in, whatever their address. Name addresses or domains in your policies first.</p></div>${formFields([ANYBODY], filled)}` : ''}
            <div class="actions"><button>Offer codes by mail</button></div>
          </form>`
      : html`<p>Not yet: the portal has no mail server. Set <code>smtp.host</code> and <code>smtp.from</code>, start again, and come back.</p>`
  return html`<section class="card" aria-labelledby="codes"><h2 id="codes">Codes by mail</h2>${body}</section>`
}

/** Whether somebody of whom nothing is known but a mailbox at a place that nobody has would get into some portal. */
function letsAnybodyIn({ deps }: PageCall): boolean {
  const email = 'anybody@nowhere.invalid'
  const stranger = {
    kind: 'user',
    id: '' as UserId,
    email,
    label: email,
    grant: '' as GrantId,
    identity: null,
  } as const
  return deps.directory.all().some((spec) => deps.accesses.expected(spec, stranger, null).enter.allow)
}

async function offerCodes(call: PageCall): Promise<Response> {
  const values = typed(call.form, [ANYBODY])
  if (letsAnybodyIn(call) && values.get('anybody') !== 'yes') {
    const problem = { field: null, text: 'Nothing was changed: change your policies, or tick the box below.' }
    return choose(call, { values, problems: [problem] })
  }
  const body = { name: 'Codes by mail', type: 'onetimepin', config: {} }
  const made = await call.deps.setUp.ask(call, { method: 'POST', path: PROVIDERS, body })
  if (!made.ok) return choose(call, { values, problems: made.problems.map((said) => ({ field: null, text: said })) })
  return seeOther(PATH)
}

function kindOf(call: PageCall): Kind | undefined {
  return KINDS.find(({ type }) => type === call.params.type)
}

const NAME: Field = { name: 'name', label: 'Name', hint: 'People read it on the button.', required: true, most: 350 }

async function askFor(call: PageCall, filled: Filled): Promise<Response> {
  const kind = kindOf(call)
  if (kind === undefined) return problemPage('not-found')
  const fields = [NAME, ...kind.fields]
  const values = filled.values.size > 0 ? filled.values : new Map([['name', kind.type === 'oidc' ? '' : kind.title]])
  return showStep(
    call,
    'sign-in',
    html`<section class="card" aria-labelledby="what">
      <h1 id="what">Sign in with ${kind.type === 'oidc' ? 'OpenID Connect' : kind.title}</h1>
      <p class="lead">${kind.about}</p>
      <p>
        The redirect URI to register there has the id of what you add here, so you get it on the next page. Where the provider wants one
        before, give it <code>${originOf(call)}/</code> and correct it then.
      </p>
      <form method="post" action="${PATH}/${kind.type}">
        ${formToken(call)}${alertOf(filled, fields)}${formFields(fields, { ...filled, values })}
        <div class="actions"><button class="primary">Add it</button><a class="button" href="${PATH}">Back</a></div>
      </form>
    </section>`,
    { status: filled.problems.length === 0 ? 200 : 400 },
  )
}

/** Where people sign in once the portal has been started again. */
function originOf({ deps }: PageCall): string {
  const { now, next } = deps.setUp.publicUrl
  return next() === now ? deps.issuer() : (next() ?? deps.issuer())
}

async function add(call: PageCall): Promise<Response> {
  const kind = kindOf(call)
  if (kind === undefined) return problemPage('not-found')
  const fields = [NAME, ...kind.fields]
  const values = typed(call.form, fields)
  const config = kind.config((field) => values.get(field) ?? '')
  const missing = fields.filter(({ name, required }) => required === true && values.get(name) === '')
  if (missing.length > 0) {
    return askFor(call, { values, problems: missing.map(({ name }) => ({ field: name, text: 'is required.' })) })
  }
  const body = { name: values.get('name'), type: kind.type, config }
  const made = await call.deps.setUp.ask(call, { method: 'POST', path: PROVIDERS, body })
  if (!made.ok) return askFor(call, { values, problems: inWords(made.problems, fields) })
  const { id } = identityProviderShown.loose().parse(made.result)
  return seeOther(`${PATH}/at/${encodeURIComponent(id)}`)
}

function inWords(problems: readonly string[], fields: readonly Field[]) {
  const names = Object.fromEntries(fields.map(({ name }) => [name === 'name' ? name : `config.${name}`, name]))
  return problemsAt(problems, { ...names, 'config.allow_private': 'inside' }).map(({ field, text: said }) => {
    // The API names the field that opens an inner address; here it is a box.
    const [why, opened] = said.split(/\. To allow it all the same,|; plain http is only for/)
    return { field, text: opened === undefined ? said : `${why}. If it is yours and inside, tick the box below.` }
  })
}

interface Tried {
  tested: IdentityProviderTested | null
  problems: readonly string[]
}

async function showProvider(call: PageCall, tried: Tried | null): Promise<Response> {
  const told = await call.deps.setUp.ask(call, { method: 'GET', path: pathIn(call) })
  if (!told.ok) return problemPage('not-found')
  const { name, id, type, callback_url: callback, origin } = identityProviderShown.loose().parse(told.result)
  const own = `${PATH}/at/${encodeURIComponent(id)}`
  return showStep(
    call,
    'sign-in',
    html`<section class="card" aria-labelledby="what">
      <h1 id="what"><bdi>${name}</bdi></h1>
      ${callback === undefined ? html`<p>The portal itself mails the codes.</p>` : register(call, callback)}
      ${tried === null ? '' : results(tried)}
      <form method="post" action="${own}/test" class="actions">
        ${formToken(call)}<button class="${tried?.tested?.ok === true ? '' : 'primary'}">${tried === null ? 'Try it' : 'Try it again'}</button>
        <a class="button" href="${PATH}">Back to the ways to sign in</a>
      </form>
      <p class="hint">
        A try reaches the provider and reads what it publishes; it signs nobody in.${type === 'onetimepin' ? '' : html` The last proof is to <a href="/sign-in?return_to=${PATH}">sign in with it</a> yourself. Then give your address there a role: <code>portico roles add owner --email ADDRESS</code>`}
      </p>
    </section>
    ${origin === 'file' ? '' : removal(call, own, name)}`,
    { script: COPY_SCRIPT },
  )
}

function register(call: PageCall, callback: string): Markup {
  const { now, next } = call.deps.setUp.publicUrl
  const then = next()
  const moved = then === null || then === now ? null : `${then}${callback.slice(call.deps.issuer().length)}`
  return html`<p class="lead">Register this redirect URI at the provider, letter by letter:</p>
    ${text(callback, 'the redirect URI')}
    ${moved === null ? '' : html`<p>From the next start of Portico it is this one, so register it too:</p>${text(moved, 'the redirect URI after the next start')}`}`
}

function results({ tested, problems }: Tried): Markup {
  if (tested === null)
    return html`<div class="note bad" role="alert">${problems.map((problem) => html`<p>${problem}</p>`)}</div>`
  return html`<div class="note ${tested.ok ? 'good' : 'bad'}" role="${tested.ok ? 'status' : 'alert'}">
    <p><strong>${tested.ok ? 'It can be used.' : 'It cannot be used yet.'}</strong></p>
    <ul class="plain">
      ${tested.checks.map(({ check, ok, message }) => html`<li>${ok ? 'In order' : 'Not in order'}, ${check}: ${message}</li>`)}
    </ul>
  </div>`
}

function removal(call: PageCall, own: string, name: string): Markup {
  return html`<section class="card" aria-labelledby="remove">
    <h2 id="remove">A mistake in it?</h2>
    <p>Remove it and add it anew, or correct it with <code>portico idp</code>. Whoever came in through it is signed out.</p>
    <form method="post" action="${own}/remove">
      ${formToken(call)}<button class="danger" aria-label="Remove it: ${name}">Remove it</button>
    </form>
  </section>`
}

async function tryProvider(call: PageCall): Promise<Response> {
  const told = await call.deps.setUp.ask(call, { method: 'POST', path: `${pathIn(call)}/test` })
  return showProvider(
    call,
    told.ok
      ? { tested: identityProviderTested.parse(told.result), problems: [] }
      : { tested: null, problems: told.problems },
  )
}

async function remove(call: PageCall): Promise<Response> {
  const told = await call.deps.setUp.ask(call, { method: 'DELETE', path: pathIn(call) })
  return told.ok ? seeOther(PATH) : showProvider(call, { tested: null, problems: told.problems })
}

function pathIn(call: PageCall): string {
  const id = call.params.id ?? ''
  // One segment of a path and nothing that steers it elsewhere.
  return `${PROVIDERS}/${/^[\w-]{1,64}$/.test(id) ? id : '-'}`
}
