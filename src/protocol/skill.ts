/**
 * The entry of a skill (SEP-2640), as far as every reader of a list depends on it: official clients refuse a whole list for one bad entry,
 * so none may stand in a list that several servers have a part in. What a skill says, and whether its files are what they are said to be,
 * its reader judges.
 */
import type { Json, JsonObject } from './model.ts'

export interface SkillFile {
  readonly uri: string
  readonly [member: string]: Json
}

export interface Skill extends JsonObject {
  /** Of its `SKILL.md`. */
  readonly uri: string
  readonly frontmatter: JsonObject
  readonly resources: readonly SkillFile[] | 'dynamic'
}

/** As many files, and bytes in them, as every reader takes. */
const MOST_FILES = 512
const MOST_BYTES = 16 * 1024 * 1024

const MANIFEST = '/SKILL.md'
const NAME = /^[0-9a-z]+(?:-[0-9a-z]+)*$/
const DIGEST = /^sha256:[0-9a-f]{64}$/

/** @returns the entry itself; null where it breaks a rule that makes official clients refuse the list that it is in */
export function skillIn(entry: Json | undefined): Skill | null {
  if (!isObject(entry)) return null
  const { uri, frontmatter, resources, _meta } = entry
  if (typeof uri !== 'string' || !isObject(frontmatter) || !(_meta === undefined || isObject(_meta))) return null
  const root = rootOf(uri)
  if (root === null || !isFrontmatter(frontmatter, root)) return null
  return resources === 'dynamic' || isComplete(resources, { root, uri }) ? (entry as Skill) : null
}

/** As official clients compare the URIs of skills: in the one spelling of the WHATWG. @returns undefined for what is none */
export function canonicalUri(uri: string): string | undefined {
  return URL.parse(uri)?.href
}

/** The directory of a skill, without a slash at its end. */
function rootOf(uri: string): string | null {
  const whole = canonicalUri(uri)
  if (whole?.endsWith(MANIFEST) !== true) return null
  const root = whole.slice(0, -MANIFEST.length)
  return root === '' || root.endsWith('/') ? null : root
}

function isFrontmatter(said: JsonObject, root: string): boolean {
  const { name, description, compatibility, metadata } = said
  if (typeof name !== 'string' || name.length > 64 || !NAME.test(name) || lastOf(root) !== name) return false
  if (!isText(description, 1024)) return false
  if (compatibility !== undefined && !isText(compatibility, 500)) return false
  return (
    metadata === undefined || (isObject(metadata) && Object.values(metadata).every((one) => typeof one === 'string'))
  )
}

/** Of the path, or the authority where there is none. */
function lastOf(root: string): string {
  const { pathname, host } = new URL(root)
  return decoded(pathname === '' || pathname === '/' ? host : pathname.slice(pathname.lastIndexOf('/') + 1))
}

/** Every file once, each inside of the skill, and its own `SKILL.md` among them. */
function isComplete(files: Json | undefined, { root, uri }: { root: string; uri: string }): boolean {
  if (!Array.isArray(files) || files.length > MOST_FILES) return false
  const own = canonicalUri(uri)
  const seen = new Set<string>()
  let bytes = 0
  for (const file of files) {
    if (!isFile(file)) return false
    const whole = canonicalUri(file.uri)
    if (whole === undefined || seen.has(decoded(whole)) || !isInside(whole, root)) return false
    seen.add(decoded(whole))
    bytes += Number(file.size)
  }
  return bytes <= MOST_BYTES && own !== undefined && seen.has(decoded(own))
}

function isFile(file: Json): file is SkillFile {
  if (!isObject(file)) return false
  const { uri, digest, size } = file
  return (
    typeof uri === 'string' &&
    typeof digest === 'string' &&
    DIGEST.test(digest) &&
    typeof size === 'number' &&
    Number.isSafeInteger(size) &&
    size >= 0
  )
}

function isInside(whole: string, root: string): boolean {
  if (/[#?]/.test(whole) || !whole.startsWith(`${root}/`)) return false
  return whole
    .slice(root.length + 1)
    .split('/')
    .every((part) => !['', '.', '..'].includes(decoded(part)) && !/[/\0]/.test(decoded(part)))
}

function isText(value: Json | undefined, most: number): boolean {
  return typeof value === 'string' && value !== '' && [...value.slice(0, 2 * most + 2)].length <= most
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
