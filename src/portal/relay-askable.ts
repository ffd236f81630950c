/** What one server may ask one caller: what the client can do, the admin lets through, and the server's connection can carry. */
import {
  type Askable,
  askableBy,
  common,
  fingerprintOf,
  NOTHING_ASKABLE,
  type ServerQuestion,
} from '../protocol/asked.ts'
import { missingCapability } from '../protocol/errors.ts'
import { relayedExtensions, showsApps } from '../protocol/extensions.ts'
import type { ClientFacts, Era, JsonObject, RpcError } from '../protocol/model.ts'
import type { Errand } from './errand.ts'
import type { ServerSpec } from './spec.ts'
import type { Visit } from './visit.ts'

/**
 * @param era of the server, null where it is not known yet
 * @returns null where it may ask nothing
 */
export function askableAt(
  server: Passing,
  {
    visit,
    errand,
    era,
  }: { visit: Pick<Visit, 'client' | 'principal'>; errand: Pick<Errand, 'inquire'>; era: Era | null },
): Askable | null {
  // A request that is put to a client of 2025 needs a stream to travel on.
  if (visit.client.era === '2025' && errand.inquire === null) return null
  return mayBeAsked(server, visit.client, era)
}

/**
 * What calls of this client declare at an older server: its connections are kept apart by it, and what a caller hears of beside its calls
 * comes from the connection that they go by.
 */
export function declaredAt(server: Passing, client: ClientFacts, era: Era | null): Askable {
  const asked = mayBeAsked(server, client, era) ?? NOTHING_ASKABLE
  const extensions = relayedExtensions(client.capabilities, client.era)
  return extensions !== null && showsApps(extensions) ? { ...asked, apps: true } : asked
}

function mayBeAsked(server: Passing, client: ClientFacts, era: Era | null): Askable | null {
  const may = common(askableBy(client), passesOn(server, era))
  return fingerprintOf(may) === '' ? null : may
}

/** What an admin lets a server ask, and nobody else shares where it is remembered. */
export function passesOn({ relay, isolation, onBehalf }: Passing, era: Era | null): Askable {
  // Servers remember folders for as long as a session lasts: they are told only where nobody else is in it.
  const isAlone = era === '2026' || onBehalf || ALONE.has(isolation)
  return {
    form: relay.elicitation,
    url: relay.elicitation,
    sampling: relay.sampling,
    samplingTools: relay.sampling,
    roots: relay.roots && isAlone,
  }
}

type Passing = Pick<ServerSpec, 'relay' | 'isolation' | 'onBehalf'>

const ALONE: ReadonlySet<ServerSpec['isolation']> = new Set(['per_user', 'per_session'] as const)

/**
 * -32021 (2026-07-28, basic): a call that failed for want of what its client could declare, and did not. Nothing is said of what an admin
 * switched off: to declare it would not help.
 */
export function lackOf(lacking: readonly ServerQuestion[], { relay }: Pick<ServerSpec, 'relay'>): RpcError | null {
  const required: Record<string, JsonObject> = {}
  for (const { method, params } of lacking) {
    if (method === 'sampling/createMessage' && relay.sampling) required.sampling = {}
    if (method === 'roots/list' && relay.roots) required.roots = {}
    if (method === 'elicitation/create' && relay.elicitation)
      required.elicitation = params.mode === 'url' ? { url: {} } : { form: {} }
  }
  if (Object.keys(required).length === 0) return null
  const message = `The server needs what this client did not declare: ${Object.keys(required).join(', ')}.`
  return missingCapability(message, required)
}
