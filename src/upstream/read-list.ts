/** One list of a server, as one credential sees it, and as it is shown to clients that can be asked this or that. */
import type { Log } from '../base/log.ts'
import type { Askable } from '../protocol/asked.ts'
import type { Era, JsonObject } from '../protocol/model.ts'
import type { LiveCredential } from './connections/model.ts'
import { readDefinitions } from './definitions.ts'
import { Exchange, type Watch } from './exchange.ts'
import { listAll } from './list-all.ts'
import type { CapabilityKind, Definition } from './model.ts'
import { type Performer, perform } from './perform.ts'
import { keyOf, SHARED } from './pool.ts'
import { redactList } from './redact.ts'
import type { ServerSetup } from './setup.ts'

export interface ListDeps {
  log: Log
  performer: Performer
  watch: Watch
}

/** Whose lists of which server are read, and what the server said of itself. */
export interface ListReading {
  setup: ServerSetup
  credential: LiveCredential
  era: Era
  capabilities: JsonObject
  /** How many portals a page came through, where the server is one. */
  onDepth(depth: number): void
}

/** The key of the connection on which lists are read. */
export function listKey(credential: LiveCredential): string {
  return keyOf(credential, SHARED)
}

/**
 * @param askable what is declared for it, where something is: on a connection apart, or with the request (2026)
 * @throws Trouble, ConnectionNeeded
 */
export async function readList(
  { log, performer, watch }: ListDeps,
  { setup, credential, era, capabilities, onDepth }: ListReading,
  kind: CapabilityKind,
  askable?: Askable,
): Promise<Definition[]> {
  const common = { setup, key: listKey(credential), credential, principal: null }
  const asked = async ({ out }: Exchange) => {
    const exchange = new Exchange({ ...out, ...(askable && { askable }) })
    // Whoever waits for the lists waits for what all see.
    watch.limit(exchange, performer.limits.openingMs)
    return perform(performer, { ...common, askable, isLook: true, exchange })
  }
  const ask = async (exchange: Exchange) => {
    const raw = await (askable === undefined ? perform(performer, { ...common, exchange }) : asked(exchange))
    return redactList(raw, credential.secrets)
  }
  const items = await listAll(kind, capabilities, ask, onDepth)
  return readDefinitions(kind, items, era, (name, reason) =>
    log.warn({ server: setup.record.id, kind, name, reason }, 'a definition of a server was left out'),
  )
}
