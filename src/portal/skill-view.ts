/**
 * What one caller sees of a server's skills. A skill is a resource at the URI of its `SKILL.md`, and so is each of its files: whoever may
 * read it may know of it, by the same names, switches and policies, and nobody else does. What of a skill the caller may not read is not in
 * its entry.
 *
 * All of a skill stands under one directory, so it is shown either as its server has it, or all of it with the server's id.
 */
import { relayedExtensions, SKILLS } from '../protocol/extensions.ts'
import type { Json, JsonObject } from '../protocol/model.ts'
import { canonicalUri, type Skill, skillIn } from '../protocol/skill.ts'
import type { Inventory } from '../upstream/model.ts'
import { mayHear } from './may-hear.ts'
import { isObject } from './read-params.ts'
import type { Rooms } from './rooms.ts'
import { findTarget } from './target.ts'
import { outward, withId } from './uris.ts'
import type { Visit } from './visit.ts'

/** A server's own URI, as a caller would have it; null where it has none in this form. */
type Form = (uri: string) => string | null

/** One server, by its index in portal order, and who looks. */
export interface SkillView {
  visit: Visit
  index: number
  forms: readonly Form[]
}

export function viewOf(visit: Visit, index: number): SkillView {
  const id = visit.spec.servers[index]?.id ?? ''
  const moved = visit.catalog
    .entries('template')
    .filter(({ serverIndex, publicName, original }) => serverIndex === index && publicName !== original)
  // What is below a template that is shown otherwise is called as that one is, and so it will be when more of it is there.
  const forms: Form[] = [
    ...moved.map(
      (of): Form =>
        (uri) =>
          outward(of, uri),
    ),
    (uri) => uri,
    (uri) => withId(id, uri),
  ]
  return { visit, index, forms }
}

/**
 * @param asked the URI that it was asked for by
 * @returns null for what is none, is not there for this caller, or is not this server's
 */
export function shownSkill(entry: Json | undefined, view: SkillView, asked?: string): JsonObject | null {
  const skill = skillIn(entry)
  if (skill === null) return null
  for (const form of view.forms) {
    const shown = inForm(skill, form, view)
    if (shown === null || (asked !== undefined && !isSame(shown.uri, asked))) continue
    if (!mayRead(shown.uri, view)) return null
    const { resources } = shown
    return resources === 'dynamic' ? shown : { ...shown, resources: resources.filter(({ uri }) => mayRead(uri, view)) }
  }
  return null
}

/** The direct child of a directory, as `resources/directory/read` has it. @returns as `shownSkill` */
export function shownChild(child: Json, view: SkillView): JsonObject | null {
  if (!isObject(child) || typeof child.uri !== 'string') return null
  for (const form of view.forms) {
    const uri = form(child.uri)
    if (uri !== null && isOurs(uri, view)) return mayRead(uri, view) ? { ...child, uri } : null
  }
  return null
}

/** @returns the settings with which a server has skills for this caller; null where it has none */
export function skillsAt(index: number, visit: Visit, rooms: Pick<Rooms, 'upstreams'>): JsonObject | null {
  const uid = visit.spec.servers[index]?.uid
  if (uid === undefined || visit.visible.has[index] !== true) return null
  return skillsIn(visit.own.get(index) ?? rooms.upstreams.inventory(uid))
}

export function skillsIn(inventory: Inventory | undefined): JsonObject | null {
  const declared = inventory && relayedExtensions(inventory.capabilities, inventory.era)?.[SKILLS]
  return isObject(declared) ? declared : null
}

/** @returns null where not all of it is this server's in this form */
function inForm(skill: Skill, form: Form, view: SkillView): Skill | null {
  const at = (own: string): string | null => {
    const uri = form(own)
    return uri !== null && isOurs(uri, view) ? uri : null
  }
  const uri = at(skill.uri)
  if (uri === null) return null
  if (skill.resources === 'dynamic') return skillIn({ ...skill, uri })
  const resources = skill.resources.map((file) => ({ ...file, uri: at(file.uri) }))
  return resources.every((file) => file.uri !== null) ? skillIn({ ...skill, uri, resources }) : null
}

function isOurs(uri: string, { visit, index }: SkillView): boolean {
  const target = findTarget(visit, 'resource', uri)
  return target.kind === 'capability' && target.entry.serverIndex === index
}

function mayRead(uri: string, { visit }: SkillView): boolean {
  return mayHear(visit, uri) !== null
}

function isSame(one: string, other: string): boolean {
  const canonical = canonicalUri(one)
  return one === other || (canonical !== undefined && canonical === canonicalUri(other))
}
