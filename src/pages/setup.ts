/** The first run, for owners: four steps, of which `/setup` opens the first that is still to do; and the last step itself. */
import { html } from 'hono/html'
import { visible } from '../base/visible.ts'
import { listGrants } from '../identity/grant-store.ts'
import { COPY_SCRIPT } from './copy-script.ts'
import type { PageCall, PageRoute } from './deps.ts'
import { entryOf } from './home.ts'
import { clientGuides } from './home-clients.ts'
import { formToken, type Markup, seeOther, show } from './page.ts'
import { ago } from './people-words.ts'
import { problemPage } from './problem.ts'
import { reachOf } from './reach.ts'
import { NAME_PAGES } from './setup-name.ts'
import { SERVER_PAGES } from './setup-server.ts'
import { SETUP_SIGN_IN_PAGES } from './setup-sign-in.ts'
import {
  awaitedAddress,
  doneSteps,
  goOnFrom,
  markDone,
  ownerAt,
  pathOf,
  STEPS,
  showStep,
  stepList,
} from './setup-steps.ts'

export const SETUP_PAGES: readonly PageRoute[] = [
  { method: 'GET', path: '/setup', handler: begin },
  ...NAME_PAGES,
  ...SERVER_PAGES,
  ...SETUP_SIGN_IN_PAGES,
  { method: 'GET', path: '/setup/client', handler: connect },
  { method: 'POST', path: '/setup/done', handler: finishStep },
]

async function begin(call: PageCall): Promise<Response> {
  const owner = await ownerAt(call, 'name')
  if (owner instanceof Response) return owner
  const done = await doneSteps(call)
  const next = STEPS.find(({ id }) => !done.has(id))
  if (next !== undefined) return seeOther(pathOf(next.id))
  return show(
    call,
    'Set-up',
    html`${stepList(done, null)} ${awaitedAddress(call)}
      <section class="card" aria-labelledby="what">
        <h1 id="what">The portal is set up</h1>
        <p class="lead">Each step can be opened again, at any time.</p>
        <p>What comes next is done from the command line, or by the REST API:</p>
        <ul class="plain">
          <li>more servers: <code>portico servers add NAME URL</code></li>
          <li>who may enter, and what they may use: <code>portico policies create NAME --domain example.com --portal default</code></li>
          <li>other owners, admins and auditors: <code>portico roles add admin --email ADDRESS</code></li>
          <li>who did what: <code>portico logs</code>, and what is not well: <code>portico doctor</code></li>
        </ul>
        <div class="actions"><a class="button primary" href="/">To the portal’s home</a></div>
      </section>`,
    { wide: true },
  )
}

async function finishStep(call: PageCall): Promise<Response> {
  const step = STEPS.find(({ id }) => id === call.form.get('step'))
  if (step === undefined) return problemPage('bad-form')
  const owner = await ownerAt(call, step.id)
  if (owner instanceof Response) return owner
  await markDone(call, step.id)
  return goOnFrom(step.id)
}

async function connect(call: PageCall): Promise<Response> {
  const owner = await ownerAt(call, 'client')
  if (owner instanceof Response) return owner
  const { deps } = call
  const portal = deps.directory.byHostname('localhost')
  const grants = await listGrants(deps.store.db, owner.userId)
  const now = deps.clock.now()
  const isShutOut = portal !== undefined && reachOf(deps, portal, owner) === null
  return showStep(
    call,
    'client',
    html`<section class="card" aria-labelledby="what">
        <h1 id="what">Connect a client</h1>
        <p class="lead">Add the portal’s address to a client. It opens a browser, you sign in, and the tools are there.</p>
        ${isShutOut ? html`<div class="note warn"><p>No policy of the default portal lets you in yourself. Make one that does: <code>portico policies create NAME --everyone --portal default</code></p></div>` : ''}
        ${portal === undefined ? html`<p>There is no default portal, so there is no address for all. Each portal’s home shows its own.</p>` : clientGuides(entryOf(portal, `${deps.issuer()}/mcp`))}
      </section>
      <section class="card" aria-labelledby="first">
        <h2 id="first">Your first connection</h2>
        ${grants.length === 0 ? waiting() : arrived(grants.map(({ clientName, createdAt }) => [clientName, now - createdAt]))}
      </section>
      <form method="post" action="/setup/done" class="actions">
        ${formToken(call)}<input type="hidden" name="step" value="client" />
        <button class="${grants.length === 0 ? '' : 'primary'}">${grants.length === 0 ? 'Finish without' : 'Finish'}</button>
      </form>`,
    { script: COPY_SCRIPT },
  )
}

function waiting(): Markup {
  return html`<p>No client of yours has come yet. When you have let one in, look again.</p>
    <div class="actions"><a class="button primary" href="/setup/client">Look again</a></div>`
}

function arrived(clients: readonly (readonly [name: string, since: number])[]): Markup {
  return html`<div class="note good" role="status">
    ${clients.map(([name, since]) => html`<p><bdi>“${visible(name) || 'A client without a name'}”</bdi> was let in ${ago(since)}.</p>`)}
  </div>`
}
