/** Bots at the door: what opens, what does not, what it says, and what the audit keeps of it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AuditRow } from '../../src/audit/event.ts'
import { newSecret } from '../../src/base/secret.ts'
import { openEventStream } from '../event-stream.ts'
import { type Ledger, startLedger } from '../peers/ledger.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, type RawAnswer, request2026 } from '../raw-mcp.ts'
import { sendRaw } from '../raw-socket.ts'

const MCP = '/access/ai-controls/mcp'

interface Bot {
  id: string
  client_id: string
  client_secret: string
}

let portal: TestPortal
let ledger: Ledger
/** Of a person, by portal. */
const ada = new Map<string, string>()
const bots = new Map<string, Bot>()

/** `default` lets any service token in, `people` people only, `closed` nobody; `json` and `header` read whole tokens. */
beforeAll(async () => {
  portal = await startTestPortal()
  ledger = await startLedger()
  await portal.furnish([{ id: 'ledger', url: ledger.url }])
  for (const name of ['good', 'off', 'over', 'named', 'other', 'guessed']) bots.set(name, await make(name))
  await must('PUT', `/access/service_tokens/${bot('off').id}`, { enabled: false })
  await must('PUT', `/access/service_tokens/${bot('over').id}`, { duration: '1ms' })
  const any = await policy('any', 'non_identity', [{ any_valid_service_token: {} }])
  const everyone = await policy('everyone', 'allow', [{ everyone: {} }])
  const servers = [{ server_id: 'ledger' }]
  const add = (id: string, policies: string[], header: string | null) =>
    must('POST', `${MCP}/portals`, {
      ...{ id, name: id, hostname: `${id}.example.com`, policies, servers, read_service_tokens_from_header: header },
    })
  await add('people', [everyone], null)
  await add('closed', [], null)
  await add('json', [any, everyone], 'Authorization')
  await add('header', [any, everyone], 'X-Service-Token')
  for (const id of ['default', 'people', 'json', 'header']) ada.set(id, await portal.userToken('ada@acme.test', id))
})
afterAll(async () => {
  await portal?.close()
  await ledger?.stop()
})

const make = (name: string) => must<Bot>('POST', '/access/service_tokens', { name })
const policy = async (name: string, decision: string, include: object[]) =>
  (await must<{ id: string }>('POST', '/access/policies', { name, decision, include })).id

async function must<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await portal.api<T>(method, path, body)
  if (!answer.body.success) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
  return answer.body.result
}

function bot(name: string): Bot {
  const found = bots.get(name)
  if (found === undefined) throw new Error(`no bot ${name}`)
  return found
}

type Headers = Record<string, string>
const two = ({ client_id, client_secret }: Pick<Bot, 'client_id' | 'client_secret'>): Headers => ({
  ...{ 'cf-access-client-id': client_id, 'cf-access-client-secret': client_secret },
})
const whole = (token: Pick<Bot, 'client_id' | 'client_secret'>) => JSON.stringify(two(token))
const person = (id: string): Headers => ({ authorization: `Bearer ${ada.get(id)}` })
const at = (id: string) => `${portal.url}/p/${id}/mcp`
const POST = { name: 'ledger_post', arguments: { entry: 'x' } }
const call = (id: string, credentials: Headers): Promise<RawAnswer> =>
  ask2026(at(id), { credentials }, 'tools/call', POST)

const wrong = (name: string) => ({ ...bot(name), client_secret: newSecret('ptst') })
const invites = (answer: RawAnswer) =>
  answer.headers.get('www-authenticate')?.includes('resource_metadata') === true &&
  answer.text.includes('resource_metadata')

