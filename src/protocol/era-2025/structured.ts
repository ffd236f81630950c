/**
 * Before 2026 a tool's structured output had to be an object. A tool that answers with anything else is shown to older
 * clients as one that answers `{ "result": … }`; its schema and its results must be wrapped alike.
 */
import type { Json, JsonObject } from '../model.ts'

/** Whether a tool of this output schema must be wrapped for older clients. */
export function needsWrapping(outputSchema: Json): boolean {
  return !isObject(outputSchema) || outputSchema.type !== 'object'
}

/** The schema of the wrapped output. References into the schema's own text are moved along with it. */
export function wrapOutputSchema(outputSchema: Json): JsonObject {
  const dialect = isObject(outputSchema) && typeof outputSchema.$schema === 'string' ? outputSchema.$schema : null
  const moved = moveRefs(outputSchema)
  const head = dialect === null ? {} : { $schema: dialect }
  return { ...head, type: 'object', properties: { result: moved }, required: ['result'] }
}

/** A result of a wrapped tool. Clients that read no structured output find the value as text. */
export function wrapStructuredResult(result: JsonObject): JsonObject {
  const { structuredContent, content } = result
  if (structuredContent === undefined) return result
  const blocks = Array.isArray(content) ? (content as readonly Json[]) : []
  const hasText = blocks.some((block) => isObject(block) && block.type === 'text')
  const text = { type: 'text', text: JSON.stringify(structuredContent) }
  return { ...result, content: hasText ? blocks : [...blocks, text], structuredContent: { result: structuredContent } }
}

const NEW_ROOT = '#/properties/result'
/** Values here are data: a `$ref` in them is no reference. */
const DATA_KEYWORDS: readonly string[] = ['const', 'enum', 'default', 'examples']
/** Names in here are not keywords. */
const MAP_KEYWORDS: readonly string[] = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']

function moveRefs(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(moveRefs)
  // A schema with an `$id` is a document of its own: its references start at itself, wherever it stands.
  if (!isObject(schema) || typeof schema.$id === 'string') return schema
  const moved: Record<string, Json> = {}
  for (const [keyword, value] of Object.entries(schema)) moved[keyword] = moveKeyword(keyword, value)
  return moved
}

function moveKeyword(keyword: string, value: Json): Json {
  if (DATA_KEYWORDS.includes(keyword)) return value
  if (keyword === '$ref' || keyword === '$dynamicRef') return typeof value === 'string' ? moveRef(value) : value
  if (!MAP_KEYWORDS.includes(keyword) || !isObject(value)) return moveRefs(value)
  return Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, moveRefs(schema)]))
}

/** Only a JSON pointer depends on the place; an anchor or another document does not. */
function moveRef(ref: string): string {
  return ref === '#' || ref.startsWith('#/') ? NEW_ROOT + ref.slice(1) : ref
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
