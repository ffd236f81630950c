/**
 * What has become of a person's connection: the one table of sentences for the pages and for models. What mends it is said by whoever
 * shows it. Admins read more of the machinery, in `admin/`.
 */
import type { ConnectionKind, ConnectionReason } from './model.ts'

const HAPPENED: Readonly<Record<ConnectionReason, string>> = {
  revoked: 'It was taken back at the other side.',
  expired: 'It has ended, and cannot be renewed without its person.',
  refused: 'The server does not take it any more.',
  moved: 'The server has moved its sign-in elsewhere.',
  'client-gone': 'The other side has forgotten this portal.',
  unsealed: 'The portal cannot read what it kept of it.',
  scope: 'The server wants more rights than it has.',
  unreachable: 'The place that renews it does not answer. The portal tries again by itself.',
  identity: 'The company’s sign-in does not vouch for the person at this server.',
  restored: 'The portal was restored from a backup since.',
}

const NOT_TAKEN =
  'The server does not take the company’s sign-in now. An admin has to look; the portal tries again when it is used.'

/** @param reason null where it is not known */
export function whatHappened({ kind, reason }: { kind: ConnectionKind; reason: ConnectionReason | null }): string {
  // These nobody connects by hand, so it is the portal that is not taken, and no person's doing.
  if (kind === 'enterprise' && reason !== 'identity' && reason !== 'unreachable') return NOT_TAKEN
  return reason === null ? 'It does not work.' : HAPPENED[reason]
}
