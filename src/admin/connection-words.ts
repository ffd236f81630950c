/** What is wrong with a connection, as an admin is told, and what mends it. */
import type { ConnectionKind, ConnectionReason, ConnectionRecord } from '../upstream/connections/model.ts'

const WRONG: Readonly<Record<ConnectionReason, string>> = {
  revoked: 'Its authorization server does not know it any more: it was taken back there.',
  expired: 'It has ended, and cannot be renewed without a person.',
  refused: 'The server does not take it, although it should be good.',
  moved: 'The server names another authorization server than the one that it was made at.',
  'client-gone': 'The authorization server does not take the portal as its client.',
  unsealed: 'What is stored of it does not open with the encryption keys at hand.',
  scope: 'The server wants more rights than it has.',
  unreachable: 'The authorization server does not answer; it is tried again.',
  identity:
    "The person's identity provider does not vouch for them at this server. They may sign in to the portal again.",
  restored: 'A backup was restored since it was made.',
}

/** Of what the portal makes by itself: nobody's connecting mends that, and it registers nothing anew. */
const WRONG_CLIENT =
  'The authorization server does not take the portal as its client: the client id, or its secret or key, is not what is registered there.'

function isSelfMade(kind: ConnectionKind): boolean {
  return kind === 'machine' || kind === 'enterprise'
}

/** @returns null where nothing is wrong; what is ready may still have too few rights for some of what is asked of it */
export function problemOf({
  status,
  reason,
  kind,
}: Pick<ConnectionRecord, 'status' | 'reason' | 'kind'>): string | null {
  if (reason === 'client-gone' && isSelfMade(kind)) return WRONG_CLIENT
  if (reason !== null) return WRONG[reason]
  return status === 'ready' ? null : 'It does not work.'
}

/**
 * @param issuer the base URL under which people sign in
 * @returns a link for the person whose it is, or a command for an admin; null where nobody has to do anything
 */
export function mendOf(
  { status, reason, owner, kind }: Pick<ConnectionRecord, 'status' | 'reason' | 'owner' | 'kind'>,
  { server, issuer }: { server: string; issuer: string },
): string | null {
  // One that has too few rights is good for the rest.
  if (status === 'ready' && reason === null) return null
  if (owner === 'admin') return `portico servers connect ${server}${reason === 'scope' ? ' --scope SCOPES' : ''}`
  if (reason === 'client-gone' && isSelfMade(kind)) return `portico servers secret ${server} --client-secret-file FILE`
  // A sync is nobody's call: it is the person's next one that tries.
  if (kind === 'enterprise') return null
  // Nobody signs in for it: the portal tries again, at once where it is told to.
  if (kind === 'machine') return `portico servers sync ${server}`
  return `${issuer}/connect/${server}`
}
