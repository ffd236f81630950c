/**
 * The same valid traffic, straight to a server and through the portal, comes to the same: every message of every answer, up to ids, names,
 * what each end says of itself and how long an answer may be kept.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Fixture, startFixture } from '../conformance/fixture/http.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { type Dice, openDice } from '../random-policies.ts'
import { ask2026, bearer, open2025, type RawAnswer } from '../raw-mcp.ts'

const REQUESTS = 150

let portal: TestPortal
let token: string
const fixtures: Record<'modern' | 'legacy', Fixture> = {} as never

beforeAll(async () => {
  portal = await startTestPortal()
  for (const build of ['modern', 'legacy'] as const) fixtures[build] = await startFixture(build)
  await portal.furnish([
    { id: 'modern', url: fixtures.modern.url },
    { id: 'legacy', url: fixtures.legacy.url },
  ])
  token = await portal.userToken('ada@acme.test')
})
afterAll(async () => {
  await portal?.close()
  await Promise.all(Object.values(fixtures).map((fixture) => fixture.close()))
})

interface Asked {
  method: string
  params: Record<string, unknown>
}

const TOOLS = [
  ...['test_simple_text', 'test_image_content', 'test_audio_content', 'test_embedded_resource'],
  ...['test_multiple_content_types', 'test_error_handling', 'test_tool_with_progress', 'test_tool_with_logging'],
  'json_schema_2020_12_tool',
]

/** Letters of several scripts, what JSON has to escape, and nothing at all. */
function words(dice: Dice): string {
  const letters = ['a', 'Z', '0', ' ', '"', '\\', '\n', '\u2028', 'é', '漢', '😀', '</script>', '%2e', '\u0001']
  return dice.some(11, () => dice.pick(letters)).join('')
}

function asking(dice: Dice): Asked {
  switch (dice.below(6)) {
    case 0:
      return { method: 'resources/read', params: { uri: dice.pick(['test://static-text', 'test://static-binary']) } }
    case 1:
      return {
        method: 'resources/read',
        params: { uri: `test://template/${encodeURIComponent(words(dice) || 'x')}/data` },
      }
    case 2: {
      const args = { arg1: words(dice), arg2: words(dice) }
      return { method: 'prompts/get', params: { name: 'test_prompt_with_arguments', arguments: args } }
    }
    case 3: {
      const ref = { type: 'ref/prompt', name: 'test_prompt_with_arguments' }
      return {
        method: 'completion/complete',
        params: { ref, argument: { name: 'arg1', value: dice.pick(['', 'pa', 'x']) } },
      }
    }
    case 4:
      return { method: 'prompts/get', params: { name: dice.pick(['test_simple_prompt', 'test_prompt_with_image']) } }
    default: {
      const name = dice.pick(TOOLS)
      const args = name === 'json_schema_2020_12_tool' ? { name: words(dice) } : {}
      const progress = dice.once(2) ? { _meta: { progressToken: dice.pick(['token', 7]) } } : {}
      return { method: 'tools/call', params: { name, arguments: args, ...progress } }
    }
  }
}

/** Every message that came, in order, without what each end says of itself. */
function said(answer: RawAnswer): unknown[] {
  const frames = answer.text.split('\n').flatMap((line) => (line.startsWith('data:') ? [line.slice(5).trim()] : []))
  const texts = answer.headers.get('content-type')?.startsWith('text/event-stream') ? frames : [answer.text]
  return texts.flatMap((text) => (text === '' ? [] : [bare(JSON.parse(text) as Message)]))
}

interface Message {
  id?: unknown
  method?: string
  result?: Record<string, unknown>
  error?: { code: number; message: string; data?: unknown }
}

function bare({ result, ...message }: Message): unknown {
  if (result === undefined) return message
  // Neither how long it may be kept, nor for whom, nor who answered.
  const { ttlMs, cacheScope, resultType = 'complete', _meta, ...own } = result
  const { 'io.modelcontextprotocol/serverInfo': _who, ...marks } = (_meta ?? {}) as Record<string, unknown>
  return { ...message, result: { resultType, ...own, ...(Object.keys(marks).length === 0 ? {} : { _meta: marks }) } }
}

type Way = (asked: Asked) => Promise<RawAnswer>

async function ways(era: '2025' | '2026', build: 'modern' | 'legacy'): Promise<[straight: Way, through: Way]> {
  const mount = `${portal.url}/p/default/s/${build}/mcp`
  if (era === '2026')
    return [
      ({ method, params }) => ask2026(fixtures[build].url, { credentials: {} }, method, params),
      ({ method, params }) => ask2026(mount, bearer(token), method, params),
    ]
  const [there, here] = [
    await open2025(fixtures[build].url, { credentials: {} }, '2025-11-25'),
    await open2025(mount, bearer(token), '2025-11-25'),
  ]
  return [({ method, params }) => there.ask(method, params), ({ method, params }) => here.ask(method, params)]
}

describe.each([
  ['2026', 'modern'],
  ['2025', 'legacy'],
] as const)('clients of %s', (era, build) => {
  // [FIDELITY-1]
  test('hear through the portal what they would hear without it', async () => {
    const [straight, through] = await ways(era, build)
    const dice = openDice(era === '2026' ? 1 : 2)
    for (let n = 0; n < REQUESTS; n++) {
      const asked = asking(dice)
      const [there, here] = await Promise.all([straight(asked), through(asked)])
      expect(said(here), JSON.stringify(asked)).toEqual(said(there))
    }
  })
})
