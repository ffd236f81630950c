/** `portico policy explain` and `portico policy diff`, as somebody at a terminal meets them, against a portal in use. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../src/cli/program.ts'
import { type Ledger, startLedger } from '../peers/ledger.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer } from '../raw-mcp.ts'

const SERVERS = '/access/ai-controls/mcp/servers'
const MCP = '/mcp'

let portal: TestPortal
let [ledger, repo]: (Ledger | undefined)[] = []
let ids: { finance: string; small: string }

async function policy(body: object): Promise<string> {
  const made = await portal.api<{ id: string }>('POST', '/access/policies', body)
  expect(made.status, JSON.stringify(made.body.errors)).toBe(200)
  return made.body.result.id
}

beforeAll(async () => {
  portal = await startTestPortal()
  ;[ledger, repo] = [await startLedger(), await startLedger()]
  await portal.furnish([
    { id: 'ledger', url: ledger.url },
    { id: 'repo', url: repo.url },
  ])
  const small = await policy({
    ...{ name: 'Small entries', decision: 'deny', include: [{ everyone: {} }] },
    capabilities: [{ names: ['post'], arguments: [{ pointer: '/entry', matches: '.{10,}' }] }],
  })
  const finance = await policy({
    // As hostile as a name may be: it must not move the cursor.
    name: 'Finance \u001b[31m\u202e',
    ...{ decision: 'allow', include: [{ email_domain: { domain: 'finance.test' } }] },
  })
  ids = { small, finance }
  const server = { policies: [small, finance], updated_tools: [{ name: 'count', alias: 'tally' }] }
  expect((await portal.api('PUT', `${SERVERS}/ledger`, server)).status).toBe(200)
})
afterAll(async () => {
  await portal?.close()
  await ledger?.stop()
  await repo?.stop()
})

async function portico(...argv: string[]) {
  let [out, err] = ['', '']
  const stdout = { write: (text: string) => (out += text) }
  const stderr = { write: (text: string) => (err += text) }
  const env = { PORTICO_URL: portal.url, PORTICO_TOKEN: portal.adminToken }
  const code = await run({ argv, env, cwd: portal.data, stdout, stderr })
  return { code, out, err }
}

const isSome = (count: number) => count > 0

async function explain(...words: string[]) {
  const { code, out } = await portico('--json', 'policy', 'explain', ...words)
  return { code, found: JSON.parse(out) as Explained }
}

interface Explained {
  verdict: string
  says: string
  asked: { by: string; server: string; original: string; public_name: string; did_you_mean: string[] }
  obstacles: { what: string; blocks: boolean }[]
  would_change: string[]
  unknown: string[]
  levels: { level: string; verdict: string }[]
  deed?: { agrees: boolean; error: string }
}

describe('portico policy explain', () => {
  // [EXPLAIN-3]
  test('tells who is denied by which rule, what of it holds and what would change it; and ends with 1', async () => {
    const { code, out } = await portico('policy', 'explain', 'Bob@Acme.test', 'ledger_count')
    expect(code).toBe(1)
    expect(out).toMatch(/^DENIED: Nothing in this portal has that name\./)
    expect(out).toContain('like it: ledger_tally')
    const tally = await portico('policy', 'explain', 'Bob@Acme.test', 'ledger_tally')
    expect(tally.code).toBe(1)
    expect(tally.out).toMatch(/^DENIED: No policy of the server ledger lets them in/)
    expect(tally.out).toContain('tool count of the server ledger in default')
    expect(tally.out).toContain('the alias that an admin gave it')
    expect(tally.out).toMatch(/include {2}email domain finance\.test {2}false {4}.*bob@acme\.test/)
    expect(tally.out).toMatch(/What would change it\n {2}- The policy "Finance/)
  })

  test('ends with 0 where it is allowed, and shows nothing that a terminal would obey', async () => {
    const { code, out, err } = await portico('policy', 'explain', 'ada@finance.test', 'tally', '--server', 'repo')
    expect({ code, err }).toEqual({ code: 1, err: '' })
    const allowed = await portico('policy', 'explain', 'ada@finance.test', 'count', '--server', 'ledger')
    expect(allowed.code).toBe(0)
    expect(allowed.out).toMatch(/^ALLOWED: /)
    expect(allowed.out).toContain('Finance \\u{1b}[31m\\u{202e}')
    for (const bad of ['\u001b', '\u202e']) expect(`${out}${allowed.out}`).not.toContain(bad)
  })

  test('depends on arguments that are not given, and does not where they are', async () => {
    const open = await explain('ada@finance.test', 'ledger_post')
    expect(open).toMatchObject({
      code: 1,
      found: { verdict: 'depends', unknown: [expect.anything(), expect.stringContaining('arguments')] },
    })
    const short = await explain('ada@finance.test', 'ledger_post', '--args', '{"entry":"short"}')
    expect(short).toMatchObject({ code: 0, found: { verdict: 'allowed' } })
    const long = await explain('ada@finance.test', 'ledger_post', '--args', '{"entry":"much too long"}')
    expect(long).toMatchObject({ code: 1, found: { verdict: 'denied' } })
    expect(long.found.would_change.join()).toContain('"Small entries" looks at the arguments')
    const twin = await explain('ada@finance.test', 'ledger_post', '--args', '{"Entry":"x"}')
    expect(twin.found.obstacles).toMatchObject([{ what: 'arguments', blocks: true }])
  })

  test('resolves public, alias, bare and own names to the one capability that is meant', async () => {
    const by = async (...words: string[]) => {
      const { asked } = (await explain('ada@finance.test', ...words)).found
      return [asked.by, asked.server, asked.original, asked.public_name]
    }
    expect(await by('ledger_post')).toEqual(['public', 'ledger', 'post', 'ledger_post'])
    expect(await by('ledger_tally')).toEqual(['alias', 'ledger', 'count', 'ledger_tally'])
    expect(await by('post')).toEqual(['bare', 'ledger', 'post', 'ledger_post'])
    expect(await by('post', '--server', 'repo')).toEqual(['server', 'repo', 'post', 'repo_post'])
    expect(await by('ledger://journal')).toEqual(['uri', 'ledger', 'ledger://journal', 'ledger://journal'])
    expect((await by('portal_list_servers'))[0]).toBe('builtin')
  })

  test('tells what stands in the way beyond the policies', async () => {
    const off = await portal.api('PUT', `${SERVERS}/repo`, { updated_tools: [{ name: 'post', enabled: false }] })
    expect(off.status).toBe(200)
    const { code, found } = await explain('ada@finance.test', 'repo_post')
    expect({ code, verdict: found.verdict }).toEqual({ code: 1, verdict: 'denied' })
    expect(found.levels.map(({ verdict }) => verdict)).toEqual(['allowed'])
    expect(found.obstacles).toMatchObject([{ what: 'switched-off-by-admin', blocks: true }])
    await portal.api('PUT', `${SERVERS}/repo`, { updated_tools: [] })
  })

  test('answers by policies that are not saved, and saves nothing of them', async () => {
    const edited = [
      { id: ids.finance, name: 'Bob too', decision: 'allow', include: [{ email_domain: { domain: 'acme.test' } }] },
    ]
    await writeFile(join(portal.data, 'edit.json'), JSON.stringify(edited))
    expect((await explain('bob@acme.test', 'ledger_tally', '--policies', 'edit.json')).code).toBe(0)
    expect((await explain('bob@acme.test', 'ledger_tally')).code).toBe(1)
  })

  test('goes from a row of the audit to why it was refused', async () => {
    const bob = bearer(await portal.userToken('bob@acme.test'))
    await ask2026(portal.url + MCP, bob, 'tools/call', { name: 'ledger_tally', arguments: {} })
    const { body } = await portal.api<{ deed: string }[]>(
      'GET',
      '/access/ai-controls/mcp/logs?capability=ledger_tally&limit=1',
    )
    const { code, found } = await explain('--deed', body.result[0]?.deed ?? '')
    expect(code).toBe(1)
    expect(found).toMatchObject({ verdict: 'denied', deed: { agrees: true, error: 'not-allowed' } })
    expect(found.asked).toMatchObject({ by: 'alias', original: 'count' })
  })

  test.each([
    ['nobody is named', ['policy', 'explain']],
    ['arguments are no JSON', ['policy', 'explain', 'ada@finance.test', 'x', '--args', '{']],
    ['nobody has that id', ['policy', 'explain', 'zed', 'ledger_post']],
    ['there is no such portal', ['policy', 'explain', 'ada@finance.test', '--portal', 'nowhere']],
    ['there is no such file', ['policy', 'explain', 'ada@finance.test', '--policies', 'nowhere.yaml']],
    ['two are named', ['policy', 'explain', '--anonymous', 'ada@finance.test', 'ledger_post']],
  ])('ends with 2 where %s: 1 would be an answer', async (_, argv) => {
    const { code, out, err } = await portico(...argv)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).not.toBe('')
  })
})

describe('portico policy diff', () => {
  const edit = (include: object[], more: object = {}) =>
    writeFile(
      join(portal.data, 'diff.yaml'),
      JSON.stringify({ policies: [{ id: ids.finance, name: 'Finance', decision: 'allow', include }], ...more }),
    )
  const acme = { email_domain: { domain: 'acme.test' } }

  beforeAll(async () => {
    const call = async (email: string, name: string, args = {}) =>
      ask2026(portal.url + MCP, bearer(await portal.userToken(email)), 'tools/call', { name, arguments: args })
    for (let at = 0; at < 3; at++) await call('ada@finance.test', 'ledger_tally')
    await call('ada@finance.test', 'ledger_post', { entry: 'short' })
    await call('ada@finance.test', 'repo_count')
    await call('bob@acme.test', 'ledger_tally')
  })

  interface Diff {
    used: { actor: string; capability: string; change: string; times: number; note: string | null }[]
    everybody: { gains: number; loses: number; cannot_tell: number; people: number }
    deeds: { read: number; replayed: number; unchanged: number }
  }
  const diff = async (...words: string[]) => {
    const { code, out } = await portico('--json', 'policy', 'diff', 'diff.yaml', ...words)
    return { code, found: JSON.parse(out) as Diff }
  }

  // [EXPLAIN-4]
  test('tells who would lose what they used, who would gain what they tried, and where arguments hide the answer', async () => {
    await edit([acme])
    const { code, found } = await diff()
    expect(code).toBe(0)
    const lines = found.used.map(({ actor, capability, change }) => `${actor} ${capability} ${change}`).sort()
    expect(lines).toEqual([
      ...['ada@finance.test count loses', 'ada@finance.test post cannot_tell', 'bob@acme.test count gains'],
    ])
    expect(found.used.find(({ change }) => change === 'loses')).toMatchObject({ times: 3, note: null })
    expect(found.used.find(({ change }) => change === 'cannot_tell')?.note).toContain('arguments')
    // The tool, the prompt and the resource of the ledger that no rule about arguments speaks of, used or not.
    expect(found.everybody).toMatchObject({ people: 2, gains: 3, loses: 3, cannot_tell: 2 })
    const { out } = await portico('policy', 'diff', 'diff.yaml', '--days', '1')
    expect(out).toMatch(/Would lose what they used\nWHO .*\nada@finance\.test .*3x/)
    expect(out).toContain('By the facts of now')
  })

  test('is empty where nothing changes, also where a file says again what is saved', async () => {
    const shown = await portico('--json', 'policies', 'show', ids.finance)
    await writeFile(join(portal.data, 'diff.yaml'), shown.out)
    const { found } = await diff()
    expect(found).toMatchObject({ used: [], everybody: { gains: 0, loses: 0, cannot_tell: 0 } })
    expect(found.deeds.unchanged).toBe(found.deeds.replayed)
    expect(found.deeds.replayed).toBeGreaterThan(4)
  })

  // [GATE-8]
  test('tells a server that has none left from one that is left to its portals', async () => {
    const servers = async (...list: object[]) => {
      await writeFile(join(portal.data, 'diff.yaml'), JSON.stringify({ servers: list }))
      return (await diff()).found.everybody
    }
    // Of two people, one loses what only the ledger's own policy let them have; left to the portal, the other gains it.
    expect(await servers({ id: 'ledger', policies: [] })).toMatchObject({ gains: 0, loses: expect.toSatisfy(isSome) })
    const left = { id: 'ledger', own_policies: false }
    expect(await servers(left)).toMatchObject({ gains: expect.toSatisfy(isSome), loses: 0 })
    // One that never had any is left to its portals already.
    expect(await servers({ id: 'repo', policies: [] })).toMatchObject({ gains: 0, loses: 0 })
    expect(await servers({ id: 'repo', own_policies: true })).toMatchObject({ loses: expect.toSatisfy(isSome) })
  })

  test('takes what is attached where, and refuses what is not there', async () => {
    await writeFile(
      join(portal.data, 'diff.yaml'),
      JSON.stringify({ servers: [{ id: 'repo', policies: [ids.finance] }] }),
    )
    const { found } = await diff()
    expect(found.used).toEqual([])
    // Of Bob: two tools, a prompt, and the resource under the name that it has because the ledger had it first.
    expect(found.everybody).toMatchObject({ loses: 4, gains: 0 })
    await writeFile(
      join(portal.data, 'diff.yaml'),
      JSON.stringify({ servers: [{ id: 'repo', policies: ['nothing'] }] }),
    )
    const refused = await portico('policy', 'diff', 'diff.yaml')
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('attachments.servers.0.policies.0') })
  })
})
