/**
 * On a tool whose arguments some rule looks at, a call has exactly what the approved schema lists, of the types that it lists:
 * nothing beside, no second spelling of a name, no text for a number. What a rule did not see, the server must not see.
 *
 * A schema whose meaning cannot be told by this reading (a remote reference, names by pattern, conditions) lets nothing pass:
 * then an admin takes the rule away or the server gives a schema that says what it takes. What only narrows what the types
 * allow (`minLength`, `pattern`, `format`, …) is the server's own to check.
 *
 * Source of the words: JSON Schema 2020-12, and the drafts before it where the words are the same.
 */

import { folded } from './plain-text.ts'
import { typeOf } from './same-json.ts'
import { followReference } from './schema-references.ts'

type Members = Readonly<Record<string, unknown>>

/** Values looked at in one call, and how deep: beyond, nobody can tell. */
const MOST_STEPS = 20_000
const DEEPEST = 32

interface Walk {
  root: Members
  steps: number
  /** Of each schema that lists properties, their names by how they are compared: once a call, however many values have it. */
  spellings: Map<Members, ReadonlyMap<string, readonly string[]>>
}

/** @returns in words what does not fit, or why it cannot be told; null where all fits */
export function refuseLoose(schema: unknown, input: Readonly<Record<string, unknown>>): string | null {
  if (!isMembers(schema)) return 'it has no schema.'
  const walk: Walk = { root: schema, steps: 0, spellings: new Map() }
  return looseValue(schema, input, { walk, depth: 0, place: '' })
}

interface At {
  walk: Walk
  depth: number
  /** As a JSON pointer. */
  place: string
}

/** Words that change which properties there may be, or which schema counts, in ways that this reading does not follow. */
const UNREADABLE = [
  ...[
    'patternProperties',
    'unevaluatedProperties',
    'unevaluatedItems',
    'dependentSchemas',
    'dependencies',
    'if',
    'not',
  ],
  ...['$dynamicRef', '$recursiveRef', 'contains', 'propertyNames', 'additionalItems', 'extends', 'disallow'],
] as const

/** A schema of its own inside another: references below it would be read from there. */
const NOT_INSIDE = ['$id'] as const

function looseValue(schema: unknown, value: unknown, at: At): string | null {
  const { walk, depth, place } = at
  if (++walk.steps > MOST_STEPS || depth > DEEPEST) return `what stands at ${shown(place)} is too much to look at.`
  if (schema === false) return `its schema allows nothing at ${shown(place)}.`
  if (!isMembers(schema)) return `its schema does not say what stands at ${shown(place)}.`
  const unreadable = [...UNREADABLE, ...(schema === walk.root ? [] : NOT_INSIDE)].find((word) =>
    Object.hasOwn(schema, word),
  )
  if (unreadable !== undefined) return `what its schema says by "${unreadable}" at ${shown(place)} cannot be told.`
  if (Object.hasOwn(schema, '$ref')) return looseReference(schema, value, at)
  if (Object.hasOwn(schema, 'allOf')) return looseAll(schema, value, at)
  for (const word of ['anyOf', 'oneOf'] as const) {
    if (Object.hasOwn(schema, word)) return looseChoice(schema, schema[word], value, at)
  }
  return looseTyped(schema, value, at)
}

/** Generators write one reference so, to say something beside it; of several the properties would have to be put together. */
function looseAll(schema: Members, value: unknown, at: At): string | null {
  const { allOf } = schema
  const isAlone = Object.keys(schema).every((word) => word === 'allOf' || SILENT.has(word))
  if (!isAlone || !Array.isArray(allOf) || allOf.length !== 1)
    return `what its schema says by "allOf" at ${shown(at.place)} cannot be told.`
  return looseValue(allOf[0], value, { ...at, depth: at.depth + 1 })
}

/** Beside a reference only such words may stand as say nothing of the value. */
function looseReference(schema: Members, value: unknown, at: At): string | null {
  const { walk, depth, place } = at
  const beside = Object.keys(schema).find((word) => word !== '$ref' && !SILENT.has(word))
  if (beside !== undefined)
    return `what its schema says by "${beside}" beside "$ref" at ${shown(place)} cannot be told.`
  const target = followReference(walk.root, schema.$ref)
  if (target === null) return `its schema refers at ${shown(place)} to what is not in it.`
  return looseValue(target, value, { walk, depth: depth + 1, place })
}

