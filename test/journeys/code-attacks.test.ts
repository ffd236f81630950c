/**
 * Code in front of servers, admins and models that mean no good, or change their minds in the midst of it: limits hold for what code calls,
 * names call what they say or nothing, and whatever comes back, the run ends in words.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/protocol/model.ts'
import { type Liar, startLiar } from '../liar.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, open2025, type RawCaller } from '../raw-mcp.ts'
import { deny, MCP, must, rowsOf } from '../relay-room.ts'
import { json, result, type Seen } from '../scripted-server.ts'

const CODE = '?codemode=search_and_execute'
const MOUNT = '/p/default/s/liar/mcp'
/** What the language itself looks for, what is no identifier, and two that would be one. */
const NAMES = ['then', 'toJSON', '__proto__', 'constructor', 'delete', 'a-b', 'a.b', '7up']
const SCHEMA = { type: 'object', properties: { '"]; evil()': { type: 'string', description: '*/ evil()' } } }

let portal: TestPortal
let liar: Liar
let ada: RawCaller
/** What the server does with a call before it answers, and what it answers. */
let onCall: (seen: Seen) => Promise<JsonObject | undefined> | undefined
const undo: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  const tools = [...NAMES, 'one', 'two'].map((name) => ({ name, description: '*/ evil() /*', inputSchema: SCHEMA }))
  liar = await startLiar(tools)
  const usual = liar.server.script
  liar.server.script = (seen, response, request) => {
    if (seen.body.method !== 'tools/call') return usual(seen, response, request)
    void (async () => {
      const said = (await onCall(seen)) ?? { content: [{ type: 'text', text: String(seen.body.params?.name) }] }
      json(response, result(seen, { resultType: 'complete', ...said }))
    })()
  }
  portal = await startTestPortal()
  await portal.furnish([{ id: 'liar', url: liar.url }])
  ada = bearer(await portal.userToken('ada@acme.test'))
})
beforeEach(() => {
  onCall = () => undefined
  liar.server.seen.splice(0)
})
afterEach(async () => {
  for (const back of undo.splice(0)) await back()
  // What ended early is given up at the server too.
  await expect.poll(inFlight).toEqual([])
})

/** The servers that have calls under way, by what a scraper is told. */
async function inFlight(): Promise<string[]> {
  const headers = { authorization: `Bearer ${portal.adminToken}` }
  const text = await (await fetch(`${portal.url}/metrics`, { headers })).text()
  return [...text.matchAll(/portico_server_calls_in_flight\{server="(\w+)"\} [1-9]/g)].map(([, server = '']) => server)
}
afterAll(async () => {
  await portal?.close()
  await liar?.server.close()
})

interface Ran {
  text: string
  isError: boolean
}

async function use(
  name: string,
  args: Record<string, unknown>,
  { at = '/mcp', query = CODE, caller = ada } = {},
): Promise<Ran> {
  const params = { name, arguments: args }
  const message = messageOf(await ask2026(portal.url + at + query, caller, 'tools/call', params))
  if (message.error) return { text: message.error.message, isError: true }
  const content = (message.result?.content ?? []) as { text?: string }[]
  return { text: content.map(({ text = '' }) => text).join('\n'), isError: message.result?.isError === true }
}

const run = (code: string, how: Parameters<typeof use>[2] = {}) => use('portal_codemode_execute', { code }, how)
const reached = () => liar.server.asked('tools/call').map(({ body }) => String(body.params?.name))
const sync = () => must(portal, 'POST', `${MCP}/servers/liar/sync`)

async function limit(limits: unknown[]): Promise<void> {
  await must(portal, 'PUT', `${MCP}/servers/liar`, { limits })
  undo.push(() => must(portal, 'PUT', `${MCP}/servers/liar`, { limits: [] }))
}

/** Calls so often, and counts what came of it. */
const calls = (times: number) => `async () => {
  const all = await Promise.allSettled(Array.from({ length: ${times} }, () => codemode.liar_one({})))
  const said = all.filter(({ status }) => status === 'rejected').map(({ reason }) => reason.message)
  return { done: all.length - said.length, refused: said.length, said: [...new Set(said)] }
}`

