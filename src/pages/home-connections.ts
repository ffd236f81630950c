/** On the home of who is signed in: their accounts at servers, what is wrong with one, and the button that mends it. */
import { html } from 'hono/html'
import { visible } from '../base/visible.ts'
import type { BrowserSession } from '../identity/browser-session-store.ts'
import { listConnections, ownerOfUser } from '../upstream/connections/connection-store.ts'
import type { ConnectionRecord } from '../upstream/connections/model.ts'
import { listServers } from '../upstream/server-store.ts'
import { accountOf, scopesOf, timesOf, wrongWith } from './connection-words.ts'
import type { PageCall } from './deps.ts'
import { formToken, type Markup } from './page.ts'
import { counted } from './people-words.ts'
import { ownToolsOf, personalServers } from './reach.ts'

interface Row {
  id: string
  name: string
  connection: ConnectionRecord | undefined
  /** A browser, or a pasted token, can make one. */
  isOffered: boolean
  /** The person may use the server now. */
  isReached: boolean
  /** How many tools the account lists; null where that is not known, or nobody may use them. */
  tools: number | null
}

/** Nothing where no server works with one's own account. */
export async function connectionsOf(call: PageCall, session: BrowserSession): Promise<Markup | ''> {
  const rows = await rowsOf(call, session)
  if (rows.length === 0) return ''
  return html`<section class="card" aria-labelledby="connections">
    <h2 id="connections">Your connections</h2>
    <p>These servers work with your own account there.</p>
    <ul class="rows">${rows.map((row) => shown(call, row))}</ul>
  </section>`
}

async function rowsOf({ deps }: PageCall, session: BrowserSession): Promise<readonly Row[]> {
  const { store, desk, accounts } = deps
  const owner = ownerOfUser(session.userId)
  const own = await listConnections(store.db, { user: session.userId })
  const reached = personalServers(deps, session)
  const rows = reached.map(({ uid, id, name }): Row => {
    const connection = own.find(({ serverUid }) => serverUid === uid)
    const tools = connection === undefined ? null : ownToolsOf(accounts, uid, session)
    return { id, name, connection, isOffered: desk.offers(uid, owner) !== null, isReached: true, tools }
  })
  const others = own.filter(({ serverUid }) => reached.every(({ uid }) => uid !== serverUid))
  if (others.length === 0) return rows
  // What one may not use any more one may still take back.
  const servers = await listServers(store.db)
  for (const connection of others) {
    const server = servers.find(({ uid }) => uid === connection.serverUid)
    if (server !== undefined) rows.push({ ...server, connection, isOffered: false, isReached: false, tools: null })
  }
  return rows
}

function shown(call: PageCall, row: Row): Markup {
  const { id, name, connection, isOffered, isReached } = row
  const mayEnd = connection !== undefined && connection.kind !== 'enterprise'
  return html`<li>
    <span class="what"><strong><bdi>${name}</bdi></strong> <code class="soft">${id}</code> ${isReached ? '' : html`<span class="tag">not offered to you now</span>`}<br />${how(call, row)}</span>
    ${isOffered ? html`<a class="button quiet" href="/connect/${id}" aria-label="${labelOf(connection)}: ${name}">${labelOf(connection)}</a>` : ''}
    ${mayEnd ? html`<form method="post" action="/connect/${id}/disconnect">${formToken(call)}<button class="quiet danger" aria-label="Disconnect: ${name}">Disconnect</button></form>` : ''}
  </li>`
}

function labelOf(connection: ConnectionRecord | undefined): string {
  return connection === undefined ? 'Connect' : 'Connect again'
}

function how({ deps }: PageCall, { connection, isOffered, tools }: Row): Markup {
  if (connection === undefined)
    return isOffered
      ? html`<span class="soft">Not connected.</span>`
      : html`<span class="soft">The portal connects you by itself, when you first use it.</span>`
  const wrong = wrongWith(connection)
  const scopes = scopesOf(connection.scope)
  return html`${accountOf(connection)}, <span class="soft">${timesOf(connection, deps.clock.now())}${scopes.length === 0 ? '' : html`. It may: ${scopes.map((one, at) => html`${at === 0 ? '' : ', '}<code>${visible(one)}</code>`)}`}${tools === null ? '' : html`. It lists ${counted(tools, 'tool')}`}</span>
    ${wrong === null ? '' : html`<div class="note bad"><p>${wrong}</p></div>`}`
}
