/** What is known of a deed of MCP when it begins, from the visit that it is part of. */
import type { DeedStart } from '../audit/event.ts'
import type { Visit } from './visit.ts'

/** @param capability the name as it was asked for, or null where the method names none */
export function startOf(method: string, capability: string | null, visit: Visit): DeedStart {
  const { client, principal, spec, session } = visit
  const start: DeedStart = {
    deed: visit.newDeed(),
    plane: 'mcp',
    actor: visit.actor,
    method,
    portal: spec.id,
    era: client.version,
    clientIp: visit.clientIp,
  }
  if (capability !== null) start.capability = capability
  if (client.name !== null) start.clientName = client.name
  if (client.clientVersion !== null) start.clientVersion = client.clientVersion
  start.session = session === null ? `grant:${principal.grant}` : session.id
  if (visit.traceparent !== null) start.traceparent = visit.traceparent
  return start
}
