/**
 * The mark by which a client can tell what the portal itself says (a link to its own pages, a refusal, a question) from what a
 * server says. It is worth something only because no server can bear it: whatever comes from one loses every `_meta` key of the
 * portal's own prefix, at any depth and however it is spelled in JSON.
 *
 * Answers of servers stay bytes. Three searches tell nearly every one apart that has nothing to lose; the others are walked
 * once, and what is taken out is cut from the bytes, so that nothing else of them changes.
 */
import { BACKSLASH, parse, skipSpace, skipValue } from './json-bytes.ts'
import type { Json, JsonObject, RawReply, Span } from './model.ts'
import { members, scanReply } from './scan.ts'
import { replaceInBody } from './splice.ts'

/** Keys that begin like this are the portal's own, and a portal's that stands before or behind it. */
const OWN_PREFIX = 'dev.portico/'

/** In the `_meta` of what the portal says to a model or a person. */
export const FROM_PORTAL_KEY = 'dev.portico/from-portal'

/** A result, or the params of a question, that the portal itself made. */
export function fromPortal<Said extends JsonObject>(said: Said): Said & JsonObject {
  return { ...said, _meta: { ...(said._meta as JsonObject | undefined), [FROM_PORTAL_KEY]: true } }
}

export function isPortalKey(key: string): boolean {
  return key.startsWith(OWN_PREFIX)
}

const META = '_meta'

/** More than these in one answer, and nothing of it is shown. */
const MOST_MARKS = 1000

/** The prefix as it is, or with a letter of it escaped: nobody who means no harm escapes a letter of ASCII. */
const NEEDLES = ['portico', '\\u006', '\\u007'].map((text) => Buffer.from(text))

/**
 * What a server answered, without the portal's marks.
 *
 * @returns the reply itself where it bears none, which is nearly always; null where it bears too many to be an accident
 */
export function withoutMarks(raw: RawReply): RawReply | null {
  const { bytes, body } = raw
  if (!NEEDLES.some((needle) => bytes.indexOf(needle) >= 0)) return raw
  const marks: Span[] = []
  walk(bytes, body.from, { isMeta: false, marks })
  if (marks.length === 0) return raw
  if (marks.length > MOST_MARKS) return null
  const clean = scanReply(
    replaceInBody(
      raw,
      marks.map((span) => ({ ...span, text: '' })),
    ),
  )
  if (clean === null) throw new Error('an answer without marks is an answer')
  return clean
}

interface Walk {
  /** Inside of a `_meta`, however deep. */
  isMeta: boolean
  marks: Span[]
}

/** The reply was scanned, so every value ends and none is deeper than the scan lets be. @returns the index behind the value */
function walk(bytes: Buffer, at: number, how: Walk): number {
  if (bytes[at] === 0x7b) return walkObject(bytes, at, how)
  if (bytes[at] === 0x5b) return walkArray(bytes, at, how)
  return skipValue(bytes, at, 1)
}

function walkArray(bytes: Buffer, open: number, how: Walk): number {
  let i = skipSpace(bytes, open + 1)
  while (bytes[i] !== 0x5d) {
    i = skipSpace(bytes, walk(bytes, i, how))
    if (bytes[i] === 0x2c) i = skipSpace(bytes, i + 1)
  }
  return i + 1
}

function walkObject(bytes: Buffer, open: number, { isMeta, marks }: Walk): number {
  /** Behind the member before, where one stays. */
  let stays = -1
  return members(bytes, open, (keyFrom, keyTo, from) => {
    if (!isMeta || !isMarkAt(bytes, keyFrom, keyTo)) {
      stays = walk(bytes, from, { isMeta: isMeta || isMetaAt(bytes, keyFrom, keyTo), marks })
      return stays
    }
    const to = skipValue(bytes, from, 1)
    if (marks.length > MOST_MARKS) return to
    // With the comma before it, or, where nothing stays before it, with the one behind it.
    if (stays !== -1) marks.push({ from: stays, to })
    else marks.push({ from: keyFrom, to: nextFrom(bytes, to) })
    if (stays !== -1) stays = to
    return to
  })
}

function nextFrom(bytes: Buffer, to: number): number {
  const i = skipSpace(bytes, to)
  return bytes[i] === 0x2c ? skipSpace(bytes, i + 1) : i
}

function isMetaAt(bytes: Buffer, from: number, to: number): boolean {
  return startsWith(bytes, { from, to }, META) && parse(bytes, { from, to }) === '_meta'
}

function isMarkAt(bytes: Buffer, from: number, to: number): boolean {
  if (!startsWith(bytes, { from, to }, OWN_PREFIX)) return false
  const key = parse(bytes, { from, to })
  return typeof key === 'string' && isPortalKey(key)
}

/** Whether a key may begin so: as bytes, or with an escape where they differ. Nearly every key is told apart by its first. */
function startsWith(bytes: Buffer, { from, to }: Span, start: string): boolean {
  for (let i = 0; i < start.length; i++) {
    const c = bytes[from + 1 + i]
    if (c === BACKSLASH) return true
    if (c !== start.charCodeAt(i)) return false
  }
  return to - from >= start.length + 2
}

/** The same for what was read already: a definition, a message, a question. @returns the value itself where it bears none */
export function withoutMarksIn<T extends Json>(value: T): T {
  return cleaned(value, false) as T
}

function cleaned(value: Json, isMeta: boolean): Json {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    const items = value.map((item: Json) => cleaned(item, isMeta))
    return items.every((item, i) => item === value[i]) ? value : items
  }
  const members = Object.entries(value)
  const kept = members
    .filter(([key]) => !(isMeta && isPortalKey(key)))
    .map(([key, item]): [string, Json] => [key, cleaned(item, isMeta || key === '_meta')])
  const isSame = kept.length === members.length && kept.every(([key, item]) => item === (value as JsonObject)[key])
  return isSame ? value : Object.fromEntries(kept)
}
