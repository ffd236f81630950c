/**
 * What a policy asks for before a call goes on, prepared from its fields as the API has them. A field that cannot be read, or
 * that asks for what nobody here can do, must not be passed over: whoever the policy would let in is then kept out.
 */
import { parseDuration } from '../contract/duration.ts'
import { POLICY_EXTRAS } from '../contract/policy.ts'
import type { PreparedList } from './lists.ts'
import type { ApprovalGroup, StepUpTerms, Terms } from './model.ts'
import { comparableEmail } from './same-address.ts'

type Extra = Readonly<Record<string, unknown>>
type Lists = (id: string) => PreparedList | undefined

/** @returns null where nothing is asked for; in words why nobody can be let in, where that is so */
export function prepareTerms(extra: Extra, list: Lists): Terms | null | string {
  const problem = unreadable(extra)
  if (problem !== null) return problem
  const approval = extra.approval_required === true ? prepareApproval(extra, list) : null
  if (typeof approval === 'string') return approval
  const stepUp = prepareStepUp(extra)
  if (typeof stepUp === 'string') return stepUp
  const asksPurpose = extra.purpose_justification_required === true
  const prompt = extra.purpose_justification_prompt
  const purpose = asksPurpose ? { prompt: typeof prompt === 'string' && prompt !== '' ? prompt : null } : null
  if (approval === null && purpose === null && stepUp === null) return null
  return { approval, purpose, stepUp, sessionMs: sessionOf(extra) }
}

/** As long as a sign-in counts at Cloudflare. */
const GATE_MS = 24 * 3_600_000

/** What guards a gate is answered for a while; what guards one capability, for each call anew, unless the policy says how long. */
function sessionOf({ session_duration: said, capabilities = null }: Extra): number | null {
  const ms = durationOf(said)
  if (ms === 0) return null
  return ms ?? (capabilities === null ? GATE_MS : null)
}

/** Beside those of the contract nothing stands there, unless a newer program wrote it; and what that means is not known. */
function unreadable(extra: Extra): string | null {
  for (const [name, value] of Object.entries(extra)) {
    if (value === null || value === undefined || OTHERS.has(name)) continue
    if (!Object.hasOwn(POLICY_EXTRAS, name)) {
      if (value === false) continue
      return `this program does not know the field "${name}"`
    }
    const { success, error } = POLICY_EXTRAS[name as keyof typeof POLICY_EXTRAS].safeParse(value)
    if (!success) return `${name} ${error.issues[0]?.message ?? 'cannot be read'}`
  }
  return null
}

/** Read elsewhere, where they close in their own way; `isolation_required: true` is nothing that the schema lets pass. */
const OTHERS = new Set(['capabilities', 'valid_from', 'valid_until', 'connection_rules'])

/** Nobody to ask would be an approval that everybody has. */
function prepareApproval(
  { approval_groups: groups }: Extra,
  list: Lists,
): { groups: readonly ApprovalGroup[] } | string {
  const given = POLICY_EXTRAS.approval_groups.parse(groups) ?? []
  if (given.length === 0) return 'it asks for approval and names nobody who may give it'
  const prepared = given.map(({ approvals_needed: needed, email_addresses: written = [], email_list_uuid: id }) => {
    const listed = id === undefined ? [] : [...(list(id)?.emails ?? [])]
    const emails = [...written.map(comparableEmail), ...listed].filter((email) => email !== null)
    return { needed, emails: new Set(emails) }
  })
  return prepared.some(({ needed, emails }) => emails.size < needed)
    ? 'it asks for more approvals than there are people to give them'
    : { groups: prepared }
}

/** What `mfa_config` calls an authenticator, as RFC 8176 has it in `amr`. */
const AUTHENTICATORS: Readonly<Record<string, readonly string[]>> = {
  totp: ['otp'],
  biometrics: ['face', 'fpt', 'iris', 'retina', 'vbm'],
  security_key: ['hwk', 'swk'],
}
/** `0m` asks each time; a minute is as short as somebody needs to sign in and call. */
const SHORTEST_AGE = 60_000

function prepareStepUp(extra: Extra): StepUpTerms | null | string {
  const own = POLICY_EXTRAS.step_up.parse(extra.step_up) ?? null
  const mfa = POLICY_EXTRAS.mfa_config.parse(extra.mfa_config) ?? null
  const asked: StepUpTerms[] = []
  if (own !== null) {
    const methods = typeof own.auth_method === 'string' ? [own.auth_method] : (own.auth_method ?? [])
    asked.push({ methods, maxAge: durationOf(own.max_age) })
  }
  if (mfa !== null && mfa.mfa_disabled !== true) {
    const allowed = mfa.allowed_authenticators ?? []
    const kinds = allowed.length === 0 ? Object.keys(AUTHENTICATORS) : allowed
    const isAsked = allowed.length > 0 || mfa.session_duration !== undefined
    const age = durationOf(mfa.session_duration)
    const maxAge = age === null ? null : Math.max(age, SHORTEST_AGE)
    if (isAsked) asked.push({ methods: kinds.flatMap((kind) => AUTHENTICATORS[kind] ?? []), maxAge })
  }
  const [first = null, second] = asked
  return first === null || second === undefined ? first : bothOf(first, second)
}

function bothOf(one: StepUpTerms, other: StepUpTerms): StepUpTerms | string {
  const methods =
    one.methods.length === 0 || other.methods.length === 0
      ? [...one.methods, ...other.methods]
      : one.methods.filter((method) => other.methods.includes(method))
  if (methods.length === 0 && one.methods.length > 0)
    return 'step_up and mfa_config have no way to sign in that satisfies both'
  const ages = [one.maxAge, other.maxAge].filter((age) => age !== null)
  return { methods, maxAge: ages.length === 0 ? null : Math.min(...ages) }
}

function durationOf(text: unknown): number | null {
  return typeof text === 'string' ? (parseDuration(text) ?? null) : null
}
