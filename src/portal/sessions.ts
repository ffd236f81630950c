/**
 * Sessions of 2025-era clients. The session id is itself the session: a seal over principal, portal, client and date,
 * so `initialize` waits for no write and any replica serves any request. That it began is written down within a second,
 * by whichever replica saw it; one that is not written down is over. The id never authenticates: it is good only together
 * with a token of the same principal, and a foreign, unknown, ended or idle one is the same 404.
 *
 * A principal has so many sessions and no more, over all replicas: the least recently used one ends. What is stored says
 * to within `TOUCH_MS` when a session was last used; of its own sessions a replica knows it exactly.
 */
import type { Clock } from '../base/clock.ts'
import { newId, type PortalUid, type SessionId } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import { type Principal, principalKey } from '../base/principal.ts'
import type { Sealer } from '../base/secret.ts'
import { LIMITS } from '../config/limits.ts'
import type { ClientFacts, JsonObject, LogLevel } from '../protocol/model.ts'
import type { Store } from '../store/open.ts'
import { LiveSessions } from './live-sessions.ts'
import { cut } from './render.ts'
import { keyOf, type Live, SessionRecorder } from './session-recorder.ts'
import { endSession, forgetSessions, loadSession, loadSessions, saveLogLevel } from './session-store.ts'

export interface Session {
  readonly id: SessionId
  readonly principal: string
  readonly portalUid: PortalUid
  readonly createdAt: number
  readonly client: ClientFacts
  logLevel: LogLevel | null
}

export interface Sessions {
  /** Those that this process has in memory. */
  readonly known: number
  /** @returns the session and the id to give to the client */
  start(principal: Principal, portal: PortalUid, client: ClientFacts): { session: Session; sealed: string }
  /** @returns undefined when this principal has no such live session in this portal */
  find(sealed: string, principal: Principal, portal: PortalUid): Promise<Session | undefined>
  setLogLevel(session: Session, level: LogLevel): Promise<void>
  end(session: Session): Promise<void>
  /** Those of these sessions that are over by now. */
  over(sessions: readonly Session[]): Promise<Session[]>
  /** Called when sessions ended, here or on another replica. */
  onEnded(listener: () => void): void
  /** Called for each that leaves this process's memory; it may be alive, and come back. */
  onDropped(listener: (session: Session) => void): void
  /** Writes down what is not written yet. It happens by itself; closing and tests want it at once. */
  flush(): Promise<void>
  /** Deletes what no session can need any more; to be called now and then. */
  forget(): Promise<void>
  close(): Promise<void>
}

export interface SessionDeps {
  store: Store
  sealer: Sealer
  clock: Clock
  log: Log
  /** Sessions that one principal may have. */
  most: number
  /** Milliseconds since 1970: older sessions are over, because a backup was restored then. */
  since?: number
}

const IDLE_MS = LIMITS.session_idle.value
const LONGEST_MS = LIMITS.session_age.value
/** How stale the stored "last seen" may be; well below the idle limit. */
const TOUCH_MS = 5 * 60_000
/** For as long, a session that no row tells of may be one whose row is on its way; clocks of replicas differ too. */
const GRACE_MS = 60_000
/** How long the row of an ended session is kept: beyond, a missing row says the same. */
const TOMBSTONE_MS = 10 * GRACE_MS
const KEPT = 20_000
const WHERE = 'mcp-session'
/** Header values above this are refused by common proxies; the seal grows by a third in base64. */
const LONGEST_CAPABILITIES = 2048
/** In bytes: as much as the audit keeps. */
const LONGEST_NAME = 256

