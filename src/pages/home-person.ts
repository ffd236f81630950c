/** On the home of who is signed in: the clients that act for them, and the browsers where they are signed in. Each can be ended alone. */
import { html } from 'hono/html'
import { visible } from '../base/visible.ts'
import { type BrowserSession, listBrowserSessions } from '../identity/browser-session-store.ts'
import { listGrants } from '../identity/grant-store.ts'
import type { PageCall } from './deps.ts'
import { formToken, type Markup } from './page.ts'
import { ago, browserName } from './people-words.ts'

export async function clientsOf(call: PageCall, session: BrowserSession): Promise<Markup> {
  const { store, directory, clock } = call.deps
  const grants = await listGrants(store.db, session.userId)
  const now = clock.now()
  const rows = grants.map(({ id, clientName, portalUid, lastUsedAt, createdAt }) => {
    const portal = directory.current(portalUid)?.name ?? 'a portal that is gone'
    const name = visible(clientName) || 'A client without a name'
    return html`<li>
      <span class="what"><strong><bdi>“${name}”</bdi></strong> in <bdi>${portal}</bdi><br />
        <span class="soft">let in ${time(createdAt, now)}, last used ${time(lastUsedAt, now)}</span></span>
      ${endForm(call, { action: '/sign-out/client', id, label: 'Take back', about: `what “${name}” may do in ${portal}` })}
    </li>`
  })
  return html`<section class="card" aria-labelledby="clients">
    <h2 id="clients">Clients that act for you</h2>
    ${rows.length === 0 ? html`<p>None. A client stands here once you have let it in.</p>` : html`<ul class="rows">${rows}</ul>`}
  </section>`
}

export async function browsersOf(call: PageCall, session: BrowserSession): Promise<Markup> {
  const { store, clock } = call.deps
  const now = clock.now()
  const sessions = await listBrowserSessions(store.db, session.userId, now)
  return html`<section class="card" aria-labelledby="browsers">
    <h2 id="browsers">Where you are signed in</h2>
    <ul class="rows">
      ${sessions.map((one) => {
        const name = browserName(one.userAgent)
        const here = one.id === session.id
        return html`<li>
          <span class="what"><strong>${name}</strong> ${here ? html`<span class="tag">this browser</span>` : ''}<br />
            <span class="soft">from ${one.clientIp}, last seen ${time(one.lastSeenAt, now)}</span></span>
          ${endForm(call, { action: '/sign-out/browser', id: one.id, label: 'End', about: here ? 'this browser’s sign-in' : `the sign-in of ${name}` })}
        </li>`
      })}
    </ul>
  </section>`
}

interface Ending {
  action: string
  id: string
  label: string
  /** What it ends, for who hears the page: there are many such buttons. */
  about: string
}

function endForm(call: PageCall, { action, id, label, about }: Ending): Markup {
  return html`<form method="post" action="${action}">
    ${formToken(call)}<input type="hidden" name="id" value="${id}" />
    <button class="quiet danger" aria-label="${label}: ${about}">${label}</button>
  </form>`
}

function time(at: number, now: number): Markup {
  const exact = new Date(at).toISOString()
  return html`<time datetime="${exact}" title="${exact.slice(0, 16).replace('T', ' ')} UTC">${ago(now - at)}</time>`
}
