/**
 * Callers without any credential: a bypass policy lets them in by where they come from, and in as nobody. They are written down like
 * anybody, and no credential that the portal holds goes to a server with their calls, unless that server says so.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { AuditRow } from '../../src/audit/event.ts'
import type { JsonObject } from '../../src/protocol/model.ts'
import { child } from '../child-scripts.ts'
import { openEventStream } from '../event-stream.ts'
import { type Ledger, startLedger } from '../peers/ledger.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, open2025, type RawAnswer, type RawCaller, request2026 } from '../raw-mcp.ts'
import { json, modern, result, type ScriptedServer, startScripted } from '../scripted-server.ts'

const SERVERS = '/access/ai-controls/mcp/servers'
const PORTALS = '/access/ai-controls/mcp/portals'
const LOGS = '/access/ai-controls/mcp/logs'
const SECRET = 'the-portals-own-secret'

/** Of a documentation network, as the proxy in front tells it. */
const INSIDE = '203.0.113.9'
const OUTSIDE = '198.51.100.7'

const nobody = (ip = INSIDE, more: Record<string, string> = {}): RawCaller => ({
  credentials: { 'x-forwarded-for': ip, ...more },
})

let portal: TestPortal
let ledger: Ledger
/** Takes calls with its token alone. */
let vault: ScriptedServer
let token: string
let url: string

beforeAll(async () => {
  portal = await startTestPortal({ config: { trustedProxies: ['127.0.0.1/32'] } })
  ledger = await startLedger()
  vault = await startScripted((seen, response, request) => {
    if (seen.headers.authorization !== `Bearer ${SECRET}`) return void response.writeHead(401).end()
    if (seen.body.method === 'tools/list') {
      const tools: JsonObject[] = [{ name: 'open', inputSchema: { type: 'object' } }]
      return json(response, result(seen, { resultType: 'complete', tools, ttlMs: 0, cacheScope: 'private' }))
    }
    if (seen.body.method === 'tools/call') {
      return json(response, result(seen, { resultType: 'complete', content: [{ type: 'text', text: 'treasure' }] }))
    }
    return modern(() => {}, { tools: {} })(seen, response, request)
  })
  const at = { id: 'vault', name: 'Vault', hostname: `${vault.origin}/mcp` }
  await must('POST', SERVERS, { ...at, auth_type: 'bearer', auth_credentials: SECRET })
  await must('POST', `${SERVERS}/vault/sync`)
  const ledgerAt = { id: 'ledger', name: 'Ledger', hostname: ledger.url }
  await must('POST', SERVERS, { ...ledgerAt, auth_type: 'bearer', auth_credentials: 'of-the-ledger' })
  await must('POST', `${SERVERS}/ledger/sync`)
  const own = { id: 'own', name: 'Own', hostname: ledger.url, auth_type: 'bearer', auth_credentials: 'x' }
  await must('POST', SERVERS, own)
  const rows = [{ server_id: 'ledger' }, { server_id: 'vault' }, { server_id: 'own', on_behalf: true }]
  await must('PUT', `${PORTALS}/default`, { servers: rows })
  token = await portal.userToken('ada@acme.test')
  url = `${portal.url}/mcp`
})
afterAll(async () => {
  await portal?.close()
  await ledger?.stop()
  await vault?.close()
})
afterEach(() => setBypass(null))