export function openSessions(deps: SessionDeps): Sessions {
  const { store, sealer, clock, since = 0 } = deps
  const live = new LiveSessions({ ofCaller: deps.most, inAll: KEPT }, ({ session }) => {
    for (const listener of onDropped) listener(session)
  })
  const recorder = new SessionRecorder(deps, () => live.values())
  let epoch = 0
  const onEnded: (() => void)[] = []
  const onDropped: ((session: Session) => void)[] = []

  // Another replica may have ended a session or set its level: look again.
  store.versions.changed('sessions', () => void epoch++)
  store.versions.changed('ended_sessions', () => {
    epoch++
    for (const listener of onEnded) listener()
  })

  /** @param old as it was read earlier: when it was used since then is known here alone */
  async function read(sealed: string, old: Live | undefined): Promise<Live | undefined> {
    const session = old?.session ?? unseal(sealer.open(sealed, WHERE))
    if (!session || session.createdAt < since) return undefined
    // What was read before a change must not be kept for what is true after it.
    const readAt = epoch
    const stored = await loadSession(store, session.id)
    const unwritten = recorder.unwritten(session.id)
    if (stored === undefined && unwritten === undefined && clock.now() - session.createdAt > GRACE_MS) return undefined
    const state = stored ?? unwritten?.state ?? { lastSeenAt: session.createdAt, endedAt: null, logLevel: null }
    session.logLevel = state.logLevel
    const entry = { session, state, touchedAt: state.lastSeenAt, epoch: readAt }
    state.lastSeenAt = Math.max(state.lastSeenAt, old?.state.lastSeenAt ?? 0)
    if (isOver(session, state, clock.now())) return undefined
    if (stored === undefined) recorder.began(entry)
    keep(sealed, entry)
    return entry
  }

  function keep(sealed: string, entry: Live): void {
    const left = live.keep(sealed, entry)
    // It may be alive, and only here it was known exactly when it was used.
    if (left !== undefined && left.state.lastSeenAt > left.touchedAt) recorder.seen(left)
  }

  return {
    get known() {
      return live.size
    },

    start(principal, portal, client) {
      const createdAt = clock.now()
      const session: Session = {
        id: newId(createdAt),
        principal: principalKey(principal),
        portalUid: portal,
        createdAt,
        client: briefly(client),
        logLevel: null,
      }
      const sealed = sealer.seal(JSON.stringify(packed(session)), WHERE)
      const state = { lastSeenAt: createdAt, endedAt: null, logLevel: null }
      const entry = { session, state, touchedAt: createdAt, epoch }
      keep(sealed, entry)
      recorder.began(entry)
      return { session, sealed }
    },

    async find(sealed, principal, portal) {
      const kept = live.get(sealed)
      const known = kept?.epoch === epoch ? kept : await read(sealed, kept)
      const now = clock.now()
      const isGone = known === undefined || isOver(known.session, known.state, now)
      if (isGone) {
        live.drop(sealed)
        return undefined
      }
      const { session, state } = known
      if (session.principal !== principalKey(principal) || session.portalUid !== portal) return undefined
      state.lastSeenAt = now
      if (now - known.touchedAt > TOUCH_MS) recorder.seen(known)
      return session
    },

    async setLogLevel(session, level) {
      session.logLevel = level
      await saveLogLevel(store, keyOf(session), level, clock.now())
    },

    async end(session) {
      recorder.ended(session.id)
      await endSession(store, keyOf(session), clock.now())
      live.dropThose((entry) => entry.session.id === session.id)
    },

    over: (sessions) => overOf(sessions, store, clock),

    onEnded: (listener) => void onEnded.push(listener),

    onDropped: (listener) => void onDropped.push(listener),

    flush: () => recorder.flush(),

    async forget() {
      const now = clock.now()
      live.dropThose(({ session, state }) => isOver(session, state, now))
      await forgetSessions(store, now - LONGEST_MS, now - TOMBSTONE_MS)
      for (const listener of onEnded) listener()
    },

    close: () => recorder.close(),
  }
}

async function overOf(sessions: readonly Session[], store: Store, clock: Clock): Promise<Session[]> {
  const stored = await loadSessions(
    store,
    sessions.map(({ id }) => id),
  )
  const now = clock.now()
  return sessions.filter((session) => {
    const state = stored.get(session.id)
    return state === undefined ? now - session.createdAt > GRACE_MS : isOver(session, state, now)
  })
}

function isOver({ createdAt }: Session, state: { lastSeenAt: number; endedAt: number | null }, now: number): boolean {
  return state.endedAt !== null || now - state.lastSeenAt > IDLE_MS || now - createdAt > LONGEST_MS
}

/** What is kept of a client: thousands of sessions stay in memory, and each may have come with megabytes. */
function briefly(client: ClientFacts): ClientFacts {
  const { name, clientVersion, capabilities } = client
  const fits = JSON.stringify(capabilities).length <= LONGEST_CAPABILITIES
  return {
    ...client,
    name: name && cut(name, LONGEST_NAME),
    clientVersion: clientVersion && cut(clientVersion, LONGEST_NAME),
    capabilities: fits ? capabilities : {},
  }
}

/** Short keys: this travels in a header with every request. */
function packed(session: Session): JsonObject {
  const { version, name, clientVersion, capabilities } = session.client
  return {
    i: session.id,
    p: session.principal,
    u: session.portalUid,
    t: session.createdAt,
    v: version,
    n: name,
    w: clientVersion,
    c: capabilities,
  }
}

/** Only what this program sealed comes out of a seal, so its form is trusted. */
function unseal(plain: string | undefined): Session | undefined {
  if (plain === undefined) return undefined
  const { i, p, u, t, v, n, w, c } = JSON.parse(plain)
  const client: ClientFacts = { era: '2025', version: v, name: n, clientVersion: w, capabilities: c }
  return { id: i, principal: p, portalUid: u, createdAt: t, client, logLevel: null }
}