/** What is shown, at which portal, and what comes of it; the same with and without strict service tokens. */
const MATRIX: [what: string, portal: string, shown: () => Headers, status: number][] = [
  ['a good token', 'default', () => two(bot('good')), 200],
  ['nothing', 'default', () => ({}), 401],
  ['a wrong secret', 'default', () => two(wrong('good')), 401],
  ['a secret of another form', 'default', () => two({ ...bot('good'), client_secret: 'a'.repeat(64) }), 401],
  [
    'the secret of another token',
    'default',
    () => two({ ...bot('good'), client_secret: bot('named').client_secret }),
    401,
  ],
  ['an id that nobody has', 'default', () => two({ ...bot('good'), client_id: `${'0'.repeat(32)}.access` }), 401],
  ['an id that cannot be one', 'default', () => two({ ...bot('good'), client_id: "x' or '1'='1" }), 401],
  ['a token that is switched off', 'default', () => two(bot('off')), 401],
  ['a token that is over', 'default', () => two(bot('over')), 401],
  ['an id alone', 'default', () => ({ 'cf-access-client-id': bot('good').client_id }), 401],
  ['a secret alone', 'default', () => ({ 'cf-access-client-secret': bot('good').client_secret }), 401],
  ['a good token beside a good person', 'default', () => ({ ...two(bot('good')), ...person('default') }), 401],
  ['a bad token beside a good person', 'default', () => ({ ...two(wrong('good')), ...person('default') }), 401],
  ['a good token beside a cookie', 'default', () => ({ ...two(bot('good')), cookie: 'portico-session=x' }), 200],
  ['a good token as bearer', 'default', () => ({ authorization: `Bearer ${bot('good').client_secret}` }), 401],
  ['a whole token where that is off', 'default', () => ({ authorization: whole(bot('good')) }), 401],
  ['a good token where people only may', 'people', () => two(bot('good')), 403],
  ['a good token where nobody may', 'closed', () => two(bot('good')), 403],
  ['a good token where nothing is', 'nowhere', () => two(bot('good')), 403],
  ['a bad token where nothing is', 'nowhere', () => two(wrong('good')), 401],
  ['a whole token', 'json', () => ({ authorization: whole(bot('good')) }), 200],
  ['two headers where a whole token may come too', 'json', () => two(bot('good')), 200],
  ['a person where a whole token may come too', 'json', () => person('json'), 200],
  ['a whole token with a wrong secret', 'json', () => ({ authorization: whole(wrong('good')) }), 401],
  ['a whole token in a bearer', 'json', () => ({ authorization: `Bearer ${whole(bot('good'))}` }), 401],
  ['a whole token and two headers', 'json', () => ({ authorization: whole(bot('good')), ...two(bot('good')) }), 401],
  ['a whole token cut short', 'json', () => ({ authorization: whole(bot('good')).slice(0, -1) }), 401],
  [
    'a whole token of 600 bytes',
    'json',
    () => ({ authorization: whole(bot('good')).replace(':', `:${' '.repeat(500)}`) }),
    401,
  ],
  ['a whole token in a header of choice', 'header', () => ({ 'x-service-token': whole(bot('good')) }), 200],
  ['it in the wrong header', 'header', () => ({ authorization: whole(bot('good')) }), 401],
  ['it beside a good person', 'header', () => ({ 'x-service-token': whole(bot('good')), ...person('header') }), 401],
  ['half of it beside a good person', 'header', () => ({ 'x-service-token': '{}', ...person('header') }), 401],
  ['a person where that header is read', 'header', () => person('header'), 200],
  [
    'that header where it is not read',
    'people',
    () => ({ 'x-service-token': whole(bot('good')), ...person('people') }),
    200,
  ],
]

describe.each([true, false])('with strict_service_token_auth: %j', (strict) => {
  beforeAll(() => must('PUT', '/access/organizations', { strict_service_token_auth: strict }))

  // [SERVICE-1]
  test.each(MATRIX)('%s at %s: what it may', async (_what, id, shown, status) => {
    const before = ledger.requests
    const answer = await call(id, shown())
    expect(answer.status).toBe(status)
    expect(ledger.requests > before).toBe(status === 200)
    expect(answer.headers.get('set-cookie')).toBeNull()
    if (status === 401) expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /)
  })

  test('who shows no token is sent to sign in; a bot with a bad one is, unless that is strict', async () => {
    expect(invites(await call('default', {}))).toBe(true)
    expect(invites(await call('default', { authorization: 'Bearer ptat_nonsense' }))).toBe(true)
    for (const shown of [two(wrong('good')), { 'cf-access-client-id': bot('good').client_id }])
      expect(invites(await call('default', shown))).toBe(!strict)
    expect(invites(await call('header', { 'x-service-token': whole(wrong('good')) }))).toBe(!strict)
  })
})

test('a header with a whole token that stands twice opens nothing', async () => {
  const { host } = new URL(portal.url)
  const body = JSON.stringify(request2026('tools/call', POST))
  const head = (path: string, more: string[]) => [
    ...[`POST ${path} HTTP/1.1`, `host: ${host}`, 'content-type: application/json', `content-length: ${body.length}`],
    ...['mcp-protocol-version: 2026-07-28', 'mcp-method: tools/call', 'mcp-name: ledger_post', ...more],
  ]
  const token = whole(bot('good'))
  const ask = async (path: string, more: string[]) => (await sendRaw(portal.url, head(path, more), body)).status
  expect(await ask('/p/header/mcp', [`X-Service-Token: ${token}`])).toBe(200)
  expect(await ask('/p/header/mcp', [`X-Service-Token: ${token}`, `x-service-token: ${token}`])).toBe(401)
  expect(await ask('/p/json/mcp', [`authorization: ${token}`, `Authorization: ${token}`])).toBe(400)
})

