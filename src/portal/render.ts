/**
 * A definition as a portal shows it: under its public name, with the admin's description where there is one, and no longer
 * than a reader should have to bear. It is cut for show only; pins and the audit are about the whole. Each is serialised
 * once, when a catalog is built, never for a request.
 */
import { LIMITS } from '../config/limits.ts'
import type { CapabilityKind, Definition } from '../upstream/model.ts'

/** @param publicName of a tool or prompt; a resource or template keeps its URI */
export type Renderer = (
  kind: CapabilityKind,
  definition: Definition,
  publicName: string,
  description: string | null,
) => string

/** Keeps what it made by definition, so that a rebuilt catalog serialises only what is shown differently now. */
export function makeRenderer(): Renderer {
  const made = new WeakMap<Definition, { publicName: string; description: string | null; text: string }>()
  return (kind, definition, publicName, description) => {
    const known = made.get(definition)
    if (known?.publicName === publicName && known.description === description) return known.text
    const text = render(kind, definition, publicName, description)
    made.set(definition, { publicName, description, text })
    return text
  }
}

function render(kind: CapabilityKind, { json }: Definition, publicName: string, description: string | null): string {
  const isNamed = kind === 'tool' || kind === 'prompt'
  // Nothing in it can be too long then.
  if (!isNamed && json.length <= LIMITS.title_shown.value) return json
  const { name, ...members } = JSON.parse(json) as Record<string, unknown>
  const shown: Record<string, unknown> = { name: isNamed ? publicName : name, ...members }
  shorten(shown)
  if (description !== null) shown.description = description
  return JSON.stringify(shown)
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
