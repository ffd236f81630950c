/**
 * Lists: from the catalog in memory, never waiting for an upstream, in pages of 1,000. A cursor is an offset and says
 * nothing else: every page is filtered anew for this caller, so a foreign or altered cursor can show nothing foreign.
 */
import { toolFor2025 } from '../protocol/era-2025/structured.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { JsonObject } from '../protocol/model.ts'
import { countOf, DEPTH_KEY } from '../protocol/portal-chain.ts'
import type { CapabilityKind } from '../upstream/model.ts'
import { builtinList } from './builtin.ts'
import { type Outcome, type Performed, passCheckpoint } from './checkpoint.ts'
import { partsIn } from './context/list-mode.ts'
import { MODES, type Mode } from './context/mode.ts'
import type { Errand } from './errand.ts'
import type { Listing } from './listing.ts'
import type { Rooms } from './rooms.ts'
import { PORTAL } from './target.ts'
import { knowsTasks2025 } from './task-support.ts'
import type { Visit } from './visit.ts'

export const PAGE = 1000

const MEMBER: Readonly<Record<CapabilityKind, string>> = {
  tool: 'tools',
  prompt: 'prompts',
  resource: 'resources',
  template: 'resourceTemplates',
}

/** Behind the end: a far cursor must not fill what is kept either. */
const EMPTY_PAGE: Readonly<Record<CapabilityKind, Buffer>> = {
  tool: Buffer.from('{"tools":[]}'),
  prompt: Buffer.from('{"prompts":[]}'),
  resource: Buffer.from('{"resources":[]}'),
  template: Buffer.from('{"resourceTemplates":[]}'),
}

export function lister(kind: CapabilityKind) {
  return function list(visit: Visit, errand: Errand, rooms: Rooms): Promise<Outcome> {
    return passCheckpoint({ method: errand.request.method, target: PORTAL }, { visit, errand, rooms }, () => {
      if (kind === 'resource' || kind === 'template') refreshStale(visit, rooms)
      const listed = listPage(kind, visit, errand.request.params)
      return errand.request.meta.hop === undefined ? listed : withDepth(listed, visit, rooms)
    })
  }
}

function listPage(kind: CapabilityKind, visit: Visit, params: JsonObject): Performed {
  const offset = readCursor(params.cursor)
  if (offset === null) {
    const message = 'Invalid cursor: ask for the first page again, without a cursor.'
    const error = { code: ErrorCode.InvalidParams, message }
    return { reply: { kind: 'error', error }, credential: null, upstreamMs: 0 }
  }
  const listing = visit.catalog.list(kind, visit.visible, kind === 'tool' && knowsTasks2025(visit))
  // The catalog of a mount is its own, so what it keeps never has the portal's own tools in it.
  const own = kind === 'tool' ? builtinList(visit) : []
  const mode = kind === 'tool' ? visit.mode : 'all'
  if (offset > own.length + listing.count) return answer(EMPTY_PAGE[kind])
  const isOlder = kind === 'tool' && visit.client.era === '2025'
  const make = () => makePage(MEMBER[kind], behind(own, shownIn(mode, isOlder, listing)), offset)
  return answer(listing.kept(keptAs(offset, mode, isOlder), make))
}

/** Another portal asks, and is told how far round this list has come. */
function withDepth(listed: Performed, visit: Visit, rooms: Rooms): Performed {
  if (listed.reply.kind !== 'bytes') return listed
  const depths = visit.spec.servers.map(({ uid }, index) => {
    const inventory = visit.own.get(index) ?? rooms.upstreams.inventory(uid)
    const depth = visit.visible.has[index] ? inventory?.capabilities[DEPTH_KEY] : undefined
    return depth === undefined ? 0 : countOf(depth)
  })
  const meta = JSON.stringify({ [DEPTH_KEY]: 1 + Math.max(0, ...depths) })
  return answer(Buffer.from(`${listed.reply.bytes.toString().slice(0, -1)},"_meta":${meta}}`))
}

/** Offsets are multiples of a page, so there is room between two. */
function keptAs(offset: number, mode: Mode, isOlder: boolean): number {
  return offset + MODES.indexOf(mode) + (isOlder ? MODES.length : 0)
}

function answer(bytes: Buffer): Performed {
  return { reply: { kind: 'bytes', bytes }, credential: null, upstreamMs: 0 }
}

/** A list as it is shown: its length, and its bytes from one to before another. */
type Whole = Pick<Listing, 'count' | 'pieces'>

/** As if the portal's own stood before the others. */
function behind(own: readonly string[], others: Whole): Whole {
  return {
    count: own.length + others.count,
    pieces: (from, to) => [
      ...ofTexts(own).pieces(from, to),
      ...others.pieces(Math.max(from - own.length, 0), Math.max(to - own.length, 0)),
    ],
  }
}

/** Only what stands on a page is looked into for it. */
function shownIn(mode: Mode, isOlder: boolean, listing: Listing): Whole {
  if (mode === 'all') return isOlder ? ofTexts(listing.parts, (texts) => texts.map(toolFor2025)) : listing
  return mode === 'minimize_tools' ? ofTexts(listing.parts, (texts) => partsIn(mode, texts)) : ofTexts([])
}

/** @param show makes of texts what is shown of them */
function ofTexts(parts: readonly string[], show = (texts: readonly string[]) => texts): Whole {
  return {
    count: parts.length,
    pieces: (from, to) => show(parts.slice(from, to)).map((text) => Buffer.from(text)),
  }
}

function makePage(member: string, whole: Whole, offset: number): Buffer {
  const next = offset + PAGE
  const tail = next < whole.count ? `],"nextCursor":"${writeCursor(next)}"}` : ']}'
  const pieces = whole.pieces(offset, next).flatMap((piece, index) => (index === 0 ? [piece] : [COMMA, piece]))
  return Buffer.concat([Buffer.from(`{"${member}":[`), ...pieces, Buffer.from(tail)])
}

const COMMA = Buffer.from(',')

function refreshStale(visit: Visit, rooms: Rooms): void {
  visit.spec.servers.forEach(({ uid, onBehalf }, index) => {
    if (visit.visible.has[index] === true) rooms.upstreams.refreshResourcesSoon(uid, onBehalf ? visit.principal : null)
  })
}

function writeCursor(offset: number): string {
  return Buffer.from(`o${offset}`).toString('base64url')
}

/** @returns the offset, 0 where there is no cursor, null where it is none of ours */
function readCursor(cursor: unknown): number | null {
  if (cursor === undefined) return 0
  if (typeof cursor !== 'string' || cursor.length > 32) return null
  const text = Buffer.from(cursor, 'base64url').toString()
  if (!/^o[1-9]\d{0,8}$/.test(text) || writeCursor(Number(text.slice(1))) !== cursor) return null
  const offset = Number(text.slice(1))
  // Only where a page of ours begins: pages are kept, and any offset at all would be a way to fill the memory.
  return offset % PAGE === 0 ? offset : null
}
