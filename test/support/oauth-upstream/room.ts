/**
 * What journeys of people's own accounts share: a portal on PostgreSQL whose people sign in at an identity provider, and any number of servers
 * behind OAuth, each with its own authorization server.
 */
import { systemClock } from '../../../src/base/clock.ts'
import { silentLog } from '../../../src/base/log.ts'
import { openStore, type Store } from '../../../src/store/open.ts'
import { freshPostgres } from '../../databases.ts'
import { type Page, Person } from '../../person.ts'
import { startTestPortal, type TestPortal } from '../../portal.ts'
import { ask2026, bearer, messageOf } from '../../raw-mcp.ts'
import { type RunningProvider, startProvider } from '../provider/start.ts'
import { connectAs } from './connect.ts'
import type { OauthUpstream, OauthUpstreamOptions } from './model.ts'
import { startOauthUpstream } from './start.ts'

export const NAMES = ['alice', 'bob', 'carol'] as const
export type Name = (typeof NAMES)[number]

const MCP = '/access/ai-controls/mcp'

/** What the caller reads. */
export interface Said {
  /** Null where it failed. */
  text: string | null
  /** The sentence of what failed. */
  problem: string | null
}

export interface Shown {
  id: string
  status: string
  reason: string | null
  problem: string | null
  account: string | null
  scope: string | null
  mend: string | null
  issuer: string | null
  user: { email: string | null } | null
}

export interface Row {
  deed: string
  phase: string
  method: string
  outcome?: string
  error?: string
  credential?: string
  server?: string
}

/** One server, as everybody sees it. */
export interface Notes {
  id: string
  upstream: OauthUpstream
  /** The person's browser, all the way; as the account of the same name, where nothing else is said. */
  connect(name: Name, account?: string): Promise<Page>
  disconnect(name: Name): Promise<void>
  call(name: Name, tool?: string, args?: Record<string, unknown>): Promise<Said>
  /** What the API shows of somebody's connection; undefined where there is none. */
  connection(name: Name): Promise<Shown | undefined>
  /** The last call of somebody here, as the audit has it. */
  lastCall(name: Name): Promise<Row | undefined>
  /** Renewals that its token endpoint was asked for. */
  renewals(): number
}

export interface PeopleRoom {
  portal: TestPortal
  store: Store
  /** Somebody's browser, signed in at the portal. */
  browser(name: Name): Person
  token(name: Name): string
  addNotes(options?: OauthUpstreamOptions, more?: Record<string, unknown>): Promise<Notes>
  rows(query: string): Promise<Row[]>
  /** Everything that the API and the audit show, as text. */
  shown(): Promise<string>
  close(): Promise<void>
}

export async function openPeopleRoom(): Promise<PeopleRoom> {
  const [database, provider] = await Promise.all([freshPostgres(process.env.PORTICO_TEST_TEMPLATE), startProvider()])
  const portal = await startTestPortal({ databaseUrl: database.url })
  const store = await openStore({ dir: portal.data, databaseUrl: database.url, clock: systemClock, log: silentLog })
  const browsers = await signEverybodyIn(portal, provider)
  const tokens = new Map<Name, string>()
  for (const name of NAMES) tokens.set(name, await portal.userToken(`${name}@acme.test`))
  const all: Notes[] = []
  const room: PeopleRoom = {
    ...{ portal, store },
    browser: (name) => found(browsers.get(name)),
    token: (name) => found(tokens.get(name)),
    async addNotes(options = {}, more = {}) {
      const upstream = await startOauthUpstream(options)
      const notes = notesOf(room, `notes${all.length + 1}`, upstream)
      all.push(notes)
      const server = { id: notes.id, name: `Notes ${all.length}`, hostname: upstream.url, auth_type: 'oauth' }
      await must(portal, 'POST', `${MCP}/servers`, { ...server, ...more })
      const servers = all.map(({ id }) => ({ server_id: id, on_behalf: true }))
      await must(portal, 'PUT', `${MCP}/portals/default`, { servers })
      return notes
    },
    rows: (query) => must<Row[]>(portal, 'GET', `${MCP}/logs?limit=1000&${query}`),
    async shown() {
      const servers = await Promise.all(all.map(({ id }) => must(portal, 'GET', `${MCP}/servers/${id}/connections`)))
      const listed = await must(portal, 'GET', `${MCP}/servers`)
      return JSON.stringify([servers, listed, await room.rows('phase=ended'), await room.rows('phase=begun')])
    },
    async close() {
      await portal.close()
      await store.close()
      await Promise.all(all.map(({ upstream }) => upstream.close()))
      await provider.stop()
      await database.drop()
    },
  }
  return room
}

