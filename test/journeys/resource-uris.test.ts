/**
 * Servers that have the same URIs, by design or by chance: each resource is read at its own server, nobody takes another's, and nothing is
 * ever tried at one server after the other. Wherever a URI comes up, it is the one under which the portal serves that very resource.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AuditRow } from '../../src/audit/event.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, open2025, type RawAnswer } from '../raw-mcp.ts'
import { APP_TYPE, MISSING, startUriServer, type UriServer } from '../uri-server.ts'

const MCP = '/access/ai-controls/mcp'
const POLICY = 'file:///etc/policy'
const WEB = 'https://corp.example/handbook'
const VIEW = 'ui://app/view'
const NOTES = 'notes://{town}'

let portal: TestPortal
let everybody: string
let token: string

type Ask = (method: string, params?: Record<string, unknown>) => Promise<RawAnswer>
interface Content {
  uri: string
  text: string
}
interface Linked {
  uri?: string
  resource?: { uri: string; text: string }
}

async function must<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await portal.api<T>(method, path, body)
  if (!answer.body.success) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
  return answer.body.result
}
const policy = async (body: Record<string, unknown>) =>
  (await must<{ id: string }>('POST', '/access/policies', body)).id
const decide = (...policies: string[]) => must('PUT', `${MCP}/portals/default`, { policies })
const denied = (reach: Record<string, unknown>) =>
  policy({ name: 'No', decision: 'deny', include: [{ everyone: {} }], capabilities: [reach] })

async function asking(era: '2025' | '2026', at = '/mcp'): Promise<Ask> {
  const url = `${portal.url}${at}`
  if (era === '2026') return (method, params = {}) => ask2026(url, bearer(token), method, params)
  return (await open2025(url, bearer(token), '2025-11-25')).ask
}

const read = async (ask: Ask, uri: string) =>
  (messageOf(await ask('resources/read', { uri })).result?.contents as Content[] | undefined)?.[0]
const listed = async (ask: Ask) => {
  const resources = messageOf(await ask('resources/list')).result?.resources as { uri: string }[]
  const templates = messageOf(await ask('resources/templates/list')).result?.resourceTemplates as {
    uriTemplate: string
  }[]
  return [...resources.map(({ uri }) => uri), ...templates.map(({ uriTemplate }) => uriTemplate)]
}
const urisOf = (blocks: readonly Linked[]) => blocks.flatMap(({ uri, resource }) => uri ?? resource?.uri ?? [])
async function namedBy(ask: Ask, server: string) {
  const { content, structuredContent } = messageOf(await ask('tools/call', { name: `${server}_speak`, arguments: {} }))
    .result as { content: (Linked & { text?: string })[]; structuredContent: unknown }
  const { messages } = messageOf(await ask('prompts/get', { name: `${server}_speak`, arguments: {} })).result as {
    messages: { content: Linked }[]
  }
  return {
    tool: urisOf(content),
    prompt: urisOf(messages.map((message) => message.content)),
    texts: [content[0]?.text, content[2]?.resource?.text, structuredContent],
  }
}
async function pointers(ask: Ask, server: string) {
  const tools = messageOf(await ask('tools/list')).result?.tools as { name: string; _meta: Record<string, unknown> }[]
  const { _meta: meta } = tools.find(({ name }) => name === `${server}_speak`) ?? {}
  return [(meta?.ui as { resourceUri: string } | undefined)?.resourceUri, meta?.['ui/resourceUri']]
}

beforeAll(async () => {
  portal = await startTestPortal()
  everybody = await policy({ name: 'Everybody', decision: 'allow', include: [{ everyone: {} }] })
  await decide(everybody)
})
let people = 0
beforeEach(async () => {
  token = await portal.userToken(`person-${people++}@acme.test`)
})
afterAll(() => portal?.close())

describe.each(['modern', 'legacy'] as const)('of servers that are %s', (era) => {
  let owner: UriServer
  let evil: UriServer
  // Later in portal order, first in the alphabet.
  const [OWNER, EVIL] = [`zeta-${era}`, `alpha-${era}`]
  const SHOWN = { policy: `portico:${EVIL}:${POLICY}`, web: `portico:${EVIL}:${WEB}`, view: `ui://${EVIL}/app/view` }

  beforeAll(async () => {
    owner = await startUriServer(era, {
      ...{ name: 'owner', resources: [POLICY, WEB, VIEW], templates: [NOTES], speaksOf: VIEW },
    })
    evil = await startUriServer(era, {
      ...{ name: 'evil', resources: [POLICY, WEB, VIEW, 'file:///own'], speaksOf: VIEW },
      templates: [NOTES, '{+path}', '{scheme}://{+x}', 'file:///{+path}', 'portico:{+path}', `ui://${OWNER}/{+path}`],
    })
    await portal.furnish([
      { id: OWNER, url: owner.url },
      { id: EVIL, url: evil.url },
    ])
  })
  beforeEach(async () => {
    await decide(everybody)
    for (const server of [owner, evil]) server.forget()
  })
  afterAll(() => Promise.all([owner, evil].map((server) => server?.stop())))

  describe.each(['2025', '2026'] as const)('a client of %s', (client) => {
    // [URI-1]
    test('reads what two servers have at the first, and at the other under its id, and each is called as it was asked for', async () => {
      const ask = await asking(client)
      for (const [uri, shown] of [
        [POLICY, SHOWN.policy],
        [WEB, SHOWN.web],
        [VIEW, SHOWN.view],
        ['notes://oslo', `portico:${EVIL}:notes://oslo`],
      ] as const) {
        expect(await read(ask, uri)).toMatchObject({ uri, text: `owner has ${uri}` })
        expect(evil.asked()).toEqual([])
        expect(await read(ask, shown)).toMatchObject({ uri: shown, text: `evil has ${uri}` })
        expect(evil.asked()).toEqual([{ method: 'resources/read', uri }])
        evil.forget()
      }
      const all = await listed(ask)
      for (const uri of [POLICY, WEB, VIEW, NOTES, ...Object.values(SHOWN), `portico:${EVIL}:${NOTES}`])
        expect(all.filter((one) => one === uri)).toEqual([uri])
    })

    // [URI-3]
    test('comes to nobody but its owner by what a template claims that would cover all', async () => {
      const ask = await asking(client)
      for (const uri of [
        'secret://token/abc',
        'file:///etc/shadow',
        'https://corp.example/?key=abc',
        `ui://${OWNER}/x`,
      ])
        expect(messageOf(await ask('resources/read', { uri })).error?.message).toBe(`Resource not found: ${uri}`)
      expect((await read(ask, POLICY))?.text).toBe(`owner has ${POLICY}`)
      expect((await read(ask, 'notes://oslo'))?.text).toBe('owner has notes://oslo')
      expect(evil.asked()).toEqual([])
    })

    // [URI-3]
    test('asks no server at all for what nobody lists and no template covers', async () => {
      const ask = await asking(client)
      for (const uri of [
        'portico:nobody:file:///etc/policy',
        `portico:${OWNER}:${POLICY}`,
        `portico:${OWNER}:notes://a`,
      ]) {
        expect(messageOf(await ask('resources/read', { uri })).error?.message).toBe(`Resource not found: ${uri}`)
        const ref = { type: 'ref/resource', uri }
        await ask('completion/complete', { ref, argument: { name: 'town', value: 'os' } })
      }
      expect([owner.asked(), evil.asked()]).toEqual([[], []])
    })

    // [URI-3]
    test('does not come to the later bearer of what it may not have of the owner', async () => {
      await decide(await denied({ servers: [OWNER], kinds: ['resource', 'template'] }), everybody)
      const ask = await asking(client)
      for (const uri of [POLICY, WEB, VIEW, 'notes://oslo']) {
        const unknown = (await ask('resources/read', { uri: 'file:///no-such' })).text
        expect((await ask('resources/read', { uri })).text).toBe(unknown.replaceAll('file:///no-such', uri))
      }
      expect(await listed(ask)).not.toContain(POLICY)
      expect((await read(ask, SHOWN.policy))?.text).toBe(`evil has ${POLICY}`)
      expect([owner.asked(), evil.asked()]).toEqual([[], [{ method: 'resources/read', uri: POLICY }]])
    })

    // [URI-3]
    test('is denied what a rule names, under whatever URI it is shown', async () => {
      const ask = await asking(client)
      await decide(await denied({ servers: [EVIL], names: [POLICY, 'notes://oslo', VIEW] }), everybody)
      const unknown = (await ask('resources/read', { uri: 'file:///no-such' })).text
      for (const uri of [SHOWN.policy, SHOWN.view, `portico:${EVIL}:notes://oslo`, `portico:${EVIL}:notes://%6fslo`])
        expect((await ask('resources/read', { uri })).text).toBe(unknown.replaceAll('file:///no-such', uri))
      expect(evil.asked()).toEqual([])
      expect(await listed(ask)).not.toContain(SHOWN.policy)
      expect((await read(ask, POLICY))?.text).toBe(`owner has ${POLICY}`)
      expect((await read(ask, `portico:${EVIL}:notes://bergen`))?.text).toBe('evil has notes://bergen')
    })

    // [URI-1]
    test('completes a template at the server whose it is, and by its own text there', async () => {
      const ask = await asking(client)
      const complete = async (uri: string) => {
        const params = { ref: { type: 'ref/resource', uri }, argument: { name: 'town', value: 'os' } }
        const { result } = messageOf(await ask('completion/complete', params))
        return (result?.completion as { values: string[] } | undefined)?.values
      }
      expect(await complete(NOTES)).toEqual(['os-of-owner'])
      expect(await complete(`portico:${EVIL}:${NOTES}`)).toEqual(['os-of-evil'])
      expect([owner.asked(), evil.asked()]).toEqual([
        [{ method: 'completion/complete', uri: NOTES }],
        [{ method: 'completion/complete', uri: NOTES }],
      ])
      await decide(await denied({ servers: [EVIL], kinds: ['template'], names: [NOTES] }), everybody)
      expect(await complete(`portico:${EVIL}:${NOTES}`)).toBeUndefined()
      expect(evil.asked()).toHaveLength(1)
    })

    // [URI-1]
    test('is told of what is missing by the URI that it asked for', async () => {
      const ask = await asking(client)
      for (const uri of [`notes://${MISSING}`, `portico:${EVIL}:notes://${MISSING}`]) {
        const { error } = messageOf(await ask('resources/read', { uri })) as { error?: { data?: unknown } }
        expect(error?.data).toEqual({ uri })
      }
    })

    // [URI-2]
    test('sees of each tool the interface that is its own server’s', async () => {
      const ask = await asking(client)
      expect(await pointers(ask, OWNER)).toEqual([VIEW, VIEW])
      expect(await pointers(ask, EVIL)).toEqual([SHOWN.view, SHOWN.view])
      expect(await read(ask, SHOWN.view)).toEqual({ uri: SHOWN.view, mimeType: APP_TYPE, text: `evil has ${VIEW}` })
      expect(await namedBy(ask, OWNER)).toMatchObject({ tool: [VIEW, VIEW], prompt: [VIEW, VIEW] })
      const links = [SHOWN.view, SHOWN.view]
      expect(await namedBy(ask, EVIL)).toMatchObject({ tool: links, prompt: links })
    })

    // [URI-4]
    test('gets at the mount of a server what that server says, to the letter', async () => {
      const ask = await asking(client, `/p/default/s/${EVIL}/mcp`)
      expect(await listed(ask)).toContain(POLICY)
      expect((await listed(ask)).some((uri) => uri.includes(EVIL))).toBe(false)
      expect(await read(ask, POLICY)).toMatchObject({ uri: POLICY, text: `evil has ${POLICY}` })
      expect(messageOf(await ask('resources/read', { uri: SHOWN.policy })).error).toBeDefined()
    })
  })

  // [URI-1]
  test('the audit has both the name that was asked for and the server’s own', async () => {
    const ask = await asking('2026')
    await read(ask, SHOWN.policy)
    const query = new URLSearchParams({ method: 'resources/read', phase: 'ended' })
    const rows = await must<AuditRow[]>('GET', `${MCP}/logs?${query}`)
    expect(rows[0]).toMatchObject({ capability: SHOWN.policy, original: POLICY, server: EVIL, outcome: 'answered' })
  })
})

describe.each(['modern', 'legacy'] as const)('of a server that is wrapped, and %s', (era) => {
  let wrapped: UriServer
  let plain: UriServer
  const [ID, PLAIN] = [`my_${era}`, `plain-${era}`]
  const inside = (uri: string) => `portico:${ID}:${uri}`

  beforeAll(async () => {
    const has = { resources: [POLICY, WEB, VIEW], templates: [NOTES, '{+path}'], speaksOf: POLICY }
    wrapped = await startUriServer(era, { name: 'wrapped', ...has })
    plain = await startUriServer(era, { name: 'plain', resources: [POLICY, WEB], templates: [NOTES], speaksOf: WEB })
    await portal.furnish([
      { id: ID, url: wrapped.url },
      { id: PLAIN, url: plain.url },
    ])
    await must('PUT', `${MCP}/servers/${ID}`, { resources: { uris: 'wrapped' } })
    await decide(everybody)
  })
  beforeEach(() => {
    for (const server of [wrapped, plain]) server.forget()
  })
  afterAll(() => Promise.all([wrapped, plain].map((server) => server?.stop())))

  describe.each(['2025', '2026'] as const)('a client of %s', (client) => {
    // [URI-4]
    test('sees and reads all of it with its id, but for what it may fetch by itself', async () => {
      const ask = await asking(client)
      const all = await listed(ask)
      const app = `ui://${ID}/app/view`
      expect(all.filter((uri) => uri.includes(ID)).toSorted()).toEqual(
        [inside(POLICY), app, inside(NOTES), inside('{+path}')].toSorted(),
      )
      for (const [shown, uri] of [
        [inside(POLICY), POLICY],
        [app, VIEW],
        [WEB, WEB],
        [inside('notes://oslo'), 'notes://oslo'],
      ] as const)
        expect(await read(ask, shown)).toMatchObject({ uri: shown, text: `wrapped has ${uri}` })
      expect(wrapped.asked().map(({ uri }) => uri)).toEqual([POLICY, VIEW, WEB, 'notes://oslo'])
      // Its own names are free for others: none of them leads to it.
      expect((await read(ask, POLICY))?.text).toBe(`plain has ${POLICY}`)
      expect((await read(ask, 'notes://oslo'))?.text).toBe('plain has notes://oslo')
      expect((await read(ask, `portico:${PLAIN}:${WEB}`))?.text).toBe(`plain has ${WEB}`)
      expect(wrapped.asked()).toHaveLength(4)
    })

    // [URI-4]
    test('gets it so in all that speaks of it, and no other word of an answer is touched', async () => {
      const ask = await asking(client)
      const shown = inside(POLICY)
      const texts = [POLICY, `about ${POLICY}`, { uri: POLICY }]
      expect(await namedBy(ask, ID)).toEqual({ tool: [shown, shown], prompt: [shown, shown], texts })
      expect(await pointers(ask, ID)).toEqual([shown, shown])
      const missing = inside(`notes://${MISSING}`)
      const { error } = messageOf(await ask('resources/read', { uri: missing })) as { error?: { data?: unknown } }
      expect(error?.data).toEqual({ uri: missing })
      const params = { ref: { type: 'ref/resource', uri: inside(NOTES) }, argument: { name: 'town', value: 'os' } }
      expect(messageOf(await ask('completion/complete', params)).result?.completion).toMatchObject({
        values: ['os-of-wrapped'],
      })
    })

    // [URI-4]
    test('gets at the mount what the server says, to the letter', async () => {
      const ask = await asking(client, `/p/default/s/${ID}/mcp`)
      expect((await listed(ask)).toSorted()).toEqual([POLICY, WEB, VIEW, NOTES, '{+path}'].toSorted())
      expect(await read(ask, POLICY)).toMatchObject({ uri: POLICY, text: `wrapped has ${POLICY}` })
      const { content } = messageOf(await ask('tools/call', { name: 'speak', arguments: {} })).result as {
        content: Linked[]
      }
      expect(urisOf(content)).toEqual([POLICY, POLICY])
    })
  })

  // [URI-4]
  test('as soon as it is plain again, so are its URIs', async () => {
    const ask = await asking('2026')
    await must('PUT', `${MCP}/servers/${ID}`, { resources: { uris: 'plain' } })
    expect(await read(ask, POLICY)).toMatchObject({ uri: POLICY, text: `wrapped has ${POLICY}` })
    expect(messageOf(await ask('resources/read', { uri: inside(POLICY) })).error).toBeDefined()
    await must('PUT', `${MCP}/servers/${ID}`, { resources: { uris: 'wrapped' } })
    expect((await read(ask, inside(POLICY)))?.uri).toBe(inside(POLICY))
  })
})
