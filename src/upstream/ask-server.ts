/**
 * Asks a server whether it is there, with what costs it least: `server/discover` or `ping`, on the connection that calls
 * use. Any answer will do, an error too. A connection that stays silent is given up and another one is tried before the
 * server is said to be silent: a stream that broke without a word, or a child that hangs, is no dead server.
 */
import type { Answer, Question } from './breaker.ts'
import type { Connection } from './connection.ts'
import type { LiveCredential } from './connections/model.ts'
import { Exchange, type Watch } from './exchange.ts'
import { ownRequest } from './handshake.ts'
import { isNobodyThere, type Performer } from './perform.ts'
import { keyOf, SHARED } from './pool.ts'
import type { ServerSetup } from './setup.ts'
import { type Trouble, troubleOf } from './trouble.ts'

export interface Asking {
  performer: Performer
  watch: Watch
  setup: ServerSetup
  /** The shared one, or none where there is none: a server that refuses is there. */
  credential: LiveCredential
}

const PAUSE_MS = 250
/** What is known within this was known at once, whatever it was. */
const AT_ONCE_MS = 250

/** @throws only what is a bug */
export async function askServer(asking: Asking, { isPatient, suspect }: Question): Promise<Answer> {
  const { performer, setup, credential } = asking
  const shared = keyOf(credential, SHARED)
  if (suspect !== null && suspect !== shared) {
    const doubted = performer.pool.current(setup, suspect)
    if (doubted !== null) await isAlive(asking, doubted)
  }
  const current = performer.pool.current(setup, shared)
  if (current !== null && (await isAlive(asking, current))) return 'answered'
  const deadline = performer.clock.elapsed() + (isPatient ? performer.limits.refusedMs : 0)
  for (;;) {
    const startedAt = performer.clock.elapsed()
    const trouble = await open(asking)
    if (trouble === null || answers(trouble)) return 'answered'
    const now = performer.clock.elapsed()
    const mayPass = trouble.kind === 'lost' || (trouble.kind === 'unsent' && isNobodyThere(trouble))
    if (!mayPass || now + PAUSE_MS > deadline) return mayPass || now - startedAt < AT_ONCE_MS ? 'refused' : 'silent'
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}

/** On an open connection, which is given up if it stays silent. */
async function isAlive({ performer, watch, setup }: Asking, connection: Connection): Promise<boolean> {
  const exchange = new Exchange(ownRequest(connection.era === '2026' ? 'server/discover' : 'ping'))
  watch.limit(exchange, performer.limits.probeMs)
  try {
    await connection.request(exchange)
    return true
  } catch (error) {
    const trouble = troubleOf(error)
    if (answers(trouble)) return true
    performer.pool.forget(setup, connection)
    return false
  }
}

/** @returns null when a connection was opened: the handshake is an answer */
async function open({ performer, setup, credential }: Asking): Promise<Trouble | null> {
  try {
    await performer.pool.lease(setup, { key: keyOf(credential, SHARED), credential })
    return null
  } catch (error) {
    return troubleOf(error)
  }
}

/** A server that refuses is there; so is one that is not set up, as far as anybody can know. */
function answers(trouble: Trouble): boolean {
  if (trouble.kind === 'status') return (trouble.status ?? 0) < 500
  return trouble.kind === 'not-ready' || trouble.kind === 'busy'
}
