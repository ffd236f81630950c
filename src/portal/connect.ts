/**
 * A call that lacks its caller's own connection: the person is asked to make one, and then the very same call goes on. What a
 * server wants of its users never becomes an answer of the portal's own authorization, and never another's credential.
 *
 * - 2026: each turn waits a little, then the request ends with the question anew and comes back; what is remembered of the
 *   turns before travels in the sealed state, so any replica goes on
 * - 2025: the call waits on its own stream
 *
 * Whatever a server answers, there is an end: eight questions, and two of one sort. To be asked again for what is not done yet is
 * no other sort, and a page that is open in a browser stays the page.
 */
import type { JsonObject } from '../protocol/model.ts'
import { ConnectionNeeded } from '../upstream/connections/model.ts'
import { ask } from './ask.ts'
import type { Entry } from './catalog.ts'
import type { Performed } from './checkpoint.ts'
import { CONNECT, connectLink, findConnect, makeConnectPage } from './connect-page.ts'
import { isSame, neededOf, nextTurn, type Turn } from './connect-turn.ts'
import { awaitConnection, connectionNow } from './connect-wait.ts'
import { credentialOf, needOf, questionOf, tooLate, unwilling, withLink } from './connect-words.ts'
import { relayed } from './relay.ts'
import type { Scene } from './scene.ts'
import type { Asking, ToOwner } from './send-to-owner.ts'
import type { ServerSpec } from './spec.ts'
import { askOwner } from './upstream-call.ts'

/** What needs a connection. @param turn null before anything was asked @throws ConnectionNeeded */
export type NeedsConnection = (turn: Turn | null) => Promise<Performed>

type ToServer = Pick<ServerSpec, 'uid' | 'id' | 'name'>

/** The way of every method that may ask: the server is called, and the person asked where it wants their own connection. */
export function reachOwner(
  entry: Entry,
  params: JsonObject,
  scene: Scene,
  perform: typeof relayed = relayed,
): Promise<Performed> {
  const call = () => perform(entry, params, scene)
  // Nobody is asked where calls carry no account of their caller's own, so nearly every call is spared the waiting frames.
  return entry.server.onBehalf ? connected(scene, entry.server, call) : call()
}

/** The way of a method that may not ask. @throws Fault that names the page */
export async function reachUnasked(
  entry: Entry,
  params: JsonObject,
  scene: ToOwner,
  asking?: Asking,
): Promise<Performed> {
  return orLink(scene, askOwner(entry, params, scene, asking))
}

/** What a method that may not ask came to. @throws Fault that names the page */
export async function orLink({ rooms }: Pick<Scene, 'rooms'>, reached: Promise<Performed>): Promise<Performed> {
  try {
    return await reached
  } catch (error) {
    throw error instanceof ConnectionNeeded ? withLink(error, rooms.links) : error
  }
}

/** `url` where nobody could be asked, and the reply names the page. */
export type Connected = Performed & { url?: string | null }

/** @throws Fault where the person does not connect, nobody can be asked, or connecting does not help */
export async function connected(scene: Scene, server: ToServer, perform: NeedsConnection): Promise<Connected> {
  let turn = (scene.errand.notes?.[CONNECT] as unknown as Turn | undefined) ?? null
  // Nearly every call: nothing was asked before, and nothing is missing.
  let came = turn === null ? await attempt(perform, null) : await goOn(turn, scene, { server, perform })
  while (came instanceof ConnectionNeeded) {
    if (scene.visit.principal.kind !== 'user') throw withLink(came, scene.rooms.links)
    const put: Put = await putQuestion(came, turn, scene)
    if (put.kind === 'over') return put.performed
    turn = put.turn
    came = await afterAnswer(put.action, turn, scene, { server, perform })
  }
  return came
}

type Attempted = Performed | ConnectionNeeded

interface Way {
  server: ToServer
  perform: NeedsConnection
}

async function attempt(perform: NeedsConnection, turn: Turn | null): Promise<Attempted> {
  try {
    return await perform(turn)
  } catch (error) {
    if (error instanceof ConnectionNeeded) return error
    throw error
  }
}

/** 2026: the request is back, with the answer or without one. */
async function goOn(turn: Turn, scene: Scene, way: Way): Promise<Attempted> {
  if (scene.errand.answers?.has(kindOf(turn)) !== true) return attempt(way.perform, turn)
  const asked = await ask({ kind: kindOf(turn), message: '' }, scene)
  if (asked.kind === 'answered') return afterAnswer(asked.action, turn, scene, way)
  return { reply: asked.reply, credential: turn.credential, upstreamMs: 0 }
}

type Put =
  | { kind: 'over'; performed: Connected }
  | { kind: 'answered'; action: 'accept' | 'decline' | 'cancel'; turn: Turn }

async function putQuestion(needed: ConnectionNeeded, before: Turn | null, scene: Scene): Promise<Put> {
  const { rooms } = scene
  const { server } = needed
  const connection = await connectionNow(scene, server.uid)
  const isAgain = before !== null && isSame(needed, before, connection)
  const turn = nextTurn(needed, { before, isAgain, connection, links: rooms.links })
  let page = turn.page !== null && (await findConnect(rooms.questions, turn.page)) !== undefined ? turn.page : null
  const asked = await ask(
    {
      kind: kindOf(turn),
      message: questionOf(needOf(needed, connection?.scope ?? null), isAgain),
      async link() {
        page ??= await makeConnectPage(scene, server, needed.scope)
        return connectLink(rooms.links, server, page)
      },
      notes: (id) => ({ [CONNECT]: { ...turn, page: id } as unknown as JsonObject }),
    },
    scene,
  )
  if (asked.kind === 'answered') return { kind: 'answered', action: asked.action, turn: { ...turn, page } }
  const performed = {
    reply: asked.reply,
    credential: credentialOf(needed),
    upstreamMs: 0,
    note: { error: needed.code },
  }
  return { kind: 'over', performed: asked.kind === 'unable' ? { ...performed, url: asked.url } : performed }
}

/** To have agreed to open the page is not to have connected: that is waited for. */
async function afterAnswer(action: string, turn: Turn, scene: Scene, { server, perform }: Way): Promise<Attempted> {
  const needed = neededOf(turn, server)
  if (action !== 'accept') throw unwilling(needed, action === 'decline')
  const came = await awaitConnection(turn, server, scene, () => attempt(perform, turn))
  if (came !== 'late' && came !== 'closing') return came
  if (scene.visit.client.era === '2026') return needed
  throw tooLate(needed, scene.rooms.links)
}

function kindOf({ questions }: Turn): string {
  return questions === 1 ? CONNECT : `${CONNECT}-${questions}`
}