async function must<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await portal.api<T>(method, path, body)
  if (!answer.body.success) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body.errors)}`)
  return answer.body.result
}

/** What the portal had at its start. */
let usual: string[] | null = null

/** @param include whom the bypass lets in; null takes it away */
async function setBypass(include: object[] | null, more: object = {}): Promise<string | null> {
  usual ??= (await must<{ policies: string[] }>('GET', `${PORTALS}/default`)).policies
  if (include === null) {
    await must('PUT', `${PORTALS}/default`, { policies: usual })
    return null
  }
  const policy = { name: 'Open house', decision: 'bypass', include, ...more }
  const { id } = await must<{ id: string }>('POST', '/access/policies', policy)
  await must('PUT', `${PORTALS}/default`, { policies: [id, ...usual] })
  return id
}
const INSIDERS = [{ ip: { ip: '203.0.113.0/24' } }]

async function lastRows(query: Record<string, string>, limit = 1): Promise<(AuditRow & { client_ip: string })[]> {
  const asked = new URLSearchParams({ limit: String(limit), phase: 'ended', ...query })
  return must('GET', `${LOGS}?${asked}`)
}

type Ask = (caller: RawCaller, method: string, params?: Record<string, unknown>) => Promise<RawAnswer>
const ERAS: [string, Ask][] = [
  ['2026', (caller, method, params) => ask2026(url, caller, method, params)],
  ['2025', async (caller, method, params) => (await open2025(url, caller)).ask(method, params)],
]
const namesIn = (answer: RawAnswer) =>
  ((messageOf(answer).result?.tools ?? []) as { name: string }[]).map(({ name }) => name)

describe.each(ERAS)('a caller without a credential, in the era of %s', (_, ask) => {
  // [BYPASS-1]
  test('is told to sign in where no bypass policy is, and nothing reaches a server', async () => {
    const before = ledger.requests
    const answer = await ask2026(url, nobody(), 'tools/call', { name: 'ledger_post', arguments: { entry: 'x' } })
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toContain('resource_metadata')
    const { opened } = await open2025(url, nobody())
    expect(opened.status).toBe(401)
    expect(ledger.requests).toBe(before)
  })

  // [BYPASS-1]
  test('is let in by a bypass policy, from where it says and from nowhere else', async () => {
    await setBypass(INSIDERS)
    expect(namesIn(await ask(nobody(), 'tools/list'))).toContain('ledger_post')
    for (const caller of [nobody(OUTSIDE), { credentials: {} }, nobody(`${INSIDE}, ${OUTSIDE}`)])
      expect((await ask(caller, 'tools/list')).status).toBe(401)
  })

  // [BYPASS-2]
  test('calls, as nobody whom the audit knows by a name that is not the address, and no credential goes along', async () => {
    const rule = await setBypass(INSIDERS)
    const entry = `by nobody, ${_}`
    const answer = await ask(nobody(), 'tools/call', { name: 'ledger_post', arguments: { entry } })
    expect(messageOf(answer).result).toMatchObject({ content: [{ type: 'text', text: `posted ${entry}` }] })
    expect(ledger.posted).toContain(entry)
    expect(ledger.headers.authorization).toBeUndefined()
    const rows = await lastRows({ capability: 'ledger_post' })
    expect(rows[0]).toMatchObject({
      ...{ method: 'tools/call', outcome: 'answered', decision: 'allow', rule, credential: 'none' },
      ...{ server: 'ledger', client_ip: INSIDE, actor: { kind: 'anonymous', label: 'anonymous' } },
    })
    expect(rows[0]?.actor.id).toMatch(/^[\w-]{26}$/)
    const begun = await lastRows({ capability: 'ledger_post', phase: 'begun' })
    expect(begun[0]?.deed).toBe(rows[0]?.deed)
  })

  // [BYPASS-2]
  test('is refused by a server that wants its credential, which was not sent and is not said to be bad', async () => {
    await setBypass(INSIDERS)
    const before = vault.seen.length
    const answer = await ask(nobody(), 'tools/call', { name: 'vault_open', arguments: {} })
    expect(answer.text).not.toContain('treasure')
    const reached = vault.seen.slice(before)
    expect(reached).not.toEqual([])
    expect(reached.filter(({ headers }) => headers.authorization !== undefined)).toEqual([])
    expect((await lastRows({ capability: 'vault_open' }))[0]).toMatchObject({
      ...{ outcome: 'failed', error: 'upstream-refused-credential', credential: 'none' },
    })
    const { status } = await must<{ status: string }>('GET', `${SERVERS}/vault`)
    expect(status).toBe('ready')
    // Ada's calls have it, before and after, on a connection of their own.
    const adas = await ask(bearer(token), 'tools/call', { name: 'vault_open', arguments: {} })
    expect(adas.text).toContain('treasure')
    const again = await ask(nobody(), 'tools/call', { name: 'vault_open', arguments: {} })
    expect(again.text).not.toContain('treasure')
  })

  // [BYPASS-3]
  test('has the credential at a server that says so, and nobody’s own account anywhere', async () => {
    await setBypass(INSIDERS)
    await must('PUT', `${SERVERS}/vault`, { bypass_credential: true })
    const answer = await ask(nobody(), 'tools/call', { name: 'vault_open', arguments: {} })
    expect(answer.text).toContain('treasure')
    expect((await lastRows({ capability: 'vault_open' }))[0]).toMatchObject({ credential: 'bearer:admin' })
    await must('PUT', `${SERVERS}/vault`, { bypass_credential: false })
    const taken = await ask(nobody(), 'tools/call', { name: 'vault_open', arguments: {} })
    expect(taken.text).not.toContain('treasure')

    expect(namesIn(await ask(nobody(), 'tools/list')).filter((name) => name.startsWith('own_'))).toEqual([])
    const servers = await ask(nobody(), 'tools/call', { name: 'portal_list_servers', arguments: {} })
    expect(servers.text).not.toContain('own')
    const own = await ask(nobody(), 'tools/call', { name: 'own_post', arguments: { entry: 'x' } })
    const unknown = await ask(nobody(), 'tools/call', { name: 'own_none', arguments: { entry: 'x' } })
    expect(own.text.replace('own_post', '')).toBe(unknown.text.replace('own_none', ''))
  })

  // [BYPASS-4]
  test.each([
    ['a token that is none', { authorization: 'Bearer ptat_none' }],
    ['an empty authorization', { authorization: '' }],
    ['another scheme', { authorization: 'Basic YTpi' }],
    ['half of a service token', { 'cf-access-client-id': 'a.access' }],
    ['a service token that is none', { 'cf-access-client-id': 'a.access', 'cf-access-client-secret': 'b' }],
  ])('and with %s is told to sign in all the same', async (__, shown) => {
    await setBypass([{ everyone: {} }])
    expect((await ask(nobody(INSIDE, shown), 'tools/list')).status).toBe(401)
  })
})

// [BYPASS-5]
describe('where a bypass policy lets everybody in', () => {
  test('people are themselves, and have their own right to more', async () => {
    await setBypass([{ everyone: {} }], { capabilities: [{ names: ['count'] }] })
    expect(namesIn(await ask2026(url, nobody(), 'tools/list')).filter((name) => !name.startsWith('portal_'))).toEqual([
      'ledger_count',
    ])
    expect(namesIn(await ask2026(url, bearer(token), 'tools/list'))).toContain('ledger_post')
    await ask2026(url, bearer(token), 'tools/call', { name: 'ledger_post', arguments: { entry: 'by Ada' } })
    expect((await lastRows({ capability: 'ledger_post' }))[0]).toMatchObject({
      actor: { kind: 'user', label: 'ada@acme.test' },
      credential: 'bearer:admin',
    })
    const denied = await ask2026(url, nobody(), 'tools/call', { name: 'ledger_post', arguments: { entry: 'no' } })
    const unknown = await ask2026(url, nobody(), 'tools/call', { name: 'ledger_none', arguments: { entry: 'no' } })
    expect(denied.text.replace('ledger_post', '')).toBe(unknown.text.replace('ledger_none', ''))
    expect(ledger.posted).not.toContain('no')
  })

  test('who signed in and is let in by it alone is lent no credential, whatever their name', async () => {
    await setBypass([{ everyone: {} }])
    const [rule = ''] = (await must<{ policies: string[] }>('GET', `${PORTALS}/default`)).policies
    await must('PUT', `${PORTALS}/default`, { policies: [rule] })
    const answer = await ask2026(url, bearer(token), 'tools/call', { name: 'vault_open', arguments: {} })
    expect(answer.text).not.toContain('treasure')
    expect((await lastRows({ capability: 'vault_open' }))[0]).toMatchObject({
      ...{ actor: { label: 'ada@acme.test' }, rule, credential: 'none' },
    })
    await must('PUT', `${PORTALS}/default`, { policies: [rule, ...(usual ?? [])] })
    const again = await ask2026(url, bearer(token), 'tools/call', { name: 'vault_open', arguments: {} })
    expect(again.text).toContain('treasure')
  })

  test('a session belongs to the address that began it', async () => {
    await setBypass([{ everyone: {} }])
    const { headers, ask } = await open2025(url, nobody('203.0.113.9'))
    expect((await ask('tools/list')).status).toBe(200)
    const session = { ...nobody('203.0.113.10').credentials, 'mcp-session-id': headers['mcp-session-id'] ?? '' }
    const stolen = await fetch(url, {
      method: 'POST',
      headers: { ...session, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }),
    })
    expect(stolen.status).toBe(404)
  })

  test('machines of one network of IPv6 are one caller, of two networks are two', async () => {
    await setBypass([{ everyone: {} }])
    const idAt = async (ip: string) => {
      await ask2026(url, nobody(ip), 'tools/call', { name: 'ledger_count', arguments: {} })
      return (await lastRows({ capability: 'ledger_count' }))[0]?.actor.id
    }
    const first = await idAt('2001:db8:1:2::1')
    expect(await idAt('2001:db8:1:2:ffff::2')).toBe(first)
    expect(await idAt('2001:db8:1:3::1')).not.toBe(first)
    expect(await idAt('203.0.113.9')).not.toBe(await idAt('203.0.113.10'))
  })

  test('servers are switched off for this caller alone, and nobody is offered a page', async () => {
    await setBypass([{ everyone: {} }])
    const off = { name: 'portal_toggle_single_server', arguments: { server_id: 'ledger', action: 'untoggle' } }
    const { ask } = await open2025(url, nobody('203.0.113.30'))
    const switched = await ask('tools/call', off)
    expect(messageOf(switched).result?.isError ?? false).toBe(false)
    expect(namesIn(await ask('tools/list'))).not.toContain('ledger_post')
    expect(namesIn(await ask2026(url, nobody('203.0.113.31'), 'tools/list'))).toContain('ledger_post')
    for (const name of ['portal_toggle_servers', 'portal_connect_server']) {
      const asked = await ask('tools/call', { name, arguments: { server_id: 'own' } })
      expect(asked.text).not.toContain('http')
    }
  })

  test('streams of both eras tell of changes, and end with the policy', async () => {
    await setBypass([{ everyone: {} }])
    const { headers } = await open2025(url, nobody())
    const old = await openEventStream(url, { headers: { ...headers, accept: 'text/event-stream' } })
    expect(old.status).toBe(200)
    const listen = request2026('subscriptions/listen', { notifications: { toolsListChanged: true } }, 7)
    const fresh = await openEventStream(url, {
      method: 'POST',
      headers: {
        ...nobody().credentials,
        ...{ 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
        ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'subscriptions/listen' },
      },
      body: JSON.stringify(listen),
    })
    await fresh.until((messages) => messages.length > 0)
    // Another's token comes and goes: nothing of theirs hangs on it.
    await portal.userToken('eve@acme.test')
    await must('PUT', `${SERVERS}/ledger`, { updated_tools: [{ name: 'count', enabled: false }] })
    const told = ({ method }: { method?: string }) => method === 'notifications/tools/list_changed'
    await old.until((messages) => messages.some(told))
    await fresh.until((messages) => messages.some(told))
    await must('PUT', `${SERVERS}/ledger`, { updated_tools: [] })
    await setBypass(null)
    await Promise.all([old.ended, fresh.ended])
    expect((await ask2026(url, nobody(), 'tools/list')).status).toBe(401)
  })
})

// [BYPASS-3]
test('a server of this machine that runs with secrets is not for them, and one without is', async () => {
  const here = await startTestPortal()
  const says = `answers['tools/call'] = () => text(process.env.TOKEN ?? 'no secret')`
  await here.furnish([
    { id: 'keys', stdio: child(says, { TOKEN: 'hunter2' }) },
    { id: 'plain', stdio: child(says) },
  ])
  const { body } = await here.api<{ policies: string[] }>('GET', `${PORTALS}/default`)
  const policy = { name: 'This machine', decision: 'bypass', include: [{ ip: { ip: '127.0.0.1/32' } }] }
  const made = await here.api<{ id: string }>('POST', '/access/policies', policy)
  await here.api('PUT', `${PORTALS}/default`, { policies: [made.body.result.id, ...body.result.policies] })
  const call = (name: string, caller: RawCaller) =>
    ask2026(`${here.url}/mcp`, caller, 'tools/call', { name, arguments: {} })
  const without = { credentials: {} }
  expect((await call('plain_echo', without)).text).toContain('no secret')
  const refused = await call('keys_echo', without)
  expect(refused.text).not.toContain('hunter2')
  expect(messageOf(refused).result?.isError).toBe(true)
  expect(refused.text).toContain('callers who have not signed in are lent none')
  const ada = bearer(await here.userToken('ada@acme.test'))
  // She may use the portal without the bypass too, so it takes nothing from her.
  expect(messageOf(await call('keys_echo', ada)).result?.isError ?? false).toBe(false)
  await here.api('PUT', `${SERVERS}/keys`, { bypass_credential: true })
  expect(messageOf(await call('keys_echo', without)).result?.isError ?? false).toBe(false)
  await here.close()
})
