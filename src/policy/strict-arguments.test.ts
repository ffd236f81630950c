import { describe, expect, test } from 'vitest'
import { refuseLoose } from './strict-arguments.ts'

const schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  properties: {
    path: { type: 'string', minLength: 1, description: 'where' },
    count: { type: 'integer' },
    mode: { enum: ['read', 'write'] },
    size: { type: ['number', 'null'] },
    tags: { type: 'array', items: { type: 'string' } },
    pair: { type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }] },
    options: { type: 'object', properties: { force: { type: 'boolean' } } },
    edit: { $ref: '#/$defs/edit' },
    wrapped: { allOf: [{ $ref: '#/$defs/edit' }], description: 'as generators write it' },
    target: { anyOf: [{ type: 'string' }, { type: 'object', properties: { id: { type: 'integer' } } }] },
    tree: { $ref: '#/$defs/tree' },
    free: { type: 'object', additionalProperties: { type: 'string' } },
    anything: {},
    far: { $ref: 'https://elsewhere.test/schema.json' },
    lost: { $ref: '#/$defs/nothing' },
    anchored: { $ref: '#edit' },
    named: { type: 'object', patternProperties: { '^x-': { type: 'string' } } },
    both: { allOf: [{ type: 'object' }, { type: 'object' }] },
    when: { type: 'object', properties: {}, if: {}, else: {} },
    loop: { $ref: '#/properties/loop' },
    embedded: { $id: 'https://elsewhere.test/x', $ref: '#/$defs/edit' },
    mixed: { type: 'object', properties: { a: { type: 'string' } }, anyOf: [{ properties: { b: {} } }] },
    twice: { type: 'string' },
    Twice: { type: 'string' },
  },
  required: ['path'],
  additionalProperties: false,
  $defs: {
    edit: { type: 'object', properties: { from: { type: 'string' }, to: { type: 'string' } } },
    tree: { type: 'object', properties: { name: { type: 'string' }, child: { $ref: '#/$defs/tree' } } },
  },
}

function nested(depth: number): object {
  return depth === 0 ? { name: 'leaf' } : { child: nested(depth - 1) }
}

describe('what fits the approved schema passes', () => {
  const fitting = [
    ...[
      {},
      { path: '/a' },
      { count: 3 },
      { mode: 'read' },
      { size: null },
      { size: 1.5 },
      { tags: ['a', 'b'] },
      { tags: [] },
    ],
    ...[{ pair: ['a', 1] }, { options: { force: true } }, { edit: { from: 'a', to: 'b' } }, { wrapped: { from: 'a' } }],
    ...[{ target: 'a' }, { target: { id: 1 } }, { tree: nested(5) }, { free: {} }],
  ]
  for (const input of fitting)
    test(JSON.stringify(input), () => {
      expect(refuseLoose(schema, input)).toBeNull()
    })
})

describe('what the schema does not have, or another program could read otherwise, is refused', () => {
  const loose: readonly unknown[] = [
    ...[
      { extra: 1 },
      { Path: '/a' },
      { PATH: '/a' },
      { 'path ': '/a' },
      { 'pa\u200bth': '/a' },
      { '\uff50ath': '/a' },
      { '': 1 },
    ],
    ...[
      { path: 7 },
      { path: ['/a'] },
      { path: { a: 1 } },
      { path: null },
      { path: true },
      { count: '3' },
      { count: 3.5 },
    ],
    ...[
      { mode: 'delete' },
      { mode: ['read'] },
      { mode: 0 },
      { size: '1' },
      { tags: 'a' },
      { tags: [1] },
      { tags: { 0: 'a' } },
    ],
    ...[{ pair: ['a', 'b'] }, { pair: ['a', 1, 'more'] }, { options: { Force: true } }, { options: { force: 'true' } }],
    ...[
      { options: { force: true, more: 1 } },
      { options: [] },
      { edit: { FROM: 'a' } },
      { edit: { from: 1 } },
      { edit: 'a' },
    ],
    ...[
      { wrapped: { other: 1 } },
      { target: 7 },
      { target: { id: '1' } },
      { target: { id: 1, more: 1 } },
      { tree: nested(100) },
    ],
    ...[
      JSON.parse('{"__proto__":{"path":"/a"}}'),
      { constructor: 1 },
      { toString: 'x' },
      JSON.parse('{"options":{"__proto__":{}}}'),
    ],
    ...[{ twice: 'a' }, { Twice: 'a' }],
  ]
  for (const input of loose)
    test(JSON.stringify(input).slice(0, 60), () => {
      expect(refuseLoose(schema, input as Record<string, unknown>)).toMatch(/\.$/)
    })
})

describe('what the schema says cannot be told, so it refuses', () => {
  const untold = [
    ...[
      { free: { a: 'b' } },
      { anything: 1 },
      { far: 1 },
      { lost: 1 },
      { anchored: { from: 'a' } },
      { named: { 'x-a': 'b' } },
    ],
    ...[{ both: {} }, { when: {} }, { loop: 1 }, { embedded: { from: 'a' } }, { mixed: { a: 'b' } }],
  ]
  for (const input of untold)
    test(JSON.stringify(input), () => {
      expect(refuseLoose(schema, input)).toMatch(/\.$/)
    })
  for (const missing of [
    undefined,
    null,
    true,
    'object',
    [],
    { patternProperties: {} },
    { $ref: 'https://elsewhere.test/' },
  ])
    test(`a schema that is ${JSON.stringify(missing)}`, () => {
      expect(refuseLoose(missing, { a: 1 })).toMatch(/\.$/)
    })
})

test('a schema that branches without end is refused in bounded time', () => {
  const node = { anyOf: [{ $ref: '#/$defs/node' }, { $ref: '#/$defs/node' }, { type: 'number' }] }
  const bomb = { type: 'object', properties: { a: { $ref: '#/$defs/node' } }, $defs: { node } }
  const begun = performance.now()
  expect(refuseLoose(bomb, { a: 'text' })).toMatch(/\.$/)
  expect(performance.now() - begun).toBeLessThan(8000)
})

test('names that a schema lists are prepared once, however many values have them', () => {
  const properties = Object.fromEntries(Array.from({ length: 2000 }, (_, at) => [`p${at}`, { type: 'string' }]))
  const items = { type: 'object', properties }
  const schema = { type: 'object', properties: { list: { type: 'array', items } } }
  const started = performance.now()
  expect(refuseLoose(schema, { list: Array.from({ length: 9000 }, () => ({ p1: 'x' })) })).toBeNull()
  // Done for each value it takes a quarter of a minute.
  expect(performance.now() - started).toBeLessThan(8000)
})
