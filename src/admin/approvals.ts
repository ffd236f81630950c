/**
 * `/access/approvals`: calls that wait for people to agree. Whoever may read sees which there are; a word is given by a signed-in person
 * whom the policy names, and by nobody else, whatever their role: an API token is nobody who could agree.
 */

import type { Operator } from '../base/principal.ts'
import type { ApprovalDetail, ApprovalQuery, ApprovalShown, ApprovalWord } from '../contract/approval.ts'
import { type BrowserSession, listBrowserSessions } from '../identity/browser-session-store.ts'
import { readPolicy } from '../policy/policy-store.ts'
import {
  type ApprovalRecord,
  agreedOf,
  listApprovals as loadApprovals,
  readApproval,
} from '../portal/approval-store.ts'
import { endOf, giveWord, readReason, type Word } from '../portal/approval-word.ts'
import { standingOf } from '../portal/approvals.ts'
import type { AdminDeps } from './deps.ts'
import { pageOf } from './paging.ts'
import { conflict, forbidden, invalid, notFound } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { shownTime, shownTimeOrNull } from './times.ts'

export async function listApprovals({ deps, query }: Call<unknown, ApprovalQuery>): Promise<Outcome> {
  const all = (await loadApprovals(deps.store, deps.sealer, { open: false })).map((one) => show(deps, one))
  const wanted = query.state === undefined ? all : all.filter(({ state }) => state === query.state)
  const page = pageOf(wanted, query, ({ id, name, server_id, requester }) => [
    ...[id, name ?? '', server_id ?? '', requester.label],
  ])
  return { result: page.items, info: page.info }
}

/** As on its page: an admin who is neither named nor asked for it learns that there is one, and not what it is called with. */
export async function getApproval({ deps, id, operator }: Call): Promise<Outcome> {
  const approval = await readApproval(deps.store.db, id, deps.sealer)
  if (approval === undefined) throw notFound('approval', id)
  const session = await sessionOf(deps, operator)
  const standing = session === null ? 'nobody' : standingOf(approval, session)
  const policy = await readPolicy(deps.store.db, approval.policy)
  const result: ApprovalDetail = {
    ...show(deps, approval),
    ...{ standing, policy_name: policy?.name ?? null },
    about: standing === 'nobody' ? null : aboutOf(approval),
  }
  return { result }
}

function aboutOf({ about }: ApprovalRecord): ApprovalDetail['about'] {
  if (about === null) return null
  const { portal, server, client, purposes, sent } = about
  return { portal, server_name: server.name, client, purposes: [...purposes], sent }
}

export function approve(call: Call<ApprovalWord>): Promise<Outcome> {
  return decide(call, 'approve')
}

export function reject(call: Call<ApprovalWord>): Promise<Outcome> {
  return decide(call, 'reject')
}

async function decide({ deps, id, operator, body }: Call<ApprovalWord>, word: Word): Promise<Outcome> {
  if ((await readApproval(deps.store.db, id, deps.sealer)) === undefined) throw notFound('approval', id)
  const session = await sessionOf(deps, operator)
  if (session === null) throw forbidden(PEOPLE_ONLY)
  const reason = readReason(body.reason ?? '')
  if (reason === 'too-much') throw invalid('reason', 'is too long: say it more briefly')
  const wish = { id, word, reason }
  const given = await giveWord(deps, session, wish)
  switch (given.kind) {
    case 'signed-out':
      throw forbidden(PEOPLE_ONLY)
    case 'not-theirs':
      throw given.approval === null ? notFound('approval', id) : forbidden(NOT_YOURS)
    case 'again':
      throw conflict('You agreed to it already; others still have to.')
    case 'over':
      throw conflict('It is over: somebody decided, or nobody did in time.')
    case 'given': {
      const now = await readApproval(deps.store.db, id, deps.sealer)
      const { change, purpose } = endOf(given, wish)
      return {
        result: show(deps, now ?? given.approval),
        ...(change === undefined ? {} : { change }),
        ...(purpose === undefined ? {} : { reason: purpose }),
      }
    }
  }
}

const PEOPLE_ONLY =
  'Only a signed-in person whom the policy names can decide: sign in to the portal and open the page of the request.'
const NOT_YOURS = 'The policy does not name you as somebody who may agree to this, or you asked for it yourself.'

async function sessionOf({ store, clock }: AdminDeps, operator: Operator): Promise<BrowserSession | null> {
  if (operator.kind !== 'person') return null
  const sessions = await listBrowserSessions(store.db, operator.id, clock.now())
  return sessions.find(({ id }) => id === operator.session) ?? null
}

function show({ clock, issuer }: Pick<AdminDeps, 'clock' | 'issuer'>, approval: ApprovalRecord): ApprovalShown {
  const { id, about, policy, requester, needs, given, state, expiresAt } = approval
  const isOver = (state === 'open' || state === 'approved') && expiresAt <= clock.now()
  return {
    ...{ id, state: isOver ? 'expired' : state, policy_id: policy },
    ...{ server_id: about?.server.id ?? null, kind: about?.kind ?? null, name: about?.name ?? null },
    requester: { kind: requester.kind, id: requester.id, label: requester.label },
    groups: needs.map((need) => ({
      approvals_needed: need.needed,
      given: agreedOf(need, given),
      email_addresses: [...need.emails],
    })),
    url: `${issuer()}/approve/${id}`,
    created_at: shownTime(approval.createdAt),
    expires_at: shownTime(expiresAt),
    decided_at: shownTimeOrNull(approval.decidedAt),
    decisions: approval.words.map(({ word, email, at, reason }) => ({ word, by: email, at: shownTime(at), reason })),
  }
}
