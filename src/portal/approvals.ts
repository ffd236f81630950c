/**
 * That a call may go on because other people agreed to it. What they agree to is this very call: who makes it by which grant, in which
 * portal, at which server, what it is called with and what it was defined as, by whose credential, under which policy. One
 * changed byte is another call. Nobody agrees to their own, by whatever account.
 */

import { principalKey } from '../base/principal.ts'
import { digest } from '../base/secret.ts'
import type { BrowserSession } from '../identity/browser-session-store.ts'
import type { Asking } from '../policy/model.ts'
import type { JsonObject } from '../protocol/model.ts'
import { canonical } from '../upstream/definitions.ts'
import type { ApprovalAbout, ApprovalRecord, Need, Requester } from './approval-store.ts'
import type { Entry } from './catalog.ts'
import type { Scene } from './scene.ts'

/** In characters: the longest arguments that an approver could read. */
export const MOST_SHOWN = 65_536

/** A call that others have to agree to, under one policy. */
export interface Wanted {
  entry: Entry
  asking: Asking
  needs: readonly Need[]
  sent: JsonObject
}

/** @returns null where the policy asks for no approval */
export function wantedBy(asking: Asking, entry: Entry, sent: JsonObject): Wanted | null {
  const { approval } = asking.terms
  if (approval === null) return null
  const needs = approval.groups.map(({ needed, emails }) => ({ needed, emails: [...emails].sort() }))
  return { entry, asking, needs, sent }
}

/** All that an approval is good for, as one SHA-256. */
export function bindingOf({ entry, asking, needs, sent }: Wanted, { visit }: Pick<Scene, 'visit'>): string {
  const { principal, spec } = visit
  const { server, kind, original, hash } = entry
  const who = [principalKey(principal), principal.grant, spec.uid]
  // By another credential the same call is another deed; under other terms other people have to agree.
  const what = [server.uid, kind, original, hash, server.carries]
  return digest(JSON.stringify(['approval', who, what, asking.policy, needs, canonical(sent)]))
}

/** What the server would get, as an approver reads it; null where it is more than anybody could be shown. */
export function shownOf({ sent }: Pick<Wanted, 'sent'>): string | null {
  const text = JSON.stringify(sent, null, 2)
  return text.length > MOST_SHOWN ? null : text
}

export function aboutOf(
  { entry, sent }: Wanted,
  { visit }: Pick<Scene, 'visit'>,
  purposes: readonly string[],
): ApprovalAbout {
  const { server, kind, original } = entry
  const shown = shownOf({ sent })
  if (shown === null) throw new Error('what nobody could read is not put to anybody')
  return {
    portal: visit.spec.name,
    server: { id: server.id, name: server.name },
    ...{ kind, name: original, sent: shown },
    client: visit.client.name,
    purposes,
  }
}

export function requesterOf({ visit }: Pick<Scene, 'visit'>): Requester {
  const { principal } = visit
  const { kind, id } = principal
  if (principal.kind !== 'user') return { kind, id, label: principal.name, email: null, issuer: null, subject: null }
  const { label, email, identity } = principal
  return { kind, id, label, email, issuer: identity?.issuer ?? null, subject: identity?.subject ?? null }
}

/** How a signed-in person stands to a request. `nobody`: not theirs, and not theirs to decide; they must not even learn of it. */
export type Standing = 'requester' | 'approver' | 'agreed' | 'nobody'

export function standingOf(
  { requester, needs, given }: Pick<ApprovalRecord, 'requester' | 'needs' | 'given'>,
  session: Pick<BrowserSession, 'userId' | 'email' | 'identity'>,
): Standing {
  const { userId, email, identity } = session
  if (requester.kind === 'user' && requester.id === userId) return 'requester'
  if (email === null || !needs.some(({ emails }) => emails.includes(email))) return 'nobody'
  // The same account under another user, or the same mailbox: it is the same person.
  const { issuer, subject } = identity
  const isSame = requester.issuer === issuer && requester.subject === subject
  if (isSame || requester.email === email) return 'nobody'
  const isOwnWord = (one: (typeof given)[number]) =>
    one.user === userId || (one.issuer === issuer && one.subject === subject)
  return given.some(isOwnWord) ? 'agreed' : 'approver'
}
