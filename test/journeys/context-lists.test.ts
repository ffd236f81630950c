/**
 * What a client is told in a mode that shows it less: how to find and call tools, in few words, and of changes only where the list that
 * it is shown changed. A thousand tools behind one server, in both eras, at the portal and on the server's mount.
 */
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type EventStream, openEventStream } from '../event-stream.ts'
import { type Liar, startLiar } from '../liar.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, open2025, type RawCaller, request2026 } from '../raw-mcp.ts'

const MCP = '/access/ai-controls/mcp'
const CHANGED = 'notifications/tools/list_changed'
const PROMPTS_CHANGED = 'notifications/prompts/list_changed'
const COUNT = 1000
const PLACES = ['/mcp', '/p/default/s/liar/mcp']
const MODES = {
  all: '',
  names: '?optimize_context=minimize_tools',
  search: '?optimize_context=search_and_execute',
  code: '?codemode=search_and_execute',
} as const
type ModeName = keyof typeof MODES
const ALL = Object.keys(MODES) as ModeName[]

const toolOf = (index: number, description = `Does what number ${index} does with a record of the ledger.`) => ({
  name: `tool_${index}`,
  description,
  inputSchema: { type: 'object', properties: { record: { type: 'string' }, count: { type: 'integer' } } },
})

let portal: TestPortal
let liar: Liar
let ada: RawCaller
const streams: EventStream[] = []

beforeAll(async () => {
  liar = await startLiar(Array.from({ length: COUNT }, (_, index) => toolOf(index)))
  portal = await startTestPortal()
  await portal.furnish([{ id: 'liar', url: liar.url }])
  ada = bearer(await portal.userToken('ada@acme.test'))
})
afterEach(() => {
  for (const stream of streams.splice(0)) stream.close()
})
afterAll(async () => {
  await portal?.close()
  await liar?.server.close()
})

const EARS = {
  async '2025'(url: string) {
    const { headers } = await open2025(url, ada)
    return openEventStream(url, { headers: { ...headers, accept: 'text/event-stream' } })
  },
  async '2026'(url: string) {
    const method = 'subscriptions/listen'
    const headers = {
      ...{ 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, ...ada.credentials },
    }
    const asked = { notifications: { toolsListChanged: true, promptsListChanged: true } }
    const stream = await openEventStream(url, {
      method: 'POST',
      headers,
      body: JSON.stringify(request2026(method, asked)),
    })
    await stream.until((messages) => messages.length > 0)
    return stream
  },
}

/** @returns how often each mode was told of a change of tools, by mode */
async function heardIn(
  era: '2025' | '2026',
  at: string,
  change: () => Promise<unknown>,
): Promise<Record<ModeName, number>> {
  const open = new Map<ModeName, EventStream>()
  for (const mode of ALL) {
    const stream = await EARS[era](portal.url + at + MODES[mode])
    open.set(mode, stream)
    streams.push(stream)
  }
  // Every stream hears of the prompt, and of tools before that.
  liar.lists.prompts.push({ name: `prompt_${liar.lists.prompts.length}` })
  await change()
  await resync()
  const count = (stream: EventStream | undefined, method: string) =>
    stream?.messages.filter((one) => one.method === method).length ?? 0
  for (const stream of open.values()) await stream.until(() => count(stream, PROMPTS_CHANGED) > 0)
  return Object.fromEntries(ALL.map((mode) => [mode, count(open.get(mode), CHANGED)])) as Record<ModeName, number>
}

async function resync(): Promise<void> {
  await portal.api('POST', `${MCP}/servers/liar/sync`)
}

describe.each(['2025', '2026'] as const)('a client of %s', (era) => {
  // [CONTEXT-2]
  test.each(PLACES)('at %s is told of a new description only where descriptions are listed', async (at) => {
    const description = `Does something else by now, ${era} ${at}.`
    const heard = await heardIn(era, at, () =>
      portal.api('PUT', `${MCP}/servers/liar`, { updated_tools: [{ name: 'tool_7', description }] }),
    )
    expect(heard).toEqual({ all: 1, names: 0, search: 0, code: 0 })
  })

  // [CONTEXT-2]
  test.each(PLACES)('at %s is told of a new tool only where tools are listed', async (at) => {
    const heard = await heardIn(era, at, async () => {
      liar.lists.tools.push(toolOf(liar.lists.tools.length))
    })
    expect(heard).toEqual({ all: 1, names: 1, search: 0, code: 0 })
  })

  // [CONTEXT-2]
  test('is told when the portal itself shows its tools in another way, where its own URL does not say how', async () => {
    const heard = await heardIn(era, '/mcp', () =>
      portal.api('PUT', `${MCP}/portals/default`, { optimize_context: 'search_and_execute' }),
    )
    await portal.api('PUT', `${MCP}/portals/default`, { optimize_context: 'off' })
    expect(heard).toEqual({ all: 1, names: 0, search: 0, code: 0 })
  })
})

/** What a client reads before it has done anything, at a URL. */
async function fixedPart(url: string): Promise<{ instructions: string; tools: { name: string }[] }> {
  const { instructions } = messageOf(await ask2026(url, ada, 'server/discover')).result as { instructions: string }
  const { tools } = messageOf(await ask2026(url, ada, 'tools/list')).result as { tools: { name: string }[] }
  return { instructions, tools }
}

// [CONTEXT-3]
test('a thousand tools cost the model at most 700 tokens in code mode, instructions included', async () => {
  const cost = async (mode: ModeName) => {
    const { instructions, tools } = await fixedPart(`${portal.url}/mcp${MODES[mode]}`)
    return countTokens(instructions) + countTokens(JSON.stringify(tools))
  }
  expect(await cost('code')).toBeLessThanOrEqual(700)
  expect(await cost('search')).toBeLessThanOrEqual(700)
  expect(await cost('all')).toBeGreaterThan(40_000)
})

// [CONTEXT-3]
test.each(PLACES)(
  'at %s a model is told in each mode how to find and call tools, by the tools that are there',
  async (at) => {
    for (const mode of ALL) {
      const { instructions, tools } = await fixedPart(`${portal.url}${at}${MODES[mode]}`)
      const session = await open2025(`${portal.url}${at}${MODES[mode]}`, ada)
      expect(messageOf(session.opened).result?.instructions).toBe(instructions)
      const told = [...new Set(instructions.match(/portal_\w+/g) ?? [])].filter(
        (name) => name !== 'portal_list_servers',
      )
      const own = tools.map(({ name }) => name).filter((name) => /^portal_(query|execute|codemode)/.test(name))
      expect(told.sort(), mode).toEqual(own.sort())
      expect(mode === 'all' || told.length > 0).toBe(true)
    }
  },
)
