/** What a portal shows of any definition is what the official clients take, and what they take is shown. */
import * as v2 from '@modelcontextprotocol/core'
import * as v1 from '@modelcontextprotocol/sdk/types.js'
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { oddDefinition } from '../../test/odd-definitions.ts'
import { toolFor2025 } from '../protocol/era-2025/structured.ts'
import type { JsonObject } from '../protocol/model.ts'
import { readDefinition } from '../upstream/definitions.ts'
import type { CapabilityKind } from '../upstream/model.ts'
import { makeRenderer } from './render.ts'
import { showSchemas } from './shown-schemas.ts'

const OFFICIAL = {
  tool: [v1.ToolSchema, v2.ToolSchema],
  prompt: [v1.PromptSchema, v2.PromptSchema],
  resource: [v1.ResourceSchema, v2.ResourceSchema],
  template: [v1.ResourceTemplateSchema, v2.ResourceTemplateSchema],
} as const

/** As a client of 2025 is shown it, tasks and all, or why it is not. */
function shown(kind: CapabilityKind, definition: JsonObject): JsonObject | string {
  const read = readDefinition(kind, definition, '2025')
  if ('reason' in read) return read.reason
  const text = makeRenderer()(kind, read, read.name, null, true)
  return JSON.parse(kind === 'tool' ? toolFor2025(text) : text)
}

const compiles = (schema: unknown) => {
  try {
    new AjvJsonSchemaValidator().getValidator(schema as Parameters<AjvJsonSchemaValidator['getValidator']>[0])
    return true
  } catch {
    return false
  }
}

describe.each(['tool', 'prompt', 'resource', 'template'] as const)('whatever a %s is', (kind) => {
  // [LIST-1]
  test('what is shown of it is what the official clients take', () => {
    fc.assert(
      fc.property(oddDefinition(kind), (definition) => {
        const listed = shown(kind, definition)
        if (typeof listed === 'string') return
        for (const schema of OFFICIAL[kind]) expect(schema.safeParse(listed).error).toBeUndefined()
        if (kind === 'tool' && listed.outputSchema !== undefined) expect(compiles(listed.outputSchema)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  test('it is left out only where one of them takes it neither as it is nor as it could be shown', () => {
    fc.assert(
      fc.property(oddDefinition(kind), (definition) => {
        if (typeof shown(kind, definition) !== 'string') return
        const best = structuredClone(definition)
        if (kind === 'tool') showSchemas(best)
        const text = kind === 'tool' ? toolFor2025(JSON.stringify(best)) : JSON.stringify(best)
        const takers = OFFICIAL[kind].map((schema) => schema.safeParse(JSON.parse(text)).success)
        // Of clients of 2026 alone: what the dialect of a schema is called is a text.
        const isOddDialect = /"\$schema":(?!")/.test(JSON.stringify(definition.inputSchema ?? null))
        expect(takers.includes(false) || isOddDialect).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})

const OBJECT = { type: 'object' }
const show = (tool: JsonObject) => {
  const made = structuredClone(tool) as Record<string, unknown>
  showSchemas(made)
  return made
}

describe('the output schema of a tool', () => {
  test.each([
    ['refers to what is not there', { ...OBJECT, properties: { a: { $ref: '#/$defs/none' } } }],
    ['refers to another document', { ...OBJECT, properties: { a: { $ref: 'https://a.example/s.json' } } }],
    ['refers to a member that is percent-encoded', { ...OBJECT, $defs: { 'a%25': {} }, $ref: '#/$defs/a%25' }],
    ['has a pattern that is none', { ...OBJECT, properties: { a: { type: 'string', pattern: '(' } } }],
    ['has a type that is none', { ...OBJECT, properties: { a: { type: 'text' } } }],
    ['has an empty choice', { ...OBJECT, properties: { a: { enum: [] } } }],
    ['has the word of draft 4 for its address', { ...OBJECT, id: 'a' }],
  ])('is not shown where it %s, and its tool is', (_what, outputSchema) => {
    expect(compiles(outputSchema)).toBe(false)
    expect(show({ name: 'a', inputSchema: OBJECT, outputSchema })).toEqual({ name: 'a', inputSchema: OBJECT })
  })

  test('is shown as it is where it compiles, with all that tools describe their results with', () => {
    const outputSchema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      ...{ ...OBJECT, title: 'Page', required: ['rows'], additionalProperties: false },
      $defs: { row: { ...OBJECT, properties: { at: { type: 'string', format: 'date-time' }, up: { $ref: '#' } } } },
      properties: {
        rows: { type: 'array', items: { $ref: '#/$defs/row' }, default: [], examples: [[{ $ref: 'no reference' }]] },
        next: { anyOf: [{ type: 'string', minLength: 1 }, { type: 'null' }], default: null, title: 'Next' },
        kind: { const: 'page', description: 'always' },
        by: { type: ['string', 'null'], enum: ['a', null], pattern: '^[a-z]\\p{L}*$' },
      },
    }
    expect(show({ name: 'a', outputSchema })).toEqual({ name: 'a', outputSchema })
  })

  test('has no address: two tools of one address would be told apart by no client', () => {
    const outputSchema = { ...OBJECT, $id: 'https://a.example/result', properties: { a: { $ref: '#' } } }
    const { $id: _, ...rest } = outputSchema
    expect(show({ outputSchema })).toEqual({ outputSchema: rest })
    expect(show({ outputSchema: { ...OBJECT, properties: { a: { $id: 'https://a.example/result' } } } })).toEqual({})
  })
})

test('a member that may be anything, or nothing, is shown as an object that says so', () => {
  const inputSchema = JSON.parse('{"type":"object","properties":{"a":true,"b":false,"__proto__":true}}')
  const properties = JSON.parse('{"a":{},"b":{"not":{}},"__proto__":{}}')
  expect(show({ name: 'a', inputSchema })).toEqual({ name: 'a', inputSchema: { type: 'object', properties } })
})
