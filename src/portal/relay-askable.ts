/** What one server may ask one caller: what the client can do, the admin lets through, and the server's connection can carry. */
import { type Askable, askableBy, fingerprintOf } from '../protocol/asked.ts'
import type { Era } from '../protocol/model.ts'
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
