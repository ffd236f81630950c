/**
 * `initialize` and `server/discover`: what this portal can do for this caller. Answered from memory; a dead server
 * takes nothing away and delays nothing. Servers' own instructions are not passed on: they are orders to the model by
 * someone the admin has not approved.
 */
import type { JsonObject } from '../protocol/model.ts'
import { type Outcome, passCheckpoint } from './checkpoint.ts'
import type { Rooms } from './rooms.ts'
import { PORTAL } from './target.ts'
import type { Errand } from './upstream-call.ts'
import type { Visit } from './visit.ts'

export function initialize(visit: Visit, errand: Errand, rooms: Rooms): Promise<Outcome> {
  return introduce(visit, errand, rooms, { protocolVersion: visit.client.version, serverInfo: rooms.info })
}

export function discover(visit: Visit, errand: Errand, rooms: Rooms): Promise<Outcome> {
  return introduce(visit, errand, rooms, { supportedVersions: ['2026-07-28'] })
}

function introduce(visit: Visit, errand: Errand, rooms: Rooms, head: JsonObject): Promise<Outcome> {
  return passCheckpoint({ method: errand.request.method, target: PORTAL }, visit, rooms.audit, () => ({
    reply: {
      kind: 'result',
      result: { ...head, capabilities: capabilities(visit, rooms), instructions: instructions(visit) },
    },
    credential: null,
    upstreamMs: 0,
  }))
}

/** The union of what this caller's servers declared, as far as the portal passes it on. */
function capabilities(visit: Visit, rooms: Rooms): JsonObject {
  const declared = new Set<string>()
  visit.spec.servers.forEach(({ uid }, index) => {
    if (visit.visible.has[index] !== true) return
    const inventory = rooms.upstreams.inventory(uid, visit.principal)
    for (const key of Object.keys(inventory?.capabilities ?? {})) declared.add(key)
  })
  const all: Record<string, JsonObject> = { tools: { listChanged: true } }
  if (declared.has('prompts')) all.prompts = { listChanged: true }
  if (declared.has('resources')) all.resources = { listChanged: true }
  if (declared.has('completions')) all.completions = {}
  if (declared.has('logging')) all.logging = {}
  return all
}

function instructions(visit: Visit): string {
  const about = visit.spec.description === null ? '' : ` ${visit.spec.description}`
  const name = `This is the MCP portal "${visit.spec.name}".${about}`
  if (visit.mounted) return name
  return `${name} Tools and prompts are named {server id}_{name}. portal_list_servers tells which servers you have and whether one is down.`
}
