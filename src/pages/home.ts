/**
 * The portal's home: what it is, its address, and how a client is told of it. Readable by anyone who may reach the listener, so to who is
 * not signed in it names no server, tool or person, and no portal but the one whose host was asked. Who is signed in sees what they may
 * reach, and what acts for them, and can end each of it.
 */
import { html } from 'hono/html'
import type { ClientEntry } from '../contract/client-config.ts'
import type { BrowserSession } from '../identity/browser-session-store.ts'
import type { Directory } from '../portal/directory.ts'
import type { PortalSpec } from '../portal/spec.ts'
import { COPY_SCRIPT } from './copy-script.ts'
import type { PageCall, PageRoute } from './deps.ts'
import { approvalsOf } from './home-approvals.ts'
import { clientGuides } from './home-clients.ts'
import { connectionsOf } from './home-connections.ts'
import { noOwnerNote, ownersCard } from './home-owner.ts'
import { browsersOf, clientsOf } from './home-person.ts'
import { type Markup, show } from './page.ts'
import { counted } from './people-words.ts'
import { problemPage } from './problem.ts'
import { ownListsOf, type ReachedServer, reachedPortals, reachOf } from './reach.ts'

export const HOME_PAGES: readonly PageRoute[] = [{ method: 'GET', path: '/', anyHost: true, handler: home }]

/** What a form of this page did, told on the page that follows it. */
const DONE: Readonly<Record<string, string>> = {
  client: 'The client lost access, at once. It may ask you again.',
  browser: 'The browser is signed out.',
  connected: 'Your account is connected.',
  disconnected: 'Your account is disconnected, here and as far as it goes at the other side.',
}

async function home(call: PageCall): Promise<Response> {
  const { session } = call.browser
  const portal = chosen(call)
  if (portal === undefined) return problemPage('not-found')
  const own = session && (await ownListsOf(call.deps, portal, session))
  const body =
    session === null || own === null
      ? await signedOut(portal, call)
      : await signedIn(call, { portal, session, reached: reachOf(call.deps, portal, session, own) })
  return show(call, portal.name, html`${heading(portal, endpointOf(portal, call))}${body}`, {
    wide: true,
    script: COPY_SCRIPT,
  })
}

/** The portal of the host, else the default one; another by its id only for a person who may enter it. */
function chosen({ deps, caller, browser, url }: PageCall): PortalSpec | undefined {
  const { directory } = deps
  const own = portalAt(directory, caller.hostname)
  const wanted = url.searchParams.get('portal')
  if (wanted === null || browser.session === null) return own
  return reachedPortals(deps, browser.session).find(({ id }) => id === wanted) ?? own
}

function portalAt(directory: Directory, hostname: string): PortalSpec | undefined {
  return directory.byHostname(hostname) ?? directory.byHostname('localhost')
}

/** The issuer's own where that is the portal's, else its own host where it was asked there, else the path that every portal has. */
function endpointOf(portal: PortalSpec, { deps, caller, url }: PageCall): string {
  const issuer = deps.issuer()
  if (portalAt(deps.directory, url.hostname)?.uid === portal.uid) return `${issuer}/mcp`
  return portal.hostname === caller.hostname ? `${caller.origin}/mcp` : `${issuer}/p/${portal.id}/mcp`
}

/** What clients are to call it. */
export function entryOf(portal: PortalSpec, url: string): ClientEntry {
  return { name: portal.id === 'default' ? 'portico' : portal.id, url }
}

function heading(portal: PortalSpec, endpoint: string): Markup {
  return html`<header>
      <h1><bdi>${portal.name}</bdi></h1>
      <p class="lead">${portal.description ?? 'One address for every MCP server that you may use.'}</p>
    </header>
    <section class="card" aria-labelledby="endpoint-label">
      <label id="endpoint-label" for="endpoint" class="first">Address for your client</label>
      <div class="pair"><input id="endpoint" readonly value="${endpoint}" data-copy="the address" /></div>
      <p class="hint">Add it to a client once. The client opens a browser, you sign in, and your tools are there.</p>
      ${portal.codeMode === 'opt_in' ? withCodeMode(endpoint) : ''}
    </section>`
}