// [SERVICE-2]
test('a service token needs a policy that lets it in, at the portal and at the server', async () => {
  const named = await policy('named', 'non_identity', [{ service_token: { token_id: bot('named').id } }])
  const people = await policy('people too', 'allow', [{ everyone: {} }])
  const server = (policies: string[]) => must('PUT', `${MCP}/servers/ledger`, { policies })
  const tools = async (name: string) => {
    const { text } = await ask2026(at('default'), { credentials: two(bot(name)) }, 'tools/list')
    return text.includes('ledger_post')
  }
  try {
    await server([people])
    expect([await tools('named'), await tools('other')]).toEqual([false, false])
    await server([people, named])
    expect([await tools('named'), await tools('other')]).toEqual([true, false])
    const before = ledger.requests
    const refused = await call('default', two(bot('other')))
    expect([refused.text.includes('posted'), ledger.requests]).toEqual([false, before])
    expect((await call('default', two(bot('named')))).text).toContain('posted')
    // The server's policy alone does not open the portal.
    await must('PUT', `${MCP}/portals/people`, { policies: [people] })
    expect((await call('people', two(bot('named')))).status).toBe(403)
    await must('PUT', `${MCP}/portals/people`, { policies: [people, named] })
    expect((await call('people', two(bot('named')))).status).toBe(200)
    expect((await call('people', two(bot('other')))).status).toBe(403)
  } finally {
    await must('PUT', `${MCP}/servers/ledger`, { policies: [], own_policies: false })
    await must('PUT', `${MCP}/portals/people`, { policies: [people] })
  }
})

describe('what the audit keeps of a service token that opened nothing', () => {
  const rows = async (name: string) => {
    const query = new URLSearchParams({ actor: bot(name).id, phase: 'ended', plane: 'mcp', limit: '1000' })
    return must<AuditRow[]>('GET', `${MCP}/logs?${query}`)
  }

  // [SERVICE-3]
  test('a known one has a row with its reason, and never a secret', async () => {
    const tried = wrong('guessed')
    await call('default', two(tried))
    await call('json', { authorization: whole(tried) })
    await call('default', two(bot('off')))
    const found = await rows('guessed')
    expect(found).toHaveLength(2)
    expect(found[0]).toMatchObject({
      ...{ outcome: 'refused', decision: 'deny', error: 'bad-secret', method: 'POST /mcp', portal: 'json' },
      actor: { kind: 'service', id: bot('guessed').id, label: 'guessed' },
    })
    expect((await rows('off'))[0]).toMatchObject({ outcome: 'refused', error: 'disabled' })
    const all = JSON.stringify(await must('GET', `${MCP}/logs?limit=1000`))
    for (const secret of [tried.client_secret, bot('off').client_secret]) expect(all).not.toContain(secret)
  })

  test('one that nobody knows has none', async () => {
    const id = `${'1'.repeat(32)}.access`
    await call('default', two({ client_id: id, client_secret: newSecret('ptst') }))
    expect(JSON.stringify(await must('GET', `${MCP}/logs?limit=1000`))).not.toContain(id)
  })

  test('who guesses on and on is counted from then on, and the token itself works and is written down', async () => {
    const before = (await rows('other')).length
    await Promise.all(Array.from({ length: 200 }, () => call('default', two(wrong('other')))))
    const guesses = (await rows('other')).length - before
    // Sixty a minute; a minute may end in between.
    expect(guesses).toBeLessThanOrEqual(120)
    expect((await call('nowhere', two(bot('other')))).status).toBe(403)
    expect((await rows('other'))[0]).toMatchObject({ error: 'not-offered', portal: 'nowhere' })
  })
})

test('a stream that a whole token opened goes on while others change, and ends when it is switched off', async () => {
  const mine = await make('listener')
  const body = request2026('subscriptions/listen', { notifications: { toolsListChanged: true } })
  const headers = {
    ...{ 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'subscriptions/listen', authorization: whole(mine) },
  }
  const stream = await openEventStream(at('json'), { method: 'POST', headers, body: JSON.stringify(body) })
  await stream.until((messages) => messages.length > 0)
  const before = stream.messages.length
  await make('somebody else')
  await must('PUT', `${MCP}/servers/ledger`, { updated_tools: [{ name: 'count', enabled: false }] })
  await stream.until((messages) => messages.length > before)
  await must('PUT', `/access/service_tokens/${mine.id}`, { enabled: false })
  await stream.ended
  await must('PUT', `${MCP}/servers/ledger`, { updated_tools: null })
})
