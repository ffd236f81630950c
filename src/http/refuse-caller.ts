/**
 * What is said to a caller whose credential opens nothing here, and what the audit keeps of it. Outside, all of them look alike: missing,
 * unknown, expired, revoked, and good for another portal.
 */
import type { ActorSnapshot } from '../audit/event.ts'
import type { Authenticated, Shown } from '../identity/authenticate.ts'
import type { DoorRooms } from './guest.ts'
import type { Arrival } from './server.ts'
import { isBot } from './shown-credential.ts'
import { NOT_KEPT } from './stream.ts'
import type { McpRoute } from './urls.ts'

/** One answer to a missing, unknown, expired or revoked credential and to one for another portal. */
export function refuseUnknown(arrival: Arrival, shown: Shown, rooms: DoorRooms): void {
  rooms.audit.refused('bad-token', arrival.clientIp)
  answerUnknown(arrival, shown, rooms)
}

function answerUnknown(arrival: Arrival, shown: Shown, { tally, originOf, organization }: DoorRooms): void {
  const { request, response, headers, hostname, cors } = arrival
  const [path = ''] = (request.url ?? '').split('?', 1)
  // RFC 9728, section 5.1. Host and path have passed the guard and the table, so neither can carry anything into the header.
  const document = `${originOf(headers.host ?? '', hostname)}/.well-known/oauth-protected-resource${path}`
  tally.requests.unauthenticated++
  // A bot has no browser: with strict service tokens it is told that its token is bad, and nothing of signing in.
  const invites = !(isBot(shown) && organization.current().strictServiceTokenAuth)
  const body = Buffer.from(
    JSON.stringify({
      error: 'invalid_token',
      error_description: 'Show a valid access token for this portal.',
      ...(invites ? { resource_metadata: document } : {}),
    }),
  )
  response.writeHead(401, [
    ...['content-type', 'application/json', 'content-length', String(body.length), 'cache-control', NOT_KEPT],
    ...['www-authenticate', invites ? `${CHALLENGE}, resource_metadata="${document}", scope="mcp"` : CHALLENGE],
    ...cors,
  ])
  response.end(body)
}

const CHALLENGE = 'Bearer realm="OAuth", error="invalid_token"'

/** The same answer; inside, whose service token was tried in vain is written down, within measure. */
export async function refuseFailed(arrival: Arrival, shown: Shown, where: McpRoute, rooms: DoorRooms): Promise<void> {
  const failed = rooms.authenticator.failed(shown)
  if (failed === undefined) return refuseUnknown(arrival, shown, rooms)
  const { id, name, why } = failed
  const actor = { kind: 'service' as const, id, label: name }
  // Not the measure of the token itself: whoever guesses at its secret must not silence its own refusals.
  if (!rooms.audit.mayWriteRefusal(`failed ${id}`)) rooms.audit.refused('bad-token', arrival.clientIp, actor)
  else await recordRefusal(arrival, { actor, where, error: why }, rooms)
  answerUnknown(arrival, shown, rooms)
}

/** Inside, an unknown portal and a forbidden one are two different rows. */
export async function recordNoPortal(
  arrival: Arrival,
  who: Authenticated,
  where: McpRoute,
  rooms: DoorRooms,
): Promise<void> {
  const { principal } = who
  const label = principal.kind === 'user' ? principal.label : principal.name
  const actor = { kind: principal.kind, id: principal.id, label }
  // Whoever has a token for something else could otherwise fill the audit with guesses.
  if (!rooms.audit.mayWriteRefusal(principal.id)) return rooms.audit.refused('not-offered', arrival.clientIp, actor)
  await recordRefusal(arrival, { actor, where, error: 'not-offered' }, rooms)
}

interface Refusal {
  actor: ActorSnapshot
  where: McpRoute
  error: string
}

async function recordRefusal(arrival: Arrival, { actor, where, error }: Refusal, rooms: DoorRooms): Promise<void> {
  const entry = await rooms.audit.begin({
    deed: rooms.visitors.newDeed(),
    plane: 'mcp',
    actor,
    method: `${arrival.request.method} /mcp`,
    portal: where.portal ?? arrival.hostname,
    clientIp: arrival.clientIp,
  })
  await entry.finish({ outcome: 'refused', decision: 'deny', rule: null, error })
}
