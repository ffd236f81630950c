/**
 * Signing in: the choice of ways, and what each of them answers. A wrong password, a wrong code and an address that nobody has are told
 * in the same words; what was wrong stands in the audit alone. Every way begins with a form of ours, so no link of somebody else's can
 * sign a browser in (login CSRF).
 */
import { html } from 'hono/html'
import { visible } from '../base/visible.ts'
import type { SignInRefusal } from '../identity/complete-sign-in.ts'
import type { Visitor } from '../identity/local/model.ts'
import type { PageCall, PageRoute } from './deps.ts'
import { noOwnerNote } from './home-owner.ts'
import { toProvider } from './leads-to.ts'
import { formToken, type Markup, page, seeOther, show } from './page.ts'
import { problemPage, tell } from './problem.ts'
import { awaited, isStepUp, ownPath, signInPath } from './return-to.ts'

export const SIGN_IN_PAGES: readonly PageRoute[] = [
  {
    method: 'GET',
    path: '/sign-in',
    handler: (call) =>
      call.url.searchParams.has('test') ? askToTest(call) : choose(call, { returnTo: returnToOf(call) }),
  },
  { method: 'POST', path: '/sign-in/local', handler: signInLocally },
  { method: 'POST', path: '/sign-in/pin', handler: sendPin },
  { method: 'GET', path: '/sign-in/pin/code', handler: (call) => askForCode(call, { returnTo: returnToOf(call) }) },
  { method: 'POST', path: '/sign-in/pin/code', handler: enterPin },
  { method: 'POST', path: '/sign-in/to/:provider', handler: startAtProvider },
  { method: 'GET', path: '/sign-in/to/:provider/callback', handler: returnFromProvider },
]

interface Shown {
  returnTo: string
  /** What went wrong with the form that was just sent, and which. */
  problem?: { why: SignInRefusal; form: 'local' | 'pin' | 'code' }
  email?: string
}

async function choose(call: PageCall, { returnTo, problem, email = '' }: Shown): Promise<Response> {
  const { providers, local } = call.deps
  const offered = providers.offered()
  const hidden = html`${formToken(call)}<input type="hidden" name="return_to" value="${returnTo}" />`
  const ways = [
    ...(offered.length > 0 ? [providerForms(offered, hidden)] : []),
    ...(local.offersPassword() ? [passwordForm(hidden, problem?.form === 'local' ? problem.why : null, email)] : []),
    ...(local.offersPin() ? [pinForm(hidden, problem?.form === 'pin' ? problem.why : null, email)] : []),
  ]
  const { session } = call.browser
  return show(
    call,
    'Sign in',
    html`<section class="card" aria-labelledby="what">
      <h1 id="what">Sign in</h1>
      ${purpose(returnTo, call)}
      ${await noOwnerNote(call)}
      ${session === null ? '' : html`<div class="note"><p>You are signed in as <bdi>${session.label}</bdi>. Signing in again takes the place of that.</p></div>`}
      ${ways.length === 0 ? nothingOffered() : ways.map((way, at) => html`${at === 0 ? '' : html`<p class="or">or</p>`}${way}`)}
    </section>`,
    {
      status: problem === undefined ? 200 : tell(problem.why).status,
      formLeadsTo: offered.length > 0 ? toProvider(call.deps.issuer()) : [],
    },
  )
}

/** For an admin who looks whether a provider works: the same way, and nobody is signed in at its end. */
async function askToTest(call: PageCall): Promise<Response> {
  const wanted = call.url.searchParams.get('test')
  const provider = call.deps.providers.offered().find(({ id }) => id === wanted)
  if (provider === undefined) return problemPage('not-offered', { returnTo: '/' })
  return show(
    call,
    'Test a sign-in',
    html`<section class="card" aria-labelledby="what">
      <h1 id="what">Test the sign-in</h1>
      <p class="lead">Go through <bdi>${provider.name}</bdi> as anybody who has an account there.</p>
      <p>Nobody is signed in here by that, and who is signed in stays so. What became of it is told at its end, and where you came from.</p>
      ${providerForms([provider], html`${formToken(call)}<input type="hidden" name="test" value="1" />`)}
    </section>`,
    { formLeadsTo: toProvider(call.deps.issuer()) },
  )
}

