/**
 * Skills of servers (SEP-2640). They are not kept here: `skills/list` asks every server that has any and is there for the caller, all at
 * the same time; one that does not answer soon is left out. What is asked of one skill or directory goes to the one server that its URI
 * belongs to, as a read of it would, and to no other.
 */
import type { Json, JsonObject } from '../protocol/model.ts'
import { unreadableReply } from '../protocol/raw-error.ts'
import type { Entry } from './catalog.ts'
import { type Outcome, type Performed, passCheckpoint } from './checkpoint.ts'
import { reachUnasked } from './connect.ts'
import type { Errand } from './errand.ts'
import { gather, resultOf, ttlOf } from './gather.ts'
import { badInput } from './read-params.ts'
import type { Rooms } from './rooms.ts'
import type { Scene } from './scene.ts'
import { askServers, type Listed } from './skill-servers.ts'
import { shownChild, shownSkill, skillsAt, viewOf } from './skill-view.ts'
import { findTarget, PORTAL, type Target } from './target.ts'
import { inward } from './uris.ts'
import type { Visit } from './visit.ts'

/** Of a page: entries, and entries and files that are looked at for it. */
const PAGE = 100
const MOST_LOOKED_AT = 2000
/** Clients keep no list of the portal for longer either. */
const MOST_TTL_MS = 60_000

/** Where a page begins: a server, by its index in portal order, and an entry of it. */
interface From {
  server: number
  item: number
}

export function listSkills(visit: Visit, errand: Errand, rooms: Rooms): Promise<Outcome> {
  const { method, params } = errand.request
  const from = readCursor(params.cursor, visit)
  if (from === null) return badInput(visit, errand, rooms, BAD_CURSOR)
  return passCheckpoint({ method, target: PORTAL }, { visit, errand, rooms }, async (scene) => {
    const all = visit.spec.servers.map((_server, index) => index)
    const asked = all.filter((index) => index >= from.server && skillsAt(index, visit, rooms) !== null)
    const lists = await askServers(asked, scene)
    // They took their time: what was switched off or denied meanwhile is not shown.
    await scene.decideAgain()
    const now = await visit.anew()
    const here = lists.filter(({ server }) => now.spec.servers[server]?.uid === visit.spec.servers[server]?.uid)
    const { skills, next } = pageOf(here, from, now)
    const isWhole = here.length === asked.length
    const ttlMs = isWhole ? Math.min(MOST_TTL_MS, ...here.map((one) => one.ttlMs)) : 0
    const upstreamMs = Math.max(0, ...lists.map((one) => one.upstreamMs))
    const result = { skills, ...(next === null ? {} : { nextCursor: next }), ...kept(ttlMs, visit) }
    return { reply: { kind: 'result', result }, credential: null, upstreamMs }
  })
}

const BAD_CURSOR = '"cursor" must be one that the portal gave. Ask for the first page again, without a cursor.'

function pageOf(lists: readonly Listed[], from: From, visit: Visit): { skills: JsonObject[]; next: string | null } {
  const skills: JsonObject[] = []
  let lookedAt = 0
  for (const { server, items } of lists) {
    const view = viewOf(visit, server)
    for (let item = server === from.server ? from.item : 0; item < items.length; item++) {
      if (skills.length === PAGE || lookedAt >= MOST_LOOKED_AT)
        return { skills, next: writeCursor(visit, { server, item }) }
      lookedAt += 1 + filesIn(items[item])
      const shown = visit.visible.has[server] === true ? shownSkill(items[item], view) : null
      if (shown !== null) skills.push(shown)
    }
  }
  return { skills, next: null }
}

function filesIn(entry: Json | undefined): number {
  const files = typeof entry === 'object' && entry !== null && 'resources' in entry ? entry.resources : null
  return Array.isArray(files) ? files.length : 0
}

export function getSkill(visit: Visit, errand: Errand, rooms: Rooms): Promise<Outcome> {
  const { method, params } = errand.request
  const { uri } = params
  if (typeof uri !== 'string') return badInput(visit, errand, rooms, '"uri" must be the URI of a skill’s SKILL.md.')
  const target = skillTarget(uri, visit, rooms, () => true)
  return passCheckpoint({ method, target, input: { uri } }, { visit, errand, rooms }, async (scene) => {
    const entry = entryOf(scene.target)
    const done = await reachUnasked(entry, { uri: inward(entry, uri) }, scene)
    const result = resultOf(done)
    if (result === null) return isError(done) ? done : odd(done)
    const skill = shownSkill(result.skill, viewOf(visit, entry.serverIndex), uri)
    if (skill === null) return odd(done)
    const { nextCursor, ...rest } = result
    return answered(done, { ...withoutHints(rest), skill, ...kept(Math.min(MOST_TTL_MS, ttlOf(result)), visit) })
  })
}

