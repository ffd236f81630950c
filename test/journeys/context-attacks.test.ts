/**
 * Searches and calls by name under attack: what is forbidden is the same bytes as what is not there, whatever else is wrong with the request;
 * what is switched off or held is found by nobody; and no pattern takes long.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLiar } from '../liar.ts'
import { startTestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, open2025, type RawAnswer } from '../raw-mcp.ts'
import { deny, MCP, must } from '../relay-room.ts'
import type { Rule } from '../support/naive-policy.ts'
import { openPolicyRoom, type PolicyRoom, type TestCaller } from '../support/policy-room.ts'
import { mountOf } from '../support/surfaces.ts'

const BY_NAME = '?optimize_context=search_and_execute'
const CODE = '?codemode=search_and_execute'
const rule = (decision: Rule['decision'], capabilities: Rule['capabilities'] = null): Rule => ({
  ...{ decision, include: [{ everyone: {} }], require: [], exclude: [], capabilities },
})

interface Pair {
  at: string
  forbidden: string
  unknown: string
}
const PAIRS: readonly Pair[] = [
  { at: '/mcp', forbidden: 'alpha_write', unknown: 'alpha_wrong' },
  { at: '/mcp', forbidden: 'write', unknown: 'wrong' },
  { at: '/mcp', forbidden: 'beta_put', unknown: 'beta_pot' },
  { at: mountOf('alpha'), forbidden: 'write', unknown: 'wrong' },
]
/** What is asked of the tool, and what comes along. */
const SHAPES: readonly [string, unknown, Record<string, unknown>][] = [
  ['a good call', { path: '/safe' }, {}],
  ['arguments that a rule refuses', { path: '/etc' }, {}],
  ['arguments of a wrong type', { path: 7 }, {}],
  ['arguments that nobody knows', { path: '/safe', more: {} }, {}],
  ['arguments that are a list', [], {}],
  ['arguments that are null', null, {}],
  ['no arguments', undefined, {}],
  ['a task', {}, { task: { ttl: 1 } }],
  ['a state that nobody gave', {}, { requestState: 'v1.00000000.AAAA.AAAA' }],
  ['answers without a state', {}, { inputResponses: { servers: { action: 'accept' } } }],
  ['answers that are none', {}, { inputResponses: 7, requestState: 7 }],
]

describe('by name', () => {
  let room: PolicyRoom
  let ada: TestCaller
  beforeAll(async () => {
    room = await openPolicyRoom()
    ada = await room.caller('ada@acme.test')
    const limits = [{ per: 'principal', calls: 2, window: '1m', tools: ['write'] }]
    await must(room.portal, 'PUT', `${MCP}/servers/alpha`, { limits })
    const looks = [{ names: ['write'], arguments: [{ pointer: '/path', equals: '/safe' }] }]
    await room.rewrite({
      portal: [rule('deny', [{ names: ['write'] }]), rule('allow', looks), rule('allow')],
      servers: {},
    })
  })
  afterAll(() => room?.close())

  const shapeOf = ({ status, text }: RawAnswer, name: string) => JSON.stringify([status, text.replaceAll(name, 'NAME')])

  // [SURFACE-2] [CONTEXT-1]
  test.each(['2025', '2026'] as const)('forbidden and unknown are the same bytes, in %s', async (era) => {
    room.taken()
    for (const { at, forbidden, unknown } of PAIRS) {
      const url = room.portal.url + at + BY_NAME
      const session = await open2025(url, ada.raw)
      const ask = (name: string, input: unknown, more: Record<string, unknown>) => {
        const params = { name: 'portal_execute', arguments: { name, arguments: input }, ...more }
        return era === '2025' ? session.ask('tools/call', params) : ask2026(url, ada.raw, 'tools/call', params)
      }
      for (const [what, input, more] of SHAPES) {
        const label = `${forbidden} at ${at}: ${what}`
        expect(shapeOf(await ask(forbidden, input, more), forbidden), label).toBe(
          shapeOf(await ask(unknown, input, more), unknown),
        )
      }
      for (const own of ['portal_execute', 'portal_query_tools', 'portal_toggle_servers', 'portal_codemode_execute'])
        expect(shapeOf(await ask(own, {}, {}), own), own).toBe(shapeOf(await ask(unknown, {}, {}), unknown))
    }
    expect(room.taken()).toEqual([])
  })
})

