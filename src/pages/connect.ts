/**
 * Where people connect accounts at servers: the page before they leave, the way out, and the end of a connection. The way back is in
 * `connect-back.ts`. Only a form of ours, from this very browser, does anything; a link of somebody else's shows and does nothing.
 */

import { originOf } from '../base/destination.ts'
import { useConnectLink } from '../upstream/connections/connect-link.ts'
import { listConnections, ownerOfUser, readConnection } from '../upstream/connections/connection-store.ts'
import type { AtDesk, DeskRefusal } from '../upstream/connections/desk-model.ts'
import { listServers } from '../upstream/server-store.ts'
import { askToConfirm, CONNECT_BACK_PAGES, isToConfirm, takeWord } from './connect-back.ts'
import { doneEnd, recorded, recordRefused, refusedEnd } from './connect-deeds.ts'
import { connectPage, type Offer } from './connect-page.ts'
import { deskProblem, donePage } from './connect-told.ts'
import { openWay, overPage, returnOf, type Way } from './connect-way.ts'
import { hostOfPlace } from './connection-words.ts'
import type { PageCall, PageRoute } from './deps.ts'
import { seeOther } from './page.ts'
import { signInPath } from './return-to.ts'

export const CONNECT_PAGES: readonly PageRoute[] = [
  { method: 'GET', path: '/connect/:server', handler: (call) => (isToConfirm(call) ? askToConfirm(call) : look(call)) },
  { method: 'POST', path: '/connect/:server', handler: (call) => (isToConfirm(call) ? takeWord(call) : connect(call)) },
  { method: 'POST', path: '/connect/:server/disconnect', handler: disconnect },
  ...CONNECT_BACK_PAGES,
]

async function look(call: PageCall): Promise<Response> {
  const way = await openWay(call, (name) => call.url.searchParams.get(name))
  return way instanceof Response ? way : ask(call, way)
}

async function ask(call: PageCall, way: Way, isWrong = false): Promise<Response> {
  const connection = await readConnection(call.deps.store.db, way.server.uid, way.owner)
  return connectPage(call, { way, connection, offer: await offerOf(call, way, isWrong) })
}

async function offerOf(call: PageCall, { server, owner, wanted }: Way, isWrong: boolean): Promise<Offer> {
  const { desk } = call.deps
  switch (desk.offers(server.uid, owner)) {
    case 'oauth': {
      const preview = await desk.preview(server.uid, owner, wanted)
      return preview.kind === 'preview' ? { kind: 'oauth', preview } : { kind: 'none', reason: preview.reason }
    }
    case 'token': {
      const hostname = (await recordOf(call, server))?.hostname
      return hostname === undefined ? NOT_OFFERED : { kind: 'token', host: hostOfPlace(hostname), isWrong }
    }
    case null:
      return (await recordOf(call, server))?.authMode === 'enterprise' ? { kind: 'itself' } : NOT_OFFERED
  }
}

const NOT_OFFERED: Offer = { kind: 'none', reason: 'not-offered' }

async function recordOf({ deps }: PageCall, { uid }: Way['server']) {
  return (await listServers(deps.store.db)).find((one) => one.uid === uid)
}

async function connect(call: PageCall): Promise<Response> {
  const way = await openWay(call, (name) => call.form.get(name) ?? null)
  if (way instanceof Response) {
    if (call.form.has('link')) await recordRefused(call, { method: 'connect' }, 'link-over')
    return way
  }
  return call.deps.desk.offers(way.server.uid, way.owner) === 'token' ? paste(call, way) : leave(call, way)
}

function atDesk(call: PageCall, { owner, session, linkedBy }: Way): AtDesk {
  return { owner, binding: call.browser.binding, by: session?.label ?? `a link made by ${linkedBy ?? 'nobody known'}` }
}

function doingOf({ server, portal, linkedBy }: Way) {
  return { method: 'connect', server: server.id, linkedBy, ...(portal === null ? {} : { portal }) } as const
}

type Left = { location: string } | { refused: DeskRefusal | 'link-over' }

async function leave(call: PageCall, way: Way): Promise<Response> {
  const left = await recorded<Left>(call, doingOf(way), async () => {
    const value = await begin(call, way)
    return { end: 'refused' in value ? refusedEnd(value.refused) : doneEnd(), value }
  })
  if ('location' in left) return seeOther(left.location)
  return left.refused === 'link-over' ? overPage(call) : deskProblem(call, left.refused, returnOf(way))
}

/** The link is used up only when there is somewhere to go; and before anybody goes there, so that of two who have it one does. */
async function begin(call: PageCall, way: Way): Promise<Left> {
  const { desk, store } = call.deps
  const wish = { wanted: way.wanted, returnTo: returnOf(way) }
  const begun = await desk.begin(way.server.uid, atDesk(call, way), wish)
  if (begun.kind === 'refused') return { refused: begun.reason }
  if (!mayLeaveTo(begun.location)) return { refused: 'unsafe-server' }
  if (way.carries?.name !== 'link') return begun
  const link = { token: way.carries.value, server: way.server.uid }
  const used = await store.write((trx) => useConnectLink(store, trx, link))
  return used === null ? { refused: 'link-over' } : begun
}

/** A browser is sent nowhere else, whatever the desk took from metadata. */
function mayLeaveTo(location: string): boolean {
  return /^(?:https:\/\/.+|http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?)$/.test(originOf(location))
}

async function paste(call: PageCall, way: Way): Promise<Response> {
  const token = (call.form.get('token') ?? '').trim()
  const made = await recorded(call, doingOf(way), async () => {
    const value = await call.deps.desk.paste(way.server.uid, atDesk(call, way), token)
    const end = value.kind === 'made' ? doneEnd(value.connection, ['token']) : refusedEnd(value.reason)
    return { end, value }
  })
  if (made.kind === 'made') return donePage(call, { ...way, returnTo: returnOf(way) })
  return made.reason === 'bad-token' ? ask(call, way, true) : deskProblem(call, made.reason, returnOf(way))
}

/** One's own alone, whether or not the server is still one that one may use. */
async function disconnect(call: PageCall): Promise<Response> {
  const { store, desk } = call.deps
  const { session } = call.browser
  if (session === null) return seeOther(signInPath('/'))
  const [servers, own] = await Promise.all([listServers(store.db), listConnections(store.db, { user: session.userId })])
  const server = servers.find(({ id }) => id === call.params.server)
  const connection = own.find(({ serverUid }) => serverUid === server?.uid)
  if (server === undefined || connection === undefined) return overPage(call)
  await recorded(call, { method: 'disconnect', server: server.id }, async () => {
    const value = await desk.disconnect({ server: server.uid, owner: ownerOfUser(session.userId) })
    return { end: doneEnd(connection, ['deleted']), value }
  })
  return seeOther('/?done=disconnected')
}
