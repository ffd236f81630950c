/** Policies on their way into the store, from the API and from the configuration file alike. */
import {
  type ApprovalGroupInput,
  POLICY_EXTRA_NAMES,
  type PolicyCreate,
  type PolicyExtra,
  type PolicyUpdate,
} from '../contract/policy.ts'
import type { PolicyContent, PolicyRecord } from '../policy/policy-store.ts'
import type { Db } from '../store/open.ts'
import { type Known, readKnown, refuseUnknown, refuseUselessIn, requireList } from './known-rules.ts'
import { invalid } from './refusal.ts'
import { refuseUnready } from './unready-reach.ts'

export function newPolicyContent(body: PolicyCreate): PolicyContent {
  return {
    name: body.name,
    decision: body.decision,
    include: body.include,
    exclude: body.exclude ?? [],
    require: body.require ?? [],
    extra: extraOf(body, {}),
  }
}

/** What is left out stays; null empties. */
export function changedPolicyContent(before: PolicyRecord, body: PolicyUpdate): PolicyContent {
  return {
    name: body.name ?? before.name,
    decision: body.decision ?? before.decision,
    include: body.include ?? before.include,
    exclude: body.exclude === undefined ? before.exclude : (body.exclude ?? []),
    require: body.require === undefined ? before.require : (body.require ?? []),
    extra: extraOf(body, before.extra),
  }
}

/** In one order whatever was sent, so that equal content is equal text. */
function extraOf(
  body: Partial<Readonly<Record<PolicyExtra, unknown>>>,
  before: PolicyRecord['extra'],
): PolicyRecord['extra'] {
  const extra: Record<string, unknown> = {}
  for (const name of POLICY_EXTRA_NAMES) {
    const value = body[name] === undefined ? before[name] : body[name]
    if (value !== undefined && value !== null) extra[name] = value
  }
  return extra
}

/**
 * All that only the whole policy, or what else there is, can tell.
 *
 * @throws ApiRefusal 400 with the path of the field
 */
export async function refuseBadPolicy(db: Db, content: PolicyContent): Promise<void> {
  await refuseBadPolicyAmong(await readKnown(db), content)
}

/** The same where it is known already what there is. */
export async function refuseBadPolicyAmong(known: Known, content: PolicyContent): Promise<void> {
  refuseUnknown(content, known)
  refuseUselessIn(content.decision, content, known.groups)
  refuseUselessTerms(content)
  const { extra } = content
  const groups = (extra.approval_groups ?? []) as readonly ApprovalGroupInput[]
  for (const [index, { email_list_uuid: list }] of groups.entries()) {
    if (list !== undefined) requireList(known, list, 'EMAIL', `approval_groups.${index}.email_list_uuid`)
  }
  await refuseUnready(extra.capabilities)
}

/** What is asked of a caller is asked by what lets them in, of somebody who can answer. */
function refuseUselessTerms({ decision, extra }: PolicyContent): void {
  const asked = askedIn(extra)
  if (decision === 'deny' || decision === 'bypass') {
    const field = asked.approval ? 'approval_required' : (asked.purpose ?? asked.signIn)
    if (typeof field === 'string')
      throw invalid(field, `asks something of callers, and a "${decision}" asks nothing: leave it out`)
  }
  const ofPeople = asked.purpose ?? asked.signIn
  if (decision === 'non_identity' && ofPeople !== null) {
    throw invalid(ofPeople, 'asks something of people, and a "non_identity" speaks of service tokens: leave it out')
  }
  if (asked.approval && ((extra.approval_groups ?? []) as readonly unknown[]).length === 0) {
    throw invalid('approval_groups', 'is required where approval_required is true: nobody else could approve')
  }
  const { valid_from: from, valid_until: until } = extra
  if (typeof from === 'string' && typeof until === 'string' && Date.parse(from) >= Date.parse(until)) {
    throw invalid('valid_until', 'must lie after valid_from')
  }
}

type MfaConfig = NonNullable<PolicyCreate['mfa_config']>

/** @returns whether approval is asked for, and the fields that ask for a purpose or another sign-in */
function askedIn(extra: PolicyContent['extra']): { approval: boolean; purpose: string | null; signIn: string | null } {
  const mfa = extra.mfa_config as MfaConfig | undefined
  const isSaid = (mfa?.allowed_authenticators ?? []).length > 0 || mfa?.session_duration !== undefined
  const asksMfa = mfa?.mfa_disabled !== true && isSaid
  return {
    approval: extra.approval_required === true,
    purpose: extra.purpose_justification_required === true ? 'purpose_justification_required' : null,
    signIn: extra.step_up !== undefined ? 'step_up' : asksMfa ? 'mfa_config' : null,
  }
}
