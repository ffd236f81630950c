import { describe, expect, test } from 'vitest'
import { scanReply } from '../scan.ts'
import { toolFor2025, withWrapped, wrapsOutput } from './structured.ts'

const tool = (outputSchema: unknown, more: object = {}) =>
  JSON.stringify({ name: 't', inputSchema: { type: 'object' }, ...more, outputSchema })

describe('a tool is shown as it is', () => {
  test.each([
    ['without a schema of its output', JSON.stringify({ name: 't', inputSchema: {} })],
    ['with an object at its root', tool({ type: 'object', properties: {} })],
    ['with an object after its dialect', tool({ $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' })],
    ['with an object after all else', tool({ properties: {}, title: 'x', type: 'object' })],
    [
      'with an argument of that name',
      JSON.stringify({ name: 't', inputSchema: { properties: { outputSchema: { type: 'array' } } } }),
    ],
    ['with a schema that is none', JSON.stringify({ name: 't', outputSchema: 7 })],
  ])('%s', (_, listed) => {
    expect(wrapsOutput(listed)).toBe(false)
    expect(toolFor2025(listed)).toBe(listed)
  })
})

describe('a root that is no object is put into one', () => {
  const shown = (schema: unknown, more?: object) => JSON.parse(toolFor2025(tool(schema, more))).outputSchema

  test('also where an argument of the same name looks like an object', () => {
    const more = { inputSchema: { type: 'object', properties: { outputSchema: { type: 'object' } } } }
    expect(shown({ type: 'array' }, more)).toEqual({
      ...{ type: 'object', properties: { result: { type: 'array' } }, required: ['result'] },
    })
  })

  test('references to the root follow it, and nothing that only looks like one', () => {
    const schema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      anyOf: [{ $ref: '#/$defs/a' }, { $dynamicRef: '#' }, { $ref: 'https://x.test/#/a' }, { const: { $ref: '#/b' } }],
      properties: { $ref: { type: 'string' }, default: { $ref: '#/$defs/a' } },
      $defs: { a: { enum: ['#/c'] }, own: { $id: 'https://x.test/own', items: { $ref: '#/d' } } },
    }
    const { $schema, properties } = shown(schema)
    expect($schema).toBe(schema.$schema)
    expect(properties.result).toEqual({
      ...schema,
      anyOf: [
        { $ref: '#/properties/result/$defs/a' },
        { $dynamicRef: '#/properties/result' },
        { $ref: 'https://x.test/#/a' },
        { const: { $ref: '#/b' } },
      ],
      properties: { $ref: { type: 'string' }, default: { $ref: '#/properties/result/$defs/a' } },
    })
  })

  test('a schema with an address of its own stays as it is inside', () => {
    const schema = { $id: 'https://x.test/list', type: 'array', items: { $ref: '#/$defs/a' } }
    expect(shown(schema).properties.result).toEqual(schema)
  })
})

test.each([
  [
    '{"structuredContent":[1.00],"content":[]}',
    '{"structuredContent":{"result":[1.00]},"content":[{"type":"text","text":"[1.00]"}]}',
  ],
  [
    '{"content":[ ],"structuredContent":null}',
    '{"content":[ {"type":"text","text":"null"}],"structuredContent":{"result":null}}',
  ],
  [
    '{"content":[{"type":"text","text":"x"}],"structuredContent":[]}',
    '{"content":[{"type":"text","text":"x"}],"structuredContent":{"result":[]}}',
  ],
  ['{"structuredContent":{"a":1},"content":[]}', '{"structuredContent":{"result":{"a":1}},"content":[]}'],
  ['{"structuredContent":7}', '{"structuredContent":{"result":7}}'],
])('a result %s becomes %s', (said, shown) => {
  const raw = scanReply(Buffer.from(`{"jsonrpc":"2.0","id":1,"result":${said}}`))
  if (raw === null) throw new Error('not a reply')
  expect(withWrapped(raw).toString()).toBe(`{"jsonrpc":"2.0","id":1,"result":${shown}}`)
})