describe('limits', () => {
  // [CODE-1]
  test('of a server count what code calls like any other call, over runs and calls by name', async () => {
    await limit([{ per: 'principal', calls: 50, window: '1h' }])
    const first = JSON.parse((await run(calls(40))).text)
    expect(first).toEqual({ done: 40, refused: 0, said: [] })
    const second = JSON.parse((await run(calls(100))).text)
    expect(second).toMatchObject({ done: 10, refused: 90 })
    const words = 'The limit of this server is reached: 50 calls in 1h for each caller. Nothing was done.'
    for (const said of second.said) expect(said).toContain(words)
    const byName = await use('portal_execute', { name: 'one' }, { query: '?optimize_context=search_and_execute' })
    expect(byName).toMatchObject({ isError: true, text: expect.stringContaining(words) })
    expect(reached().length).toBe(50)
    const [last] = (await rowsOf(portal, 'tools/call', 5)).filter(
      ({ capability }) => capability === 'liar_one' || capability === 'one',
    )
    expect(last).toMatchObject({ outcome: 'refused', error: 'limited' })
  })

  // [CODE-1]
  test('of calls at one time hold within one run', async () => {
    await limit([{ per: 'principal', concurrency: 2 }])
    const held = Promise.withResolvers<undefined>()
    onCall = () => held.promise
    const email = 'many@acme.test'
    const running = run(calls(20), { caller: bearer(await portal.userToken(email)) })
    const refused = async () => {
      const rows = await rowsOf(portal, 'tools/call', 40)
      return rows.filter(({ actor, error }) => actor?.label === email && error === 'limited').length
    }
    await expect.poll(refused).toBe(18)
    held.resolve(undefined)
    expect(JSON.parse((await running).text)).toMatchObject({ done: 2, refused: 18 })
    expect(reached().length).toBe(2)
  })

  // [CODE-1]
  test('of one run end it, a thousand calls and more, and the server saw no more than that', async () => {
    const ended = await run(calls(1000))
    expect(ended).toEqual({
      isError: true,
      text: 'Error: The code called more tools than one run may. Do the rest in another run.',
    })
    expect(reached().length).toBeLessThanOrEqual(200)
    expect(
      (await rowsOf(portal, 'tools/call', 300)).find(({ capability }) => capability === 'portal_codemode_execute'),
    ).toMatchObject({
      error: 'code-calls',
    })
  })
})

describe('in the midst of a run', () => {
  const twice = `async () => {
    await codemode.liar_one({})
    try { return await codemode.liar_one({}) } catch (error) { return error.message }
  }`
  const once = (deed: () => Promise<unknown>) => {
    let isDone = false
    onCall = async () => {
      if (!isDone) await deed()
      isDone = true
      return undefined
    }
  }

  // [CODE-4]
  test('what is denied, switched off, held or gone by now is as unknown as what never was', async () => {
    const put = (tools: unknown[]) => must(portal, 'PUT', `${MCP}/servers/liar`, { updated_tools: tools })
    const tool = liar.lists.tools.find(({ name }) => name === 'one') as JsonObject
    const describe = async (description: string) => {
      liar.lists.tools = liar.lists.tools.map((one) => (one.name === 'one' ? { ...tool, description } : one))
      await sync()
    }
    let allow = async (): Promise<unknown> => undefined
    const denyIt = async () => {
      allow = await deny(portal, 'liar', 'one')
    }
    const changes: Record<string, { begin(): Promise<unknown>; end(): Promise<unknown> }> = {
      denied: { begin: denyIt, end: () => allow() },
      disabled: { begin: () => put([{ name: 'one', enabled: false }]), end: () => put([]) },
      held: { begin: () => describe('Does\u200b more.'), end: () => describe(String(tool.description)) },
      gone: {
        async begin() {
          liar.lists.tools = liar.lists.tools.filter(({ name }) => name !== 'one')
          await sync()
        },
        async end() {
          liar.lists.tools = [...liar.lists.tools, tool]
          await sync()
        },
      },
    }
    for (const [what, { begin, end }] of Object.entries(changes)) {
      liar.server.seen.splice(0)
      undo.push(end)
      once(begin)
      expect(await run(twice), what).toEqual({ text: 'Unknown tool: liar_one', isError: false })
      expect(reached(), what).toEqual(['one'])
      const [refused] = await rowsOf(portal, 'tools/call', 2).then((rows) =>
        rows.filter(({ capability }) => capability === 'liar_one'),
      )
      expect(refused, what).toMatchObject({ outcome: 'refused' })
      await undo.pop()?.()
    }
  })

  // [CODE-4]
  test('a name that is another tool’s by now calls neither of them', async () => {
    const alias = (name: string) =>
      must(portal, 'PUT', `${MCP}/servers/liar`, { updated_tools: [{ name, alias: 'uno' }] })
    undo.push(() => must(portal, 'PUT', `${MCP}/servers/liar`, { updated_tools: [] }))
    await alias('one')
    once(() => alias('two'))
    const code = twice.replaceAll('liar_one', 'liar_uno')
    expect(await run(code)).toEqual({ text: 'Unknown tool: liar_uno', isError: false })
    expect(reached()).toEqual(['one'])
  })

  // [CODE-4]
  test.each(['2025', '2026'] as const)('a token that is withdrawn ends it, for a client of %s', async (era) => {
    const made = await must<{ id: string; token: string }>(portal, 'POST', '/tokens/access', {
      ...{ email: `eve-${era}@acme.test`, portal: 'default' },
    })
    const caller = bearer(made.token)
    once(() => must(portal, 'DELETE', `/tokens/access/${made.id}`))
    const params = { name: 'portal_codemode_execute', arguments: { code: twice } }
    const url = `${portal.url}/mcp${CODE}`
    const answer =
      era === '2026'
        ? await ask2026(url, caller, 'tools/call', params)
        : await (await open2025(url, caller)).ask('tools/call', params)
    expect(answer.text).toContain('The run was given up.')
    expect(reached()).toEqual(['one'])
  })
})

