import { classifyInboundRequest } from '@modelcontextprotocol/server'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Classified, classify, type HeaderMap } from './classify.ts'

const V = 'io.modelcontextprotocol/protocolVersion'
const C = 'io.modelcontextprotocol/clientCapabilities'
const I = 'io.modelcontextprotocol/clientInfo'
const envelope = { [V]: '2026-07-28', [C]: {} }
const modern = { 'mcp-protocol-version': '2026-07-28' }

const post = (body: unknown, headers: HeaderMap = {}) => classify({ method: 'POST', headers }, body)
const request = (method: string, params?: unknown) => ({ jsonrpc: '2.0', id: 1, method, ...(params ? { params } : {}) })
const outcome = (result: Classified) =>
  result.kind === 'error' ? `${result.status} ${result.error.code}` : `${result.kind} ${result.era}`

describe('the era of a request', () => {
  test.each<[string, unknown, HeaderMap, string]>([
    ['an envelope makes it 2026', request('tools/list', { _meta: envelope }), modern, 'request 2026'],
    ['an envelope without a header too', request('tools/list', { _meta: envelope }), {}, 'request 2026'],
    ['no envelope and no header is 2025', request('tools/list'), {}, 'request 2025'],
    ['a 2025 header is 2025', request('tools/list'), { 'mcp-protocol-version': '2025-06-18' }, 'request 2025'],
    ['initialize is the handshake', request('initialize', { protocolVersion: '2025-11-25' }), {}, 'initialize 2025'],
    [
      'initialize with a whole envelope is a 2026 request',
      request('initialize', { _meta: envelope }),
      {},
      'request 2026',
    ],
    ['initialize with a 2026 header contradicts itself', request('initialize', {}), modern, '400 -32020'],
    ['a 2026 header without an envelope', request('tools/list'), modern, '400 -32602'],
    ['an envelope without a version', request('tools/list', { _meta: { [C]: {} } }), modern, '400 -32602'],
    ['an envelope without capabilities', request('tools/list', { _meta: { [V]: '2026-07-28' } }), modern, '400 -32602'],
    ['a version that is no string', request('tools/list', { _meta: { ...envelope, [V]: 7 } }), modern, '400 -32602'],
    ['capabilities that are no object', request('x', { _meta: { ...envelope, [C]: [] } }), modern, '400 -32602'],
    [
      'client info without a version',
      request('x', { _meta: { ...envelope, [I]: { name: 'a' } } }),
      modern,
      '400 -32602',
    ],
    [
      'another version in the header',
      request('x', { _meta: envelope }),
      { 'mcp-protocol-version': '2025-11-25' },
      '400 -32020',
    ],
    [
      'white space around the header',
      request('x', { _meta: envelope }),
      { 'mcp-protocol-version': ' \t2026-07-28 ' },
      'request 2026',
    ],
    ['another method in the header', request('x', { _meta: envelope }), { ...modern, 'mcp-method': 'y' }, '400 -32020'],
    ['a revision of the future', request('x', { _meta: { ...envelope, [V]: '2027-01-01' } }), {}, '400 -32022'],
    ['a 2025 revision in an envelope', request('x', { _meta: { ...envelope, [V]: '2025-11-25' } }), {}, '400 -32022'],
    ['a header with a revision that never was', request('x'), { 'mcp-protocol-version': '2025-01-01' }, '400 -32600'],
    ['a 2025 notification', { jsonrpc: '2.0', method: 'notifications/initialized' }, {}, 'notification 2025'],
    ['a notification under a 2026 header', { jsonrpc: '2.0', method: 'n' }, modern, 'notification 2026'],
    ['an answer to a question', { jsonrpc: '2.0', id: 'q', result: {} }, {}, 'response 2025'],
    ['an error as answer', { jsonrpc: '2.0', id: 'q', error: { code: 1, message: '' } }, {}, 'response 2025'],
    ['a batch of 2025', [request('a'), { jsonrpc: '2.0', method: 'n' }], {}, 'batch 2025'],
    ['a batch with an envelope in it', [request('a'), request('b', { _meta: envelope })], {}, '400 -32600'],
    ['a batch with a handshake in it', [request('initialize')], {}, '400 -32600'],
    ['a batch of 21', Array.from({ length: 21 }, () => request('a')), {}, '400 -32600'],
    ['a batch of none', [], {}, '400 -32600'],
    ['a batch in a revision without batches', [request('a')], { 'mcp-protocol-version': '2025-06-18' }, '400 -32600'],
    ['a batch under a 2026 header', [request('a')], modern, '400 -32600'],
  ])('%s', (_, body, headers, expected) => {
    expect(outcome(post(body, headers))).toBe(expected)
  })

  test.each([
    null,
    'text',
    7,
    {},
    { jsonrpc: '1.0', id: 1, method: 'a' },
    { jsonrpc: '2.0', id: null, method: 'a' },
    { jsonrpc: '2.0', id: 1.5, method: 'a' },
    { jsonrpc: '2.0', id: {}, method: 'a' },
    { jsonrpc: '2.0', id: 1, method: 7 },
    { jsonrpc: '2.0', id: 1, method: 'a', params: [] },
    { jsonrpc: '2.0', id: 1, method: 'a', params: { _meta: 'x' } },
    { jsonrpc: '2.0', id: 1, method: 'a', params: { _meta: { progressToken: {} } } },
    { jsonrpc: '2.0', id: 1, method: 'a', result: {} },
    { jsonrpc: '2.0', id: 1, result: {}, error: { code: 1, message: '' } },
    { jsonrpc: '2.0', id: 1 },
    { jsonrpc: '2.0', result: {} },
  ])('a body that is no message is an invalid request: %j', (body) => {
    expect(outcome(post(body))).toBe('400 -32600')
  })

  test('GET and DELETE belong to 2025 sessions, other methods to nobody', () => {
    const get = classify({ method: 'GET', headers: {} }, undefined)
    expect(get).toEqual({ kind: 'session', era: '2025', version: null, operation: 'GET' })
    expect(outcome(classify({ method: 'DELETE', headers: modern }, undefined))).toBe('session 2025')
    expect(outcome(classify({ method: 'PUT', headers: {} }, undefined))).toBe('405 -32600')
  })

  test('an error carries the id of the request, so that its sender can match it', () => {
    expect(post(request('x'), modern)).toMatchObject({ id: 1 })
    expect(post({ jsonrpc: '2.0', id: 'a', method: 7 })).toMatchObject({ id: 'a' })
    expect(post({ jsonrpc: '2.0', id: {}, method: 'm' })).toMatchObject({ id: null })
  })

  test('a version error names what is spoken and what was asked for', () => {
    const result = post(request('x', { _meta: { ...envelope, [V]: '2027-01-01' } }))
    expect(result).toMatchObject({
      error: {
        data: {
          supported: ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'],
          requested: '2027-01-01',
        },
      },
    })
  })
})

