/**
 * Skills of servers (SEP-2640) through the portal, with the official client: what several servers have is one list, each skill is read and
 * verified where it is from, and what may not be read is not there.
 */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { SkillsClient } from '@modelcontextprotocol/client/ext/skills'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startFixture } from '../conformance/fixture/http.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, open2025, type RawCaller } from '../raw-mcp.ts'
import { MCP, must, rowsOf } from '../relay-room.ts'
import { json, modern, result, type ScriptedServer, startScripted } from '../scripted-server.ts'
import { type SkillServer, startSkillServer } from '../skill-server.ts'

const SKILLS = 'io.modelcontextprotocol/skills'
const manifest = (name: string, description: string) =>
  `---\nname: ${name}\ndescription: ${description}\n---\nUse it.\n`

let portal: TestPortal
let desk: SkillServer
let forge: SkillServer
let odd: ScriptedServer
let oddSays: (method: string) => Record<string, unknown> | 'nothing'
let token: string
let ann: RawCaller
const undo: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  desk = await startSkillServer({
    'pdf/SKILL.md': manifest('pdf', 'Reads PDF, as the desk does.'),
    'pdf/references/FORMS.md': '# Forms\n',
    'pdf/references/SECRET.md': '# Not for all\n',
    'mail/SKILL.md': manifest('mail', 'Writes mail.'),
  })
  forge = await startSkillServer({ 'pdf/SKILL.md': manifest('pdf', 'Reads PDF, as the forge does.') })
  odd = await startScripted(
    modern(
      (seen, response) => {
        const said = oddSays(seen.body.method ?? '')
        if (said !== 'nothing') json(response, result(seen, { resultType: 'complete', ...said }))
      },
      { resources: {}, extensions: { [SKILLS]: { directoryRead: true } } },
    ),
  )
  oddSays = () => ({ resources: [], resourceTemplates: [{ name: 'odd', uriTemplate: 'odd://{+path}' }], skills: [] })
  portal = await startTestPortal()
  await portal.furnish([
    { id: 'desk', url: desk.url },
    { id: 'forge', url: forge.url },
    { id: 'odd', url: `${odd.origin}/mcp` },
  ])
  token = await portal.userToken('ann@acme.test')
  ann = bearer(token)
})
beforeEach(() => {
  desk.asked.length = 0
  forge.asked.length = 0
  oddSays = () => ({ skills: [] })
})
afterEach(async () => {
  for (const back of undo.splice(0).reverse()) await back()
})
afterAll(async () => {
  await portal?.close()
  await Promise.all([desk?.close(), forge?.close(), odd?.close()])
})

async function open(mode: 'legacy' | { pin: string }, at = '/mcp') {
  const client = new Client({ name: 'host', version: '1' }, { versionNegotiation: { mode } })
  const requestInit = { headers: { Authorization: `Bearer ${token}` } }
  await client.connect(new StreamableHTTPClientTransport(new URL(`${portal.url}${at}`), { requestInit }))
  return { client, skills: new SkillsClient(client) }
}

const ask = async (method: string, params: Record<string, unknown> = {}, at = '/mcp', who = ann) =>
  messageOf(await ask2026(`${portal.url}${at}`, who, method, params))
const urisOf = (skills: unknown) => (skills as { uri: string }[]).map(({ uri }) => uri)
const listed = async (at = '/mcp', who = ann) => urisOf((await ask('skills/list', {}, at, who)).result?.skills)

/** Denies reading at the default portal. */
async function deny(names: readonly string[]): Promise<void> {
  const path = `${MCP}/portals/default`
  const { policies } = await must<{ policies: (string | { id: string })[] }>(portal, 'GET', path)
  const before = policies.map((one) => (typeof one === 'string' ? one : one.id))
  const rule = await must<{ id: string }>(portal, 'POST', '/access/policies', {
    ...{ name: 'Not these', decision: 'deny', include: [{ everyone: {} }] },
    capabilities: [{ servers: ['desk'], kinds: ['resource'], names }],
  })
  await must(portal, 'PUT', path, { policies: [rule.id, ...before] })
  undo.push(() => must(portal, 'PUT', path, { policies: before }))
}