describe('names', () => {
  // [CODE-5]
  test('that the language looks for call nothing by themselves, and each tool is called by what the search says', async () => {
    const at = { at: MOUNT }
    const listed = JSON.parse(
      (await use('portal_codemode_search', { code: '(await codemode.tools()).map((t) => t.name)' }, at)).text,
    )
    const own = JSON.parse((await run('async () => Object.getOwnPropertyNames(codemode)', at)).text)
    expect(own).toEqual(listed)
    expect(new Set(listed).size).toBe(liar.lists.tools.length)
    for (const name of listed) expect(name).toMatch(/^(?!(then|toJSON|__proto__|constructor|delete)$)[A-Za-z_$][\w$]*$/)
    const implicit =
      'async () => { await codemode; JSON.stringify({ codemode }); Object.keys(codemode).join(); return null }'
    await run(implicit, at)
    expect(reached()).toEqual([])
    const all = `async () => { const said = []; for (const name of ${JSON.stringify(listed)}) said.push(await codemode[name]({})); return said }`
    expect(JSON.parse((await run(all, at)).text)).toEqual(liar.lists.tools.map(({ name }) => name))
  })

  // [CODE-5]
  test.each([
    '__proto__',
    'constructor',
    'hasOwnProperty',
    'liar_three',
    'portal_toggle_servers',
    'portal_execute',
    'one',
    '0',
  ])('%s, which is no tool of the run, is no function of it', async (name) => {
    const { text, isError } = await run(`async () => codemode[${JSON.stringify(name)}]({})`)
    expect({ text, isError }).toEqual({ text: expect.stringMatching(/^Error: .*is not a function/), isError: true })
    expect(reached()).toEqual([])
  })

  // [CODE-5]
  test('of properties and descriptions stay comments and keys', async () => {
    const { text } = await use('portal_codemode_search', { query: 'one' })
    expect(text).toContain('liar_one(')
    expect(text.replace(/\/\*.*?\*\//gs, '').replace(/"(\\.|[^"\\])*"/g, '')).not.toContain('evil')
  })
})

describe('what servers say', () => {
  const says = (value: string) => {
    onCall = async () => ({ content: [{ type: 'text', text: value }] })
  }

  // [CODE-5]
  test('is data: keys that mean something to the language mean nothing, and numbers that are none are null', async () => {
    says('{"__proto__":{"isAdmin":true},"constructor":{"x":1},"n":1e999,"toJSON":1}')
    const code =
      'async () => { const r = await codemode.liar_one({}); return [({}).isAdmin ?? null, r.isAdmin ?? null, Object.keys(r), r.n] }'
    expect(JSON.parse((await run(code)).text)).toEqual([null, null, ['__proto__', 'constructor', 'n', 'toJSON'], null])
  })

  // [CODE-5]
  test.each([
    ['nested a hundred thousand deep', () => '['.repeat(100_000) + ']'.repeat(100_000)],
    ['more than a run may hold', () => 'x'.repeat(17 * 1024 * 1024)],
  ])('%s ends in words, and the portal answers others', async (_what, text) => {
    says(text())
    const ended = await run('async () => { const r = await codemode.liar_one({}); return typeof r }')
    expect(ended.text.length).toBeLessThan(2000)
    expect(ended.text).not.toContain('Internal error')
    says('fine')
    expect(await run('codemode.liar_one({})')).toEqual({ text: 'fine', isError: false })
  })
})

// [CODE-5]
test('a flood of output is cut where it is more than a model should read, and says so', async () => {
  const { text } = await run(
    'async () => { for (;;) { console.log("x".repeat(9000)); if (Date.now() % 50 === 0) return "y".repeat(90000) } }',
  )
  expect(text.length).toBeLessThan(30_000)
  expect(text).toContain('--- TRUNCATED ---')
})
