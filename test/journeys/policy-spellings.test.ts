/**
 * A rule speaks of a server, a kind and its own name for a thing. No other way of writing a name gets past it, on any surface: it is as
 * unknown as what is not there, and the server does not hear of it.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/protocol/model.ts'
import { messageOf, open2025, type RawAnswer, request2026, send } from '../raw-mcp.ts'
import type { Rule } from '../support/naive-policy.ts'
import { openPolicyRoom, type PolicyRoom, type TestCaller } from '../support/policy-room.ts'
import { mountOf, WHOLE } from '../support/surfaces.ts'

const rule = (decision: Rule['decision'], capabilities: Rule['capabilities'] = null): Rule => ({
  ...{ decision, include: [{ everyone: {} }], require: [], exclude: [], capabilities },
})
const MOUNT = mountOf('beta')

let room: PolicyRoom
let ada: TestCaller
beforeAll(async () => {
  room = await openPolicyRoom()
  ada = await room.caller('ada@acme.test')
  const secrets = ['beta://open/secret', 'beta://closed/one', 'beta://open/\u00e9']
  const denied = [
    { servers: ['beta'], kinds: ['tool', 'prompt'], names: ['write', 'report'] },
    { kinds: ['resource'], names: secrets },
    { kinds: ['template'], names: ['beta://closed/{name}'] },
  ]
  await room.rewrite({ portal: [rule('deny', denied), rule('allow')], servers: {} })
})
afterAll(async () => room?.close())

const eras = {
  2026(at: string, method: string, params: JsonObject) {
    const name = params.name ?? params.uri
    return send(room.portal.url + at, request2026(method, params), {
      ...{ ...ada.raw.credentials, 'mcp-protocol-version': '2026-07-28', 'mcp-method': method },
      ...(typeof name === 'string' ? { 'mcp-name': asHeader(name) } : {}),
    })
  },
  2025: async (at: string, method: string, params: JsonObject) =>
    (await open2025(room.portal.url + at, ada.raw)).ask(method, params),
}

/** MCP 2026-07-28: what a header cannot carry as it stands goes in Base64. */
function asHeader(name: string): string {
  return /^[!-~]+$/.test(name) ? name : `=?base64?${Buffer.from(name).toString('base64')}?=`
}

/** An alias, the own name, a hash of it, and what only looks like them. */
const TOOLS = [
  ...['beta_put', 'beta_write', 'BETA_PUT', 'Beta_put', 'beta_Put', 'beta_put.', 'beta_put ', ' beta_put', 'beta.put'],
  ...['beta_put\u200b', 'b\u0435ta_put', 'beta\uff3fput', 'beta%5Fput', 'beta_%70ut', 'beta_put\u0000', 'beta/put'],
  ...['beta_put_1b2c3d4e5f60', 'beta_write_1b2c3d4e5f60', 'beta__put', 'beta_wri\u0301te', 'beta-write', 'beta::write'],
]
const MOUNTED = [
  'put',
  'write',
  'WRITE',
  'Write',
  'write.',
  'wr%69te',
  '\uff57rite',
  'write\u200d',
  'beta_write',
  'beta_put',
]
const PROMPTS = ['beta_report', 'BETA_report', 'beta_REPORT', 'beta_report.', 'beta_r%65port', 'beta_rep\u043ert']
const URIS = [
  ...['beta://open/secret', 'beta://open/%73ecret', 'beta://open/%73%65%63%72%65%74', 'beta://open/%2573ecret'],
  ...['beta://open/./secret', 'beta://open/x/../secret', 'beta://open/%2e/secret', 'beta://open/..%2fopen%2fsecret'],
  ...['BETA://open/secret', 'beta://OPEN/secret', 'beta://open//secret', 'beta:/open/secret', 'beta://open/..'],
  ...['beta://open/\u00e9', 'beta://open/e\u0301', 'beta://open/%C3%A9', 'beta://open/%c3%a9', 'beta://open/%65%CC%81'],
  ...[
    'beta://closed/one',
    'beta://closed/two',
    'beta://clos%65d/one',
    'beta://closed/{name}',
    'beta://closed/%7Bname%7D',
  ],
]

const prompt = (name: string) => ({ ref: { type: 'ref/prompt', name }, argument: { name: 'about', value: '' } })
const uriRef = (uri: string) => ({ ref: { type: 'ref/resource', uri }, argument: { name: 'name', value: '' } })
const surfaces: { at: string; method: string; names: string[]; params: (name: string) => JsonObject }[] = [
  { at: WHOLE, method: 'tools/call', names: TOOLS, params: (name) => ({ name, arguments: { path: '/x' } }) },
  { at: MOUNT, method: 'tools/call', names: MOUNTED, params: (name) => ({ name, arguments: { path: '/x' } }) },
  { at: WHOLE, method: 'prompts/get', names: PROMPTS, params: (name) => ({ name, arguments: { about: 'x' } }) },
  { at: MOUNT, method: 'prompts/get', names: ['report', 'REPORT', 'r%65port'], params: (name) => ({ name }) },
  { at: WHOLE, method: 'completion/complete', names: PROMPTS, params: prompt },
  { at: WHOLE, method: 'resources/read', names: URIS, params: (uri) => ({ uri }) },
  { at: MOUNT, method: 'resources/read', names: URIS, params: (uri) => ({ uri }) },
  { at: WHOLE, method: 'completion/complete', names: URIS, params: uriRef },
]

function shapeOf(answer: RawAnswer, name: string): string {
  return JSON.stringify([answer.status, answer.text.replaceAll(JSON.stringify(name).slice(1, -1), 'NAME')])
}

describe.each(['2026', '2025'] as const)('to a client of %s', (era) => {
  // [SURFACE-3]
  test.each(surfaces)('$method at $at: no spelling of a forbidden name is anything but unknown', async (surface) => {
    const { at, method, names, params } = surface
    const nowhere = names === URIS ? 'zeta://nowhere' : 'zeta_nothing'
    const nothing = shapeOf(await eras[era](at, method, params(nowhere)), nowhere)
    room.taken()
    for (const name of names) {
      const answer = await eras[era](at, method, params(name))
      expect(shapeOf(answer, name), JSON.stringify(name)).toBe(nothing)
    }
    expect(room.taken()).toEqual([])
  })

  // [SURFACE-3]
  test('what is not forbidden is there under each of its names, and passes as it was written', async () => {
    const done: [string, string, JsonObject][] = [
      [WHOLE, 'tools/call', { name: 'write', arguments: {} }],
      [WHOLE, 'tools/call', { name: 'alpha_write', arguments: {} }],
      [MOUNT, 'tools/call', { name: 'read', arguments: {} }],
      [WHOLE, 'resources/read', { uri: 'beta://open/two' }],
      [WHOLE, 'resources/read', { uri: 'beta://open/a%20b' }],
      [MOUNT, 'resources/read', { uri: 'beta://open/%C3%A8' }],
    ]
    room.taken()
    for (const [at, method, params] of done) {
      expect(messageOf(await eras[era](at, method, params)).result, JSON.stringify(params)).toBeDefined()
    }
    expect(room.taken()).toEqual([
      'alpha: tools/call write {}',
      'alpha: tools/call write {}',
      'beta: resources/read beta://open/%C3%A8 null',
      'beta: resources/read beta://open/a%20b null',
      'beta: resources/read beta://open/two null',
      'beta: tools/call read {}',
    ])
  })
})
