/**
 * The page on which a person switches servers for their clients: theirs alone, by a form of ours alone, and what they switched
 * off no model switches on.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { PortalUid } from '../../src/base/ids.ts'
import { silentLog } from '../../src/base/log.ts'
import { openSealer } from '../../src/base/secret.ts'
import { openBrowserSessions } from '../../src/identity/browser-session-store.ts'
import { openStore, type Store } from '../../src/store/open.ts'
import { type FreshPostgres, freshPostgres } from '../databases.ts'
import { openEventStream } from '../event-stream.ts'
import { type Ledger, startLedger } from '../peers/ledger.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, open2025 } from '../raw-mcp.ts'
import { letClientIn, type SignedInPerson, signIn } from '../support/people.ts'

const MCP = '/access/ai-controls/mcp'

let database: FreshPostgres
let store: Store
let portal: TestPortal
let servers: Ledger[]
let portalUid: PortalUid
let ada: SignedInPerson
let bob: SignedInPerson
/** A client of 2026 that Ada let in; a new grant for each test. */
let token: string
let grant: string

beforeAll(async () => {
  database = await freshPostgres(process.env.PORTICO_TEST_TEMPLATE)
  servers = [await startLedger(), await startLedger()]
  portal = await startTestPortal({ databaseUrl: database.url })
  await portal.furnish(['ledger', 'wiki'].map((id, i) => ({ id, url: servers[i]?.url ?? '' })))
  store = await openStore({ dir: portal.data, databaseUrl: database.url, clock: systemClock, log: silentLog })
  const people = { store, sealer: UNUSED, browsers: openBrowserSessions(store, () => portal.url) }
  ada = await signIn(people, 'ada@acme.test')
  bob = await signIn(people, 'bob@acme.test')
  const row = await store.db.selectFrom('portals').select('uid').where('id', '=', 'default').executeTakeFirstOrThrow()
  portalUid = row.uid as PortalUid
})
afterAll(async () => {
  await store?.close()
  await portal?.close()
  for (const server of servers ?? []) await server.stop()
  await database?.drop()
})
beforeEach(async () => {
  const made = await letClientIn(store, ada, portalUid, Date.now() + 3_600_000)
  token = made.token
  grant = `grant:${made.grantId}`
})

/** Nobody here has tokens of a provider to seal. */
const UNUSED = openSealer({ keys: [{ kid: '00000000', key: Buffer.alloc(32) }] }, 'store')

const call = async (name: string, args: object = {}, shown = token) =>
  messageOf(await ask2026(`${portal.url}/mcp`, bearer(shown), 'tools/call', { name, arguments: args }))
const toggle = (id: string, action: 'toggle' | 'untoggle') =>
  call('portal_toggle_single_server', { server_id: id, action })
const tools = async (shown = token) =>
  JSON.stringify(messageOf(await ask2026(`${portal.url}/mcp`, bearer(shown), 'tools/list')).result)

async function link(shown = token): Promise<string> {
  return urlIn(await call('portal_toggle_servers', {}, shown))
}

function urlIn({ result }: ReturnType<typeof messageOf>): string {
  if (result === undefined) throw new Error('the tool gave no result')
  return (result.structuredContent as { url: string }).url
}

interface Seen {
  status: number
  text: string
  headers: Headers
}

async function get(url: string, who: SignedInPerson | null): Promise<Seen> {
  const response = await fetch(url, { redirect: 'manual', headers: who === null ? {} : { cookie: who.cookie } })
  return { status: response.status, text: await response.text(), headers: response.headers }
}

/** Fills in the page as it was shown. @param on the servers that are to be on */
async function send(page: Seen, who: SignedInPerson, on: readonly string[], more: object = {}): Promise<Seen> {
  const hidden = [...page.text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)]
  const body = new URLSearchParams({
    ...Object.fromEntries(hidden.map(([, name, value]) => [name, value])),
    ...Object.fromEntries(on.map((id) => [`on_${id}`, 'yes'])),
    ...more,
  })
  const headers = { cookie: who.cookie, origin: portal.url }
  const response = await fetch(`${portal.url}/authorize`, { method: 'POST', body, headers, redirect: 'manual' })
  return { status: response.status, text: await response.text(), headers: response.headers }
}

interface Row {
  plane: string
  method: string
  outcome?: string
  error?: string
  change?: { object: string; id: string; fields: string[] }
  actor: { label: string }
}
const rows = async (query: string) =>
  (await portal.api<Row[]>('GET', `${MCP}/logs?limit=100&phase=ended&${query}`)).body.result
const switches = async () =>
  (await store.db.selectFrom('toggles').selectAll().where('owner', '=', grant).execute()).length

