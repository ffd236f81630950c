/**
 * A call that needs an account of its person's own: they are asked, connect it by the real pages at a real authorization server, and the
 * very same call is answered. Whoever says no, goes away or is slow ends the call, and whatever the server asks for has an end.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  type Answering,
  ASKED_CLIENTS,
  type AskedClient,
  type AskedFor,
  type OpenClient,
  openAskedClient,
} from '../asked-clients.ts'
import { openBrowser, type TestBrowser } from '../browser.ts'
import { type ConnectRoom, openConnectRoom } from '../connect-room.ts'
import { signInAs, signInWithPassword } from '../page-journey.ts'
import { Person } from '../person.ts'
import { ask2026, bearer, messageOf } from '../raw-mcp.ts'

const EMAIL = 'ada@acme.test'

let room: ConnectRoom
let browser: TestBrowser
let ada: Person
let token: string
const open: OpenClient[] = []

beforeAll(async () => {
  ;[room, browser] = await Promise.all([openRoom({ connect_turn: 10_000, connect_wait: 60_000 }), openBrowser()])
  token = await room.home.portal.userToken(EMAIL)
  ada = await signInAs(room.home)
})
afterAll(async () => {
  await browser?.close()
  await room?.close()
})
afterEach(async () => {
  for (const client of open.splice(0)) await client.close()
  room.upstream.faults.withheld = []
  await disconnect(room, ada)
})

/** With the shared account connected by an admin: its lists are what people see before they have one of their own. */
async function openRoom(limits: { connect_turn: number; connect_wait: number }): Promise<ConnectRoom> {
  const made = await openConnectRoom({}, { limits })
  const { portal } = made.home
  const { body } = await portal.api<{ url: string }>('POST', `${MCP}/servers/notes/authorize`, {})
  const { pathname, search } = new URL(body.result.url)
  const admin = new Person(made.url)
  const page = await made.arrive(admin, 'robot', pathname + search)
  await admin.submit(page, '/connect/confirm', { decision: 'confirm' })
  await portal.api('POST', `${MCP}/servers/notes/sync`)
  return made
}
const MCP = '/access/ai-controls/mcp'

async function disconnect(at: ConnectRoom, person: Person): Promise<void> {
  const home = await person.open(at.url)
  if (home.text.includes('/connect/notes/disconnect"')) await person.submit(home, '/notes/disconnect')
}

/** By the page that the client was given, in a browser of their own. */
async function connectAs(account: string, url: string, at = room, person = ada): Promise<void> {
  const { pathname, search } = new URL(url)
  const named = await at.arrive(person, account, pathname + search)
  const done = await person.submit(named, '/connect/confirm', { decision: 'confirm' })
  if (!done.text.includes('is connected')) throw new Error(`not connected: ${done.status} ${done.text}`)
}

/** The client opens the page and says so at once; the person takes the time that it takes. */
function opening(person: (url: string, times: number) => Promise<void>): Answering & { done: Promise<void>[] } {
  const done: Promise<void>[] = []
  const seen = new Set<string>()
  const answer = ({ url = '' }: AskedFor, times: number) => {
    // Asked for the same page again, they are still at it.
    if (!seen.has(url)) done.push(person(url, times))
    seen.add(url)
    return 'accept' as const
  }
  return Object.assign(answer, { done })
}

async function clientOf(which: AskedClient, answer: Answering | null, at = room): Promise<OpenClient> {
  const shown = at === room ? token : await at.home.portal.userToken(EMAIL)
  const client = await openAskedClient(which, { url: `${at.url}/mcp`, token: shown, answer })
  open.push(client)
  return client
}

interface Row {
  deed: string
  outcome?: string
  error?: string
  credential?: string
  method: string
}
/** Until the client was asked, and its answer came: then the call waits for what the person does. @param before what was asked earlier */
async function untilWaiting(client: OpenClient, before: readonly Row[]): Promise<void> {
  await expect.poll(() => client.asked.length).toBeGreaterThan(0)
  const known = new Set(before.map(({ deed }) => deed))
  const fresh = async () => (await questions()).filter(({ deed }) => !known.has(deed)).map(({ outcome }) => outcome)
  await expect.poll(fresh).toContain('answered')
}
const questions = () => rows('method=elicitation/create')
/** The newest first. */
const rows = async (query: string, at = room) =>
  (await at.home.portal.api<Row[]>('GET', `${MCP}/logs?phase=ended&limit=100&${query}`)).body.result
const reached = (account: string | null) => room.upstream.seen.filter((one) => one.account === account).length
const ownId = async () => (await room.connections()).find(({ userId }) => userId !== null)?.id