/** `resources/directory/read`: all pages of the server's as one list, in pages of the portal's own. */
export function readDirectory(visit: Visit, errand: Errand, rooms: Rooms): Promise<Outcome> {
  const { method, params } = errand.request
  const { uri, cursor } = params
  if (typeof uri !== 'string') return badInput(visit, errand, rooms, '"uri" must be the URI of a directory.')
  const from = readOffset(cursor)
  if (from === null) return badInput(visit, errand, rooms, BAD_CURSOR)
  const target = skillTarget(uri, visit, rooms, ({ directoryRead }) => directoryRead === true)
  return passCheckpoint({ method, target, input: { uri } }, { visit, errand, rooms }, async (scene) => {
    const entry = entryOf(scene.target)
    const own = inward(entry, uri)
    const came = await gather('resources', (page) => reachUnasked(entry, { uri: own, ...page }, scene))
    if ('failed' in came) return came.odd ? odd(came.failed) : came.failed
    const view = viewOf(visit, entry.serverIndex)
    const page = came.items.slice(from, from + MOST_LOOKED_AT)
    const resources = page.map((child) => shownChild(child, view)).filter((child) => child !== null)
    const next = from + page.length < came.items.length ? { nextCursor: writeOffset(from + page.length) } : {}
    return answered(came.done, { resources, ...next, ...kept(Math.min(MOST_TTL_MS, came.ttlMs), visit) })
  })
}

/** Where its server does not speak of skills, or of directories, there is nothing by that name. */
function skillTarget(
  uri: string,
  visit: Visit,
  rooms: Pick<Rooms, 'upstreams'>,
  has: (settings: JsonObject) => boolean,
): Target {
  const target = findTarget(visit, 'resource', uri)
  if (target.kind !== 'capability') return target
  const settings = skillsAt(target.entry.serverIndex, visit, rooms)
  return settings !== null && has(settings) ? target : { kind: 'nothing', name: uri }
}

function entryOf(target: Scene['target']): Entry {
  if (target.kind !== 'capability') throw new Error(`the checkpoint let through a target of kind ${target.kind}`)
  return target.entry
}

function answered(done: Performed, result: JsonObject): Performed {
  return { ...done, reply: { kind: 'result', result }, isBegun: true }
}

/** The server broke the rules of skills. */
function odd(done: Performed): Performed {
  return { ...done, reply: { kind: 'error', error: unreadableReply() }, isBegun: true }
}

function isError({ reply }: Performed): boolean {
  return reply.kind === 'raw' && reply.outcome === 'error'
}

function withoutHints({ resultType, ttlMs, cacheScope, ...rest }: JsonObject): JsonObject {
  return rest
}

/** Clients of 2025 have no such word. */
function kept(ttlMs: number, { client }: Visit): JsonObject {
  return client.era === '2026' ? { ttlMs } : {}
}

/** A server is named by its id: in a portal that was changed meanwhile the list goes on where it was. */
function writeCursor({ spec }: Visit, { server, item }: From): string {
  return Buffer.from(`${spec.servers[server]?.id} ${item}`).toString('base64url')
}

function readCursor(cursor: Json | undefined, { spec }: Visit): From | null {
  if (cursor === undefined) return { server: 0, item: 0 }
  if (typeof cursor !== 'string' || cursor.length > 128) return null
  const [id, item = '', more] = Buffer.from(cursor, 'base64url').toString().split(' ')
  const server = spec.servers.findIndex((one) => one.id === id)
  return server === -1 || more !== undefined || !/^\d{1,9}$/.test(item) ? null : { server, item: Number(item) }
}

function writeOffset(offset: number): string {
  return Buffer.from(`d${offset}`).toString('base64url')
}

function readOffset(cursor: Json | undefined): number | null {
  if (cursor === undefined) return 0
  if (typeof cursor !== 'string' || cursor.length > 32) return null
  const [, offset] = /^d(\d{1,9})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  return offset === undefined ? null : Number(offset)
}