describe('the person whose client asked', () => {
  test('sees their servers, switches one off, and the client’s list changes at once', async () => {
    const listening = await openEventStream(`${portal.url}/mcp`, {
      method: 'POST',
      headers: {
        ...bearer(token).credentials,
        ...{ 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
        ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'subscriptions/listen' },
      },
      body: JSON.stringify({
        ...{ jsonrpc: '2.0', id: 1, method: 'subscriptions/listen' },
        params: {
          notifications: { toolsListChanged: true },
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientCapabilities': {},
          },
        },
      }),
    })
    await listening.until((messages) => messages.length === 1)
    const page = await get(await link(), ada)
    expect(page.status).toBe(200)
    expect(page.text.match(/role="switch"/g)).toHaveLength(2)
    expect(page.text.match(/checked/g)).toHaveLength(2)

    const saved = await send(page, ada, ['wiki'])
    expect(saved.status).toBe(200)
    expect(saved.text).toContain('Switched off: ledger.')
    await listening.until((messages) => messages.some(({ method }) => method === 'notifications/tools/list_changed'))
    listening.close()
    expect(await tools()).not.toContain('ledger_post')
    expect(await tools()).toContain('wiki_post')
    expect(await rows('plane=sign-in&actor=ada@acme.test')).toContainEqual(
      expect.objectContaining({
        method: 'POST /authorize',
        outcome: 'answered',
        change: { object: 'switches', id: grant, fields: ['ledger: off'] },
      }),
    )
  })

  test('sends the same form twice, and what is left as it was stays as it is meanwhile', async () => {
    const page = await get(await link(), ada)
    await send(page, ada, ['wiki'])
    expect((await send(page, ada, ['wiki'])).text).toContain('Nothing was changed')
    expect(await tools()).not.toContain('ledger_post')
    // The first page still shows both as on; the model switched the other one off since.
    await toggle('wiki', 'untoggle')
    await send(page, ada, ['wiki'])
    expect(await tools()).not.toContain('wiki_post')
  })

  test('switches nothing that was not on the page', async () => {
    const page = await get(await link(), ada)
    await send(page, ada, [], { was_on: 'ledger', was_off: '', on_other: 'yes' })
    expect(await tools()).not.toContain('ledger_post')
    expect(await tools()).toContain('wiki_post')
  })

  test('switches for the session of an older client, and no other', async () => {
    const one = await open2025(`${portal.url}/mcp`, bearer(token))
    const two = await open2025(`${portal.url}/mcp`, bearer(token))
    const asked = await one.ask('tools/call', { name: 'portal_toggle_servers', arguments: {} })
    const url = urlIn(messageOf(asked))
    await send(await get(url, ada), ada, ['wiki'])
    expect((await one.ask('tools/list')).text).not.toContain('ledger_post')
    expect((await two.ask('tools/list')).text).toContain('ledger_post')
    expect(await tools()).toContain('ledger_post')
    await fetch(`${portal.url}/mcp`, { method: 'DELETE', headers: one.headers })
    expect((await get(url, ada)).status).toBe(404)
  })

  test('is sent to sign in first, and back', async () => {
    const url = await link()
    const answer = await get(url, null)
    expect(answer.status).toBe(303)
    const location = new URL(answer.headers.get('location') ?? '', portal.url)
    expect(location.pathname).toBe('/sign-in')
    expect(`${portal.url}${location.searchParams.get('return_to')}`).toBe(url)
  })

  test('sees nothing any more once the client was taken back', async () => {
    const page = await get(await link(), ada)
    await store.write(async (trx) => {
      await trx.updateTable('grants').set({ revoked_at: Date.now() }).where('id', '=', grant.slice(6)).execute()
    })
    expect((await send(page, ada, [])).status).toBe(404)
    expect(await switches()).toBe(0)
  })
})

describe('what a person switched off', () => {
  beforeEach(async () => void (await send(await get(await link(), ada), ada, ['wiki'])))

  // [ASK-3]
  test('no model switches on: it gets a refusal with a link, and nothing is done', async () => {
    const before = servers.map(({ requests }) => requests)
    const { result } = await toggle('ledger', 'toggle')
    expect(result).toMatchObject({ isError: true })
    expect(JSON.stringify(result)).toMatch(/only they switch it on again.*\/authorize\?elicitationId=[\w-]{43}/)
    expect(await tools()).not.toContain('ledger_post')
    expect((await call('ledger_post', { entry: 'x' })).error).toMatchObject({ code: -32602 })
    expect(servers.map(({ requests }) => requests)).toEqual(before)
    const [row] = await rows('capability=portal_toggle_single_server&actor=ada@acme.test')
    expect(row).toMatchObject({ outcome: 'tool-error', error: 'switched-off-by-person' })
    expect(row?.change).toBeUndefined()
  })

  test('is not freed by a model that says “off” once more', async () => {
    expect((await toggle('ledger', 'untoggle')).result).toMatchObject({ structuredContent: { enabled: false } })
    expect((await toggle('ledger', 'toggle')).result).toMatchObject({ isError: true })
    expect(await tools()).not.toContain('ledger_post')
  })

  test('is not switched on by a client that answers the question with yes', async () => {
    const args = { server_id: 'ledger', action: 'toggle' }
    const _meta = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {}, url: {} } } }
    const attempt = async (more: object = {}) => {
      const params = { name: 'portal_toggle_single_server', arguments: args, ...more, _meta }
      return messageOf(await ask2026(`${portal.url}/mcp`, bearer(token), 'tools/call', params)).result
    }
    const asked = (await attempt()) as { requestState: string }
    const inputResponses = { 'switch-on': { action: 'accept', content: {} } }
    const result = await attempt({ requestState: asked.requestState, inputResponses })
    expect(result).toMatchObject({ isError: true, resultType: 'complete' })
    expect(await tools()).not.toContain('ledger_post')
  })

  test('the person switches on, and then a model may switch it again; its switches say that they are a model’s', async () => {
    await send(await get(await link(), ada), ada, ['wiki', 'ledger'])
    expect(await tools()).toContain('ledger_post')
    for (const [action, enabled] of [
      ['untoggle', false],
      ['toggle', true],
    ] as const) {
      expect((await toggle('ledger', action)).result).toMatchObject({ structuredContent: { enabled } })
    }
    const fields = (await rows('capability=portal_toggle_single_server&actor=ada@acme.test')).slice(0, 2)
    expect(fields.map(({ change }) => change?.fields)).toEqual([['ledger: on'], ['ledger: off']])
  })
})

