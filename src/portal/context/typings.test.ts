import fc from 'fast-check'
import { parseAst } from 'rolldown/parseAst'
import { describe, expect, test } from 'vitest'
import type { Json } from '../../protocol/model.ts'
import { signatureOf } from './typings.ts'

const sign = (inputSchema: Json, description = '', outputSchema?: Json) =>
  signatureOf('run', { description, inputSchema, outputSchema })

describe('a schema is told as a type', () => {
  const cases: readonly (readonly [Json, string])[] = [
    [{ type: 'object', properties: {}, additionalProperties: false }, 'run(): Promise<unknown>'],
    [{ type: 'object' }, 'run(input?: Record<string, unknown>): Promise<unknown>'],
    [
      { type: 'object', properties: { a: { type: 'string' }, b: { type: 'integer' } }, required: ['a'] },
      'run(input: { a: string; b?: number }): Promise<unknown>',
    ],
    [
      { type: 'object', properties: { all: { type: 'boolean', description: 'Every one' } } },
      'run(input?: { /** Every one */ all?: boolean }): Promise<unknown>',
    ],
    [
      { type: 'object', properties: { k: { enum: ['a', 'b', 1, null] } }, required: ['k'] },
      'run(input: { k: ("a" | "b" | 1 | null) }): Promise<unknown>',
    ],
    [
      { type: 'object', properties: { 'a-b': { type: ['string', 'null'] } }, required: ['a-b'] },
      'run(input: { "a-b": (string | null) }): Promise<unknown>',
    ],
    [
      {
        type: 'object',
        properties: { l: { type: 'array', items: { anyOf: [{ type: 'string' }, { type: 'number' }] } } },
        required: ['l'],
      },
      'run(input: { l: Array<(string | number)> }): Promise<unknown>',
    ],
    [
      {
        type: 'object',
        properties: { m: { type: 'object', additionalProperties: { type: 'number' } } },
        required: ['m'],
      },
      'run(input: { m: Record<string, number> }): Promise<unknown>',
    ],
    [
      {
        type: 'object',
        properties: { n: { $ref: '#/$defs/n' } },
        required: ['n'],
        $defs: { n: { type: 'object', properties: { n: { $ref: '#/$defs/n' } } } },
      },
      'run(input: { n: { n?: unknown } }): Promise<unknown>',
    ],
    [
      { type: 'object', properties: { far: { $ref: 'https://evil.test/x' } }, required: ['far'] },
      'run(input: { far: unknown }): Promise<unknown>',
    ],
  ]
  for (const [schema, said] of cases) {
    test(said, () => {
      expect(sign(schema)).toBe(said)
    })
  }

  test('with what comes back, where the tool says', () => {
    const output = { type: 'object', properties: { id: { type: 'number' } }, required: ['id'] }
    expect(sign({ type: 'object' }, 'Makes one.', output)).toBe(
      '/** Makes one. */ run(input?: Record<string, unknown>): Promise<{ id: number }>',
    )
  })

  test('and not at all where it would be longer than a definition', () => {
    const properties = Object.fromEntries(
      Array.from({ length: 300 }, (_, at) => [`property_${at}`, { type: 'string' }]),
    )
    expect(sign({ type: 'object', properties })).toBe('run(input?: Record<string, unknown>): Promise<unknown>')
  })
})

/** The kinds of nodes that types are made of, and nothing that runs. */
const HARMLESS = /^(TS\w+|Identifier|Literal|Program|UnaryExpression|TemplateElement)$/

function kindsIn(node: unknown, found: Set<string>): Set<string> {
  if (Array.isArray(node)) for (const one of node) kindsIn(one, found)
  else if (typeof node === 'object' && node !== null) {
    const { type } = node as { type?: unknown }
    if (typeof type === 'string') found.add(type)
    for (const value of Object.values(node)) kindsIn(value, found)
  }
  return found
}

const HOSTILE = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '*/ evil() /*',
    '*\\/',
    '*/',
    '**/',
    '/',
    '\n',
    '\r\n',
    '\u2028',
    '"',
    "'",
    '`$' + '{x}`',
    '}; evil(); {',
    '\\',
    '__proto__',
    '<script>',
    '// x',
  ),
)
const hostile = fc.array(HOSTILE, { maxLength: 4 }).map((parts) => parts.join(''))
const { schema } = fc.letrec<{ schema: Json }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 4 },
    fc.record({
      type: fc.oneof(fc.constantFrom('string', 'number', 'boolean', 'null', 'object', 'array'), hostile),
      description: hostile,
    }),
    fc.record({ enum: fc.array(fc.oneof(hostile, fc.double(), fc.constant(null)), { maxLength: 3 }) }),
    fc.record({ const: fc.oneof(hostile, fc.double()) }),
    fc.record({
      type: fc.constant('object'),
      properties: fc.dictionary(hostile, tie('schema'), { maxKeys: 3 }),
      required: fc.array(hostile),
    }),
    fc.record({ type: fc.constant('array'), items: tie('schema') }),
    fc.record({ anyOf: fc.array(tie('schema'), { maxLength: 3 }) }),
    fc.record({ allOf: fc.array(tie('schema'), { maxLength: 3 }) }),
    fc.record({ $ref: hostile }),
  ) as fc.Arbitrary<Json>,
}))

// [X-T20]
test('whatever a server calls things and says of them, it stays types and comments', () => {
  fc.assert(
    fc.property(schema, hostile, schema, (input, description, output) => {
      const text = `interface Tools {\n${signatureOf('run', { description, inputSchema: { type: 'object', properties: { x: input } }, outputSchema: output })}\n}`
      const { body } = parseAst(text, { lang: 'ts' })
      expect(body.map(({ type }) => type)).toEqual(['TSInterfaceDeclaration'])
      for (const kind of kindsIn(body, new Set())) expect(kind).toMatch(HARMLESS)
    }),
    { numRuns: 2000 },
  )
})