describe('agreement with the official SDK', () => {
  // Mostly right, so that every rung of the ladder is reached, and each member sometimes wrong or missing.
  const mostly = <T>(right: T, ...wrong: unknown[]) =>
    fc.oneof(
      { weight: 6, arbitrary: fc.constant<unknown>(right) },
      { weight: 1, arbitrary: fc.constantFrom<unknown>(undefined, ...wrong) },
    )
  const otherVersions = ['2025-11-25', '2025-03-26', '2026-07-29', ' 2026-07-28\t', 'zz']
  const meta = fc
    .record({
      [V]: mostly('2026-07-28', ...otherVersions, 7),
      [C]: mostly(
        {},
        { sampling: {} },
        { elicitation: { form: {} } },
        { roots: 7 },
        { extensions: { a: 1 } },
        'x',
        null,
      ),
      [I]: mostly({ name: 'a', version: '1' }, { name: 'a' }, 'x'),
      'io.modelcontextprotocol/logLevel': mostly('info', 'loud'),
      progressToken: mostly(1, 'p', {}, 1.5),
    })
    .map(dropUndefined)
  const params = fc
    .record({
      _meta: fc.oneof({ weight: 4, arbitrary: meta }, mostly(undefined, 'x', {})),
      protocolVersion: mostly('2025-11-25'),
    })
    .map(dropUndefined)
  const message = fc
    .record({
      jsonrpc: mostly('2.0', '1.0'),
      id: mostly(1, 'a', null, 1.5),
      method: fc.oneof(fc.constantFrom('tools/list', 'initialize'), mostly('notifications/x', 7)),
      params: fc.oneof({ weight: 6, arbitrary: params }, mostly(undefined, [])),
      result: fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, fc.constant({})),
    })
    .map(dropUndefined)
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  const headers = fc.record({
    version: fc.oneof(mostly('2026-07-28', ...otherVersions), fc.constant(undefined)).map(text),
    method: mostly(undefined, 'tools/list', 'initialize', ' tools/list ').map(text),
  })

  test('the same era or the same error for every message that stands alone', () => {
    const seen = new Set<string>()
    fc.assert(
      fc.property(message, headers, fc.constantFrom('POST', 'POST', 'POST', 'GET', 'DELETE'), (body, sent, method) => {
        const ours = classify(
          { method, headers: { 'mcp-protocol-version': sent.version, 'mcp-method': sent.method } },
          body,
        )
        const theirs = classifyInboundRequest({
          httpMethod: method,
          body,
          ...(sent.version === undefined ? {} : { protocolVersionHeader: sent.version }),
          ...(sent.method === undefined ? {} : { mcpMethodHeader: sent.method }),
        })
        expect(summaryOfOurs(ours)).toBe(summaryOfTheirs(theirs))
        seen.add(summaryOfOurs(ours))
      }),
      { numRuns: 10_000 },
    )
    const rungs = ['400 -32600', '400 -32020', '400 -32022', '400 -32602', '2025 http-method', '2025 initialize']
    expect([...seen]).toEqual(expect.arrayContaining([...rungs, '2025 no-claim', '2025 notification', '2026 request']))
  })

  type Theirs = ReturnType<typeof classifyInboundRequest>

  function summaryOfTheirs(theirs: Theirs): string {
    if (theirs.kind === 'reject') return `${theirs.httpStatus} ${theirs.code}`
    if (theirs.kind === 'legacy') return `2025 ${theirs.reason}`
    // The SDK's entry point refuses unknown revisions one step later; here that is part of classifying.
    if (theirs.classification.revision !== '2026-07-28') return '400 -32022'
    return `2026 ${theirs.messageKind}`
  }

  function summaryOfOurs(ours: Classified): string {
    switch (ours.kind) {
      case 'error':
        return `${ours.status} ${ours.error.code}`
      case 'session':
        return '2025 http-method'
      case 'request':
        return ours.era === '2026' ? '2026 request' : '2025 no-claim'
      default:
        return `${ours.era} ${ours.kind}`
    }
  }
})

function dropUndefined(record: object): object {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined))
}