function testedPage(call: PageCall, label: string): Promise<Response> {
  return show(
    call,
    'The sign-in works',
    html`<section class="card" aria-labelledby="what">
      <h1 id="what">The sign-in works</h1>
      <p class="lead" role="status">It vouches for <bdi>${visible(label)}</bdi>. This was a test: nobody was signed in by it.</p>
      <p>Whether that person may use anything is what policies and roles say. You can close this page.</p>
    </section>`,
  )
}

function purpose(returnTo: string, call: PageCall): Markup {
  return awaited(returnTo) === null
    ? html`<p class="lead">to the portal of <bdi>${call.deps.organization.current().name}</bdi>.</p>`
    : html`<p class="lead">to go on with your client. You are asked before it gets anything.</p>`
}

function providerForms(offered: readonly { id: string; name: string }[], hidden: Markup): Markup {
  return html`<div class="stack">
    ${offered.map(
      ({ id, name }) =>
        html`<form method="post" action="/sign-in/to/${encodeURIComponent(id)}">
          ${hidden}<button class="${offered.length === 1 ? 'primary full' : 'full'}">Continue with ${name}</button>
        </form>`,
    )}
  </div>`
}

function passwordForm(hidden: Markup, why: SignInRefusal | null, email: string): Markup {
  return html`<form method="post" action="/sign-in/local">
    ${hidden}${alert(why, 'local')}
    <label for="email">Email address</label>
    <input id="email" name="email" type="email" autocomplete="username" required maxlength="254" value="${email}" ${marks(why, 'local-problem')} />
    <label for="password">Password</label>
    <input id="password" name="password" type="password" autocomplete="current-password" required maxlength="1024" ${marks(why, 'local-problem')} />
    <div class="actions"><button class="primary">Sign in</button></div>
  </form>`
}

function pinForm(hidden: Markup, why: SignInRefusal | null, email: string): Markup {
  return html`<form method="post" action="/sign-in/pin">
    ${hidden}${alert(why, 'pin')}
    <label for="pin-email">Email address, for a code by mail</label>
    <input id="pin-email" name="email" type="email" autocomplete="email" required maxlength="254" value="${email}" ${marks(why, 'pin-problem')} />
    <div class="actions"><button>Send me a code</button></div>
  </form>`
}

function nothingOffered(): Markup {
  return html`<div class="note warn">
    <p>This portal offers no way to sign in. Its owner adds an identity provider, or turns passwords on again with the owner token.</p>
  </div>`
}

const WRONG = {
  local: 'The address or the password is not right, or there is no such account. Check both, and try again.',
  pin: 'The address is not right. Check it, and try again.',
  code: 'The code is not right, or is no longer good. Check it, or ask for another one.',
} as const

/** Above the form that it is about, read out at once, and named by the fields. */
function alert(why: SignInRefusal | null, form: keyof typeof WRONG): Markup | '' {
  if (why === null) return ''
  const { title, advice } = tell(why)
  const said = why === 'wrong-credentials' ? WRONG[form] : advice
  return html`<div class="note bad" role="alert" id="${form}-problem"><p><strong>${title}.</strong> ${said}</p></div>`
}

function marks(why: SignInRefusal | null, id: string): Markup | '' {
  return why === null ? '' : html`aria-invalid="true" aria-describedby="${id}"`
}

async function signInLocally(call: PageCall): Promise<Response> {
  const returnTo = returnToOf(call)
  const email = field(call, 'email')
  if (!call.deps.local.offersPassword()) return problem(call, 'not-offered', returnTo)
  const password = call.form.get('password') ?? ''
  const done = await call.deps.local.signIn({ email, password, from: visitor(call) })
  if (done.kind === 'signed-in') return goOn(call, returnTo, done.setCookie)
  if (!isAboutTyping(done.reason)) return problem(call, done.reason, returnTo)
  return choose(call, { returnTo, email, problem: { why: done.reason, form: 'local' } })
}

async function sendPin(call: PageCall): Promise<Response> {
  const { local } = call.deps
  const returnTo = returnToOf(call)
  const email = field(call, 'email')
  if (!local.offersPin()) return problem(call, 'not-offered', returnTo)
  const { binding } = call.browser
  const sent = await local.sendPin({ email, binding, returnTo, from: visitor(call) })
  if (sent === 'locked-out') return choose(call, { returnTo, email, problem: { why: sent, form: 'pin' } })
  return seeOther(
    returnTo === '/' ? '/sign-in/pin/code' : `/sign-in/pin/code?return_to=${encodeURIComponent(returnTo)}`,
  )
}

