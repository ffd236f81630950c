/** A forbidden and an unknown capability are the same bytes outside and two different rows inside, whatever the way in. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AuditRow } from '../../src/audit/event.ts'
import { type Ledger, startLedger } from '../peers/ledger.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, open2025, type RawAnswer } from '../raw-mcp.ts'

const SERVERS = '/access/ai-controls/mcp/servers'
const PORTALS = '/access/ai-controls/mcp/portals'
const LOGS = '/access/ai-controls/mcp/logs'

let portal: TestPortal
let open: Ledger
let secret: Ledger
let ada: string

/** `open` is for everyone, `secret` for nobody in particular; Ada may use the portal. */
beforeAll(async () => {
  portal = await startTestPortal()
  open = await startLedger()
  secret = await startLedger()
  await portal.furnish([
    { id: 'open', url: open.url },
    { id: 'secret', url: secret.url },
  ])
  const nobody = { name: 'Only Eve', decision: 'allow', include: [{ email: { email: 'eve@acme.test' } }] }
  const { body } = await portal.api<{ id: string }>('POST', '/access/policies', nobody)
  const attached = await portal.api('PUT', `${SERVERS}/secret`, {
    policies: [body.result.id],
    updated_tools: [{ name: 'count', alias: 'tally' }],
  })
  expect(attached.status).toBe(200)
  ada = await portal.userToken('ada@acme.test')
})

afterAll(async () => {
  await portal?.close()
  await open?.stop()
  await secret?.stop()
})

/** What of the answer depends on neither the name that was asked for nor the clock. */
function shape(answer: RawAnswer, name: string): string {
  const headers = [...answer.headers].filter(
    ([key]) => key !== 'date' && key !== 'mcp-session-id' && key !== 'content-length',
  )
  const text = name === '' ? answer.text : answer.text.replaceAll(JSON.stringify(name).slice(1, -1), 'NAME')
  return JSON.stringify([answer.status, headers, text])
}

async function lastRows(capability: string): Promise<AuditRow[]> {
  const query = new URLSearchParams({ capability, limit: '1', phase: 'ended' })
  return (await portal.api<AuditRow[]>('GET', `${LOGS}?${query}`)).body.result
}

const eras = {
  2026: async (url: string, method: string, params: Record<string, unknown>) =>
    ask2026(url, bearer(ada), method, params),
  2025: async (url: string, method: string, params: Record<string, unknown>) =>
    (await open2025(url, bearer(ada))).ask(method, params),
}

const WHOLE = '/p/default/mcp'
const MOUNT = '/p/default/s/secret/mcp'
const posting = (name: string) => ({ name, arguments: { entry: 'x' } })

const requests = [
  {
    what: 'a tool by its public name',
    method: 'tools/call',
    at: WHOLE,
    forbidden: posting('secret_post'),
    unknown: posting('secret_nope'),
  },
  {
    what: 'a tool at the portal of the host',
    method: 'tools/call',
    at: '/mcp',
    forbidden: posting('secret_post'),
    unknown: posting('secret_nope'),
  },
  {
    what: 'a tool by its alias',
    method: 'tools/call',
    at: WHOLE,
    forbidden: { name: 'secret_tally' },
    unknown: { name: 'secret_nope' },
  },
  {
    what: 'a tool that lacks its arguments',
    method: 'tools/call',
    at: WHOLE,
    forbidden: { name: 'secret_post' },
    unknown: { name: 'secret_nope' },
  },
  {
    what: 'a prompt by its public name',
    method: 'prompts/get',
    at: WHOLE,
    forbidden: { name: 'secret_audit' },
    unknown: { name: 'secret_nope' },
  },
  {
    what: 'a tool on the mount of its server',
    method: 'tools/call',
    at: MOUNT,
    forbidden: posting('post'),
    unknown: posting('nope'),
  },
  {
    what: 'an aliased tool on the mount by its own name',
    method: 'tools/call',
    at: MOUNT,
    forbidden: { name: 'count' },
    unknown: { name: 'nope' },
  },
  {
    what: 'a resource on the mount of its server',
    method: 'resources/read',
    at: MOUNT,
    forbidden: { uri: 'ledger://journal' },
    unknown: { uri: 'ledger://nope' },
  },
]

for (const era of ['2026', '2025'] as const) {
  describe(`to a client of ${era}`, () => {
    for (const { what, method, forbidden, unknown, at } of requests) {
      // [GATE-1]
      test(`${what}: forbidden and unknown are the same bytes, two different rows, and no call`, async () => {
        const url = portal.url + at
        const before = secret.requests
        const no = await eras[era](url, method, forbidden)
        const nothing = await eras[era](url, method, unknown)
        const [forbiddenName, unknownName] = [forbidden, unknown].map((params) => String(params.name ?? params.uri))
        expect(shape(no, forbiddenName as string)).toBe(shape(nothing, unknownName as string))
        expect(secret.requests).toBe(before)
        expect(secret.posted).toEqual([])
        expect((await lastRows(forbiddenName as string))[0]).toMatchObject({
          outcome: 'refused',
          error: 'not-allowed',
          server: 'secret',
        })
        expect((await lastRows(unknownName as string))[0]).toMatchObject({ outcome: 'refused', error: 'not-offered' })
      })
    }

    // [GATE-2]
    test('nothing of a forbidden server is listed anywhere', async () => {
      for (const at of ['/mcp', '/p/default/mcp', '/p/default/s/secret/mcp']) {
        for (const method of ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list']) {
          const answer = await eras[era](portal.url + at, method, {})
          expect(answer.status).toBe(200)
          expect(answer.text).not.toContain('secret')
          if (at.includes('/s/')) expect(answer.text).not.toContain('post')
        }
      }
      const listed = messageOf(
        await eras[era](`${portal.url}/mcp`, 'tools/call', { name: 'portal_list_servers', arguments: {} }),
      )
      expect(JSON.stringify(listed)).not.toContain('secret')
    })

    test('a forbidden server cannot be switched, and says no more than one that is not there', async () => {
      const url = `${portal.url}/mcp`
      const toggle = (server_id: string) =>
        eras[era](url, 'tools/call', {
          name: 'portal_toggle_single_server',
          arguments: { server_id, action: 'toggle' },
        })
      expect(shape(await toggle('secret'), 'secret')).toBe(shape(await toggle('nope'), 'nope'))
    })

    test('the mount of a forbidden server and of none are alike', async () => {
      const list = (server: string) => eras[era](`${portal.url}/p/default/s/${server}/mcp`, 'tools/list', {})
      expect(shape(await list('secret'), 'secret')).toBe(shape(await list('nope'), 'nope'))
    })
  })
}

