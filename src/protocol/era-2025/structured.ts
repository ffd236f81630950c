/**
 * Structured results for clients of the handshake revisions, whose schemas have an object at the root and whose results have an object
 * for `structuredContent`. What is none (2026-07-28, SEP-2106: a list, a number, a choice) is shown to them as the member `result` of
 * one. A client that finds another root refuses the whole list, so one tool would take all others along.
 */
import { parse } from '../json-bytes.ts'
import type { Json, JsonObject, RawReply } from '../model.ts'
import { spansIn } from '../scan.ts'
import { type Edit, replaceInBody } from '../splice.ts'

const KEY = '"outputSchema":{'
/** How nearly all of them go on. */
const OBJECTS = ['"type":"object"', '"$schema":"http://json-schema.org/draft-07/schema#","type":"object"']

/**
 * Whether a tool's results are wrapped for such clients.
 *
 * @param listed its definition, as `JSON.stringify` writes it
 */
export function wrapsOutput(listed: string): boolean {
  const at = listed.indexOf(KEY)
  if (at === -1) return false
  // Where the key stands once, it is the tool's own or none is: either way its root is an object.
  const isAlone = listed.indexOf(KEY, at + 1) === -1
  if (isAlone && OBJECTS.some((start) => listed.startsWith(start, at + KEY.length))) return false
  const schema = asObject((JSON.parse(listed) as JsonObject).outputSchema)
  return schema !== null && schema.type !== 'object'
}

/** @returns the definition as such clients can read it */
export function toolFor2025(listed: string): string {
  if (!wrapsOutput(listed)) return listed
  const tool = JSON.parse(listed) as JsonObject
  const schema = asObject(tool.outputSchema) ?? {}
  const dialect = typeof schema.$schema === 'string' ? { $schema: schema.$schema } : {}
  // What has an address of its own goes on to be its own root.
  const result = hasOwnBase(schema) ? schema : moved(schema, false)
  const outputSchema = { ...dialect, type: 'object', properties: { result }, required: ['result'] }
  return JSON.stringify({ ...tool, outputSchema })
}

const DATA: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples'])
const BY_NAME: ReadonlySet<string> = new Set([
  ...['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas', 'dependencies'],
])
const REFERENCES: ReadonlySet<string> = new Set(['$ref', '$dynamicRef'])
const ROOT = '#/properties/result'

/** A schema whose references to its own root lead to where that is now. @param isByName its keys are names, not words of JSON Schema */
function moved(node: Json, isByName: boolean): Json {
  if (Array.isArray(node)) return node.map((one: Json) => moved(one, false))
  const object = asObject(node)
  if (object === null || (!isByName && hasOwnBase(object))) return node
  return Object.fromEntries(
    Object.entries(object).map(([key, value]): [string, Json] => {
      if (isByName) return [key, moved(value, false)]
      if (REFERENCES.has(key) && typeof value === 'string') return [key, reference(value)]
      return [key, DATA.has(key) ? value : moved(value, BY_NAME.has(key))]
    }),
  )
}

function reference(to: string): string {
  return to === '#' || to.startsWith('#/') ? `${ROOT}${to.slice(1)}` : to
}

/** A fragment alone is a name in the same document (draft 7), and no address. */
function hasOwnBase({ $id }: JsonObject): boolean {
  return $id !== undefined && !(typeof $id === 'string' && $id.startsWith('#'))
}

/**
 * A result with its structured content in an object. Where nothing of it can be read as text, the same is added as text.
 *
 * @returns as bytes; the id may stand elsewhere by now
 */
export function withWrapped(raw: RawReply): Buffer {
  const spans = spansIn(raw, ['structuredContent', 'content'])
  const structured = spans?.structuredContent
  if (structured === undefined) return raw.bytes
  const { bytes } = raw
  const value = bytes.toString('utf8', structured.from, structured.to)
  const edits: Edit[] = [{ ...structured, text: `{"result":${value}}` }]
  const isObject = bytes[structured.from] === 0x7b
  const content = spans?.content
  if (!isObject && content !== undefined) {
    const blocks = parse(bytes, content)
    const hasText = Array.isArray(blocks) && blocks.some((block: Json) => asObject(block)?.type === 'text')
    const text = JSON.stringify({ type: 'text', text: value })
    const end = { from: content.to - 1, to: content.to - 1 }
    if (Array.isArray(blocks) && !hasText) edits.push({ ...end, text: blocks.length === 0 ? text : `,${text}` })
  }
  return replaceInBody(raw, edits)
}

function asObject(value: Json | undefined): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null
}
