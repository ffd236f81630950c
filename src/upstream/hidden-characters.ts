/**
 * Characters that a person does not see and a model reads, or that a terminal obeys: tag characters, zero-width and other
 * ignorable ones, bidi controls, escapes and other controls. Linear in the text; it must never reject an emoji that the
 * Unicode Consortium recommends, though some are spelled with such characters.
 */
import type { Json } from '../protocol/model.ts'

/** Tabs and line ends are seen. */
const HIDDEN = /[\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\p{Cs}\ufff9-\ufffb]|(?![\t\n\r])\p{Cc}/u
const EVERY_HIDDEN = new RegExp(HIDDEN.source, 'gu')
/** With a variation selector that many put after any emoji. */
const EMOJI = /\p{RGI_Emoji}\ufe0f?/gv

/** One string of a definition that has some. */
export interface Hidden {
  /** JSON pointer to the string, or to the member whose key it is. */
  path: string
  /** Such as `U+200B`, in order, each once, the first 16. */
  codePoints: readonly string[]
}

const MOST_CODE_POINTS = 16
const MOST_PLACES = 100

export function hasHidden(text: string): boolean {
  return HIDDEN.test(text) && HIDDEN.test(text.replace(EMOJI, ''))
}

/** The text without them; emoji stay. */
export function withoutHidden(text: string): string {
  if (!HIDDEN.test(text)) return text
  let clean = ''
  let from = 0
  for (const emoji of text.matchAll(EMOJI)) {
    clean += text.slice(from, emoji.index).replace(EVERY_HIDDEN, '') + emoji[0]
    from = emoji.index + emoji[0].length
  }
  return clean + text.slice(from).replace(EVERY_HIDDEN, '')
}

/** @returns where they are in any string or key of the value, the first 100 places */
export function findHidden(value: Json): Hidden[] {
  const found: Hidden[] = []
  for (const { path, text } of stringsIn(value)) {
    if (found.length === MOST_PLACES) break
    if (hasHidden(text)) found.push({ path, codePoints: codePointsOf(text) })
  }
  return found
}

/** Whether any string of the JSON text has one. Cheap where there is none: one look at the whole text. */
export function hidesSomething(json: string): boolean {
  // What JSON escapes may be one; the rest stands in the text as it is.
  if (!HIDDEN.test(json) && !json.includes('\\u') && !/\\[bf]/.test(json)) return false
  for (const { text } of stringsIn(JSON.parse(json) as Json)) if (hasHidden(text)) return true
  return false
}

/** Every string of a value and every key, with a JSON pointer. Depth was bounded when the answer was read. */
export function* stringsIn(value: Json, path = ''): Iterable<{ path: string; text: string }> {
  if (typeof value === 'string') yield { path, text: value }
  if (typeof value !== 'object' || value === null) return
  for (const [key, member] of Object.entries(value)) {
    const at = `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
    if (!Array.isArray(value)) yield { path: at, text: key }
    yield* stringsIn(member as Json, at)
  }
}

function codePointsOf(text: string): string[] {
  const seen = new Set<string>()
  for (const [character] of text.replace(EMOJI, '').matchAll(EVERY_HIDDEN)) {
    const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
    seen.add(`U+${code}`)
    if (seen.size === MOST_CODE_POINTS) break
  }
  return [...seen]
}
