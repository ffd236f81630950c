/**
 * From what a server listed to what is kept. A definition stays the object that it was, member for member: schemas use
 * words that no schema library here knows. What breaks a rule is dropped alone, and said so in the log.
 */
import { createHash } from 'node:crypto'
import { LIMITS } from '../config/limits.ts'
import { readHeaderParams } from '../protocol/era-2026/param-headers.ts'
import type { Era, Json, JsonObject } from '../protocol/model.ts'
import { withoutMarksIn } from '../protocol/portal-mark.ts'
import { asObject } from './handshake.ts'
import type { CapabilityKind, Definition } from './model.ts'
import { breathe } from './pin-store.ts'
import { malformedIn } from './well-formed.ts'

export const MAX_DEFINITIONS = LIMITS.tools.value
const MAX_BYTES = LIMITS.definition.value
const TOOL_NAME = /^[A-Za-z0-9_.-]{1,128}$/
const MAX_NAME = 2048

const NAME_MEMBER: Record<CapabilityKind, string> = {
  tool: 'name',
  prompt: 'name',
  resource: 'uri',
  template: 'uriTemplate',
}

/** Definitions that are read in one turn: callers must not wait for ten thousand. */
const AT_ONCE = 200

/** What was dropped is told this often; a server must not fill the log. */
const MOST_TOLD = 20

/** @param onDropped called with the name, where there is one, and the reason in our own words */
export async function readDefinitions(
  kind: CapabilityKind,
  items: readonly Json[],
  era: Era,
  onDropped: (name: string | null, reason: string) => void,
): Promise<Definition[]> {
  const kept = new Map<string, Definition>()
  let looked = 0
  let dropped = 0
  const drop = (name: string | null, reason: string) => {
    if (++dropped <= MOST_TOLD) onDropped(name?.slice(0, 256) ?? null, reason)
  }
  for (const item of items) {
    if (++looked % AT_ONCE === 0) await breathe()
    const read = readDefinition(kind, item, era)
    if ('reason' in read) drop(read.name, read.reason)
    else if (kept.has(read.name)) drop(read.name, 'its name came before')
    else kept.set(read.name, read)
  }
  if (dropped > MOST_TOLD) onDropped(null, `${dropped - MOST_TOLD} more were left out`)
  return [...kept.values()]
}

/** What is left out, and why. */
interface Dropped {
  name: string | null
  reason: string
}

export function readDefinition(kind: CapabilityKind, item: Json, era: Era): Definition | Dropped {
  const object = asObject(withoutMarksIn(item))
  const name = object?.[NAME_MEMBER[kind]]
  if (object === null || typeof name !== 'string') return { name: null, reason: 'it has no name' }
  const json = JSON.stringify(object)
  const reason = problemOf(kind, object, { name, json, era })
  if (reason !== null) return { name, reason }
  return { name, json, hash: createHash('sha256').update(canonical(object)).digest('hex') }
}

function problemOf(
  kind: CapabilityKind,
  object: JsonObject,
  { name, json, era }: { name: string; json: string; era: Era },
): string | null {
  if (kind === 'tool' && !TOOL_NAME.test(name))
    return 'its name is not one of 1 to 128 letters, digits, "_", "." and "-"'
  if (name === '' || name.length > MAX_NAME) return 'its name is empty or too long'
  if (Buffer.byteLength(json) > MAX_BYTES) return 'it is longer than 64 KiB'
  const malformed = malformedIn(kind, object)
  if (malformed !== null || kind !== 'tool' || era !== '2026') return malformed
  const params = readHeaderParams(object.inputSchema ?? {})
  return params.ok ? null : params.reason
}

/** JSON with the members of every object in order, so that equal definitions are equal text. Depth was bounded by the scan. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((one: Json) => canonical(one)).join(',')}]`
  const object = asObject(value)
  if (object === null) return JSON.stringify(value)
  const members = Object.keys(object)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(object[key] ?? null)}`)
  return `{${members.join(',')}}`
}