describe.each(ASKED_CLIENTS)('%s', (which) => {
  // [CONNECT-1]
  test('its person connects in their browser, and the call that was waiting is answered with their account', async () => {
    const answer = opening(async (url) => {
      const page = await browser.visitor()
      await page.goto(url)
      await signInWithPassword(page)
      await page.getByRole('heading', { name: 'Connect Notes of the team' }).waitFor()
      await page.getByText(which === 'SDK v1' ? '“asked-v1”' : '“asked-v2”').waitFor()
      await page.getByRole('button', { name: 'Connect' }).click()
      await page.locator('input[name="user"]').fill('alice')
      await page.locator('form button').click()
      await page.getByRole('button', { name: 'Connect this account' }).click()
      await page.getByText('it goes on by itself').waitFor()
    })
    const client = await clientOf(which, answer)
    const before = new Set((await rows('method=tools/call')).map(({ deed }) => deed))
    const result = await client.call('notes_whoami')
    await Promise.all(answer.done)
    expect(result).toMatchObject({ isError: false, text: 'alice' })
    expect(client.asked[0]).toMatchObject({
      mode: 'url',
      message: expect.stringContaining('Notes of the team works with your own account there'),
      url: expect.stringMatching(new RegExp(`^${room.url}/connect/notes\\?elicitationId=[\\w-]{43}$`)),
    })
    expect(new Set(client.asked.map(({ url }) => url)).size).toBe(1)
    // One call, or in 2026 one request for each turn: what a question ended says what is missing, what was answered whose it was.
    const calls = (await rows('method=tools/call')).filter(({ deed }) => !before.has(deed))
    expect(calls[0]).toMatchObject({ outcome: 'answered', credential: `oauth:user:${await ownId()}:ready` })
    const asked = calls.slice(1)
    expect(asked).toHaveLength(which === 'SDK v2 of 2026' ? client.asked.length : 0)
    for (const row of asked)
      expect(row).toMatchObject({ error: 'upstream-not-connected', credential: 'oauth:user:none:missing' })
    expect(client.completed).toEqual(which === 'SDK v2 of 2026' ? [] : [client.asked[0]?.elicitationId])
    expect(JSON.stringify(result)).not.toContain('elicitationId')
  })

  // [CONNECT-2]
  test.each([
    ['decline', 'The user said no'],
    ['cancel', 'closed the question'],
  ] as const)('whose person chooses %s is told so, and the server is not called', async (action, said) => {
    const before = reached('alice') + reached('robot')
    const client = await clientOf(which, () => action)
    const result = await client.call('notes_whoami')
    expect(result).toMatchObject({ isError: true, text: expect.stringContaining(said) })
    expect(client.asked).toHaveLength(1)
    expect(reached('alice') + reached('robot')).toBe(before)
    const [row] = await rows('method=tools/call')
    expect(row).toMatchObject({
      ...{ outcome: 'failed', error: 'upstream-not-connected', credential: 'oauth:user:none:missing' },
    })
  })

  // [CONNECT-3]
  test('a server that wants more rights gets them by a page that names them, and the call is answered', async () => {
    room.upstream.faults.withheld = ['notes:write']
    await connectAs('alice', `${room.url}/connect/notes`).catch(() => undefined)
    room.upstream.faults.withheld = []
    const first = await ownId()
    const answer = opening((url) => connectAs('alice', url))
    const client = await clientOf(which, answer)
    const result = await client.call('notes_write_note', { text: 'hello' })
    await Promise.all(answer.done)
    expect(result).toMatchObject({ isError: false, text: 'alice wrote hello' })
    expect(client.asked[0]?.message).toContain('wants more rights for this than your connection has')
    expect(client.asked[0]?.message).toContain('notes:write')
    expect(await ownId()).not.toBe(first)
  })

  // [CONNECT-1]
  test('an account that has ended is asked for again, and the call is answered', async () => {
    await connectAs('alice', `${room.url}/connect/notes`).catch(() => undefined)
    const ended = await ownId()
    room.upstream.revoke('alice')
    const answer = opening((url) => connectAs('alice', url))
    const client = await clientOf(which, answer)
    expect(await client.call('notes_whoami')).toMatchObject({ isError: false, text: 'alice' })
    await Promise.all(answer.done)
    expect(client.asked[0]?.message).toContain('Your connection to Notes of the team has ended')
    expect(answer.done).toHaveLength(1)
    expect(await ownId()).not.toBe(ended)
  })

  // [CONNECT-4]
  test('a server that is never content is given more twice, and then the call ends', async () => {
    room.upstream.faults.withheld = ['notes:write']
    await connectAs('alice', `${room.url}/connect/notes`).catch(() => undefined)
    const answer = opening((url) => connectAs('alice', url))
    const client = await clientOf(which, answer)
    const result = await client.call('notes_write_note', { text: 'hello' })
    await Promise.all(answer.done)
    expect(result).toMatchObject({ isError: true, text: expect.stringContaining('although they were given twice') })
    expect(new Set(client.asked.map(({ url }) => url)).size).toBe(2)
    expect((await rows('method=tools/call'))[0]).toMatchObject({ error: 'upstream-more-scope' })
  })

  // [CONNECT-1]
  test('prompts and resources ask as tools do', async () => {
    const answer = opening((url) => connectAs('alice', url))
    const client = await clientOf(which, answer)
    expect(await client.getPrompt('notes_greet', { whom: 'Bob' })).toContain('alice greets Bob')
    await Promise.all(answer.done)
    await disconnect(room, ada)
    expect(await client.readResource('note://of/bob')).toContain('alice reads bob')
    await Promise.all(answer.done)
    expect(answer.done).toHaveLength(2)
  })

  // [CONNECT-5]
  test('that cannot be asked gets the link; who opens it and calls again is answered', async () => {
    const client = await clientOf(which, null)
    const refused = await client.call('notes_whoami')
    expect(refused.isError).toBe(true)
    const url = /http\S+\/connect\/notes\?elicitationId=[\w-]{43}/.exec(refused.text)?.[0] ?? ''
    expect((await rows('method=tools/call'))[0]).toMatchObject({
      ...{ outcome: 'tool-error', error: 'upstream-not-connected', credential: 'oauth:user:none:missing' },
    })
    await expect(client.getPrompt('notes_greet', { whom: 'Bob' })).rejects.toThrow('/connect/notes?elicitationId=')
    await connectAs('alice', url)
    expect(await client.call('notes_whoami')).toMatchObject({ isError: false, text: 'alice' })
  })

  // [CONNECT-2]
  test('that gives up while its person is away stops waiting at once', async () => {
    const controller = new AbortController()
    const client = await clientOf(which, () => 'accept')
    const before = await questions()
    const called = client.call('notes_whoami', {}, { signal: controller.signal })
    const outcome = called.then(
      () => 'answered',
      () => 'gave up',
    )
    await untilWaiting(client, before)
    controller.abort()
    expect(await outcome).toBe('gave up')
    await expect.poll(async () => (await rows('method=tools/call'))[0]?.outcome).toBe('cancelled')
  })

  test('a completion asks nobody, and says where to connect', async () => {
    const client = await clientOf(which, () => 'accept')
    const asked = client.complete('notes_greet', { name: 'whom', value: 'a' })
    await expect(asked).rejects.toThrow(`Open ${room.url}/connect/notes`)
    expect(client.asked).toEqual([])
  })

  // [CONNECT-6]
  test('is told whose credential its calls carry and how its own is, and can ask for it before a call', async () => {
    const answer = opening((url) => connectAs('alice', url))
    const client = await clientOf(which, answer)
    const notes = async () => {
      const { structured } = await client.call('portal_list_servers')
      const { servers } = structured as { servers: { id: string; connection: Record<string, unknown> }[] }
      expect(servers.find(({ id }) => id === 'handbook')?.connection).toEqual({ uses: 'none' })
      return servers.find(({ id }) => id === 'notes')?.connection
    }
    const connect_url = `${room.url}/connect/notes`
    expect(await notes()).toEqual({ uses: 'yours', status: 'not_connected', connect_url })
    const connected = await client.call('portal_connect_server', { server: 'notes' })
    await Promise.all(answer.done)
    expect(connected).toMatchObject({
      isError: false,
      structured: { id: 'notes', connection: { status: 'connected' } },
    })
    expect(await notes()).toMatchObject({
      uses: 'yours',
      status: 'connected',
      account: expect.stringContaining('alice'),
    })
    expect(await notes()).not.toHaveProperty('connect_url')
    // Once more: another account takes the place of the first.
    const again = opening((url) => connectAs('bob', url))
    const other = await clientOf(which, again)
    expect((await other.call('portal_connect_server', { server: 'notes' })).text).toContain('bob')
    await Promise.all(again.done)
    expect(await other.call('notes_whoami')).toMatchObject({ text: 'bob' })
    expect(await client.call('portal_connect_server', { server: 'handbook' })).toMatchObject({ isError: true })
    for (const secret of room.upstream.secrets) expect(JSON.stringify(await notes())).not.toContain(secret)
  })
})

