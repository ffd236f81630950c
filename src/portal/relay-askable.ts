/** What one server may ask one caller: what the client can do, the admin lets through, and the server's connection can carry. */
import { type Askable, askableBy, fingerprintOf, type ServerQuestion } from '../protocol/asked.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { Era, JsonObject, RpcError } from '../protocol/model.ts'
import type { Errand } from './errand.ts'
import type { ServerSpec } from './spec.ts'
import type { Visit } from './visit.ts'

/**
 * @param era of the server, null where it is not known yet
 * @returns null where it may ask nothing
 */
export function askableAt(
  server: Pick<ServerSpec, 'relay' | 'isolation' | 'onBehalf'>,
  {
    visit,
    errand,
    era,
  }: { visit: Pick<Visit, 'client' | 'principal'>; errand: Pick<Errand, 'inquire'>; era: Era | null },
): Askable | null {
  const { client } = visit
  // A request that is put to a client of 2025 needs a stream to travel on.
  if (client.era === '2025' && errand.inquire === null) return null
  const can = askableBy(client)
  const { relay } = server
  // Servers remember folders for as long as a session lasts: they are told only where nobody else is in it.
  const isAlone = era === '2026' || server.onBehalf || ALONE.has(server.isolation)
  const may: Askable = {
    form: can.form && relay.elicitation,
    url: can.url && relay.elicitation,
    sampling: can.sampling && relay.sampling,
    samplingTools: can.sampling && can.samplingTools && relay.sampling,
    roots: can.roots && relay.roots && isAlone,
  }
  return fingerprintOf(may) === '' ? null : may
}

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
  return { code: ErrorCode.MissingClientCapability, message, data: { requiredCapabilities: required } }
}
