/**
 * The link by which the first person becomes owner. Looking at it changes nothing, however often: previews and scanners look too. Only the
 * form uses it up, and the form is good in the browser alone that was shown it.
 */
import { html } from 'hono/html'
import type { PageCall, PageRoute } from './deps.ts'
import { formToken, seeOther, show } from './page.ts'
import { problemPage } from './problem.ts'
import { visitor } from './sign-in.ts'

const PATH = '/setup/link/:token'

export const ADMIN_LINK_PAGES: readonly PageRoute[] = [
  { method: 'GET', path: PATH, handler: look },
  { method: 'POST', path: PATH, handler: use },
]

interface Filled {
  name: string
  email: string
  problems: readonly string[]
}

async function look(call: PageCall): Promise<Response> {
  const isGood = await call.deps.local.readAdminLink(call.params.token ?? '')
  return isGood ? ask(call, { name: '', email: '', problems: [] }) : over(call)
}

function ask(call: PageCall, { name, email, problems }: Filled): Promise<Response> {
  const marks = problems.length === 0 ? '' : html`aria-describedby="problem"`
  return show(
    call,
    'Become the owner',
    html`<section class="card" aria-labelledby="what">
      <h1 id="what">Become the owner</h1>
      <p class="lead">of this portal. The owner may do everything here, and lets others in.</p>
      <form method="post">
        ${formToken(call)}
        ${problems.length === 0 ? '' : html`<div class="note bad" role="alert" id="problem">${problems.map((problem) => html`<p>${problem}</p>`)}</div>`}
        <label for="name">Name</label>
        <input id="name" name="name" type="text" autocomplete="name" maxlength="100" value="${name}" />
        <label for="email">Email address</label>
        <input id="email" name="email" type="email" autocomplete="username" required maxlength="254" value="${email}" ${marks} />
        <label for="password">Password, at least 12 characters</label>
        <input id="password" name="password" type="password" autocomplete="new-password" required minlength="12" maxlength="256" ${marks} />
        <div class="actions"><button class="primary">Become the owner</button></div>
      </form>
      <p class="hint">The link works once, for an hour after it was made. Four short steps follow; you can leave them and come back.</p>
    </section>`,
    { status: problems.length === 0 ? 200 : 400 },
  )
}

async function use(call: PageCall): Promise<Response> {
  const field = (name: string): string => (call.form.get(name) ?? '').trim().slice(0, 254)
  const [name, email] = [field('name'), field('email')]
  const password = call.form.get('password') ?? ''
  const done = await call.deps.local.consumeAdminLink(call.params.token ?? '', { name, email, password }, visitor(call))
  if (done.kind === 'signed-in') return seeOther('/setup', [done.setCookie])
  if (done.kind === 'invalid') return ask(call, { name, email, problems: done.problems })
  return done.reason === 'link-over' ? over(call) : problemPage(done.reason, options(call))
}

function over(call: PageCall): Promise<Response> {
  return problemPage('link-over', options(call))
}

function options({ deps }: PageCall) {
  return { returnTo: '/', organization: deps.organization.current().name }
}
