/**
 * `x-mcp-header` (SEP-2243): arguments that a tool wants repeated in `Mcp-Param-*` headers. A definition that breaks the
 * rules makes the tool invalid; the check of a caller's headers comes only after the policy has let the caller through.
 */
import type { HeaderMap } from '../classify.ts'
import { ErrorCode } from '../errors.ts'
import type { Json, JsonObject, RpcError } from '../model.ts'
import { decodeHeaderValue, encodeHeaderValue } from './header-value.ts'

const KEYWORD = 'x-mcp-header'
/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const DECIMAL = /^-?\d+(\.\d+)?$/

export interface HeaderParam {
  /** Lower case, with its prefix: `mcp-param-region`. */
  header: string
  /** The chain of property names from `arguments` down. */
  path: readonly string[]
  type: 'string' | 'integer' | 'boolean'
}

export type HeaderParams = { ok: true; params: readonly HeaderParam[] } | { ok: false; reason: string }

/**
 * Reads the declarations of a tool.
 *
 * @returns what the tool wants, or why the tool is invalid and must be left out of the list
 */
export function readHeaderParams(inputSchema: Json): HeaderParams {
  const params: HeaderParam[] = []
  const names = new Set<string>()
  const reason = visit({ node: inputSchema, path: [], reachable: true }, (name, param) => {
    if (names.has(name)) return `the header ${name} is declared twice`
    names.add(name)
    params.push(param)
    return null
  })
  return reason === null ? { ok: true, params } : { ok: false, reason }
}

interface Position {
  node: Json
  path: readonly string[]
  /** Whether only `properties` keys lead here from the root. */
  reachable: boolean
}

type OnParam = (name: string, param: HeaderParam) => string | null

/** @returns the first fault, or null */
function visit(position: Position, onParam: OnParam): string | null {
  const { node, path } = position
  if (Array.isArray(node)) return visitAll(node, { path, reachable: false }, onParam)
  if (typeof node !== 'object' || node === null) return null
  const schema = node as JsonObject
  const fault = Object.hasOwn(schema, KEYWORD) ? visitDeclaration(schema, position, onParam) : null
  if (fault !== null) return fault

  for (const [keyword, value] of Object.entries(schema)) {
    const fault = visitKeyword(keyword, value, position, onParam)
    if (fault !== null) return fault
  }
  return null
}

/** Keywords whose values are data, where the word would mean nothing. */
const DATA_KEYWORDS: readonly string[] = [KEYWORD, 'const', 'enum', 'default', 'examples']
/** Keywords that hold a schema for each of many names, so that the names themselves are no keywords. */
const MAP_KEYWORDS: readonly string[] = ['properties', '$defs', 'definitions', 'patternProperties', 'dependentSchemas']

function visitKeyword(keyword: string, value: Json, { path, reachable }: Position, onParam: OnParam): string | null {
  if (DATA_KEYWORDS.includes(keyword)) return null
  if (!MAP_KEYWORDS.includes(keyword)) return visit({ node: value, path, reachable: false }, onParam)
  if (typeof value !== 'object' || value === null) return null
  for (const [name, child] of Object.entries(value as JsonObject)) {
    const inner = { node: child, path: [...path, name], reachable: reachable && keyword === 'properties' }
    const fault = visit(inner, onParam)
    if (fault !== null) return fault
  }
  return null
}

function visitAll(nodes: readonly Json[], place: Omit<Position, 'node'>, onParam: OnParam): string | null {
  for (const node of nodes) {
    const fault = visit({ node, ...place }, onParam)
    if (fault !== null) return fault
  }
  return null
}

function visitDeclaration(schema: JsonObject, { path, reachable }: Position, onParam: OnParam): string | null {
  const name = schema[KEYWORD]
  const { type } = schema
  if (!reachable || path.length === 0) return `${KEYWORD} stands where no chain of properties leads`
  if (typeof name !== 'string' || !TOKEN.test(name)) return `${KEYWORD} is not a header name`
  if (type !== 'string' && type !== 'integer' && type !== 'boolean')
    return `${KEYWORD} is only for string, integer and boolean`
  const header = `mcp-param-${name.toLowerCase()}`
  return onParam(header, { header, path, type })
}

/**
 * Holds a caller's `Mcp-Param-*` headers against the arguments.
 *
 * @param definition the tool's definition as JSON text; only one that speaks of headers is parsed
 * @param headers lower-case names
 * @param isShown false where the caller was not shown the schema: then it cannot know of a header, and one that is there must agree all the same
 * @returns -32020, for HTTP status 400, or null
 */
export function checkParamHeaders(
  definition: string,
  input: JsonObject,
  headers: HeaderMap,
  isShown = true,
): RpcError | null {
  if (!definition.includes(KEYWORD)) return null
  const { inputSchema = {} } = JSON.parse(definition) as JsonObject
  const declared = readHeaderParams(inputSchema)
  if (!declared.ok) return null
  for (const param of declared.params) {
    const header = headers[param.header]
    if (header === undefined && !isShown) continue
    const problem = paramProblem(param, input, header)
    if (problem !== null)
      return { code: ErrorCode.HeaderMismatch, message: `Header mismatch: ${param.header} ${problem}` }
  }
  return null
}

function paramProblem(param: HeaderParam, input: JsonObject, header: string | undefined): string | null {
  const value = valueAt(input, param.path)
  const text = textOf(value)
  if (text === null) return null
  if (header === undefined) return 'is missing'
  const decoded = decodeHeaderValue(header)
  if (decoded === undefined) return 'is not valid base64'
  if (decoded === text) return null
  const sameNumber =
    param.type === 'integer' && typeof value === 'number' && DECIMAL.test(decoded) && Number(decoded) === value
  return sameNumber ? null : 'and the argument differ'
}

/** The `Mcp-Param-*` headers of a call to a server, names in lower case. Null and absent arguments have none. */
export function buildParamHeaders(params: readonly HeaderParam[], input: JsonObject): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const { header, path } of params) {
    const text = textOf(valueAt(input, path))
    if (text !== null) headers[header] = encodeHeaderValue(text)
  }
  return headers
}

function valueAt(input: JsonObject, path: readonly string[]): Json | undefined {
  let node: Json | undefined = input
  for (const key of path) {
    if (typeof node !== 'object' || node === null || Array.isArray(node) || !Object.hasOwn(node, key)) return undefined
    node = (node as JsonObject)[key]
  }
  return node
}

/** @returns null for what no header can stand for */
function textOf(value: Json | undefined): string | null {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return String(value)
  if (typeof value !== 'number' || (Number.isInteger(value) && !Number.isSafeInteger(value))) return null
  return String(value)
}
