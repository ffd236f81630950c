/**
 * A definition as a portal shows it: under its public name, with the admin's description where there is one, and no longer
 * than a reader should have to bear. It is cut for show only; pins and the audit are about the whole. Each is serialised
 * once, when a catalog is built, never for a request.
 */
import { LIMITS } from '../config/limits.ts'
import type { CapabilityKind, Definition } from '../upstream/model.ts'
import { showSchemas } from './shown-schemas.ts'

/**
 * @param publicName of a tool or prompt; the URI under which a resource or template is shown
 * @param showsTasks whether it says of a tool how it is run as a task, which is a word of 2025-11-25 alone
 */
export type Renderer = (
  kind: CapabilityKind,
  definition: Definition,
  publicName: string,
  description: string | null,
  showsTasks?: boolean,
) => string

/** Keeps what it made by definition, so that a rebuilt catalog serialises only what is shown differently now. */
export function makeRenderer(): Renderer {
  const made: Made = new WeakMap()
  const madeWithTasks: Made = new WeakMap()
  return (kind, definition, publicName, description, showsTasks = false) => {
    const kept = showsTasks ? madeWithTasks : made
    const known = kept.get(definition)
    if (known?.publicName === publicName && known.description === description) return known.text
    const text = render(kind, definition, { publicName, description, showsTasks })
    kept.set(definition, { publicName, description, text })
    return text
  }
}

type Made = WeakMap<Definition, { publicName: string; description: string | null; text: string }>

interface Shown {
  publicName: string
  description: string | null
  showsTasks: boolean
}

function render(
  kind: CapabilityKind,
  { name: original, json }: Definition,
  { publicName, description, showsTasks }: Shown,
): string {
  const isNamed = kind === 'tool' || kind === 'prompt'
  // Nothing in it can be too long then.
  const isMoved = !isNamed && publicName !== original
  if (!isNamed && !isMoved && json.length <= LIMITS.title_shown.value) return json
  const { name, ...members } = JSON.parse(json) as Record<string, unknown>
  const shown: Record<string, unknown> = { name: isNamed ? publicName : name, ...members }
  if (isMoved) shown[kind === 'resource' ? 'uri' : 'uriTemplate'] = publicName
  shorten(shown)
  if (kind === 'tool') showSchemas(shown)
  if (kind === 'tool' && !showsTasks) dropTaskSupport(shown)
  if (description !== null) shown.description = description
  return JSON.stringify(shown)
}

/** In place, as the next one. */
function dropTaskSupport(shown: Record<string, unknown>): void {
  if (!isObject(shown.execution)) return
  const { taskSupport: _said, ...rest } = shown.execution
  if (Object.keys(rest).length > 0) shown.execution = rest
  else delete shown.execution
}

/** In place: the value was made for this. */
function shorten(shown: Record<string, unknown>): void {
  const { description, title, annotations } = shown
  if (typeof description === 'string') shown.description = cut(description, LIMITS.description_shown.value)
  if (typeof title === 'string') shown.title = cut(title, LIMITS.title_shown.value)
  if (!isObject(annotations) || typeof annotations.title !== 'string') return
  annotations.title = cut(annotations.title, LIMITS.title_shown.value)
}

/** At most so many bytes of UTF-8, the ellipsis among them, and never half a character. */
export function cut(text: string, bytes: number): string {
  if (text.length * 3 <= bytes || Buffer.byteLength(text) <= bytes) return text
  const whole = Buffer.from(text)
  let end = bytes - 3
  // A byte 10xxxxxx continues a character.
  while (end > 0 && ((whole[end] ?? 0) & 0xc0) === 0x80) end--
  return `${whole.toString('utf8', 0, end)}…`
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