describe('somebody else', () => {
  // [ASK-4]
  test('who is signed in and has the link sees what a link that never was shows; the audit has it, and nothing is stored', async () => {
    const url = await link()
    const before = (await rows('plane=sign-in&actor=bob@acme.test')).length
    const foreign = await get(url, bob)
    const unknown = await get(`${portal.url}/authorize?elicitationId=${'A'.repeat(43)}`, bob)
    expect(foreign.status).toBe(404)
    expect(foreign.text).toBe(unknown.text)
    expect([...foreign.headers.keys()]).toEqual([...unknown.headers.keys()])
    const after = await rows('plane=sign-in&actor=bob@acme.test')
    expect(after).toHaveLength(before + 1)
    expect(after[0]).toMatchObject({ method: 'GET /authorize', outcome: 'refused', error: 'foreign-link' })
  })

  test('who sends the form of a page that they cannot see changes nothing', async () => {
    const page = await get(await link(), ada)
    // With a good form token of their own: what they lack is to be the person.
    const own = /name="form_token" value="([^"]*)"/.exec((await get(`${portal.url}/sign-out`, bob)).text)?.[1] ?? ''
    expect(own).not.toBe('')
    const sent = await send(page, bob, [], { form_token: own })
    expect(sent.status).toBe(404)
    expect(await switches()).toBe(0)
    expect(await tools()).toContain('ledger_post')
    expect((await rows('plane=sign-in&actor=bob@acme.test'))[0]).toMatchObject({
      method: 'POST /authorize',
      error: 'foreign-link',
    })
  })

  test('who makes the person’s browser send a form of their own changes nothing', async () => {
    const page = await get(await link(), ada)
    for (const form_token of ['', 'f'.repeat(64)]) {
      expect((await send(page, ada, [], { form_token })).status).toBe(403)
    }
    expect(await switches()).toBe(0)
  })
})

describe('new servers', () => {
  const told = async () => {
    const { structuredContent } = (await call('portal_list_servers')).result as {
      structuredContent: { note?: string; servers: { id: string; new?: boolean }[] }
    }
    const fresh = structuredContent.servers.filter((one) => one.new).map(({ id }) => id)
    return { note: structuredContent.note, fresh }
  }

  test('are told of once, together; not those that were there at first, and not to a grant of another', async () => {
    const other = await letClientIn(store, bob, portalUid, Date.now() + 3_600_000)
    expect(await told()).toEqual({ note: undefined, fresh: [] })
    await call('portal_list_servers', {}, other.token)
    const added = [await startLedger(), await startLedger()]
    servers.push(...added)
    for (const [i, { url }] of added.entries()) {
      const server = { id: `new${i}`, name: `new${i}`, hostname: url, auth_type: 'unauthenticated' }
      await portal.api('POST', `${MCP}/servers`, server)
    }
    const all = ['ledger', 'wiki', 'new0', 'new1'].map((id) => ({ server_id: id }))
    await portal.api('PUT', `${MCP}/portals/default`, { servers: all })
    // Nothing waits for it: a call is a call.
    expect((await call('ledger_post', { entry: 'x' })).result).toMatchObject({ content: [{ text: 'posted x' }] })
    const first = await told()
    expect(first.fresh).toEqual(['new0', 'new1'])
    expect(first.note).toContain('2 servers were added since you were told last: new0, new1.')
    expect(await told()).toEqual({ note: undefined, fresh: [] })
    const page = await get(await link(other.token), bob)
    expect(page.text.match(/<span class="tag">new<\/span>/g)).toHaveLength(2)
    expect((await get(await link(other.token), bob)).text).not.toContain('<span class="tag">new</span>')
  })
})
