/** Where a person says what they need something for, when their client cannot ask them: a link that is theirs alone. */
import { html } from 'hono/html'
import { visible } from '../base/visible.ts'
import { LIMITS } from '../config/limits.ts'
import { type FoundPurpose, findPurpose } from '../portal/demand-page.ts'
import { purposeForAudit, readPurposeText } from '../portal/demand-purpose.ts'
import { savePurpose } from '../portal/purpose-store.ts'
import { overPage, PAGE_ID, startOf } from './approve-deeds.ts'
import type { PageCall, PageRoute } from './deps.ts'
import { formToken, type Markup, seeOther, show } from './page.ts'
import { signInPath } from './return-to.ts'

export const PURPOSE_PAGES: readonly PageRoute[] = [
  { method: 'GET', path: '/approve/purpose/:id', handler: ask },
  { method: 'POST', path: '/approve/purpose/:id', handler: take },
]

/** Where it counts for one call, that call has to come soon. */
const ONE_CALL_MS = LIMITS.page_link.value

async function open(call: PageCall): Promise<FoundPurpose | Response> {
  const { id = '' } = call.params
  const { session } = call.browser
  if (session === null) return seeOther(signInPath(PAGE_ID.test(id) ? `/approve/purpose/${id}` : '/'))
  const found = PAGE_ID.test(id) ? await findPurpose(call.deps.selection.questions, id) : undefined
  return found?.principal === `user:${session.userId}` ? found : overPage(call)
}

async function ask(call: PageCall): Promise<Response> {
  const found = await open(call)
  return found instanceof Response ? found : purposePage(call, found, { isWrong: false, text: '' })
}

async function take(call: PageCall): Promise<Response> {
  const found = await open(call)
  const { session } = call.browser
  if (found instanceof Response || session === null) return found instanceof Response ? found : overPage(call)
  const written = call.form.get('purpose') ?? ''
  const text = readPurposeText(written)
  if (text === null) return purposePage(call, found, { isWrong: true, text: written.slice(0, LIMITS.purpose.value) })
  const { audit, store, sealer } = call.deps
  const entry = await audit.begin(startOf(call, session, 'say purpose'))
  try {
    const life = found.sessionMs ?? ONE_CALL_MS
    await savePurpose(store, sealer, { owner: `grant:${found.grant}`, policy: found.policy }, { text, life })
  } catch (error) {
    await entry.finish({ outcome: 'failed', error: 'bug' })
    throw error
  }
  const said = { rule: found.policy, purpose: purposeForAudit([text]), server: found.server.id }
  await entry.finish({ outcome: 'answered', decision: 'allow', ...said })
  return show(
    call,
    'Thank you',
    html`<section class="card" aria-labelledby="what">
      <h1 id="what">Thank you</h1>
      <p class="lead" role="status">It was written down. Go back to your client and have it call again. You can close this page.</p>
      <div class="actions"><a class="button" href="/">To the portal’s home</a></div>
    </section>`,
  )
}

interface Written {
  isWrong: boolean
  text: string
}

function purposePage(call: PageCall, found: FoundPurpose, written: Written): Promise<Response> {
  const { client, server, name, prompt, sessionMs } = found
  const status = written.isWrong ? 400 : 200
  return show(
    call,
    'What do you need it for?',
    html`<section class="card" aria-labelledby="what">
      <h1 id="what">What do you need it for?</h1>
      <p class="lead">A policy of this portal wants to know before <code>${visible(name)}</code> of <bdi>${visible(server.name)}</bdi> is called.</p>
      <dl class="facts">
        <dt>Asked for by</dt><dd>${client === null ? 'one client of yours' : html`your client that calls itself <bdi>“${visible(client)}”</bdi>`}</dd>
        <dt>It counts for</dt><dd>${sessionMs === null ? 'one call' : 'this and later calls of that client, for a while'}</dd>
      </dl>
      ${form(call, prompt, written)}
    </section>`,
    { status },
  )
}

function form(call: PageCall, prompt: string | null, { isWrong, text }: Written): Markup {
  const marks = isWrong ? html`aria-invalid="true" aria-describedby="problem kept"` : html`aria-describedby="kept"`
  return html`<form method="post" action="${call.url.pathname}">
    ${formToken(call)}
    ${isWrong ? html`<div class="note bad" role="alert" id="problem"><p><strong>That is not enough, or too much.</strong> Write some words, at most ${LIMITS.purpose.value} characters.</p></div>` : ''}
    <label for="purpose">${prompt === null ? 'In your own words' : visible(prompt)}</label>
    <input id="purpose" name="purpose" type="text" required maxlength="${LIMITS.purpose.value}" autocomplete="off" value="${text}" ${marks} />
    <p class="hint" id="kept">What you write is kept in the audit, with your name.</p>
    <div class="actions"><a class="button" href="/">Do nothing</a><button class="primary">Write it down</button></div>
  </form>`
}
