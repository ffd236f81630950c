/**
 * `initialize` and `server/discover`: what this portal can do for this caller. Answered from memory; a dead server
 * takes nothing away and delays nothing. A server's own instructions are orders to the model by somebody else: they are
 * passed on only where the admin turned that on, and then as what that server says, never as the portal's own words.
 */
import { LIMITS } from '../config/limits.ts'
import { relayedExtensions, SKILLS, TASKS } from '../protocol/extensions.ts'
import { SUPPORTED_VERSIONS } from '../protocol/methods.ts'
import type { Json, JsonObject } from '../protocol/model.ts'
import { type Outcome, passCheckpoint } from './checkpoint.ts'
import type { Mode } from './context/mode.ts'
import type { Errand } from './errand.ts'
import { tellsOfChanges } from './may-hear.ts'
import { isObject } from './read-params.ts'
import { cut } from './render.ts'
import type { Rooms } from './rooms.ts'
import { PORTAL } from './target.ts'
import { hasTasks, knowsTasks2025, TASKS_OF_2025 } from './task-support.ts'
import type { Visit } from './visit.ts'

export function initialize(visit: Visit, errand: Errand, rooms: Rooms): Promise<Outcome> {
  return introduce(visit, errand, rooms, { protocolVersion: visit.client.version, serverInfo: rooms.info })
}

export function discover(visit: Visit, errand: Errand, rooms: Rooms): Promise<Outcome> {
  return introduce(visit, errand, rooms, { supportedVersions: SUPPORTED_VERSIONS })
}

function introduce(visit: Visit, errand: Errand, rooms: Rooms, head: JsonObject): Promise<Outcome> {
  return passCheckpoint({ method: errand.request.method, target: PORTAL }, { visit, errand, rooms }, () => ({
    reply: {
      kind: 'result',
      result: { ...head, capabilities: capabilities(visit, rooms), instructions: instructionsFor(visit, rooms) },
    },
    credential: null,
    upstreamMs: 0,
  }))
}

/** The union of what this caller's servers declared, as far as the portal passes it on. */
function capabilities(visit: Visit, rooms: Rooms): JsonObject {
  const declared = new Set<string>()
  const extensions: Record<string, Json> = {}
  let tells = false
  let hasTaskServers = false
  visit.spec.servers.forEach(({ uid }, index) => {
    if (visit.visible.has[index] !== true) return
    const inventory = visit.own.get(index) ?? rooms.upstreams.inventory(uid)
    for (const key of Object.keys(inventory?.capabilities ?? {})) declared.add(key)
    hasTaskServers ||= hasTasks(inventory)
    // What is declared twice is as it was declared first.
    const theirs = relayedExtensions(inventory?.capabilities ?? {}, visit.client.era)
    for (const [name, settings] of Object.entries(theirs ?? {})) extensions[name] ??= settings
    if (theirs?.[SKILLS] !== undefined) extensions[SKILLS] = skillsOf(extensions[SKILLS], theirs[SKILLS])
    tells ||= tellsOfChanges(visit, index, rooms.upstreams)
  })
  // To a client of 2026 such a tool is one of a server that has the extension.
  if (hasTaskServers && visit.client.era === '2026') extensions[TASKS] ??= {}
  const all: Record<string, JsonObject> = { tools: { listChanged: true } }
  if (declared.has('prompts')) all.prompts = { listChanged: true }
  if (declared.has('resources')) all.resources = tells ? { subscribe: true, listChanged: true } : { listChanged: true }
  if (declared.has('completions')) all.completions = {}
  if (declared.has('logging')) all.logging = {}
  if (hasTaskServers && knowsTasks2025(visit)) all.tasks = TASKS_OF_2025
  if (Object.keys(extensions).length > 0) all.extensions = extensions
  return all
}

/** What one server can do the portal can; what else may stand there is between the two of them. */
function skillsOf(...declared: readonly (Json | undefined)[]): JsonObject {
  return declared.some((one) => isObject(one) && one.directoryRead === true) ? { directoryRead: true } : {}
}

/** Who is told, as far as that matters. */
export type Told = Pick<Visit, 'spec' | 'mode' | 'mounted' | 'visible' | 'own'>
type Inventories = { upstreams: Pick<Rooms['upstreams'], 'inventory'> }

/** What a model is told before it does anything, in words. */
export function instructionsFor(visit: Told, rooms: Inventories): string {
  return [ownInstructions(visit), ...theirInstructions(visit, rooms)].join('\n\n')
}

/** What a model could not know of tools that it is not shown. */
const HOW_TO_CALL: Readonly<Record<Mode, string>> = {
  all: '',
  minimize_tools: ' Tools are listed by name alone: portal_query_tools tells how each is called.',
  search_and_execute: ' Its tools are not listed: find them with portal_query_tools, call them with portal_execute.',
  code_mode:
    ' Its tools are not listed: find them with portal_codemode_search, call them from code with portal_codemode_execute.',
}

function ownInstructions(visit: Told): string {
  const about = visit.spec.description === null ? '' : ` ${visit.spec.description}`
  const name = `This is the MCP portal "${visit.spec.name}".${about}`
  const how = HOW_TO_CALL[visit.mode]
  if (visit.mounted) return `${name}${how}`
  return `${name}${how} Tools and prompts are named {server id}_{name}. portal_list_servers tells which servers you have and whether one is down.`
}

/** Of the servers that this caller may see, in portal order. */
function theirInstructions(visit: Told, rooms: Inventories): string[] {
  return visit.spec.servers.flatMap(({ uid, id, name, passesInstructions, onBehalf }, index) => {
    if (!passesInstructions || visit.visible.has[index] !== true) return []
    // What a personal server says to somebody else's account is no preview.
    const inventory = onBehalf ? visit.own.get(index) : rooms.upstreams.inventory(uid)
    const text = inventory?.instructions ?? null
    return text === null || text.trim() === '' ? [] : [quote(id, name, text)]
  })
}

/** Each line is marked, so that no server can end its quotation and speak as the portal, or as another server. */
export function quote(id: string, name: string, text: string): string {
  const lines = cut(text.trim(), LIMITS.instructions_shown.value).split(/\r\n|\r|\n/)
  const heading = `The server "${name.replace(/\s+/g, ' ')}" (${id}) says of itself, in its own words and not the portal's:`
  return [heading, ...lines.map((line) => `> ${line}`)].join('\n')
}