// [CONTEXT-1]
test('what a person switched off, a policy denies, an admin disabled or a definition is held for is in no search and in no code', async () => {
  const tool = (name: string) => ({ name, description: `${name} of it`, inputSchema: { type: 'object' } })
  const liar = await startLiar(['kept', 'denied', 'off', 'changed'].map(tool))
  const twin = await startLiar([tool('other')])
  const portal = await startTestPortal()
  try {
    await portal.furnish([
      { id: 'liar', url: liar.url },
      { id: 'twin', url: twin.url },
    ])
    const ada = bearer(await portal.userToken('ada@acme.test'))
    const use = async (name: string, args: Record<string, unknown>, query: string) => {
      const { result } = messageOf(
        await ask2026(`${portal.url}/mcp${query}`, ada, 'tools/call', { name, arguments: args }),
      )
      return ((result?.content ?? []) as { text: string }[]).map(({ text }) => text).join()
    }
    const found = async () => {
      const [words, pattern, whole, code, own] = await Promise.all([
        use('portal_query_tools', { query: 'of it' }, BY_NAME),
        use('portal_query_tools', { regex: 'of it' }, BY_NAME),
        use('portal_codemode_search', {}, CODE),
        use('portal_codemode_search', { code: '(await codemode.tools()).map((t) => t.name + "(")' }, CODE),
        use('portal_codemode_execute', { code: 'Object.keys(codemode).map((name) => name + "(")' }, CODE),
      ])
      const each = [words, pattern, whole, code, own].map((text) =>
        (text.match(/(liar|twin)_\w+(?=\()/g) ?? []).sort().join(),
      )
      expect(new Set(each).size, JSON.stringify(each)).toBe(1)
      return each[0]
    }
    expect(await found()).toBe('liar_changed,liar_denied,liar_kept,liar_off,twin_other')
    await deny(portal, 'liar', 'denied')
    await must(portal, 'PUT', `${MCP}/servers/liar`, { updated_tools: [{ name: 'off', enabled: false }] })
    liar.lists.tools = liar.lists.tools.map((one) =>
      one.name === 'changed' ? { ...one, description: 'of\u200b it' } : one,
    )
    await must(portal, 'POST', `${MCP}/servers/liar/sync`)
    await use('portal_toggle_single_server', { server_id: 'twin', action: 'untoggle' }, '')
    expect(await found()).toBe('liar_kept')
  } finally {
    await portal.close()
    await liar.server.close()
    await twin.server.close()
  }
})

describe('ten thousand tools', () => {
  // [CONTEXT-1]
  test('are searched by any pattern to an end, and what is no pattern is told so', async () => {
    const text = 'a'.repeat(200)
    const tools = Array.from({ length: 10_000 }, (_, i) => ({
      name: `t${i}`,
      description: text,
      inputSchema: { type: 'object' },
    }))
    const liar = await startLiar(tools)
    const portal = await startTestPortal()
    try {
      await portal.furnish([{ id: 'liar', url: liar.url }])
      const ada = bearer(await portal.userToken('ada@acme.test'))
      const search = async (regex: string) => {
        const params = { name: 'portal_query_tools', arguments: { regex } }
        const { result } = messageOf(await ask2026(`${portal.url}/mcp${BY_NAME}`, ada, 'tools/call', params))
        return ((result?.content ?? []) as { text: string }[])[0]?.text ?? ''
      }
      for (const regex of ['(a+)+$', '(a|aa)+b', '(.*a){25}', '^(([a-z])+.)+[A-Z]([a-z])+$', '(x+x+)+y'])
        expect(await search(regex), regex).toMatch(
          /^(\d+ of your 10000 tools|None of your 10000 tools|The search took too long|"regex" is too large)/,
        )
      for (const regex of ['(?=a)a', '(a)\\1', '[', '(a{1000}){1000}', 'x'.repeat(300)])
        expect(await search(regex), regex).toMatch(/^"regex" (is no RE2 pattern|is too large|has at most)/)
    } finally {
      await portal.close()
      await liar.server.close()
    }
  })
})
