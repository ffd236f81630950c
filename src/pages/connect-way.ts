/**
 * Whose connection to which server a request is about, and on whose authority: a signed-in person's own, from their home or by a link
 * that a call of theirs made; or the shared one, by a link that an admin made. Whoever has no such authority sees one and the same page,
 * whatever it was that is missing.
 */
import { html } from 'hono/html'
import type { PortalId, ServerUid } from '../base/ids.ts'
import type { BrowserSession } from '../identity/browser-session-store.ts'
import { roleOf } from '../identity/roles.ts'
import { findConnect } from '../portal/connect-page.ts'
import { readConnectLink } from '../upstream/connections/connect-link.ts'
import { ownerOfUser } from '../upstream/connections/connection-store.ts'
import type { PersonsOwner } from '../upstream/connections/desk-model.ts'
import { readServer } from '../upstream/server-store.ts'
import { recordRefused } from './connect-deeds.ts'
import type { PageCall } from './deps.ts'
import { type Markup, seeOther, show } from './page.ts'
import { problemBody } from './problem.ts'
import { personalAt, personalServers } from './reach.ts'
import { signInPath } from './return-to.ts'

export interface Way {
  server: { uid: ServerUid; id: string; name: string }
  owner: PersonsOwner
  /** Null only where a link is the authority. */
  session: BrowserSession | null
  /** What the forms of the page carry, so that they mean the same way again. */
  carries: { name: 'elicitationId' | 'link'; value: string } | null
  /** All scopes that a call found missing, or that an admin agreed to. */
  wanted: string | null
  /** What the client that made the call calls itself. */
  client: string | null
  /** Who made the link. */
  linkedBy: string | null
  /** Of the call. */
  portal: PortalId | null
  /** Whether it is the console that whoever goes it comes from, and goes back to: with a link, and with a role. */
  isOfConsole: boolean
}

/** As links have them: 256 bits. */
const SECRET = /^[A-Za-z0-9_-]{43}$/
const SERVER = /^[a-z0-9_-]{1,32}$/

/** @param field reads the query of a link, or the fields of its form */
export async function openWay(call: PageCall, field: (name: string) => string | null): Promise<Way | Response> {
  const id = call.params.server ?? ''
  const link = field('link')
  if (link !== null) return openLinked(call, id, link)
  const { session } = call.browser
  const page = field('elicitationId')
  if (session === null) return seeOther(signInPath(pathOf(id, page)))
  return page === null ? openOwn(call, id, session) : openAsked(call, { id, page, session })
}

/** Where this way begins, as a path of ours. */
function pathOf(id: string, page: string | null): string {
  if (!SERVER.test(id)) return '/'
  return page !== null && SECRET.test(page) ? `/connect/${id}?elicitationId=${page}` : `/connect/${id}`
}

/** Below it are the pages of servers in the console. */
export const CONSOLE_SERVERS = '/admin/servers/'

/** Where it leads when it is over. */
export function returnOf({ server, carries, isOfConsole }: Way): string {
  // The link is used by then, and the page behind it is nobody's any more.
  if (carries?.name === 'link') return isOfConsole ? `${CONSOLE_SERVERS}${server.id}` : '/'
  return pathOf(server.id, carries?.value ?? null)
}

async function openOwn(call: PageCall, id: string, session: BrowserSession): Promise<Way | Response> {
  const server = personalServers(call.deps, session).find((one) => one.id === id)
  if (server === undefined) return overPage(call)
  return { ...PLAIN, server, owner: ownerOfUser(session.userId), session }
}

const PLAIN = { carries: null, wanted: null, client: null, linkedBy: null, portal: null, isOfConsole: false }

interface AskedFor {
  id: string
  page: string
  session: BrowserSession
}

/** A call of this person's wants it. Somebody else's page is as over as one that never was, and the audit has it. */
async function openAsked(call: PageCall, { id, page, session }: AskedFor): Promise<Way | Response> {
  const { directory, selection } = call.deps
  const found = SECRET.test(page) ? await findConnect(selection.questions, page) : undefined
  if (found === undefined) return overPage(call)
  const spec = directory.current(found.portalUid)
  if (found.principal !== `user:${session.userId}`) {
    await recordRefused(call, { method: 'connect', ...(spec === undefined ? {} : { portal: spec.id }) }, 'foreign-link')
    return overPage(call)
  }
  const { server: uid, scope, client } = found
  const server = spec && personalAt(call.deps, spec, session).find((one) => one.uid === uid && one.id === id)
  if (spec === undefined || server === undefined) return overPage(call)
  const carries = { name: 'elicitationId', value: page } as const
  const owner = ownerOfUser(session.userId)
  return { ...PLAIN, server, owner, session, carries, wanted: scope, client, portal: spec.id }
}

/** The link is the authority, whoever is signed in. Looking at it changes nothing. */
async function openLinked(call: PageCall, id: string, token: string): Promise<Way | Response> {
  const { store, clock } = call.deps
  const server = SERVER.test(id) ? await readServer(store.db, id) : undefined
  const link = server && (await readConnectLink(store.db, { token, server: server.uid, now: clock.now() }))
  if (server === undefined || !link) return overPage(call)
  const carries = { name: 'link', value: token } as const
  const { approvedScope: wanted } = server
  const { session } = call.browser
  const isOfConsole = session !== null && (await roleOf(store.db, session)) !== null
  return { ...PLAIN, server, owner: 'admin', session, carries, wanted, linkedBy: link.createdBy, isOfConsole }
}

/** One answer for a link that is over, never was, or is somebody else's, and for a server that is none of theirs. */
export function overPage(call: PageCall): Promise<Response> {
  const title = 'There is nothing here for you to connect'
  const happened =
    'The link is over or not yours, or the server is not one that you may use with an account of your own. Nothing was changed.'
  const advice =
    'Links to this page work for a quarter of an hour, for the person whom they are for. Ask for a new one, or look at your connections on the portal’s home.'
  const actions: Markup = html`<a class="button" href="/">To the portal’s home</a>`
  return show(call, title, problemBody({ title, happened, advice, actions }), { status: 404 })
}
