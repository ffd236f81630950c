/**
 * A server whose last policy is taken away is closed, by whichever way it went: removing a rule opens nothing. Only whoever says so
 * has the portal's policies decide again.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS, type FreshPostgres, freshPostgres } from '../databases.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, open2025, type RawCaller } from '../raw-mcp.ts'
import { mountOf, WHOLE } from '../support/surfaces.ts'
import { startWitness, type Witness } from '../support/witness.ts'

const MCP = '/access/ai-controls/mcp'
const ALPHA = `${MCP}/servers/alpha`
const NONE_LEFT = 'The server alpha has policies of its own, and none is left: nobody may use it.'

interface Shown {
  id: string
  policies: unknown[]
  own_policies?: boolean
  destinations?: { mcp_server_id?: string }[]
}
interface Why {
  verdict: string
  says: string
  would_change: string[]
  levels: { level: string; verdict: string }[]
}

describe.each(DATABASE_KINDS)('on %s, a server', (kind) => {
  let database: FreshPostgres | null = null
  let portal: TestPortal
  let witnesses: Witness[]
  let ada: RawCaller
  let session: Awaited<ReturnType<typeof open2025>>
  let everybody: string
  let app: string

  beforeAll(async () => {
    database = kind === 'postgres' ? await freshPostgres(process.env.PORTICO_TEST_TEMPLATE) : null
    portal = await startTestPortal(database === null ? {} : { databaseUrl: database.url })
    witnesses = await Promise.all(['alpha', 'beta'].map(startWitness))
    await portal.furnish(witnesses.map(({ id, url }) => ({ id, url })))
    everybody = (await must<Shown>('POST', '/access/policies', EVERYBODY)).result.id
    const apps = (await must<Shown[]>('GET', '/access/apps')).result
    app = apps.find(({ destinations }) => destinations?.some((one) => one.mcp_server_id === 'alpha'))?.id ?? ''
    ada = bearer(await portal.userToken('ada@acme.test'))
    session = await open2025(portal.url + WHOLE, ada)
  })
  afterAll(async () => {
    await portal?.close()
    await Promise.all(witnesses.map((one) => one.stop()))
    await database?.drop()
  })
  beforeEach(async () => {
    await must('PUT', ALPHA, { policies: [], own_policies: false })
    expect(await reaches()).toEqual(ALL)
  })

  const EVERYBODY = { name: 'Everybody', decision: 'allow', include: [{ everyone: {} }] }

  async function must<T = Shown>(method: string, path: string, body?: unknown) {
    const answer = await portal.api<T>(method, path, body)
    expect(answer.status, JSON.stringify(answer.body.errors)).toBe(200)
    return answer.body
  }

  const call2026 = (at: string, name: string) => ask2026(portal.url + at, ada, 'tools/call', { name })

  /** Which ways of listing and calling lead to alpha, of both eras. The other server is there whatever becomes of this one. */
  async function reaches(): Promise<string[]> {
    const [list2025, list2026] = [await session.ask('tools/list'), await ask2026(portal.url + WHOLE, ada, 'tools/list')]
    for (const { text } of [list2025, list2026]) expect(text).toContain('list of beta')
    const listed = { 'list 2025': list2025, 'list 2026': list2026 }
    const found = Object.entries(listed).flatMap(([way, { text }]) => (text.includes('list of alpha') ? [way] : []))
    const mount = await ask2026(portal.url + mountOf('alpha'), ada, 'tools/list')
    if (mount.text.includes('list of alpha')) found.push('mount')
    const calls = {
      'call 2025': await session.ask('tools/call', { name: 'alpha_list', arguments: {} }),
      'call 2026': await call2026(WHOLE, 'alpha_list'),
      'call at the mount': await call2026(mountOf('alpha'), 'list'),
    }
    for (const [way, answer] of Object.entries(calls)) if (answer.text.includes('alpha did list')) found.push(way)
    return found
  }
  const ALL = ['list 2025', 'list 2026', 'mount', 'call 2025', 'call 2026', 'call at the mount']

  const taken = () => witnesses.flatMap(({ reached }) => reached.splice(0))
  const why = async (more: object = {}) =>
    (await must<Why>('POST', '/access/policy-explanations', { user: 'ada@acme.test', server: 'alpha', ...more })).result

  const ways: { way: string; remove(own: string): Promise<unknown> }[] = [
    { way: 'its list is emptied', remove: () => must('PUT', ALPHA, { policies: [] }) },
    {
      way: 'it is taken from its application',
      remove: (own) => must('DELETE', `/access/apps/${app}/policies/${own}`),
    },
    {
      way: 'the list of its application is emptied',
      remove: () => must('PUT', `/access/apps/${app}`, { type: 'mcp', policies: [] }),
    },
    { way: 'its application is deleted', remove: () => must('DELETE', `/access/apps/${app}`) },
  ]

  // [GATE-8]
  test.each(ways)('is closed at the very next request when $way', async ({ remove }) => {
    const own = (await must('POST', `/access/apps/${app}/policies`, { ...EVERYBODY, name: 'Own' })).result.id
    expect(await reaches()).toEqual(ALL)
    taken()
    const { messages } = (await remove(own)) as { messages: { message?: string }[] }
    expect(JSON.stringify(messages)).toContain('nobody may use it')
    expect(await reaches()).toEqual([])
    expect(messageOf(await call2026(WHOLE, 'alpha_list')).error).toEqual({
      code: -32602,
      message: 'Unknown tool: alpha_list',
    })
    expect(taken()).toEqual([])
    expect((await must('GET', ALPHA)).result).toMatchObject({ policies: [], own_policies: true })

    const query = 'phase=ended&capability=alpha_list&limit=1'
    const [row] = (await must<{ deed: string }[]>('GET', `${MCP}/logs?${query}`)).result
    expect(row).toMatchObject({ decision: 'deny', error: 'not-allowed', server: 'alpha', outcome: 'refused' })
    expect(row).not.toHaveProperty('rule', expect.any(String))
    const { result } = await must<Why>('GET', `/access/policy-explanations?deed=${row?.deed}`)
    expect(result).toMatchObject({ verdict: 'denied', says: NONE_LEFT, deed: { agrees: true } })
  })

  // [GATE-8]
  test('that has none left says so to whoever asks why, and what to do', async () => {
    await must('PUT', ALPHA, { policies: [everybody] })
    expect((await why()).verdict).toBe('allowed')
    await must('PUT', ALPHA, { policies: [] })
    for (const more of [{}, { server: undefined, capability: 'alpha_list' }]) {
      const found = await why(more)
      expect(found).toMatchObject({ verdict: 'denied', says: NONE_LEFT })
      expect(found.levels.map(({ level, verdict }) => `${level} ${verdict}`)).toEqual([
        'portal allowed',
        'server denied',
      ])
      expect(found.would_change.join(' ')).toContain('"own_policies": false')
      expect(found.would_change.join(' ')).toContain('Attach a policy to the server alpha')
    }
  })

  // [GATE-8]
  test('that has none left opens when a policy is attached, or when it is said that the portal’s decide', async () => {
    await must('PUT', ALPHA, { own_policies: true })
    expect(await reaches()).toEqual([])
    await must('POST', `/access/apps/${app}/policies`, EVERYBODY)
    expect(await reaches()).toEqual(ALL)
    const refused = await portal.api('PUT', ALPHA, { own_policies: false })
    expect([refused.status, refused.body.errors[0]?.message]).toEqual([
      400,
      expect.stringContaining('own_policies: is false while'),
    ])
    await must('PUT', ALPHA, { policies: [] })
    expect(await reaches()).toEqual([])
    await must('PUT', ALPHA, { own_policies: false })
    expect(await reaches()).toEqual(ALL)
  })

  test('that never had any stays as it is when an empty list, or what was read, is sent back', async () => {
    const read = (await must('GET', ALPHA)).result
    expect(read).toMatchObject({ policies: [], own_policies: false })
    const readApp = (await must('GET', `/access/apps/${app}`)).result
    const echoes = [
      () => must('PUT', ALPHA, { policies: [] }),
      () => must('PUT', ALPHA, read),
      () => must('PUT', `/access/apps/${app}`, readApp),
      () => must('DELETE', `/access/apps/${app}`),
    ]
    for (const echo of echoes) {
      await echo()
      expect(await reaches()).toEqual(ALL)
    }
    // One that was read before its first policy, and is sent back with one, has one.
    expect((await must('PUT', ALPHA, { ...read, policies: [everybody] })).result.own_policies).toBe(true)
  })

  // [GATE-8]
  test('is closed in a portal without policies, whatever it says of its own', async () => {
    const before = (await must('GET', `${MCP}/portals/default`)).result.policies
    await must('PUT', `${MCP}/portals/default`, { policies: [] })
    taken()
    try {
      for (const own of [{ own_policies: false }, { policies: [everybody] }, { policies: [] }]) {
        await must('PUT', ALPHA, own)
        expect((await ask2026(portal.url + WHOLE, ada, 'tools/list')).status).toBe(403)
        expect((await call2026(mountOf('alpha'), 'list')).status).toBe(403)
      }
      expect(taken()).toEqual([])
    } finally {
      await must('PUT', `${MCP}/portals/default`, { policies: before })
    }
  })
})
