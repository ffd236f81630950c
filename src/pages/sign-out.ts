/**
 * Signing out: all of it, one browser, or one client. Signing out of all ends what the person's clients hold too, at once and on every
 * replica, and says what it did. Only a form of ours does it.
 */
import { html } from 'hono/html'
import type { ActorSnapshot } from '../audit/event.ts'
import { type DeedId, newId } from '../base/ids.ts'
import { type BrowserSession, endBrowserSessions, listBrowserSessions } from '../identity/browser-session-store.ts'
import { listGrants, readGrant, revokeGrants } from '../identity/grant-store.ts'
import { LOCAL } from '../identity/local/local-account-store.ts'
import { listConnections } from '../upstream/connections/connection-store.ts'
import type { PageCall, PageRoute } from './deps.ts'
import { formToken, page, seeOther, show } from './page.ts'
import { counted } from './people-words.ts'
import { problemPage } from './problem.ts'

export const SIGN_OUT_PAGES: readonly PageRoute[] = [
  { method: 'GET', path: '/sign-out', handler: confirm },
  { method: 'POST', path: '/sign-out', handler: signOut },
  { method: 'POST', path: '/sign-out/client', handler: endClient },
  { method: 'POST', path: '/sign-out/browser', handler: endBrowser },
]

async function confirm(call: PageCall): Promise<Response> {
  const { store, clock } = call.deps
  const { session } = call.browser
  if (session === null) return seeOther('/')
  const [grants, sessions, connections] = await Promise.all([
    listGrants(store.db, session.userId),
    listBrowserSessions(store.db, session.userId, clock.now()),
    listConnections(store.db, { user: session.userId }),
  ])
  return show(
    call,
    'Sign out',
    html`<section class="card" aria-labelledby="what">
      <h1 id="what">Sign out everywhere?</h1>
      <p class="lead">
        ${counted(sessions.length, 'browser')} of yours will be signed out, and ${counted(grants.length, 'client')} of yours will lose access. Clients ask you to sign in again.
      </p>
      <form method="post" action="/sign-out">
        ${formToken(call)}
        ${
          connections.length === 0
            ? ''
            : html`<label class="tick"><input type="checkbox" name="connections" value="yes" /><span>Also end my ${counted(connections.length, 'connection')} to servers</span></label>`
        }
        <div class="actions">
          <a class="button" href="/">Stay signed in</a>
          <button class="primary">Sign out</button>
        </div>
      </form>
      <p class="hint">To end one client or one browser alone, use its button on <a href="/">the portal’s home</a>.</p>
    </section>`,
  )
}

async function signOut(call: PageCall): Promise<Response> {
  const { store, desk, browsers, organization } = call.deps
  const { session } = call.browser
  if (session === null) return seeOther('/')
  const { userId } = session
  const ends = call.form.get('connections') === 'yes'
  const change = {
    object: 'user',
    id: userId,
    fields: ['grants', 'browser_sessions', ...(ends ? ['connections'] : [])],
  }
  const done = await recorded(call, session, { method: 'sign-out', change }, async () => {
    const ended = await store.write(async (trx) => ({
      clients: await revokeGrants(store, trx, { userId }, 'signed-out'),
      browsers: await endBrowserSessions(store, trx, { userId }),
    }))
    // Last: it asks other machines to forget them too, and whoever is signed out is so whatever they answer.
    return { ...ended, connections: ends ? await desk.disconnect({ user: userId }) : null }
  })
  const name = organization.current().name
  const response = await page(
    'You are signed out',
    html`<section class="card" aria-labelledby="what">
      <h1 id="what">You are signed out</h1>
      <p class="lead">This is what was done:</p>
      <ul>
        <li>${counted(done.browsers, 'browser')} signed out</li>
        <li>${counted(done.clients, 'client')} lost access, at once</li>
        ${done.connections === null ? '' : html`<li>${counted(done.connections, 'connection')} to servers ended</li>`}
      </ul>
      ${
        session.identity.provider === LOCAL.provider
          ? ''
          : html`<p class="soft">At your identity provider you may still be signed in; sign out there too on a computer that others use.</p>`
      }
      <div class="actions">
        <a class="button" href="/">To the portal’s home</a>
        <a class="button primary" href="/sign-in">Sign in again</a>
      </div>
    </section>`,
    200,
    { organization: name },
  )
  for (const value of browsers.forget()) response.headers.append('set-cookie', value)
  return response
}

async function endClient(call: PageCall): Promise<Response> {
  const { store } = call.deps
  const { session } = call.browser
  if (session === null) return seeOther('/sign-in')
  const id = call.form.get('id') ?? ''
  const grant = await readGrant(store.db, id)
  // Another person's is as unknown as one that never was.
  if (grant === undefined || grant.userId !== session.userId) return problemPage('not-found')
  const change = { object: 'grant', id, fields: [] }
  await recorded(call, session, { method: 'sign-out client', change }, () =>
    store.write((trx) => revokeGrants(store, trx, { id }, 'revoked')),
  )
  return seeOther('/?done=client')
}

async function endBrowser(call: PageCall): Promise<Response> {
  const { store, clock } = call.deps
  const { session } = call.browser
  if (session === null) return seeOther('/sign-in')
  const id = call.form.get('id') ?? ''
  const own = await listBrowserSessions(store.db, session.userId, clock.now())
  if (!own.some((one) => one.id === id)) return problemPage('not-found')
  const change = { object: 'browser_session', id, fields: [] }
  await recorded(call, session, { method: 'sign-out browser', change }, () =>
    store.write((trx) => endBrowserSessions(store, trx, { id })),
  )
  return seeOther(id === session.id ? '/' : '/?done=browser')
}

interface Recorded {
  method: string
  change: { object: string; id: string; fields: readonly string[] }
}

/** @throws Fault `audit-unavailable`: what cannot be recorded is not done */
async function recorded<T>(
  { deps, caller }: PageCall,
  { userId, label }: BrowserSession,
  { method, change }: Recorded,
  work: () => Promise<T>,
): Promise<T> {
  const actor: ActorSnapshot = { kind: 'user', id: userId, label }
  const { clientIp } = caller
  const deed = newId<DeedId>(deps.clock.now())
  const entry = await deps.audit.begin({ deed, plane: 'sign-in', actor, method, clientIp })
  const done = await work().catch(async (error: unknown) => {
    await entry.finish({ outcome: 'failed', error: 'bug' })
    throw error
  })
  await entry.finish({ outcome: 'answered', decision: 'allow', change })
  return done
}