describe.each([
  ['2026', { pin: '2026-07-28' }],
  ['2025', 'legacy'],
] as const)('a client of %s', (_era, mode) => {
  // [SKILL-1]
  test('has the skills of all its servers in one list, and each verifies, file by file, where it is from', async () => {
    const { client, skills } = await open(mode)
    expect([skills.supported, skills.directoryRead]).toEqual([true, true])
    const { skills: all, invalid } = await skills.list()
    expect(invalid).toEqual([])
    expect(all.map(({ frontmatter }) => frontmatter.description).sort()).toEqual([
      ...['Reads PDF, as the desk does.', 'Reads PDF, as the forge does.', 'Writes mail.'],
    ])
    expect(new Set(all.map(({ uri }) => uri)).size).toBe(3)
    for (const skill of all) {
      expect((await skills.get(skill.uri)).skill).toEqual(skill)
      expect(await skills.read(skill)).toMatchObject({ verified: true, frontmatter: skill.frontmatter })
    }
    const [pdf] = all.filter(({ resources }) => resources.length === 3)
    if (pdf === undefined) throw new Error('not there')
    expect((await skills.read(pdf, 'references/FORMS.md')).text).toBe('# Forms\n')
    const { resources } = await skills.readDirectory(pdf.uri.replace('/SKILL.md', ''))
    expect(resources.map(({ name }) => name).sort()).toEqual(['SKILL.md', 'references'])
    const [below] = resources.filter(({ mimeType }) => mimeType === 'inode/directory')
    expect((await skills.readDirectory(below?.uri ?? '')).resources).toHaveLength(2)
    await client.close()
  })

  // [SKILL-1]
  test('has those of one server as it has them, at its mount', async () => {
    const { client, skills } = await open(mode, '/p/default/s/forge/mcp')
    const { skills: all } = await skills.list()
    expect(all.map(({ uri }) => uri)).toEqual(['skill://pdf/SKILL.md'])
    expect(await skills.read(all[0] as (typeof all)[0])).toMatchObject({ verified: true })
    expect(desk.asked).toEqual([])
    await client.close()
  })
})

// [SKILL-1]
test('skills of a server of 2025 are there too', async () => {
  const old = await startFixture('legacy')
  try {
    await portal.furnish([{ id: 'old', url: old.url }])
    expect(await listed()).toEqual(['skill://code-review/SKILL.md', 'skill://release-notes/SKILL.md'])
    const { client, skills } = await open({ pin: '2026-07-28' })
    const { skill } = await skills.get('skill://code-review/SKILL.md')
    expect(await skills.read(skill, 'references/GUIDE.md')).toMatchObject({ verified: true })
    await client.close()
  } finally {
    const rows = ['desk', 'forge', 'odd'].map((id) => ({ server_id: id }))
    await must(portal, 'PUT', `${MCP}/portals/default`, { servers: rows })
    await old.close()
  }
})

