/**
 * Ways around a rule that look nothing like one: a token that moves to another place, a URI that a careless server reads otherwise, a
 * wider template of the same server.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/protocol/model.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, messageOf, type RawCaller } from '../raw-mcp.ts'
import { json, modern, result, type ScriptedServer, startScripted } from '../scripted-server.ts'

const PORTALS = '/access/ai-controls/mcp/portals'
const INSIDE = '203.0.113.9'
const OUTSIDE = '198.51.100.7'

let portal: TestPortal
let files: ScriptedServer
let token: string
/** What was called or read. */
const reached: string[] = []

beforeAll(async () => {
  portal = await startTestPortal({ config: { trustedProxies: ['127.0.0.1/32'] } })
  files = await startScripted((seen, response, request) => {
    const complete = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' }
    const { method, params } = seen.body as { method: string; params?: JsonObject }
    if (method === 'tools/list')
      return json(response, result(seen, { ...complete, tools: [{ name: 'open', inputSchema: { type: 'object' } }] }))
    if (method === 'resources/templates/list') {
      const resourceTemplates = ['doc:///{+path}', 'doc:///secret/{name}'].map((uriTemplate) => ({
        ...{ uriTemplate, name: uriTemplate },
      }))
      return json(response, result(seen, { ...complete, resourceTemplates }))
    }
    if (method === 'resources/list') return json(response, result(seen, { ...complete, resources: [] }))
    if (method === 'tools/call' || method === 'resources/read') {
      reached.push(String(params?.uri ?? params?.name))
      const content = [{ type: 'text', text: 'treasure' }]
      const contents = [{ uri: String(params?.uri), text: 'treasure' }]
      return json(response, result(seen, { ...complete, ...(method === 'tools/call' ? { content } : { contents }) }))
    }
    return modern(() => {}, { tools: {}, resources: {} })(seen, response, request)
  })
  await portal.furnish([{ id: 'files', url: `${files.origin}/mcp` }])
  token = await portal.userToken('ada@acme.test')
})
afterAll(async () => {
  await portal?.close()
  await files?.close()
})
beforeEach(() => void reached.splice(0))

async function setPolicies(policies: object[]): Promise<void> {
  const ids: string[] = []
  for (const policy of policies) {
    const made = await portal.api<{ id: string }>('POST', '/access/policies', { name: 'One', ...policy })
    if (!made.body.success) throw new Error(JSON.stringify(made.body.errors))
    ids.push(made.body.result.id)
  }
  await portal.api('PUT', `${PORTALS}/default`, { policies: ids })
}

const everyone = [{ everyone: {} }]
const from = (ip: string): RawCaller => ({ credentials: { authorization: `Bearer ${token}`, 'x-forwarded-for': ip } })
const call = (ip: string) => ask2026(`${portal.url}/mcp`, from(ip), 'tools/call', { name: 'files_open', arguments: {} })
const read = (uri: string) => ask2026(`${portal.url}/mcp`, from(INSIDE), 'resources/read', { uri })

test('an expression about the address hears of the address of each request, not of the first one', async () => {
  const capabilities = [{ expression: `principal.ip == "${INSIDE}"` }]
  await setPolicies([{ decision: 'allow', include: everyone, capabilities }])
  expect((await call(INSIDE)).text).toContain('treasure')
  expect((await call(OUTSIDE)).text).not.toContain('treasure')
  expect((await call(INSIDE)).text).toContain('treasure')
  expect(reached).toEqual(['open', 'open'])
})

// [SURFACE-3]
describe('what may not be read', () => {
  test.each([
    'doc:///secret/key',
    'doc:///x/%ff%2f%2e%2e%2f..%2f%73ecret/key',
    'doc:///%ff%2f..%2fsecret/key',
    'doc:///x%c0%af%c0%ae%c0%ae%c0%afsecret/key',
    'doc:////secret/key',
    'doc:///secret//key',
    'doc:///%2Fsecret/key',
    'doc:///secret%5ckey',
    'doc:///secret/key?x',
    'doc:///secret/key#x',
    'doc:///secret/key%00.txt',
    'doc:///Secret/Key',
  ])('is not read as %s either', async (uri) => {
    const deny = { decision: 'deny', include: everyone, capabilities: [{ names: ['doc:///secret/key'] }] }
    await setPolicies([deny, { decision: 'allow', include: everyone }])
    const unknown = await read('zeta:///nowhere')
    const answer = await read(uri)
    expect(answer.text.replaceAll(JSON.stringify(uri).slice(1, -1), '')).toBe(
      unknown.text.replaceAll('zeta:///nowhere', ''),
    )
    expect(reached).toEqual([])
  })

  test('is not read through a wider template of the same server', async () => {
    const deny = { decision: 'deny', include: everyone, capabilities: [{ names: ['doc:///secret/{name}'] }] }
    await setPolicies([deny, { decision: 'allow', include: everyone }])
    for (const uri of ['doc:///secret/key', 'doc:///%73ecret/key', 'doc:///secret%2Fkey'])
      expect((await read(uri)).text).not.toContain('treasure')
    expect(reached).toEqual([])
    expect(messageOf(await read('doc:///open/key')).result).toBeDefined()
    expect(messageOf(await read('doc:///caf%e9//a?b')).result).toBeDefined()
  })
})
