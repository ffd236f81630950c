/** The link by which a person sets their password. As with the admin link, looking changes nothing and only the form uses it up. */
import { html } from 'hono/html'
import type { PageCall, PageRoute } from './deps.ts'
import { formToken, show } from './page.ts'
import { problemPage } from './problem.ts'
import { visitor } from './sign-in.ts'

const PATH = '/setup/password/:token'

export const PASSWORD_LINK_PAGES: readonly PageRoute[] = [
  { method: 'GET', path: PATH, handler: look },
  { method: 'POST', path: PATH, handler: use },
]

async function look(call: PageCall): Promise<Response> {
  const email = await call.deps.local.readPasswordLink(call.params.token ?? '')
  return email === null ? refused(call, 'link-over') : ask(call, email, [])
}

function ask(call: PageCall, email: string, problems: readonly string[]): Promise<Response> {
  const marks = problems.length === 0 ? '' : html`aria-invalid="true" aria-describedby="problem"`
  return show(
    call,
    'Set your password',
    html`<section class="card" aria-labelledby="what">
      <h1 id="what">Set your password</h1>
      <p class="lead">for <bdi>${email}</bdi>. Whatever this account is signed in with elsewhere ends.</p>
      <form method="post">
        ${formToken(call)}
        ${problems.length === 0 ? '' : html`<div class="note bad" role="alert" id="problem">${problems.map((problem) => html`<p>${problem}</p>`)}</div>`}
        <input type="hidden" name="email" autocomplete="username" value="${email}" />
        <label for="password">Password, at least 12 characters</label>
        <input id="password" name="password" type="password" autocomplete="new-password" required minlength="12" maxlength="256" ${marks} />
        <div class="actions"><button class="primary">Set the password</button></div>
      </form>
      <p class="hint">The link works once, for an hour after it was made.</p>
    </section>`,
    { status: problems.length === 0 ? 200 : 400 },
  )
}

async function use(call: PageCall): Promise<Response> {
  const password = call.form.get('password') ?? ''
  const done = await call.deps.local.consumePasswordLink(call.params.token ?? '', password, visitor(call))
  if (done.kind === 'refused') return refused(call, done.reason)
  if (done.kind === 'invalid') return ask(call, done.email, done.problems)
  return show(
    call,
    'Your password is set',
    html`<section class="card" aria-labelledby="what">
      <h1 id="what">Your password is set</h1>
      <p class="lead">for <bdi>${done.email}</bdi>. Sign in with it now.</p>
      <div class="actions"><a class="button primary" href="/sign-in">Sign in</a></div>
    </section>`,
  )
}

function refused({ deps }: PageCall, why: Parameters<typeof problemPage>[0]): Promise<Response> {
  return problemPage(why, { returnTo: '/', organization: deps.organization.current().name })
}