describe('what may not be read', () => {
  // [SKILL-2]
  test('is in no list, is unknown in the bytes of what never was, and its server hears of nothing', async () => {
    const [pdf = '', mail = ''] = (await listed())
      .filter((uri) => !uri.includes('forge'))
      .sort()
      .reverse()
    expect([pdf, mail]).toEqual(['skill://desk/pdf/SKILL.md', 'skill://desk/mail/SKILL.md'])
    await deny(['skill://mail/SKILL.md'])
    expect(await listed()).not.toContain(mail)
    for (const who of ['legacy', 'modern'] as const) {
      desk.asked.length = 0
      const answer = await bytesOf(who, 'skills/get', mail)
      expect(answer).toBe(
        (await bytesOf(who, 'skills/get', 'none://mail/SKILL.md')).replaceAll('none://mail/SKILL.md', mail),
      )
      expect(answer).toContain('-32602')
      const directory = await bytesOf(who, 'resources/directory/read', mail)
      expect(directory).toContain(`Resource not found: ${mail}`)
      expect(desk.asked).toEqual([])
    }
    expect((await rowsOf(portal, 'skills/get', 10)).find(({ error }) => error === 'not-allowed')).toMatchObject({
      ...{ outcome: 'refused', decision: 'deny', server: 'desk' },
    })
  })

  // [SKILL-2]
  test('is in no skill that may be: a file that is denied is not named, neither in the entry nor in its directory', async () => {
    const uri = (await listed()).find((one) => one.includes('pdf') && !one.includes('forge')) ?? ''
    await deny(['skill://pdf/references/SECRET.md'])
    for (const answer of [
      await ask('skills/list'),
      await ask('skills/get', { uri }),
      await ask('resources/directory/read', { uri: uri.replace('SKILL.md', 'references') }),
    ]) {
      expect(JSON.stringify(answer)).toContain('references/FORMS.md')
      expect(JSON.stringify(answer)).not.toContain('SECRET')
    }
  })

  // [SKILL-2]
  test('nor is anything of a server that is not there for its caller, which is not asked either', async () => {
    const only = { name: 'Only Ann', decision: 'allow', include: [{ email: { email: 'ann@acme.test' } }] }
    const { id } = await must<{ id: string }>(portal, 'POST', '/access/policies', only)
    await must(portal, 'PUT', `${MCP}/servers/desk`, { policies: [id] })
    undo.push(() => must(portal, 'PUT', `${MCP}/servers/desk`, { policies: [], own_policies: false }))
    expect(await listed()).toHaveLength(3)
    desk.asked.length = 0
    const bob = bearer(await portal.userToken('bob@acme.test'))
    expect(await listed('/mcp', bob)).toEqual(['skill://forge/pdf/SKILL.md'])
    const uri = 'skill://desk/mail/SKILL.md'
    expect((await ask('skills/get', { uri }, '/mcp', bob)).error).toMatchObject({ code: -32602 })
    expect(desk.asked).toEqual([])
  })
})

async function bytesOf(era: 'legacy' | 'modern', method: string, uri: string): Promise<string> {
  if (era === 'modern') return (await ask2026(`${portal.url}/mcp`, ann, method, { uri })).text
  return (await (await open2025(`${portal.url}/mcp`, ann)).ask(method, { uri })).text
}

describe('a server', () => {
  const good = (uri: string, name: string) => ({
    ...{ uri, frontmatter: { name, description: 'Fine.' } },
    resources: [{ uri, digest: `sha256:${'0'.repeat(64)}`, size: 1 }],
  })

  // [SKILL-3]
  test('that is dead or silent takes nothing from the others, who wait no longer for it', async () => {
    oddSays = () => 'nothing'
    const since = performance.now()
    const { result } = await ask('skills/list')
    expect(performance.now() - since).toBeLessThan(20_000)
    expect(result).toMatchObject({ ttlMs: 0, cacheScope: 'private' })
    expect(urisOf(result?.skills)).toHaveLength(3)
    const rows = await rowsOf(portal, 'skills/list', 4)
    expect(rows.map(({ server, outcome, error }) => [server, outcome, error])).toContainEqual([
      ...['odd', 'failed', 'upstream-timeout'],
    ])
    expect(rows.map(({ parent }) => parent ?? null).filter((parent) => parent !== null)).toHaveLength(3)
  })

  // [SKILL-3]
  test('cannot name what is another server’s, nor spoil the list by what breaks its rules', async () => {
    const theirs = (await listed()).find((uri) => uri.includes('mail')) ?? ''
    const fine = good('odd://fine/SKILL.md', 'fine')
    const bad = [
      good(theirs, 'mail'),
      good('skill://mail/SKILL.md', 'mail'),
      { ...good('odd://other/SKILL.md', 'other'), frontmatter: { name: 'Other', description: 'x' } },
      { ...fine, uri: 'odd://elsewhere/SKILL.md' },
      {
        ...good('odd://leak/SKILL.md', 'leak'),
        resources: [...good('odd://leak/SKILL.md', 'leak').resources, good(theirs, 'mail').resources[0]],
      },
      ...['text', null, 7, {}, { ...good('odd://all/SKILL.md', 'all'), resources: 'all' }],
      ...[
        { ...good('odd://md5/SKILL.md', 'md5'), resources: [{ uri: 'odd://md5/SKILL.md', digest: 'md5:0', size: 1 }] },
      ],
    ]
    oddSays = () => ({ skills: [...bad, fine], nextCursor: 'x'.repeat(10) })
    const { skills } = await open({ pin: '2026-07-28' })
    const { skills: all, invalid } = await skills.list()
    expect(invalid).toEqual([])
    expect(all.map(({ uri }) => uri).filter((uri) => uri.startsWith('odd'))).toEqual(['odd://fine/SKILL.md'])
    expect(all).toHaveLength(4)
  })

  // [SKILL-3]
  test('that answers with another skill than was asked for is not relayed', async () => {
    oddSays = () => ({ skill: good('odd://other/SKILL.md', 'other') })
    expect((await ask('skills/get', { uri: 'odd://fine/SKILL.md' })).error).toMatchObject({ code: -32603 })
    oddSays = () => ({
      skill: good('odd://fine/SKILL.md', 'fine'),
      nextCursor: 'x',
      cacheScope: 'public',
      ttlMs: 5,
      x: 1,
    })
    const { result } = await ask('skills/get', { uri: 'odd://fine/SKILL.md' })
    expect(result).toMatchObject({ cacheScope: 'private', ttlMs: 5, x: 1 })
    expect(result).not.toHaveProperty('nextCursor')
  })

  // [SKILL-1]
  test('has as many skills as it has: they come in pages, each once, and no cursor but the portal’s own is one', async () => {
    const many = Array.from({ length: 250 }, (_one, n) => good(`odd://s${n}/SKILL.md`, `s${n}`))
    oddSays = () => ({ skills: many, ttlMs: 1, cacheScope: 'public' })
    const { skills } = await open({ pin: '2026-07-28' })
    const { skills: all } = await skills.list()
    expect(all.filter(({ uri }) => uri.startsWith('odd')).map(({ uri }) => uri)).toEqual(many.map(({ uri }) => uri))
    const first = await ask('skills/list')
    expect(urisOf(first.result?.skills)).toHaveLength(100)
    expect(first.result?.ttlMs).toBe(0)
    desk.asked.length = 0
    const second = await ask('skills/list', { cursor: first.result?.nextCursor })
    expect(urisOf(second.result?.skills)).toHaveLength(100)
    // What comes before is not asked for again.
    expect(desk.asked).toEqual([])
    for (const cursor of ['x', '', 7, Buffer.from('nobody 1').toString('base64url')])
      expect((await ask('skills/list', { cursor })).error).toMatchObject({ code: -32602 })
  })
})

