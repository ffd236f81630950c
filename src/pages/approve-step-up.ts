/**
 * Where a person is sent to sign in again because a policy wants a newer or a stronger sign-in for a call of theirs; and where they learn
 * whether it was enough. It is about the account that let the client in: another one's sign-in proves nothing about that.
 */
import { html } from 'hono/html'
import { visible } from '../base/visible.ts'
import { readGrantFacts } from '../identity/grant-facts-store.ts'
import { type FoundStepUp, findStepUp } from '../portal/demand-page.ts'
import { isProven, whyOf } from '../portal/demand-step-up.ts'
import { overPage, PAGE_ID } from './approve-deeds.ts'
import type { PageCall, PageRoute } from './deps.ts'
import { type Markup, seeOther, show } from './page.ts'
import { signInPath } from './return-to.ts'

export const STEP_UP_PAGES: readonly PageRoute[] = [{ method: 'GET', path: '/approve/sign-in/:id', handler: look }]

async function look(call: PageCall): Promise<Response> {
  const { id = '' } = call.params
  const { session } = call.browser
  const path = `/approve/sign-in/${id}`
  if (session === null) return seeOther(signInPath(PAGE_ID.test(id) ? path : '/'))
  const found = PAGE_ID.test(id) ? await findStepUp(call.deps.selection.questions, id) : undefined
  if (found?.principal !== `user:${session.userId}`) return overPage(call)
  const facts = await readGrantFacts(call.deps.store.db, found.grant)
  if (facts === null) return overPage(call)
  const { clock } = call.deps
  if (isProven(found, facts, clock.now())) return done(call, found)
  const { issuer, subject } = session.identity
  const isSame = issuer === found.issuer && subject === found.subject
  // Who signed in just now, and came back here, has done what they could.
  const isJustNow = clock.now() - session.createdAt < JUST_NOW_MS
  return stepUpPage(call, found, { path, isSame, isInVain: isJustNow && isSame })
}

const JUST_NOW_MS = 60_000

interface State {
  path: string
  /** The browser is signed in by the account that counts. */
  isSame: boolean
  /** They have just signed in, and it was not enough. */
  isInVain: boolean
}

function stepUpPage(call: PageCall, found: FoundStepUp, { path, isSame, isInVain }: State): Promise<Response> {
  const { client, server, name, methods } = found
  const wanted = methods.length === 0 ? '' : ` with ${methods.join(' or ')}`
  return show(
    call,
    'Sign in again',
    html`<section class="card" aria-labelledby="what">
      <h1 id="what">Sign in again</h1>
      <p class="lead">${whyOf(found)} It guards <code>${visible(name)}</code> of <bdi>${visible(server.name)}</bdi>.</p>
      ${isInVain ? note(html`<strong>You signed in just now, and that was not enough.</strong> Your sign-in did not say that it was made${wanted === '' ? ' anew' : wanted}. Sign in that way if you can; else tell an admin of this portal.`) : ''}
      ${isSame ? '' : note(html`<strong>You are signed in by another account</strong> than the one that let the client in. Sign in the way that you did then.`)}
      <dl class="facts">
        <dt>Asked for by</dt><dd>${client === null ? 'one client of yours' : html`your client that calls itself <bdi>“${visible(client)}”</bdi>`}</dd>
      </dl>
      <div class="actions"><a class="button" href="/">Do nothing</a><a class="button primary" href="${signInPath(path)}">Sign in again</a></div>
    </section>`,
  )
}

function note(text: Markup): Markup {
  return html`<div class="note warn" role="status"><p>${text}</p></div>`
}

function done(call: PageCall, { server }: FoundStepUp): Promise<Response> {
  return show(
    call,
    'Done',
    html`<section class="card" aria-labelledby="what">
      <h1 id="what">Done</h1>
      <p class="lead" role="status">Your sign-in is good enough for <bdi>${visible(server.name)}</bdi>. Go back to your client: it goes on by itself, or calls again. You can close this page.</p>
      <div class="actions"><a class="button" href="/">To the portal’s home</a></div>
    </section>`,
  )
}
