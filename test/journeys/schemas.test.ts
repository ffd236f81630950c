/**
 * Schemas and keys that are made to do harm: nothing compiles, follows or merges them, so they cost what their bytes cost.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, open2025 } from '../raw-mcp.ts'
import { json, legacy, modern, result, type ScriptedServer, startScripted } from '../scripted-server.ts'

/** What one (a+)+$ costs on the argument below is more than the age of the universe. */
const BITING = `${'a'.repeat(60)}!`
const SLOW = '^(a+)+$'
/** Far below what one of them would cost, and above what a loaded machine does to a process. */
const STALL_MS = 60_000
const SMALL = { properties: { a: { pattern: SLOW } }, $ref: '#' }

function nested(depth: number, wrap: (inner: unknown) => unknown): unknown {
  let schema: unknown = { type: 'string' }
  for (let i = 0; i < depth; i++) schema = wrap(schema)
  return schema
}

function hostileSchemas(canary: string): Record<string, unknown>[] {
  const many = (count: number) => Array.from({ length: count }, (_, i) => i)
  return [
    { properties: { a: { pattern: SLOW } } },
    { properties: { a: { type: 'string', pattern: `${'(a*)*'.repeat(20)}$` } } },
    { patternProperties: { [SLOW]: { type: 'string' } }, additionalProperties: false },
    { propertyNames: { pattern: SLOW } },
    { properties: { a: { format: 'regex', default: SLOW } } },
    { properties: { a: { enum: many(11_000) } } },
    { properties: { a: { enum: many(1_000_000) } } },
    { properties: { a: { uniqueItems: true, default: many(9000) } } },
    { $ref: '#' },
    { $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } }, $ref: '#/$defs/a' },
    {
      $defs: Object.fromEntries(
        many(300).map((i) => [`d${i}`, { anyOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] }]),
      ),
      $ref: '#/$defs/d0',
    },
    { $id: `${canary}/id`, $schema: `${canary}/schema`, $ref: `${canary}/ref` },
    { properties: { a: { $ref: `${canary}/a` }, b: { $dynamicRef: `${canary}/b#x` } } },
    nested(25, (inner) => ({ allOf: [inner] })) as Record<string, unknown>,
    nested(9, (inner) => ({ anyOf: [inner, inner] })) as Record<string, unknown>,
    nested(25, (inner) => ({ properties: { a: inner } })) as Record<string, unknown>,
    { properties: { a: { minItems: 1e9, maxLength: 1e308, multipleOf: 1e-300, minimum: 1e308 } } },
    { properties: { a: { not: { not: { not: { not: {} } } } } }, if: { $ref: '#' }, else: { $ref: '#' } },
    { properties: Object.fromEntries(many(3000).map((i) => [`p${i}`, {}])), required: many(3000).map((i) => `p${i}`) },
    { properties: { a: { const: 'x'.repeat(60_000) } } },
    {
      properties: { a: { contentMediaType: 'application/json', contentSchema: { $ref: '#' } } },
      dependentSchemas: { a: { $ref: '#' } },
    },
  ].map((schema) => ({ type: 'object', ...schema }))
}

describe.each([
  ['2026', modern],
  ['2025', legacy],
] as const)('twenty hostile schemas of a server of %s', (era, make) => {
  let portal: TestPortal
  let server: ScriptedServer
  let canary: ScriptedServer
  let schemas: Record<string, unknown>[]

  beforeAll(async () => {
    canary = await startScripted((_, response) => json(response, {}))
    schemas = hostileSchemas(canary.origin)
    const tools = schemas.map((inputSchema, i) => ({
      name: `t${i}`,
      inputSchema,
      ...(i % 2 === 0 ? {} : { outputSchema: { type: 'object', ...SMALL } }),
    }))
    const inner = make((seen, response) =>
      json(response, result(seen, { resultType: 'complete', content: [], structuredContent: { a: BITING } })),
    )
    server = await startScripted((seen, response, request) => {
      if (seen.body.method !== 'tools/list') return inner(seen, response, request)
      json(response, result(seen, { resultType: 'complete', tools: tools as never, ttlMs: 0, cacheScope: 'public' }))
    })
    portal = await startTestPortal()
  })
  afterAll(async () => {
    await portal?.close()
    await server?.close()
    await canary?.close()
  })

  test('are listed as they are, called, and cost no stall; what they refer to is not fetched', async () => {
    const delay = monitorEventLoopDelay({ resolution: 10 })
    delay.enable()
    await portal.furnish([{ id: 's', url: `${server.origin}/mcp` }])
    const token = await portal.userToken('ada@acme.test')
    const listed = messageOf(await ask2026(`${portal.url}/mcp`, bearer(token), 'tools/list')).result?.tools as {
      name: string
      inputSchema: unknown
    }[]
    const own = listed.filter(({ name }) => name.startsWith('s_'))
    // One alone is over what a definition may have.
    expect(own).toHaveLength(schemas.length - 1)
    for (const { name, inputSchema } of own) expect(inputSchema).toEqual(schemas[Number(name.slice(3))])
    const session = await open2025(`${portal.url}/mcp`, bearer(token))
    for (const { name } of own) {
      const input = { name, arguments: { a: BITING, [BITING]: BITING } }
      expect((await ask2026(`${portal.url}/mcp`, bearer(token), 'tools/call', input)).status).toBe(200)
      expect((await session.ask('tools/call', input)).status).toBe(200)
    }
    delay.disable()
    expect(delay.max / 1e6).toBeLessThan(STALL_MS)
    expect(canary.seen).toEqual([])
    expect(server.asked('tools/call')).toHaveLength(own.length * 2)
    expect(era).toBeDefined()
  })
})