/** Asks for the code that was mailed. `return_to` only serves this page's own link: where it goes is kept with the code. */
async function askForCode(call: PageCall, { returnTo, problem }: Shown): Promise<Response> {
  if (!call.deps.local.offersPin()) return problemPage('not-offered', { returnTo })
  const why = problem?.why ?? null
  return show(
    call,
    'Type the code',
    html`<section class="card" aria-labelledby="what">
      <h1 id="what">Type the code</h1>
      <p class="lead">If your address may sign in here, a code of eight digits is on its way to it. It is good for ten minutes, in this browser.</p>
      <form method="post" action="/sign-in/pin/code">
        ${formToken(call)}<input type="hidden" name="return_to" value="${returnTo}" />${alert(why, 'code')}
        <label for="code">Code</label>
        <input class="code" id="code" name="code" type="text" inputmode="numeric" autocomplete="one-time-code" required maxlength="32" ${marks(why, 'code-problem')} />
        <div class="actions"><button class="primary">Sign in</button></div>
      </form>
      <p class="hint">Nothing came? Look into the spam folder, or <a href="${signInPath(returnTo)}">ask for another code</a>.</p>
    </section>`,
    { status: why === null ? 200 : tell(why).status },
  )
}

async function enterPin(call: PageCall): Promise<Response> {
  const returnTo = returnToOf(call)
  const code = field(call, 'code').replaceAll(/[\s-]/g, '')
  const done = await call.deps.local.enterPin({ code, binding: call.browser.binding, from: visitor(call) })
  if (done.kind === 'signed-in') return goOn(call, ownPath(done.returnTo), done.setCookie)
  if (!isAboutTyping(done.reason)) return problem(call, done.reason, returnTo)
  return askForCode(call, { returnTo, problem: { why: done.reason, form: 'code' } })
}

async function startAtProvider(call: PageCall): Promise<Response> {
  const returnTo = returnToOf(call)
  const from = { ...visitor(call), method: 'sign-in oidc' }
  const { binding } = call.browser
  const started = await call.deps.providers.start(call.params.provider ?? '', {
    binding,
    returnTo,
    from,
    isFresh: isStepUp(returnTo),
    isTest: call.form.has('test'),
  })
  return 'location' in started ? seeOther(started.location) : problem(call, started.refused, returnTo)
}

async function returnFromProvider(call: PageCall): Promise<Response> {
  const from = { ...visitor(call), method: 'sign-in oidc' }
  const { binding } = call.browser
  const done = await call.deps.providers.callback(call.params.provider ?? '', call.url, { binding, from })
  if (done.kind === 'tested') return testedPage(call, done.label)
  return done.kind === 'refused' ? problem(call, done.reason, '/') : goOn(call, ownPath(done.returnTo), done.setCookie)
}

/**
 * Signed in. Behind a consent page that was given before there may stand a client, whose address no `form-action` of a page before this one
 * can know: the way there begins anew.
 */
async function goOn(call: PageCall, returnTo: string, setCookie: string): Promise<Response> {
  if (awaited(returnTo) === null) return seeOther(returnTo, [setCookie])
  const response = await page(
    'You are signed in',
    html`<section class="card" aria-labelledby="what">
      <h1 id="what">You are signed in</h1>
      <p class="lead">Going on to your client.</p>
      <div class="actions"><a class="button primary" href="${returnTo}">Go on</a></div>
    </section>`,
    200,
    { organization: call.deps.organization.current().name, goesOnTo: returnTo },
  )
  response.headers.append('set-cookie', setCookie)
  return response
}

/** What a person mends on the form itself; anything else has a page of its own. */
function isAboutTyping(why: SignInRefusal): boolean {
  return why === 'wrong-credentials' || why === 'locked-out'
}

function problem(call: PageCall, why: SignInRefusal, returnTo: string): Promise<Response> {
  return problemPage(why, { returnTo, organization: call.deps.organization.current().name })
}

function returnToOf(call: PageCall): string {
  return ownPath(call.request.method === 'GET' ? call.url.searchParams.get('return_to') : call.form.get('return_to'))
}

function field(call: PageCall, name: string): string {
  return (call.form.get(name) ?? '').trim().slice(0, 254)
}

/** Of which browser and machine a request came, for the rooms that sign people in. */
export function visitor({ caller, request, browser }: PageCall): Visitor {
  return {
    clientIp: caller.clientIp,
    userAgent: request.headers.get('user-agent') ?? '',
    previous: browser.session?.id ?? null,
  }
}
