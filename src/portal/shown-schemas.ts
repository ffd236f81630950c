/**
 * The schemas of a tool as clients can take them. Official clients of 2025 compile the output schema of each tool when they list, and a
 * schema that does not compile costs them the whole list; those of 2026 cannot call that one tool. It is not shown then: results need none.
 * What is not certain to compile counts as what does not.
 *
 * They also refuse `true` and `false` as the schema of a member, which are written as the objects that say the same.
 */
import type { Json, JsonObject } from '../protocol/model.ts'

/** In place: the definition was made for this. */
export function showSchemas(tool: Record<string, unknown>): void {
  const { inputSchema, outputSchema } = tool
  if (isObject(inputSchema)) withoutBooleans(inputSchema)
  if (!isObject(outputSchema)) return
  // An address that another tool has too would be that tool's schema. Nothing in it refers to it, or it is not shown.
  delete (outputSchema as Record<string, unknown>).$id
  withoutBooleans(outputSchema)
  if (!isCertainToCompile(outputSchema)) delete tool.outputSchema
}

function withoutBooleans({ properties }: JsonObject): void {
  if (!isObject(properties)) return
  for (const [name, schema] of Object.entries(properties))
    if (typeof schema === 'boolean') define(properties, name, schema ? {} : { not: {} })
}

/** A member may have any name, `__proto__` too. */
function define(object: JsonObject, name: string, value: Json): void {
  Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true })
}

/** Names by which a schema could be found from another one, and what makes it one of another kind. */
const NAMED = /"(?:\$id|\$anchor|\$dynamicAnchor|\$async)":/

function isCertainToCompile(root: JsonObject): boolean {
  if (NAMED.test(JSON.stringify(root))) return false
  const places = new Set<string>()
  const references: string[] = []
  const isSound = isSchema(root, '#', { places, references })
  return isSound && references.every((one) => places.has(one))
}

interface Found {
  /** Pointers of all that is a schema. */
  places: Set<string>
  references: string[]
}

type Rule = (value: Json, at: string, found: Found) => boolean

function isSchema(value: Json, at: string, found: Found): boolean {
  if (typeof value === 'boolean') return true
  if (!isObject(value)) return false
  found.places.add(at)
  if (Object.hasOwn(value, 'nullable') && !Object.hasOwn(value, 'type')) return false
  return Object.entries(value).every(([key, one]) => {
    const rule = RULES.get(key)
    return rule === undefined || rule(one, `${at}/${escaped(key)}`, found)
  })
}

const isOf =
  (type: 'string' | 'number' | 'boolean'): Rule =>
  (value) =>
    typeof value === type

const isListOfSchemas: Rule = (value, at, found) =>
  Array.isArray(value) && value.length > 0 && value.every((one, index) => isSchema(one, `${at}/${index}`, found))

const isMapOfSchemas: Rule = (value, at, found) =>
  isObject(value) && Object.entries(value).every(([name, one]) => isSchema(one, `${at}/${escaped(name)}`, found))

const isMapByPattern: Rule = (value, at, found) =>
  isMapOfSchemas(value, at, found) && Object.keys(value as JsonObject).every(isPattern)

const isListOfTexts: Rule = (value) => Array.isArray(value) && value.every((one: Json) => typeof one === 'string')

const isType: Rule = (value) => (Array.isArray(value) ? value.length > 0 && value.every(isTypeName) : isTypeName(value))

const isReference: Rule = (value, _at, { references }) => {
  if (typeof value !== 'string' || !/^#(?:\/[\w$.~/-]*)?$/.test(value)) return false
  references.push(value)
  return true
}

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['type', isType],
  ['nullable', (value) => value === true],
  ['$ref', isReference],
  ['id', () => false],
  ['enum', (value) => Array.isArray(value) && value.length > 0],
  ['required', isListOfTexts],
  ['pattern', (value) => typeof value === 'string' && isPattern(value)],
  ['patternProperties', isMapByPattern],
  ['items', (value, at, found) => isSchema(value, at, found) || isListOfSchemas(value, at, found)],
  [
    'dependentRequired',
    (value) => isObject(value) && Object.values(value).every((one) => isListOfTexts(one, '', NONE)),
  ],
  ['dependencies', isMapOfSchemas],
  ...under(isMapOfSchemas, ['properties', '$defs', 'definitions', 'dependentSchemas']),
  ...under(isListOfSchemas, ['allOf', 'anyOf', 'oneOf', 'prefixItems']),
  ...under(isSchema, [
    'additionalItems',
    'additionalProperties',
    'contains',
    'propertyNames',
    'not',
    'if',
    'then',
    'else',
  ]),
  ...under(isSchema, ['unevaluatedItems', 'unevaluatedProperties']),
  ...under(isOf('number'), ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'minLength']),
  ...under(isOf('number'), ['maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties']),
  ...under(isOf('number'), ['minContains', 'maxContains']),
  ...under(isOf('string'), ['$schema', '$comment', 'format', 'title', 'description', '$dynamicRef', '$recursiveRef']),
  ...under(isOf('boolean'), ['uniqueItems', '$recursiveAnchor']),
])

const NONE: Found = { places: new Set(), references: [] }

function under(rule: Rule, keywords: readonly string[]): [string, Rule][] {
  return keywords.map((keyword) => [keyword, rule])
}

const TYPES: readonly unknown[] = ['string', 'number', 'integer', 'boolean', 'null', 'object', 'array']

function isTypeName(value: Json): boolean {
  return TYPES.includes(value)
}

/** As JSON Schema and its validators read them. It is not run. */
function isPattern(source: string): boolean {
  try {
    new RegExp(source, 'u')
    return true
  } catch {
    return false
  }
}

/** As a member's name stands in a JSON pointer (RFC 6901). What is percent-encoded in a reference is taken for a place that is not there. */
function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