/** Where the portal leaves it to clients, by their address. */
function withCodeMode(endpoint: string): Markup {
  return html`<details>
    <summary>For agents with many tools</summary>
    <div>
      <label for="endpoint-code" class="first">Address with code mode</label>
      <div class="pair"><input id="endpoint-code" readonly value="${endpoint}?codemode=search_and_execute" data-copy="the address with code mode" /></div>
      <p class="hint">Instead of every tool, the model is shown two: one finds tools, and one runs code that calls them.</p>
    </div>
  </details>`
}

function connect(entry: ClientEntry): Markup {
  return html`<section class="card" aria-labelledby="connect">
    <h2 id="connect">Connect a client</h2>
    ${clientGuides(entry)}
  </section>`
}

async function signedOut(portal: PortalSpec, call: PageCall): Promise<Markup> {
  const issuer = call.deps.issuer()
  return html`${await noOwnerNote(call)}
    ${connect(entryOf(portal, endpointOf(portal, call)))}
    <section class="card" aria-labelledby="yours">
      <h2 id="yours">See what is yours</h2>
      <p>Sign in here to see the servers that you may use, and the clients that act for you.</p>
      <div class="actions"><a class="button primary" href="${issuer}/sign-in">Sign in</a></div>
    </section>`
}

interface Person {
  portal: PortalSpec
  session: BrowserSession
  reached: readonly ReachedServer[] | null
}

async function signedIn(call: PageCall, { portal, session, reached }: Person): Promise<Markup> {
  const done = DONE[call.url.searchParams.get('done') ?? '']
  const others = reachedPortals(call.deps, session).filter(({ uid }) => uid !== portal.uid)
  return html`${done === undefined ? '' : html`<div class="note good" role="status"><p>${done}</p></div>`}
    ${await approvalsOf(call, session)}
    ${await ownersCard(call, session)}
    ${servers(call, { portal, session, reached })}
    ${await connectionsOf(call, session)}
    ${others.length === 0 ? '' : otherPortals(others)}
    ${reached === null ? '' : connect(entryOf(portal, endpointOf(portal, call)))}
    ${await clientsOf(call, session)}
    ${await browsersOf(call, session)}
    <section class="card" aria-labelledby="leave">
      <h2 id="leave">Sign out</h2>
      <p>Ends every browser and every client of yours. You are asked once more.</p>
      <div class="actions"><a class="button" href="/sign-out">Sign out</a></div>
    </section>`
}

function servers(call: PageCall, { session, reached }: Person): Markup {
  if (reached === null)
    return html`<section class="card" aria-labelledby="servers">
      <h2 id="servers">Your servers</h2>
      <p>No policy of this portal lets <bdi>${session.label}</bdi> in. Ask an admin of ${call.deps.organization.current().name} for access, or <a href="/sign-in">use another account</a>.</p>
    </section>`
  return html`<section class="card" aria-labelledby="servers">
    <h2 id="servers">Your servers</h2>
    ${
      reached.length === 0
        ? html`<p>There is no server for you in this portal yet.</p>`
        : html`<ul class="rows">
            ${reached.map(
              ({ id, name, tools, isPersonal }) =>
                html`<li><span class="what"><strong><bdi>${name}</bdi></strong> <code class="soft">${id}</code></span><span class="soft">${isPersonal && tools === 0 ? 'with your own account' : counted(tools, 'tool')}</span></li>`,
            )}
          </ul>`
    }
  </section>`
}

function otherPortals(others: readonly PortalSpec[]): Markup {
  return html`<section class="card" aria-labelledby="others">
    <h2 id="others">Your other portals</h2>
    <ul class="rows">
      ${others.map(({ id, name }) => html`<li><a href="/?portal=${id}"><bdi>${name}</bdi></a></li>`)}
    </ul>
  </section>`
}
