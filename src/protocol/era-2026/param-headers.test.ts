import { describe, expect, test } from 'vitest'
import type { Json, JsonObject } from '../model.ts'
import { decodeHeaderValue, encodeHeaderValue } from './header-value.ts'
import { buildParamHeaders, checkParamHeaders, readHeaderParams } from './param-headers.ts'

const region = { type: 'string', 'x-mcp-header': 'Region' }
const schema = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({ type: 'object', properties, ...more })

describe('a definition is invalid where x-mcp-header', () => {
  test.each<[string, Json]>([
    ['is empty', schema({ a: { type: 'string', 'x-mcp-header': '' } })],
    ['is no string', schema({ a: { type: 'string', 'x-mcp-header': 7 } })],
    ['is no token', schema({ a: { type: 'string', 'x-mcp-header': 'a b' } })],
    ['holds a line break', schema({ a: { type: 'string', 'x-mcp-header': 'a\r\nb' } })],
    ['is there twice but for case', schema({ a: region, b: { type: 'string', 'x-mcp-header': 'REGION' } })],
    ['is on a number', schema({ a: { type: 'number', 'x-mcp-header': 'A' } })],
    ['is on an object', schema({ a: { type: 'object', 'x-mcp-header': 'A' } })],
    ['is on a union', schema({ a: { type: ['string', 'null'], 'x-mcp-header': 'A' } })],
    ['has no type beside it', schema({ a: { 'x-mcp-header': 'A' } })],
    ['is on the root', { type: 'string', 'x-mcp-header': 'A' }],
    ['is in items', schema({ a: { type: 'array', items: region } })],
    ['is in anyOf', schema({ a: { anyOf: [region] } })],
    ['is in properties under oneOf', schema({}, { oneOf: [schema({ a: region })] })],
    ['is in then', schema({}, { if: {}, then: schema({ a: region }) })],
    ['is in $defs', schema({}, { $defs: { r: region } })],
    ['is in additionalProperties', schema({}, { additionalProperties: region })],
    ['is in a keyword that nobody knows', schema({}, { 'x-more': { deep: region } })],
  ])('%s', (_, inputSchema) => {
    expect(readHeaderParams(inputSchema).ok).toBe(false)
  })
})

test('declarations are found at any depth of properties, and the word is free where it is no keyword', () => {
  const inputSchema = schema({
    region,
    place: schema({ floor: { type: 'integer', 'x-mcp-header': 'Floor' } }),
    'x-mcp-header': { type: 'string' },
    data: { const: { 'x-mcp-header': 1 }, default: { 'x-mcp-header': 2 } },
  })
  expect(readHeaderParams(inputSchema)).toEqual({
    ok: true,
    params: [
      { header: 'mcp-param-region', path: ['region'], type: 'string' },
      { header: 'mcp-param-floor', path: ['place', 'floor'], type: 'integer' },
    ],
  })
})

describe('a caller’s headers are held against the arguments', () => {
  const properties = {
    region,
    floor: { type: 'integer', 'x-mcp-header': 'Floor' },
    dry: { type: 'boolean', 'x-mcp-header': 'Dry' },
  }
  const definition = JSON.stringify({ name: 't', inputSchema: schema(properties) })
  const check = (input: JsonObject, headers: Record<string, string>) => checkParamHeaders(definition, input, headers)

  test.each<[JsonObject, Record<string, string>]>([
    [{}, {}],
    [{ region: null }, {}],
    [{}, { 'mcp-param-region': 'not expected, so not looked at' }],
    [{ region: 'eu' }, { 'mcp-param-region': ' eu\t' }],
    [{ region: 'é' }, { 'mcp-param-region': '=?base64?w6k=?=' }],
    [{ region: '' }, { 'mcp-param-region': '' }],
    [{ floor: 42 }, { 'mcp-param-floor': '42.0' }],
    [{ floor: -1 }, { 'mcp-param-floor': '-1' }],
    [{ dry: false }, { 'mcp-param-dry': 'false' }],
    [{ region: { not: 'a string' } }, {}],
    [{ region: 'eu' }, { 'mcp-param-region': 'eu', 'mcp-param-unknown': 'x' }],
  ])('%j with %j passes', (input, headers) => {
    expect(check(input, headers)).toBeNull()
  })

  test.each<[JsonObject, Record<string, string>]>([
    [{ region: 'eu' }, {}],
    [{ region: 'eu' }, { 'mcp-param-region': 'us' }],
    [{ region: 'eu' }, { 'mcp-param-region': 'EU' }],
    [{ region: 'eu' }, { 'mcp-param-region': '=?base64?!!?=' }],
    [{ region: '' }, {}],
    [{ floor: 42 }, { 'mcp-param-floor': '0x2a' }],
    [{ floor: 42 }, { 'mcp-param-floor': '43' }],
    [{ dry: true }, { 'mcp-param-dry': '1' }],
  ])('%j with %j is a header mismatch', (input, headers) => {
    expect(check(input, headers)?.code).toBe(-32020)
  })

  test('what the portal sends to a server passes the same check', () => {
    const declared = readHeaderParams(schema(properties))
    const input = { region: ' é=?base64?', floor: 7, dry: true, other: 1 }
    const headers = declared.ok ? buildParamHeaders(declared.params, input) : {}
    expect(Object.keys(headers)).toEqual(['mcp-param-region', 'mcp-param-floor', 'mcp-param-dry'])
    expect(check(input, headers)).toBeNull()
  })
})

test.each([
  'ada',
  'a b\tc',
  '',
  ' a',
  'a ',
  'é',
  'a\nb',
  '\u007f',
  '=?base64?YQ==?=',
  '=?base64??=',
  '=?base64?x',
  '😀',
  '\0',
])('the header value of %j is plain or encoded, and comes back as it was', (value) => {
  const encoded = encodeHeaderValue(value)
  expect(encoded).toMatch(/^[\x20-\x7e\t]*$/)
  expect(decodeHeaderValue(encoded)).toBe(value)
})