describe('a call that waits on its stream', () => {
  test('ends with its session', async () => {
    const client = await clientOf('SDK v1', () => 'accept')
    const before = await questions()
    const called = client.call('notes_whoami').catch(() => 'over')
    await untilWaiting(client, before)
    await client.endSession()
    await expect.poll(async () => (await rows('method=tools/call'))[0]?.outcome).toBe('cancelled')
    await client.close()
    await called
  })

  test('ends with its token', async () => {
    const made = await room.home.portal.api<{ id: string; token: string }>('POST', '/tokens/access', {
      ...{ email: EMAIL, portal: 'default' },
    })
    const { id, token: shown } = made.body.result
    const client = await openAskedClient('SDK v1', { url: `${room.url}/mcp`, token: shown, answer: () => 'accept' })
    open.push(client)
    const before = await questions()
    const called = client.call('notes_whoami')
    await untilWaiting(client, before)
    await room.home.portal.api('DELETE', `/tokens/access/${id}`)
    expect(await called).toMatchObject({ isError: true })
    expect((await rows('method=tools/call'))[0]).toMatchObject({ outcome: 'failed', error: 'upstream-not-connected' })
  })
})

test('who says no to portal_connect_server has the state as it is, and no error', async () => {
  const client = await clientOf('SDK v2 of 2026', () => 'decline')
  expect(await client.call('portal_connect_server', { server: 'notes' })).toMatchObject({
    isError: false,
    structured: { connection: { status: 'not_connected' }, note: expect.stringContaining('The user said no') },
  })
})