/** At an identity provider, so that each has an account of their own at the portal. */
async function signEverybodyIn(portal: TestPortal, provider: RunningProvider): Promise<Map<Name, Person>> {
  const { id } = await must<{ id: string }>(portal, 'POST', '/access/identity_providers', {
    ...{ name: 'Acme account', type: 'oidc' },
    config: {
      ...{ client_id: 'portico', client_secret: 'a secret of the portal', issuer: provider.issuer },
      ...{ email_domains: ['acme.test'], allow_private: [provider.place] },
    },
  })
  const redirect_uris = [`${portal.url}/sign-in/to/${id}/callback`]
  await provider.addClient({ client_id: 'portico', client_secret: 'a secret of the portal', redirect_uris })
  const browsers = new Map<Name, Person>()
  for (const name of NAMES) {
    const person = new Person(portal.url, provider.issuer)
    const asked = await person.submit(await person.open(`${portal.url}/sign-in`), `/sign-in/to/${id}`)
    await person.open(`${asked.url}?user=${name}`)
    browsers.set(name, person)
  }
  return browsers
}

function notesOf(room: PeopleRoom, id: string, upstream: OauthUpstream): Notes {
  const { portal } = room
  const page = `${portal.url}/connect/${id}`
  const connections = () => must<Shown[]>(portal, 'GET', `${MCP}/servers/${id}/connections`)
  const notes: Notes = {
    ...{ id, upstream },
    async connect(name, account = name) {
      const end = await connectAs(room.browser(name), { link: page, account })
      if (end.status < 400 && (await notes.connection(name))?.status === 'ready')
        await listed(portal, room.token(name), id)
      return end
    },
    async disconnect(name) {
      const person = room.browser(name)
      await person.submit(await person.open(page), `/connect/${id}/disconnect`)
    },
    call: (name, tool = 'whoami', args = {}) => callOnce(portal.url, room.token(name), `${id}_${tool}`, args),
    connection: async (name) => (await connections()).find(({ user }) => user?.email === `${name}@acme.test`),
    lastCall: async (name) =>
      (await room.rows(`method=tools/call&phase=ended&server=${id}&actor=${name}@acme.test`)).at(0),
    renewals: () => upstream.tokenRequests.filter(({ grantType }) => grantType === 'refresh_token').length,
  }
  return notes
}

const PATIENCE_MS = 60_000

/** What somebody's own connection sees is listed behind the calls, soon after it was made. */
async function listed({ url }: TestPortal, token: string, id: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    const { text } = await ask2026(`${url}/mcp`, bearer(token), 'tools/list')
    if (text.includes(`"${id}_whoami"`)) return
    if (Date.now() > deadline) throw new Error(`${id} is not listed: ${text}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** As a client that nobody can be asked through: it reads a sentence, with a link where there is one. */
export async function callOnce(
  url: string,
  token: string,
  name: string,
  args: Record<string, unknown> = {},
): Promise<Said> {
  const answer = await ask2026(`${url}/mcp`, bearer(token), 'tools/call', { name, arguments: args })
  const { result, error } = messageOf(answer)
  if (error !== undefined) return { text: null, problem: error.message }
  const { content, isError } = result as unknown as { content: { text: string }[]; isError?: boolean }
  const text = content.map((block) => block.text).join('')
  return isError === true ? { text: null, problem: text } : { text, problem: null }
}

async function must<T>(portal: TestPortal, method: string, path: string, body?: unknown): Promise<T> {
  const answer = await portal.api<T>(method, path, body)
  if (!answer.body.success) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body.result
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('nobody of that name is here')
  return value
}