describe('keys that JavaScript gives a meaning of its own', () => {
  const POLLUTING = '"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"prototype":{"polluted":1}'
  const isClean = () => {
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    expect((() => {}) as unknown as Record<string, unknown>).not.toHaveProperty('polluted')
    expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('polluted')
  }

  test('touch nothing, wherever a server says them', async () => {
    const portal = await startTestPortal()
    const inject = (text: string) => text.replaceAll('"HERE":0', POLLUTING)
    const here = { HERE: 0 }
    const lists: Record<string, unknown> = {
      'server/discover': {
        ...{ resultType: 'complete', supportedVersions: ['2026-07-28'], ttlMs: 0, cacheScope: 'public', ...here },
        capabilities: {
          tools: { ...here },
          prompts: { ...here },
          resources: { ...here },
          extensions: { ...here },
          ...here,
        },
        serverInfo: { name: 's', version: '1', ...here },
        _meta: here,
      },
      'tools/list': {
        tools: [
          {
            name: 'echo',
            inputSchema: { type: 'object', properties: here, ...here },
            annotations: here,
            _meta: here,
            ...here,
          },
        ],
      },
      'prompts/list': { prompts: [{ name: 'p', arguments: [here], _meta: here, ...here }] },
      'resources/list': { resources: [{ uri: 'x://a', name: 'a', _meta: here, annotations: here, ...here }] },
      'resources/templates/list': { resourceTemplates: [{ uriTemplate: 'x://{b}', name: 'b', ...here }] },
    }
    const server = await startScripted((seen, response) => {
      const value = lists[seen.body.method ?? ''] ?? {
        content: [{ type: 'text', text: 'x', _meta: here }],
        structuredContent: here,
        _meta: here,
        ...here,
      }
      const whole = {
        jsonrpc: '2.0',
        id: seen.body.id,
        result: { resultType: 'complete', ttlMs: 0, cacheScope: 'public', ...value },
      }
      json(response, inject(JSON.stringify(whole)))
    })
    await portal.furnish([{ id: 's', url: `${server.origin}/mcp` }])
    const token = await portal.userToken('ada@acme.test')
    const url = `${portal.url}/mcp`
    const session = await open2025(url, bearer(token))
    for (const ask of [session.ask, (method: string, params = {}) => ask2026(url, bearer(token), method, params)]) {
      for (const method of ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'])
        expect((await ask(method)).status).toBe(200)
      expect(messageOf(await ask('tools/call', { name: 's_echo', arguments: {} })).result).toBeDefined()
      await ask('prompts/get', { name: 's_p' })
      await ask('resources/read', { uri: 'x://a' })
    }
    for (const path of ['servers', 'servers/s', 'portals/default'])
      expect((await portal.api('GET', `/access/ai-controls/mcp/${path}`)).status).toBe(200)
    isClean()
    await portal.close()
    await server.close()
  })

  test('are refused in what a client sends, by whichever door, and so is a key that stands twice', async () => {
    const portal = await startTestPortal()
    const token = await portal.userToken('ada@acme.test')
    const doors: [string, string, (members: string) => string, string][] = [
      [
        'POST',
        '/mcp',
        (members) => `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{${members}}}}`,
        token,
      ],
      ['POST', '/mcp', (members) => `{"jsonrpc":"2.0","id":1,"method":"tools/list",${members}}`, token],
      ...['portals', 'servers'].map(
        (what) =>
          [
            'POST',
            `/client/v4/accounts/a/access/ai-controls/mcp/${what}`,
            (members: string) => `{"id":"x","name":"x",${members}}`,
            portal.adminToken,
          ] as [string, string, (members: string) => string, string],
      ),
      [
        'PUT',
        '/client/v4/accounts/a/access/ai-controls/mcp/portals/default',
        (members) => `{"servers":[{"server_id":"x",${members}}]}`,
        portal.adminToken,
      ],
      [
        'POST',
        '/client/v4/accounts/a/access/policies',
        (members) => `{"name":"x","include":[{"email":{${members}}}]}`,
        portal.adminToken,
      ],
    ]
    const members = [
      ...['__proto__', 'constructor', 'prototype', '__\\u0070roto__'].map((key) => `"${key}":{"polluted":1}`),
      '"twice":1,"twice":2',
    ]
    for (const [method, path, body, shown] of doors) {
      for (const one of members) {
        const headers = { authorization: `Bearer ${shown}`, 'content-type': 'application/json' }
        const answer = await fetch(portal.url + path, { method, headers, body: body(one) })
        expect([path, one, answer.status]).toEqual([path, one, 400])
        expect(await answer.text()).toMatch(/key|twice/)
      }
    }
    isClean()
    await portal.close()
  })
})