// [SKILL-2]
test('skills are declared where a server has them that is there for the caller, and asked of that one alone', async () => {
  const { result } = await ask('server/discover')
  expect(result).toMatchObject({ capabilities: { extensions: { [SKILLS]: { directoryRead: true } } } })
  const plain = await startScripted(modern((seen, response) => json(response, result_(seen)), { resources: {} }))
  try {
    await portal.furnish([{ id: 'plain', url: `${plain.origin}/mcp` }])
    const { result: without } = await ask('server/discover')
    expect(JSON.stringify(without)).not.toContain(SKILLS)
    expect(await listed()).toEqual([])
    expect((await ask('skills/get', { uri: 'plain://x/SKILL.md' })).error).toMatchObject({ code: -32602 })
    expect(plain.seen.filter(({ body }) => body.method?.includes('skills'))).toEqual([])
  } finally {
    const rows = ['desk', 'forge', 'odd'].map((id) => ({ server_id: id }))
    await must(portal, 'PUT', `${MCP}/portals/default`, { servers: rows })
    await plain.close()
  }
})

function result_(seen: Parameters<typeof result>[0]) {
  const lists = { resources: [], resourceTemplates: [{ name: 'plain', uriTemplate: 'plain://{+path}' }] }
  return result(seen, { resultType: 'complete', ...lists, ttlMs: 0, cacheScope: 'public' })
}

// [SKILL-4]
test('a list of skills counts at each server that it asks, like a call', async () => {
  const path = `${MCP}/servers/forge`
  await must(portal, 'PUT', path, { limits: [{ per: 'principal', calls: 1, window: '1h' }] })
  undo.push(() => must(portal, 'PUT', path, { limits: [] }))
  expect(await listed()).toHaveLength(3)
  forge.asked.length = 0
  expect(await listed()).toHaveLength(2)
  expect(forge.asked).toEqual([])
  expect((await rowsOf(portal, 'skills/list', 4)).map(({ server, error }) => [server, error])).toContainEqual([
    ...['forge', 'limited'],
  ])
})
