/**
 * A tool's schemas as a TypeScript signature, for a model to read: far fewer tokens than JSON Schema. Built from a model of types in
 * which each text of a server's is escaped: whatever a description or a property is called, it stays a comment or a key.
 *
 * It describes and does not check: what it cannot say is `unknown`, and servers check what they get.
 */
import type { Json, JsonObject } from '../../protocol/model.ts'

export interface Described {
  description: string
  inputSchema: Json | undefined
  outputSchema: Json | undefined
}

/** Schemas within schemas; beyond, it is `unknown`. */
const DEEPEST = 6
/** In characters: of one tool's types; beyond, the full definition is the thing to read. */
const LONGEST_TYPE = 4000
const LONGEST_COMMENT = 600
const LONGEST_KEY_COMMENT = 200
const MOST_LITERALS = 30

/** @param name an identifier @returns a comment and a method signature, as a member of an interface has it */
export function signatureOf(name: string, { description, inputSchema, outputSchema }: Described): string {
  const taken = typeOf(inputSchema, inputSchema)
  const given = outputSchema === undefined ? 'unknown' : typeOf(outputSchema, outputSchema)
  const argument = taken === '{}' ? '' : `input${needsSomething(inputSchema) ? '' : '?'}: ${taken}`
  return `${comment(description, LONGEST_COMMENT)}${name}(${argument}): Promise<${given}>`
}

function needsSomething(schema: Json | undefined): boolean {
  return isObject(schema) && Array.isArray(schema.required) && schema.required.length > 0
}

function typeOf(schema: Json | undefined, root: Json | undefined): string {
  const text = write(schema, { root, depth: 0, refs: [] })
  return text.length > LONGEST_TYPE ? 'Record<string, unknown>' : text
}

interface At {
  root: Json | undefined
  depth: number
  /** References on the way here: one within itself is unknown. */
  refs: readonly string[]
}

function write(schema: Json | undefined, at: At): string {
  if (schema === true || !isObject(schema) || at.depth > DEEPEST) return 'unknown'
  const { $ref: ref } = schema
  if (typeof ref === 'string') return writeReference(ref, at)
  if ('const' in schema) return literal(schema.const)
  if (Array.isArray(schema.enum)) return writeEnum(schema.enum)
  for (const [key, join] of [
    ['anyOf', ' | '],
    ['oneOf', ' | '],
    ['allOf', ' & '],
  ] as const) {
    const several = schema[key]
    if (Array.isArray(several) && several.length > 0) return writeSeveral(several, join, schema, at)
  }
  return writeByType(schema, at)
}

function writeByType(schema: JsonObject, at: At): string {
  const { type } = schema
  if (Array.isArray(type)) return union(type.map((one) => writeByType({ ...schema, type: one as Json }, at)))
  switch (type) {
    case 'string':
      return 'string'
    case 'integer':
    case 'number':
      return 'number'
    case 'boolean':
      return 'boolean'
    case 'null':
      return 'null'
    case 'array':
      return writeArray(schema, at)
    case 'object':
      return writeObject(schema, at)
    default:
      return isObject(schema.properties) ? writeObject(schema, at) : 'unknown'
  }
}

function writeArray({ items, prefixItems }: JsonObject, at: At): string {
  const inner = { ...at, depth: at.depth + 1 }
  if (Array.isArray(prefixItems)) return `[${prefixItems.map((one) => write(one, inner)).join(', ')}]`
  const item = write(items, inner)
  return /^[A-Za-z]+$/.test(item) ? `${item}[]` : `Array<${item}>`
}

function writeObject({ properties, required, additionalProperties }: JsonObject, at: At): string {
  const inner = { ...at, depth: at.depth + 1 }
  const needed = new Set(Array.isArray(required) ? required : [])
  const members = Object.entries(isObject(properties) ? properties : {}).map(([key, schema]) => {
    const about = isObject(schema) && typeof schema.description === 'string' ? schema.description : ''
    return `${comment(about, LONGEST_KEY_COMMENT)}${keyOf(key)}${needed.has(key) ? '' : '?'}: ${write(schema, inner)}`
  })
  if (members.length > 0) return `{ ${members.join('; ')} }`
  if (isObject(additionalProperties)) return `Record<string, ${write(additionalProperties, inner)}>`
  return additionalProperties === false ? '{}' : 'Record<string, unknown>'
}

function writeSeveral(several: readonly Json[], join: ' | ' | ' & ', schema: JsonObject, at: At): string {
  const inner = { ...at, depth: at.depth + 1 }
  // Such a branch often says only what is required beside what stands above it.
  const parts = [...new Set(several.map((one) => write(one, inner)))].filter((text) => text !== 'unknown')
  const own = isObject(schema.properties) ? [writeObject(schema, at)] : []
  if (parts.length === 0) return own[0] ?? 'unknown'
  const joined = parts.length === 1 ? (parts[0] as string) : `(${parts.join(join)})`
  return own.length === 0 ? joined : `(${own[0]} & ${joined})`
}

function writeReference(ref: string, at: At): string {
  // Only within the same schema: nothing is ever fetched.
  if (!ref.startsWith('#') || at.refs.includes(ref)) return 'unknown'
  let found: Json | undefined = at.root
  for (const part of ref.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    found = isObject(found) && Object.hasOwn(found, key) ? found[key] : undefined
  }
  return write(found, { ...at, depth: at.depth + 1, refs: [...at.refs, ref] })
}

function writeEnum(values: readonly Json[]): string {
  const literals = values.slice(0, MOST_LITERALS).map(literal)
  return union(
    values.length > MOST_LITERALS ? [...literals, typeof values[0] === 'number' ? 'number' : 'string'] : literals,
  )
}

function union(parts: readonly string[]): string {
  const once = [...new Set(parts)]
  if (once.length === 0) return 'unknown'
  return once.length === 1 ? (once[0] as string) : `(${once.join(' | ')})`
}

function literal(value: Json | undefined): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return JSON.stringify(value)
  return typeof value === 'string' && value.length <= 100 ? quoted(value) : 'unknown'
}

function keyOf(key: string): string {
  return /^[A-Za-z_$][A-Za-z0-9_$]*$/.test(key) ? key : quoted(key)
}

/** JSON is no JavaScript in two characters, which end a line there. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(/[\u2028\u2029]/g, (end) => (end === '\u2028' ? '\\u2028' : '\\u2029'))
}

/** One line, which nothing in it can end. */
function comment(text: string, most: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const line = text.replace(/[\s\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim()
  if (line === '') return ''
  const shown = line.length > most ? `${line.slice(0, most - 1)}…` : line
  return `/** ${shown.replaceAll('*/', '*\\/').replace(/\/$/, '/ ')} */ `
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