// [GATE-3]
test('a bare name belongs to its first bearer even while that one is forbidden, and never falls to another server', async () => {
  await portal.api('PUT', `${PORTALS}/default`, { servers: [{ server_id: 'secret' }, { server_id: 'open' }] })
  const before = [open.posted.length, secret.requests]
  const answer = await ask2026(`${portal.url}/mcp`, bearer(ada), 'tools/call', {
    name: 'post',
    arguments: { entry: 'x' },
  })
  expect(messageOf(answer).error).toEqual({ code: -32602, message: 'Unknown tool: post' })
  expect([open.posted.length, secret.requests]).toEqual(before)
  await portal.api('PUT', `${PORTALS}/default`, { servers: [{ server_id: 'open' }, { server_id: 'secret' }] })
})

// [GATE-6]
test('a server that the caller switched off is unknown to it, and to it alone', async () => {
  const url = `${portal.url}/mcp`
  const bob = await portal.userToken('bob@acme.test')
  const toggle = (action: string) =>
    ask2026(url, bearer(ada), 'tools/call', {
      name: 'portal_toggle_single_server',
      arguments: { server_id: 'open', action },
    })
  await toggle('untoggle')
  const before = open.posted.length
  const call = (token: string) =>
    ask2026(url, bearer(token), 'tools/call', { name: 'open_post', arguments: { entry: 'x' } })
  expect(messageOf(await call(ada)).error?.message).toBe('Unknown tool: open_post')
  expect(open.posted.length).toBe(before)
  expect((await lastRows('open_post'))[0]).toMatchObject({ error: 'switched-off' })
  expect(messageOf(await call(bob)).result).toMatchObject({ content: [{ text: 'posted x' }] })
  await toggle('toggle')
  expect(messageOf(await call(ada)).result).toMatchObject({ content: [{ text: 'posted x' }] })
})

// [GATE-4]
test('who may not be in the portal gets one answer, whatever is asked, whether or not there is such a portal', async () => {
  const { client_id, client_secret } = await portal.serviceToken('stranger')
  const stranger = { credentials: { 'cf-access-client-id': client_id, 'cf-access-client-secret': client_secret } }
  await portal.api('POST', PORTALS, {
    id: 'closed',
    name: 'Closed',
    hostname: 'closed.test',
    servers: [{ server_id: 'open' }],
  })
  const before = open.requests
  const answers = await Promise.all(
    ['closed', 'nope'].flatMap((id) =>
      ['tools/list', 'tools/call'].map((method) =>
        ask2026(`${portal.url}/p/${id}/mcp`, stranger, method, method === 'tools/call' ? { name: 'open_post' } : {}),
      ),
    ),
  )
  const shapes = new Set(answers.map((answer) => shape(answer, '')))
  expect(answers[0]?.status).toBe(403)
  expect(shapes.size).toBe(1)
  expect(open.requests).toBe(before)
})

// [CRED-5]
test('a token is good at each URL of its portal and at no other portal', async () => {
  for (const at of ['/mcp', '/p/default/mcp', '/p/default/s/open/mcp']) {
    expect((await ask2026(portal.url + at, bearer(ada), 'tools/list')).status).toBe(200)
  }
  const wrong = await ask2026(`${portal.url}/p/closed/mcp`, bearer(ada), 'tools/list')
  const none = await ask2026(`${portal.url}/p/nope/mcp`, bearer(ada), 'tools/list')
  const bad = await ask2026(`${portal.url}/mcp`, bearer('ptat_nonsense'), 'tools/list')
  const api = await ask2026(`${portal.url}/mcp`, bearer(portal.adminToken), 'tools/list')
  expect([wrong, none, bad, api].map((answer) => answer.status)).toEqual([401, 401, 401, 401])
  // Each answer names the document of the very path that was asked; else they are the same.
  const shapes = [wrong, none, bad, api].map((answer) =>
    shape(answer, '').replaceAll(/(protected-resource)\/[\w/]*mcp/g, '$1'),
  )
  expect(new Set(shapes).size).toBe(1)
})

// [CRED-1]
test('the upstream sees the portal’s own headers and nothing of the caller’s', async () => {
  await ask2026(
    `${portal.url}/mcp`,
    { credentials: { authorization: `Bearer ${ada}`, cookie: 'a=b', 'x-secret': 'x' } },
    'tools/call',
    { name: 'open_count' },
  )
  const { authorization, cookie, 'x-secret': secret, ...rest } = open.headers
  expect([authorization, cookie, secret]).toEqual([undefined, undefined, undefined])
  expect(rest['mcp-name']).toBe('count')
  expect(JSON.stringify(rest)).not.toContain(ada)
})
