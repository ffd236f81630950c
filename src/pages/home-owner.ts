/** On the home: the way to the console for who has a role, to the set-up for owners, and where nobody is owner, how somebody becomes it. */
import { html } from 'hono/html'
import type { BrowserSession } from '../identity/browser-session-store.ts'
import { roleOf } from '../identity/roles.ts'
import type { PageCall } from './deps.ts'
import type { Markup } from './page.ts'
import { doneSteps, STEPS } from './setup-steps.ts'

function consoleCard(role: 'admin' | 'auditor'): Markup {
  return html`<section class="card" aria-labelledby="console">
    <h2 id="console">The console</h2>
    <p>You are an ${role} of this portal${role === 'auditor' ? ': you see everything and change nothing' : ''}.</p>
    <div class="actions"><a class="button" href="/admin">Open the console</a></div>
  </section>`
}

/** Nothing for who has no role. */
export async function ownersCard(call: PageCall, session: BrowserSession): Promise<Markup | ''> {
  const role = await roleOf(call.deps.store.db, session)
  if (role === null) return ''
  if (role !== 'owner') return consoleCard(role)
  const done = await doneSteps(call)
  const left = STEPS.filter(({ id }) => !done.has(id))
  return html`<section class="card" aria-labelledby="set-up">
    <h2 id="set-up">${left.length === 0 ? 'Set-up' : 'The set-up is not finished'}</h2>
    <p>
      ${
        left.length === 0
          ? 'You are an owner of this portal. Its name and address, servers and sign-in can be looked at again.'
          : html`You are an owner of this portal. Still to do: ${left.map(({ title }) => title).join(', ')}.`
      }
    </p>
    <div class="actions"><a class="button ${left.length === 0 ? '' : 'primary'}" href="/setup">${left.length === 0 ? 'Open the set-up' : 'Go on with the set-up'}</a><a class="button" href="/admin">Open the console</a></div>
  </section>`
}

/** Tells nobody more than that nobody can sign in as owner; the link itself is for who runs the portal. */
export async function noOwnerNote({ deps }: PageCall): Promise<Markup | ''> {
  if (await deps.setUp.hasOwner()) return ''
  return html`<div class="note warn">
    <p>
      <strong>Nobody is owner of this portal yet.</strong> If you run it, open the link that its start shows in the terminal, or that lies in
      the file <code>admin-link</code> in its data directory. It works once, for an hour. This makes another one:
    </p>
    <pre>portico admin link</pre>
  </div>`
}