/** One of several: that one fits strictly is enough. Such words may stand beside as only narrow it. */
function looseChoice(schema: Members, choices: unknown, value: unknown, at: At): string | null {
  if (!Array.isArray(choices) || choices.length === 0) return `its schema gives no choice at ${shown(at.place)}.`
  const beside = ['properties', 'items', 'prefixItems', 'anyOf', 'oneOf'].filter((word) => Object.hasOwn(schema, word))
  if (beside.length > 1) return `what its schema says at ${shown(at.place)} in several ways cannot be told.`
  if (schema.type !== undefined && !isOfType(schema.type, value)) return wrongType(schema.type, value, at)
  const faults = choices.map((choice) => looseValue(choice, value, { ...at, depth: at.depth + 1 }))
  return faults.includes(null) ? null : (faults[0] ?? null)
}

function looseTyped(schema: Members, value: unknown, at: At): string | null {
  const { place } = at
  const fixed = fixedValues(schema)
  if (schema.type === undefined && fixed === null && !Object.hasOwn(schema, 'properties'))
    return `its schema does not say of which type ${shown(place)} is.`
  if (schema.type !== undefined && !isOfType(schema.type, value)) return wrongType(schema.type, value, at)
  const type = typeOf(value)
  if (fixed !== null) {
    // A type beside narrows it; without one, what is listed is all that there may be.
    const isListed = fixed.some((one) => one === value)
    if (type === 'array' || type === 'object') return `what stands at ${shown(place)} cannot be compared.`
    return isListed ? null : `${shown(place)} is none of what its schema lists.`
  }
  if (type === 'object') return looseObject(schema, value as Members, at)
  if (type === 'array') return looseArray(schema, value as readonly unknown[], at)
  return schema.type === undefined ? wrongType('object', value, at) : null
}

function fixedValues(schema: Members): readonly unknown[] | null {
  if (Object.hasOwn(schema, 'const')) return [schema.const]
  return Array.isArray(schema.enum) ? schema.enum : null
}

function looseObject(schema: Members, value: Members, at: At): string | null {
  const { properties } = schema
  if (properties !== undefined && !isMembers(properties))
    return `its schema does not list the properties of ${shown(at.place)}.`
  const listed = properties ?? {}
  const spellings = at.walk.spellings.get(listed) ?? Map.groupBy(Object.keys(listed), folded)
  at.walk.spellings.set(listed, spellings)
  for (const name of Object.keys(value)) {
    const twins = spellings.get(folded(name)) ?? []
    // Whatever the schema says of others beside: a rule cannot have looked at them.
    if (!Object.hasOwn(listed, name) || twins.length > 1) return unlisted(name, twins, at)
    const inner = { walk: at.walk, depth: at.depth + 1, place: `${at.place}/${pointed(name)}` }
    const fault = looseValue(listed[name], value[name], inner)
    if (fault !== null) return fault
  }
  return null
}

function unlisted(name: string, twins: readonly string[], { place }: At): string {
  const where = shown(`${place}/${pointed(name)}`)
  if (twins.length > 1) return `it has ${where}, which the schema lists in several spellings.`
  return twins[0] === undefined
    ? `it has ${where}, which the schema does not list.`
    : `it has ${where}, which the schema spells ${JSON.stringify(twins[0])}.`
}

function looseArray(schema: Members, value: readonly unknown[], at: At): string | null {
  const { items, prefixItems } = schema
  // An array of schemas is what drafts before 2020-12 call `prefixItems`.
  const first = Array.isArray(prefixItems) ? prefixItems : Array.isArray(items) ? items : []
  const rest = Array.isArray(items) ? undefined : items
  for (const [index, element] of value.entries()) {
    const inner = first[index] ?? rest
    if (inner === undefined) return `its schema does not say what stands in ${shown(at.place)}.`
    const fault = looseValue(inner, element, { ...at, depth: at.depth + 1, place: `${at.place}/${index}` })
    if (fault !== null) return fault
  }
  return null
}

function isOfType(type: unknown, value: unknown): boolean {
  const types: readonly unknown[] = Array.isArray(type) ? type : [type]
  const own = typeOf(value)
  return types.some((one) => one === own || (one === 'integer' && own === 'number' && Number.isInteger(value)))
}

function wrongType(type: unknown, value: unknown, { place }: At): string {
  const wanted = (Array.isArray(type) ? type : [type]).map(String).join(' or ').slice(0, 100)
  return `${shown(place)} is of the type ${typeOf(value)}, and the schema says ${wanted}.`
}

/** Words that say nothing of what a value may be. */
const SILENT = new Set([
  ...[
    'description',
    'title',
    'default',
    'examples',
    'deprecated',
    'readOnly',
    'writeOnly',
    '$comment',
    '$id',
    '$schema',
  ],
  ...['$defs', 'definitions', '$anchor'],
])

function isMembers(value: unknown): value is Members {
  return typeOf(value) === 'object'
}

function pointed(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** Names come from the caller, and go back to it alone. */
function shown(place: string): string {
  return place === '' ? 'its arguments' : JSON.stringify(place.length > 100 ? `${place.slice(0, 100)}…` : place)
}