test('a service token has no account to connect: it has neither the server nor the tool', async () => {
  const { client_id, client_secret } = await room.home.portal.serviceToken('bot')
  const credentials = { 'cf-access-client-id': client_id, 'cf-access-client-secret': client_secret }
  const ask = (method: string, params: Record<string, unknown>) =>
    ask2026(`${room.url}/mcp`, { credentials }, method, params)
  const listed = (await ask('tools/list', {})).text
  for (const name of ['portal_connect_server', 'notes_']) expect(listed).not.toContain(name)
  expect(listed).toContain('portal_list_servers')
  for (const name of ['portal_connect_server', 'notes_whoami']) {
    const called = messageOf(await ask('tools/call', { name, arguments: { server: 'notes' } }))
    expect(called.error).toMatchObject({ code: -32602, message: `Unknown tool: ${name}` })
  }
})

test('the state of one person’s turn is good for no other call, and says nothing', async () => {
  const _meta = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: { url: {} } } }
  const ask = async (params: object) =>
    messageOf(await ask2026(`${room.url}/mcp`, bearer(token), 'tools/call', { arguments: {}, ...params, _meta }))
  const { result } = await ask({ name: 'notes_whoami' })
  const { requestState, inputRequests } = result as { requestState: string; inputRequests: object }
  expect(Object.keys(inputRequests)).toEqual(['connect'])
  const inputResponses = { connect: { action: 'accept' } }
  expect((await ask({ name: 'notes_wait', requestState, inputResponses })).error).toMatchObject({ code: -32602 })
  expect(Buffer.from(requestState.split('.').at(-1) ?? '', 'base64url').toString('latin1')).not.toContain('connect')
})

describe('patience', () => {
  let hasty: ConnectRoom
  let person: Person
  beforeAll(async () => {
    hasty = await openRoom({ connect_turn: 250, connect_wait: 800 })
    person = await signInAs(hasty.home)
  })
  afterAll(() => hasty?.close())
  afterEach(() => disconnect(hasty, person))

  // [CONNECT-1]
  test('a 2026 client is asked again for the same page while its person is at it', async () => {
    const answer: Answering = async ({ url = '' }, times) => {
      if (times === 3) await connectAs('alice', url, hasty, person)
      return 'accept' as const
    }
    const client = await clientOf('SDK v2 of 2026', answer, hasty)
    expect(await client.call('notes_whoami')).toMatchObject({ isError: false, text: 'alice' })
    expect(client.asked).toHaveLength(3)
    expect(new Set(client.asked.map(({ url }) => url)).size).toBe(1)
    expect(client.asked[1]?.message).toContain('Still waiting')
  })

  test.each(ASKED_CLIENTS)('who asked for progress hears that it is still being waited (%s)', async (which) => {
    const signs: number[] = []
    const client = await clientOf(which, () => 'accept', hasty)
    const onprogress = ({ progress, message }: { progress: number; message?: string | undefined }) => {
      if (message === 'Waiting for the user to connect Notes of the team.') signs.push(progress)
    }
    await client.call('notes_whoami', {}, { onprogress })
    expect(signs.length).toBeGreaterThan(1)
    expect(signs).toEqual([...new Set(signs)].sort((a, b) => a - b))
  })

  // [CONNECT-4]
  test.each(ASKED_CLIENTS)('a call that nobody connected for ends, and names the page (%s)', async (which) => {
    const client = await clientOf(which, () => 'accept', hasty)
    const result = await client.call('notes_whoami')
    expect(result).toMatchObject({ isError: true, text: expect.stringContaining(`Open ${hasty.url}/connect/notes`) })
    expect(client.asked).toHaveLength(which === 'SDK v2 of 2026' ? 8 : 1)
    expect((await rows('method=tools/call', hasty))[0]).toMatchObject({
      ...{ outcome: 'failed', error: 'upstream-not-connected', credential: 'oauth:user:none:missing' },
    })
  })
})
