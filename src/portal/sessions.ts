/**
 * Sessions of 2025-era clients. The session id is itself the session: a seal over principal, portal, client and date,
 * so `initialize` writes nothing and any replica serves any request. What changes later (log level, the end) is in the
 * store, behind a cache. The id never authenticates: it is good only together with a token of the same principal, and
 * a foreign, unknown, ended or idle one is the same 404.
 */
import type { Clock } from '../base/clock.ts'
import { newId, type PortalUid, type SessionId } from '../base/ids.ts'
import { type Principal, principalKey } from '../base/principal.ts'
import type { Sealer } from '../base/secret.ts'
import type { ClientFacts, JsonObject, LogLevel } from '../protocol/model.ts'
import type { Store } from '../store/open.ts'
import { forgetSessions, loadSession, type SessionState, saveSession } from './session-store.ts'

export interface Session {
  readonly id: SessionId
  readonly principal: string
  readonly portalUid: PortalUid
  readonly createdAt: number
  readonly client: ClientFacts
  logLevel: LogLevel | null
}

export interface Sessions {
  /** @returns the session and the id to give to the client */
  start(principal: Principal, portal: PortalUid, client: ClientFacts): { session: Session; sealed: string }
  /** @returns undefined when this principal has no such live session in this portal */
  find(sealed: string, principal: Principal, portal: PortalUid): Promise<Session | undefined>
  setLogLevel(session: Session, level: LogLevel): Promise<void>
  end(session: Session): Promise<void>
  /** Deletes what no session can need any more; to be called now and then. */
  forget(): Promise<void>
}

const HOUR = 3_600_000
const IDLE_MS = 24 * HOUR
const LONGEST_MS = 7 * 24 * HOUR
/** How stale the stored "last seen" may be; well below the idle limit. */
const TOUCH_MS = HOUR
const KEPT = 20_000
const WHERE = 'mcp-session'
/** Header values above this are refused by common proxies; the seal grows by a third in base64. */
const LONGEST_CAPABILITIES = 2048

interface Live {
  session: Session
  state: SessionState
  touchedAt: number
}

/** @param since milliseconds since 1970: older sessions are over, because a backup was restored then */
export function openSessions(store: Store, sealer: Sealer, clock: Clock, since = 0): Sessions {
  const live = new Map<string, Live>()
  // Another replica may have ended a session or set its level: look again.
  store.versions.changed('sessions', () => live.clear())

  async function revive(sealed: string): Promise<Live | undefined> {
    const session = unseal(sealer.open(sealed, WHERE))
    if (!session || session.createdAt < since) return undefined
    const stored = await loadSession(store, session.id)
    const state = stored ?? { lastSeenAt: session.createdAt, endedAt: null, logLevel: null }
    session.logLevel = state.logLevel
    return { session, state, touchedAt: state.lastSeenAt }
  }

  function keep(sealed: string, entry: Live): void {
    if (live.size >= KEPT) live.delete(live.keys().next().value ?? '')
    live.set(sealed, entry)
  }

  function save(session: Session, state: SessionState, tell: boolean): Promise<void> {
    const { id, principal, portalUid, createdAt } = session
    return saveSession(store, { id, principal, portalUid, createdAt }, state, tell)
  }

  return {
    start(principal, portal, client) {
      const createdAt = clock.now()
      const session: Session = {
        id: newId(createdAt),
        principal: principalKey(principal),
        portalUid: portal,
        createdAt,
        client,
        logLevel: null,
      }
      const sealed = sealer.seal(JSON.stringify(packed(session)), WHERE)
      keep(sealed, { session, state: { lastSeenAt: createdAt, endedAt: null, logLevel: null }, touchedAt: createdAt })
      return { session, sealed }
    },

    async find(sealed, principal, portal) {
      const known = live.get(sealed) ?? (await revive(sealed))
      if (!known) return undefined
      const { session, state } = known
      const now = clock.now()
      const dead = state.endedAt !== null || now - state.lastSeenAt > IDLE_MS || now - session.createdAt > LONGEST_MS
      if (dead || session.principal !== principalKey(principal) || session.portalUid !== portal) return undefined
      state.lastSeenAt = now
      if (!live.has(sealed)) keep(sealed, known)
      if (now - known.touchedAt > TOUCH_MS) {
        known.touchedAt = now
        await save(session, state, false)
      }
      return session
    },

    async setLogLevel(session, level) {
      session.logLevel = level
      await save(session, { lastSeenAt: clock.now(), endedAt: null, logLevel: level }, true)
    },

    forget: () => forgetSessions(store, clock.now() - LONGEST_MS),

    async end(session) {
      const now = clock.now()
      await save(session, { lastSeenAt: now, endedAt: now, logLevel: session.logLevel }, true)
    },
  }
}

/** Short keys: this travels in a header with every request. */
function packed(session: Session): JsonObject {
  const { version, name, clientVersion, capabilities } = session.client
  const fits = JSON.stringify(capabilities).length <= LONGEST_CAPABILITIES
  return {
    i: session.id,
    p: session.principal,
    u: session.portalUid,
    t: session.createdAt,
    v: version,
    n: name,
    w: clientVersion,
    c: fits ? capabilities : {},
  }
}

/** Only what this program sealed comes out of a seal, so its form is trusted. */
function unseal(plain: string | undefined): Session | undefined {
  if (plain === undefined) return undefined
  const { i, p, u, t, v, n, w, c } = JSON.parse(plain)
  const client: ClientFacts = { era: '2025', version: v, name: n, clientVersion: w, capabilities: c }
  return { id: i, principal: p, portalUid: u, createdAt: t, client, logLevel: null }
}
