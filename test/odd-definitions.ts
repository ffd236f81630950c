/** Definitions that are nearly what the protocol has: a good one, of which one or two members are missing, strange or new. */
import fc from 'fast-check'
import type { JsonObject } from '../src/protocol/model.ts'
import type { CapabilityKind } from '../src/upstream/model.ts'

const ICONS = [{ src: 'data:image/png;base64,AA==', mimeType: 'image/png', sizes: ['48x48'], theme: 'dark' }]
const ABOUT = { title: 'T', description: 'D', icons: ICONS, _meta: { 'acme.test/a': { b: [1] } } }
const DATA = {
  ...{ ...ABOUT, name: 'n', mimeType: 'text/plain' },
  annotations: { audience: ['user', 'assistant'], priority: 0.5, lastModified: '2026-01-02T03:04:05+01:00' },
}

const schema = (own: object) => ({
  $schema: 'http://json-schema.org/draft-07/schema#',
  ...{ type: 'object', required: ['a'], $defs: { one: { type: ['string', 'null'] } } },
  properties: {
    a: { $ref: '#/$defs/one', description: 'a' },
    b: { type: 'array', items: { anyOf: [{ type: 'number', minimum: 0 }, { enum: ['x'] }] }, minItems: 1 },
    c: { type: 'object', patternProperties: { '^x': { type: 'boolean' } }, additionalProperties: false },
    ...own,
  },
})

const GOOD: Record<CapabilityKind, JsonObject> = {
  tool: {
    ...{ ...ABOUT, name: 'odd', inputSchema: schema({ any: true }), outputSchema: schema({ none: false }) },
    annotations: { title: 'A', readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    execution: { taskSupport: 'optional' },
  },
  prompt: { ...ABOUT, name: 'odd', arguments: [{ name: 'a', title: 'A', description: 'd', required: true }] },
  resource: { ...DATA, uri: 'odd://r', size: 7 },
  template: { ...DATA, uriTemplate: 'odd://{t}' },
} as Record<CapabilityKind, JsonObject>

/** What they are called is the rules of names' business. */
const KEPT: ReadonlySet<string> = new Set(['/name', '/uri', '/uriTemplate'])

const VALUES = [
  ...[null, true, false, 0, 1, -1, 1.5, '', 'object', 'array', 'bogus', '[', '#', '#/nowhere', '#/$defs/one', 'a%25b'],
  ...[{}, [], ['a'], [1], [null], [{}], [[]], { type: 'bogus' }, { $ref: '#/nowhere' }, { $ref: 'http://a.example/' }],
  ...[{ type: 'string', pattern: '(' }, { $id: 'a' }, { id: 'a' }, { nullable: true }, { $anchor: 'a' }, { enum: [] }],
  ...['2026-01-02', 'user', ['user'], 'light', 'required', { constructor: {} }, { toString: 1 }, { allOf: [{}] }],
  ...[{ type: 'array', items: { $ref: '#' } }, { anyOf: [{ type: 'string' }] }, { $schema: 7 }, { not: true }],
] as const

const NEW_KEYS = [
  ...[
    'title',
    'description',
    'icons',
    'annotations',
    '_meta',
    'arguments',
    'execution',
    'size',
    'mimeType',
    'x',
    '$ref',
  ],
  ...[
    'required',
    'properties',
    '$schema',
    '$id',
    'id',
    'type',
    'enum',
    'pattern',
    'items',
    'nullable',
    'not',
    'format',
  ],
  ...['constructor', '__proto__', 'allOf', 'definitions', 'dependencies', 'additionalProperties', '$async', 'const'],
]

type Node = Record<string, unknown>

/** Every object in it, with its own pointer. */
function* objectsIn(value: unknown, at = ''): Iterable<{ node: Node; at: string }> {
  if (typeof value !== 'object' || value === null) return
  yield { node: value as Node, at }
  for (const [key, one] of Object.entries(value)) yield* objectsIn(one, `${at}/${key}`)
}

interface Change {
  where: number
  key: number
  /** Index of a value; behind them all: the member goes away. */
  value: number
  isNew: boolean
}

function change(definition: JsonObject, { where, key, value, isNew }: Change): void {
  const objects = [...objectsIn(definition)]
  const { node, at } = objects[where % objects.length] ?? { node: {}, at: '' }
  const keys = isNew && !Array.isArray(node) ? NEW_KEYS : Object.keys(node)
  const name = keys[key % Math.max(keys.length, 1)]
  if (name === undefined || KEPT.has(`${at}/${name}`)) return
  if (value >= VALUES.length && !Array.isArray(node)) delete node[name]
  else {
    const put = { value: structuredClone(VALUES[value % VALUES.length]), enumerable: true, writable: true }
    Object.defineProperty(node, name, { ...put, configurable: true })
  }
}

const changes = fc.array(
  fc.record({
    where: fc.nat(60),
    key: fc.nat(60),
    value: fc.nat(VALUES.length + 6),
    isNew: fc.boolean(),
  }),
  { minLength: 1, maxLength: 2 },
)

export function oddDefinition(kind: CapabilityKind): fc.Arbitrary<JsonObject> {
  return changes.map((made) => {
    const definition = structuredClone(GOOD[kind])
    for (const one of made) change(definition, one)
    return definition
  })
}

/** The same each time. */
export function oddDefinitions(kind: CapabilityKind, count: number): JsonObject[] {
  const member = kind === 'template' ? 'uriTemplate' : kind === 'resource' ? 'uri' : 'name'
  const suffix = kind === 'template' ? '/{x}' : ''
  return fc
    .sample(oddDefinition(kind), { numRuns: count, seed: 7 })
    .map((one, index) => ({ ...one, [member]: `${one[member]}${index}${suffix}` }))
}
