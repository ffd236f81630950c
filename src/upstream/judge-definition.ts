/**
 * Whether what a server lists is what was approved. The comparison is by hash of the whole definition and in this one
 * place, whoever's credential fetched the list: what is not equal to its pin is not offered. Pure; what may become a pin
 * without an admin is decided here too, when a server was synced.
 */
import type { DefinitionsMode } from '../contract/server.ts'
import type { Json, JsonObject } from '../protocol/model.ts'
import { canonical } from './definitions.ts'
import { asObject } from './handshake.ts'
import { hidesSomething } from './hidden-characters.ts'
import type { CapabilityKind, Definition } from './model.ts'

export interface Question {
  kind: CapabilityKind
  definition: Definition
  /** What was approved under this name; `json` is needed only where the hash differs. */
  pin: { hash: string; json: string } | undefined
  /** Hashes that an admin rejected under this name. */
  rejected: readonly string[]
  mode: DefinitionsMode
  /** The server's first successful sync: what it shows then is trusted. */
  isFirst: boolean
  /** The server has shown so many names that new ones are no longer pinned by themselves. */
  isFull: boolean
  /** Only one person's own account is known to list it. */
  isOwn: boolean
}

/** `approved`: equal to its pin, or in need of none. `pin`: not, and it becomes the pin by itself. */
export type Verdict = 'approved' | 'pin' | 'held' | 'rejected'

/**
 * The first rule that speaks decides:
 * 1. what an admin rejected stays so, also where it was approved before
 * 2. what equals its pin is approved
 * 3. what hides characters is held, in every mode and at first sight
 * 4. a resource of a person's own that has no pin is held with `hold_new` and needs none otherwise: one account with many files must
 *    not use up the pins of all
 * 5. what a server shows at its first sync is pinned
 * 6. a new name is held with `hold_new`, or when there are too many, and pinned otherwise
 * 7. a resource that only became larger or newer is pinned again
 * 8. a change is pinned with `auto`, unless it makes the tool look more harmless; otherwise it is held
 */
export function judge({ kind, definition, pin, rejected, mode, isFirst, isFull, isOwn }: Question): Verdict {
  if (rejected.includes(definition.hash)) return 'rejected'
  if (pin?.hash === definition.hash) return 'approved'
  if (hidesSomething(definition.json)) return 'held'
  if (isOwn && kind === 'resource' && pin === undefined) return mode === 'hold_new' ? 'held' : 'approved'
  if (isFirst) return 'pin'
  if (pin === undefined) return mode === 'hold_new' || isFull ? 'held' : 'pin'
  const before = JSON.parse(pin.json) as JsonObject
  const after = JSON.parse(definition.json) as JsonObject
  if (kind === 'resource' && isUpkeep(before, after)) return 'pin'
  return mode === 'auto' && !looksMoreHarmless(before, after) ? 'pin' : 'held'
}

/** What each hint means where it is absent (MCP 2025-11-25, ToolAnnotations): the dangerous reading. */
const DANGEROUS: Readonly<Record<string, boolean>> = {
  readOnlyHint: false,
  destructiveHint: true,
  idempotentHint: false,
  openWorldHint: true,
}

/** A value that is no boolean counts as a claim as well: another reader may take it for one. */
export function looksMoreHarmless(before: JsonObject, after: JsonObject): boolean {
  const old = asObject(before.annotations) ?? {}
  const now = asObject(after.annotations) ?? {}
  return Object.entries(DANGEROUS).some(([hint, dangerous]) => {
    const value = now[hint] ?? dangerous
    return value !== dangerous && JSON.stringify(value) !== JSON.stringify(old[hint] ?? dangerous)
  })
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/

/** A file that grew says nothing new to a model: size and time may change, as long as they are a size and a time. */
function isUpkeep(before: JsonObject, after: JsonObject): boolean {
  const { size, annotations } = after
  const modified = asObject(annotations)?.lastModified
  if (size !== undefined && typeof size !== 'number') return false
  if (modified !== undefined && !(typeof modified === 'string' && TIME.test(modified))) return false
  return canonical(timeless(before)) === canonical(timeless(after))
}

function timeless({ size: _size, annotations, ...rest }: JsonObject): Json {
  const { lastModified: _time, ...hints } = asObject(annotations) ?? {}
  return [rest, hints]
}
