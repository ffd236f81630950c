/**
 * What is not known, or claims to be harmless, opens nothing: hints that nobody approved, rules of a newer program, groups that a
 * provider did not say, a server's own policy beside the portal's, a policy that is gone.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DefinitionShown } from '../../src/contract/definitions.ts'
import { startLiar } from '../liar.ts'
import { startTestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, open2025 } from '../raw-mcp.ts'
import type { Rule, RuleSet, Who } from '../support/naive-policy.ts'
import { openPolicyRoom, type PolicyRoom, type TestCaller } from '../support/policy-room.ts'
import { mountOf, WHOLE } from '../support/surfaces.ts'

const MCP = '/access/ai-controls/mcp'
const EVERYONE: Who = { everyone: {} }
const ruleOf = (decision: string, more: Partial<Rule> = {}) =>
  ({ decision, include: [EVERYONE], require: [], exclude: [], capabilities: null, ...more }) as Rule

// [SURFACE-1]
test('a rule for what only reads does not open a tool that calls itself so, until an admin approved that', async () => {
  const wipe = (readOnlyHint: boolean) => ({
    ...{ name: 'wipe', description: 'Wipes.', inputSchema: { type: 'object' } },
    annotations: { readOnlyHint },
  })
  const liar = await startLiar([wipe(false)])
  const portal = await startTestPortal()
  try {
    await portal.furnish([{ id: 'liar', url: liar.url }])
    const reads = { ...ruleOf('allow'), name: 'Reads', capabilities: [{ annotations: { readOnlyHint: true } }] }
    const made = await portal.api<{ id: string }>('POST', '/access/policies', reads)
    await portal.api('PUT', `${MCP}/portals/default`, { policies: [made.body.result.id] })
    const caller = bearer(await portal.userToken('ada@acme.test'))
    const call = async () => messageOf(await ask2026(`${portal.url}/mcp`, caller, 'tools/call', { name: 'liar_wipe' }))
    const unknown = { code: -32602, message: 'Unknown tool: liar_wipe' }
    expect((await call()).error).toEqual(unknown)

    liar.lists.tools = [wipe(true)]
    await portal.api('POST', `${MCP}/servers/liar/sync`)
    expect((await call()).error).toEqual(unknown)
    expect(liar.reached()).toEqual([])

    const shown = await portal.api<DefinitionShown[]>('GET', `${MCP}/servers/liar/definitions?state=held`)
    const held = shown.body.result.map(({ kind, name, hash }) => ({ kind, name, hash }))
    expect(held).toHaveLength(1)
    await portal.api('POST', `${MCP}/servers/liar/definitions/approve`, held)
    expect((await call()).result).toMatchObject({ content: [{ text: 'done' }] })
  } finally {
    await portal.close()
    await liar.server.close()
  }
})

describe('a portal whose policies', () => {
  let room: PolicyRoom
  let callers: TestCaller[]
  let sessions: Awaited<ReturnType<typeof open2025>>[]
  beforeAll(async () => {
    room = await openPolicyRoom()
    callers = await Promise.all(['ada@acme.test', 'bob@other.test', 'robot'].map((name) => room.caller(name)))
    await room.rewrite(setOf([ruleOf('bypass')]))
    sessions = await Promise.all(callers.map(({ raw }) => open2025(room.portal.url + WHOLE, raw)))
  })
  afterAll(async () => room?.close())

  const setOf = (portal: Rule[], servers: Record<string, Rule[]> = {}): RuleSet => ({ portal, servers })

  /** Status of each caller's list in each era. */
  async function statuses(): Promise<number[]> {
    const answers = await Promise.all(
      callers.flatMap(({ raw }, index) => [
        ask2026(room.portal.url + WHOLE, raw, 'tools/list'),
        sessions[index]?.ask('tools/list'),
      ]),
    )
    return answers.map((answer) => answer?.status ?? 0)
  }
  const shut = [403, 403, 403, 403, 403, 403]

  const future: Who = { future: {} }
  const robots = ruleOf('non_identity')
  const newer: { what: string; rules: Rule[] }[] = [
    { what: 'include what this program does not know', rules: [ruleOf('allow', { include: [future] })] },
    {
      what: 'require what it does not know',
      rules: [ruleOf('allow', { require: [future] }), ruleOf('bypass', { require: [future] })],
    },
    {
      what: 'exclude what it does not know',
      rules: [ruleOf('allow', { exclude: [future] }), ruleOf('non_identity', { exclude: [future] })],
    },
    { what: 'deny what it does not know', rules: [ruleOf('deny', { include: [future] }), ruleOf('allow')] },
    { what: 'decide by a word it does not know', rules: [ruleOf('someday'), ruleOf('allow')] },
    { what: 'reach what it does not know', rules: [ruleOf('allow', { capabilities: [{ moons: ['luna'] } as never] })] },
    {
      what: 'deny in a way that it does not know',
      rules: [ruleOf('deny', { capabilities: [{ moons: ['luna'] } as never] }), ruleOf('allow')],
    },
  ]
  // [SURFACE-1]
  test.each(newer)('$what let nobody at anything', async ({ what, rules }) => {
    await room.rewrite(setOf(rules))
    room.taken()
    if (what.startsWith('deny in a way')) {
      // Of entering it says nothing; of everything there it says no.
      const [ada] = callers
      const listed = await ask2026(room.portal.url + WHOLE, ada?.raw ?? { credentials: {} }, 'tools/list')
      expect(listed.text).not.toContain('alpha')
      const call = await ask2026(room.portal.url + WHOLE, ada?.raw ?? { credentials: {} }, 'tools/call', {
        name: 'alpha_list',
      })
      expect(messageOf(call).error?.message).toBe('Unknown tool: alpha_list')
    } else {
      const seen = await statuses()
      // A deny speaks of people; no policy lets a bot in.
      expect(seen).toEqual(shut)
    }
    expect(room.taken()).toEqual([])
  })

  // [SURFACE-1]
  test('are gone from the store let nobody in', async () => {
    await room.rewrite(setOf([ruleOf('allow'), robots]))
    expect(await statuses()).toEqual([200, 200, 200, 200, 200, 200])
    await room.store.write(async (trx) => {
      await trx.deleteFrom('policies').execute()
      await room.store.versions.bump(trx, 'policies')
    })
    await room.portal.userToken('somebody@acme.test')
    expect(await statuses()).toEqual(shut)
  })

  // [SURFACE-1]
  test('exclude a group keep out whoever’s groups are not known', async () => {
    const contractors: Who = {
      okta: { name: 'contractors', identity_provider_id: 'f174e90a-fafe-4643-bbbc-4a0ed4fc8415' },
    }
    await room.rewrite(setOf([ruleOf('allow', { exclude: [contractors] })]))
    expect((await statuses()).slice(0, 4)).toEqual([403, 403, 403, 403])
    await room.rewrite(setOf([ruleOf('deny', { include: [contractors] }), ruleOf('allow')]))
    expect((await statuses()).slice(0, 4)).toEqual([403, 403, 403, 403])
  })

  // [SURFACE-1]
  test('deny somebody are not widened by a server’s own, nor by its last one going', async () => {
    const bob: Who = { email: { email: 'bob@other.test' } }
    const portal = [ruleOf('deny', { include: [bob], capabilities: [{ servers: ['beta'] }] }), ruleOf('allow')]
    const [, caller] = callers
    const url = room.portal.url
    for (const own of [[ruleOf('allow', { include: [bob] })], [ruleOf('bypass')], []]) {
      await room.rewrite(setOf(portal, { beta: own }))
      room.taken()
      for (const [at, name] of [
        [WHOLE, 'beta_list'],
        [mountOf('beta'), 'list'],
      ] as const) {
        const answer = await ask2026(url + at, caller?.raw ?? { credentials: {} }, 'tools/call', { name })
        expect(messageOf(answer).error).toEqual({ code: -32602, message: `Unknown tool: ${name}` })
        const listed = await ask2026(url + at, caller?.raw ?? { credentials: {} }, 'tools/list')
        expect(listed.text).not.toContain('of beta')
      }
      expect(room.taken()).toEqual([])
    }
  })

  // [SURFACE-1]
  test('deny a whole server do not let it be named either', async () => {
    await room.rewrite(setOf([ruleOf('deny', { capabilities: [{ servers: ['beta'] }] }), ruleOf('allow')]))
    const [ada] = callers
    const call = { name: 'portal_list_servers', arguments: {} }
    const answer = await ask2026(room.portal.url + WHOLE, ada?.raw ?? { credentials: {} }, 'tools/call', call)
    expect(answer.text).toContain('alpha')
    expect(answer.text).not.toContain('beta')
  })
})
