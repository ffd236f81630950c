/** What journeys of connecting accounts share: a lived-in portal on PostgreSQL with a server behind OAuth that works with each person's own account. */

import { randomBytes } from 'node:crypto'
import { systemClock } from '../src/base/clock.ts'
import type { UserId } from '../src/base/ids.ts'
import { silentLog } from '../src/base/log.ts'
import { readPortal } from '../src/portal/portal-store.ts'
import { insertQuestion } from '../src/portal/question-store.ts'
import { openStore, type Store } from '../src/store/open.ts'
import { listConnections } from '../src/upstream/connections/connection-store.ts'
import type { ConnectionRecord } from '../src/upstream/connections/model.ts'
import { readServer } from '../src/upstream/server-store.ts'
import { freshPostgres } from './databases.ts'
import { type LivedIn, startLivedIn } from './page-journey.ts'
import { type Page, Person } from './person.ts'
import type { TestPortalOptions } from './portal.ts'
import type { Faults, OauthUpstream, OauthUpstreamOptions } from './support/oauth-upstream/model.ts'
import { startOauthUpstream } from './support/oauth-upstream/start.ts'

const MCP = '/access/ai-controls/mcp'

export interface ConnectRoom {
  home: LivedIn
  /** Of the portal. */
  url: string
  upstream: OauthUpstream
  store: Store
  /** Everything that is connected. */
  connections(): Promise<ConnectionRecord[]>
  userId(email: string): Promise<UserId>
  /** A page that a call of this person's made. @returns its path */
  askedBy(email: string, subject?: { scope?: string | null; client?: string | null; server?: string }): Promise<string>
  /** Sends the form of the page at a path of the portal, and stops where the portal lets the browser go. */
  leave(person: Person, path?: string): Promise<URL>
  /** What somebody does at the server's side. @returns the URL that brings the browser back to the portal */
  approve(link: URL, account: string): Promise<string>
  /** All of it, up to the question whose account it is. */
  arrive(person: Person, account: string, path?: string): Promise<Page>
  deeds(method: string): Promise<Deed[]>
  /** Another server behind an authorization server of its own that has always gone wrong so, in the place of an older one of this id. */
  addServer(id: string, faults: Partial<Faults>): Promise<void>
  close(): Promise<void>
}

export interface Deed {
  outcome: string
  error?: string
  actor: { kind: string; id: string; label: string }
  server?: string
  portal?: string
  change: { object: string; id: string; fields: string[] } | null
}

export async function openConnectRoom(
  options: OauthUpstreamOptions = {},
  portalOptions: Pick<TestPortalOptions, 'limits'> = {},
): Promise<ConnectRoom> {
  const postgres = await freshPostgres(process.env.PORTICO_TEST_TEMPLATE)
  const home = await startLivedIn({ databaseUrl: postgres.url, ...portalOptions })
  const upstream = await startOauthUpstream(options)
  const { portal } = home
  const { url } = portal
  const store = await openStore({ dir: portal.data, databaseUrl: postgres.url, clock: systemClock, log: silentLog })
  await must(home, 'POST', `${MCP}/servers`, {
    ...{ id: 'notes', name: 'Notes of the team', hostname: upstream.url, auth_type: 'oauth' },
    allow_private: upstream.places,
  })
  await must(home, 'POST', `${MCP}/servers`, {
    ...{ id: 'desk', name: 'Help desk', hostname: upstream.url, auth_type: 'bearer', auth_credentials: 'admins-own' },
    allow_private: upstream.places,
  })
  const others: OauthUpstream[] = []
  const offer = (ids: readonly string[]) => {
    const servers = [{ server_id: 'handbook' }, ...ids.map((id) => ({ server_id: id, on_behalf: true }))]
    return must(home, 'PUT', `${MCP}/portals/default`, { servers })
  }
  await offer(['notes', 'desk'])
  const room: ConnectRoom = {
    ...{ home, url, upstream, store },
    connections: () => listConnections(store.db),
    async userId(email) {
      const row = await store.db.selectFrom('users').select('id').where('email', '=', email).executeTakeFirstOrThrow()
      return row.id as UserId
    },
    async askedBy(email, { scope = null, client = 'Claude Code', server = 'notes' } = {}) {
      const [found, uid] = [await readPortal(store.db, 'default'), (await readServer(store.db, server))?.uid]
      if (found === undefined || uid === undefined) throw new Error('there is no such server')
      const id = randomBytes(32).toString('base64url')
      const asked = { principal: `user:${await room.userId(email)}`, owner: 'grant:test', portalUid: found.uid }
      const subject = JSON.stringify({ client, grant: 'test', server: uid, scope })
      await insertQuestion(store, id, { ...asked, kind: 'connect', subject }, 60_000)
      return `/connect/${server}?elicitationId=${id}`
    },
    async leave(person, path = '/connect/notes') {
      const page = await person.open(url + path)
      const { left, status, text } = await person.submit(page, new URL(url + path).pathname)
      if (left === null) throw new Error(`the browser stayed: ${status}\n${text}`)
      return left
    },
    async approve(link, account) {
      const own = new Person(link.origin)
      const page = await own.submit(await own.open(link.href), '/sign-in', { user: account })
      if (page.left === null) throw new Error(`the browser stayed: ${page.status} ${page.url}\n${page.text}`)
      return page.left.href
    },
    async arrive(person, account, path) {
      return person.open(await room.approve(await room.leave(person, path), account))
    },
    async deeds(method) {
      const query = `phase=ended&limit=50&method=${encodeURIComponent(method)}`
      return (await portal.api<Deed[]>('GET', `${MCP}/logs?${query}`)).body.result
    },
    async addServer(id, faults) {
      const other = await startOauthUpstream()
      others.push(other)
      Object.assign(other.faults, faults)
      await offer(['notes', 'desk'])
      await portal.api('DELETE', `${MCP}/servers/${id}`)
      const named = { id, name: 'Odd one', hostname: other.url, auth_type: 'oauth', allow_private: other.places }
      await must(home, 'POST', `${MCP}/servers`, named)
      await offer(['notes', 'desk', id])
    },
    async close() {
      await store.close()
      await home.close()
      await Promise.all([upstream, ...others].map((one) => one.close()))
      await postgres.drop()
    },
  }
  return room
}

async function must(home: LivedIn, method: string, path: string, body: unknown): Promise<void> {
  const answer = await home.portal.api(method, path, body)
  if (!answer.body.success) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
}
