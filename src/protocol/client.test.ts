import { describe, expect, test } from 'vitest'
import { type Askable, NOTHING_ASKABLE } from './asked.ts'
import { classify } from './classify.ts'
import { buildAnswer2025, buildInitialize, buildNotification2025, buildRequest2025 } from './era-2025/client.ts'
import { buildRequest2026, type OutgoingRequest, speaker2026 } from './era-2026/client.ts'
import { decode2026 } from './era-2026/decode.ts'
import { metaOf } from './era-2026/envelope.ts'

const read = (body: Buffer) => JSON.parse(body.toString())

describe('a request to a 2026 server', () => {
  const out = {
    id: 9,
    method: 'tools/call',
    params: { name: 'échö', arguments: { a: 1 } },
    logLevel: 'info' as const,
    progressToken: 9,
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    vendor: { 'com.example/x': 1 },
  }
  const speaker = speaker2026('2026-07-28', { name: 'portico', version: '1' }, { elicitation: {} })

  test('passes the checks that our own door makes, and says what it was told to say', () => {
    const { body, headers } = buildRequest2026(out, speaker)
    const classified = classify({ method: 'POST', headers }, read(body))
    if (classified.kind !== 'request' || classified.version === null) throw new Error('not a 2026 request')
    expect(decode2026(classified.message, classified.version, headers)).toEqual({
      kind: 'decoded',
      request: {
        id: 9,
        method: 'tools/call',
        params: out.params,
        meta: { progressToken: 9, logLevel: 'info', traceparent: out.traceparent, vendor: out.vendor },
      },
      client: {
        era: '2026',
        version: '2026-07-28',
        name: 'portico',
        clientVersion: '1',
        capabilities: { elicitation: {} },
      },
    })
    expect(headers.accept).toBe('application/json, text/event-stream')
  })

  test('vendor metadata cannot take the place of the envelope', () => {
    const vendor = { 'io.modelcontextprotocol/clientInfo': { name: 'evil', version: '1' }, progressToken: 'theirs' }
    const meta = read(buildRequest2026({ ...out, vendor }, speaker).body).params._meta
    expect(meta.progressToken).toBe(9)
    expect(meta['io.modelcontextprotocol/clientInfo'].name).toBe('portico')
  })

  test('with nothing of the caller’s to carry, the envelope alone is its metadata', () => {
    for (const params of [{}, { name: '}"é', arguments: {} }]) {
      expect(read(buildRequest2026({ id: 9, method: 'tools/call', params }, speaker).body)).toEqual({
        jsonrpc: '2.0',
        id: 9,
        method: 'tools/call',
        params: { ...params, _meta: { ...speaker.envelope, 'dev.portico/hop': 1 } },
      })
    }
  })

  test('what the caller can be asked stands in its own request, in the place of what is declared for all, and in no other', () => {
    const bare = speaker2026('2026-07-28', { name: 'portico', version: '1' }, {})
    const declared = (given: Partial<typeof out> & { askable?: Askable }) =>
      read(buildRequest2026({ id: 9, method: 'tools/call', params: {}, ...given }, bare).body).params._meta[
        'io.modelcontextprotocol/clientCapabilities'
      ]
    const forms = { ...NOTHING_ASKABLE, form: true }
    const all = { form: true, url: true, sampling: true, samplingTools: true, roots: true }
    for (const _ of ['made', 'kept']) {
      expect(declared({ askable: forms })).toEqual({ elicitation: { form: {} } })
      expect(declared({ ...out, askable: forms })).toEqual({ elicitation: { form: {} } })
      expect(declared({ askable: all })).toEqual({
        elicitation: { form: {}, url: {} },
        sampling: { tools: {} },
        roots: {},
      })
      expect(declared({})).toEqual({})
      expect(declared({ askable: NOTHING_ASKABLE })).toEqual({})
    }
  })

  test('a method that names nothing has no Mcp-Name', () => {
    expect(buildRequest2026({ ...out, method: 'tools/list', params: {} }, speaker).headers['mcp-name']).toBeUndefined()
  })
})

describe('portals behind portals', () => {
  const speaker = speaker2026('2026-07-28', { name: 'portico', version: '1' }, {})
  const call = { id: 1, method: 'tools/call', params: { name: 'a' } }
  const eras = [
    { era: '2025', build: (out: OutgoingRequest) => buildRequest2025(out, '2025-11-25') },
    { era: '2026', build: (out: OutgoingRequest) => buildRequest2026(out, speaker) },
  ]
  test.each(eras)('a call to a $era server says how many portals it went through', ({ build }) => {
    for (const hop of [1, 2, 3]) {
      for (const more of [{}, { progressToken: 7 }, { vendor: { mine: 1 } }]) {
        const { params } = read(build({ ...call, ...more, hop }).body)
        expect(params).toMatchObject({ name: 'a', _meta: { 'dev.portico/hop': hop, ...more.vendor } })
        expect(metaOf(params._meta)).toMatchObject({ hop })
      }
    }
  })

  test.each(eras)('no vendor metadata can say so in our place to a $era server', ({ build }) => {
    const vendor = { 'dev.portico/hop': 0 }
    expect(read(build({ ...call, vendor, hop: 3 }).body).params._meta['dev.portico/hop']).toBe(3)
    expect(metaOf(vendor)).toEqual({ hop: 0 })
  })

  test('a count that is none goes nowhere', () => {
    for (const hop of [-1000, 0.5, '0', null, {}, 1e300]) {
      expect(metaOf({ 'dev.portico/hop': hop }).hop).toBeGreaterThan(3)
    }
  })
})

describe('messages to a 2025 server', () => {
  test('a request without metadata has no _meta', () => {
    const { body, headers } = buildRequest2025({ id: 1, method: 'tools/list', params: { cursor: '' } }, '2025-06-18')
    expect(read(body)).toEqual({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { cursor: '' } })
    expect(headers['mcp-protocol-version']).toBe('2025-06-18')
  })

  test('the version is named in a header from 2025-06-18 on', () => {
    expect(
      buildNotification2025('notifications/initialized', {}, '2025-03-26').headers['mcp-protocol-version'],
    ).toBeUndefined()
  })

  test('the handshake asks for the newest revision of the era', () => {
    const portal = { clientInfo: { name: 'portico', version: '1' }, capabilities: {} }
    const { body, headers } = buildInitialize('i', portal)
    expect(read(body).params).toEqual({ protocolVersion: '2025-11-25', ...portal })
    expect(headers['mcp-protocol-version']).toBeUndefined()
  })

  test('a server’s question is answered under its own id', () => {
    expect(read(buildAnswer2025('q', { error: { code: -32601, message: 'm' } }, '2025-11-25').body)).toEqual({
      jsonrpc: '2.0',
      id: 'q',
      error: { code: -32601, message: 'm' },
    })
  })
})
