/** Reads a request body: JSON, at most 1 MiB, each key once, none that JavaScript gives a meaning of its own. */
import { LIMITS } from '../config/limits.ts'
import { FORBIDDEN_KEYS } from '../contract/ids.ts'
import { guardJson } from '../protocol/json-guard.ts'
import { ApiRefusal, invalid } from './refusal.ts'

const MAX_BYTES = LIMITS.api_body.value
const MAX_DEPTH = LIMITS.depth.value

/**
 * @returns the parsed value, or `{}` where there is no body
 * @throws ApiRefusal 400, 413 or 415
 */
export async function readJson(request: Request): Promise<unknown> {
  const bytes = await readBytes(request)
  if (bytes.length === 0) return {}
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json') {
    throw new ApiRefusal('notJson', 'Send the body as JSON, with "Content-Type: application/json".')
  }
  // As strict as the door of MCP: what two readers could read in two ways is read by none.
  const problem = guardJson(bytes)
  if (problem !== null) throw invalid('The body', problem)
  const value = parse(bytes)
  refuseHostileJson(value)
  return value
}

async function readBytes(request: Request): Promise<Buffer> {
  if (request.body === null) return Buffer.alloc(0)
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of request.body) {
    length += chunk.byteLength
    if (length > MAX_BYTES) {
      throw new ApiRefusal('tooLarge', 'The body is larger than 1 MiB. Send less at once.')
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new ApiRefusal('invalid', 'The body is not JSON. Check its quotes, commas and encoding.')
  }
}

/**
 * Refused here, once, before any schema or merge sees the value: keys that would pollute a prototype, NUL characters (which
 * PostgreSQL cannot keep and C programs read as an end), and depth that would exhaust the stack.
 *
 * @throws ApiRefusal 400
 */
export function refuseHostileJson(value: unknown, path: readonly string[] = []): void {
  if (typeof value === 'string' && value.includes('\0')) throw hostile(path, 'must hold no NUL character')
  if (typeof value !== 'object' || value === null) return
  if (path.length > MAX_DEPTH) throw hostile([], 'is nested too deeply')
  for (const [key, member] of Object.entries(value)) {
    if (FORBIDDEN_KEYS.includes(key)) throw hostile(path, `holds the key "${key}", which is never allowed`)
    if (key.includes('\0')) throw hostile(path, 'holds a key with a NUL character')
    refuseHostileJson(member, [...path, key])
  }
}

function hostile(path: readonly string[], message: string): ApiRefusal {
  return invalid(path.length === 0 ? 'The body' : path.join('.').slice(0, 256), message)
}
