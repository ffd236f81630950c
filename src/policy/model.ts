/**
 * The words of this room. A policy is prepared once, when the directory reads it from the store: groups and lists are
 * looked up then, patterns are compiled then. What it decides is worked out from `Facts` alone, by pure functions, so
 * that list, call, search, simulation and "why?" can never disagree.
 */
import type { PolicyId } from '../base/ids.ts'
import type { Principal } from '../base/principal.ts'
import type { Label } from '../contract/reach.ts'

/** As the REST API and the store spell it: one key, the selector, e.g. `{"email_domain":{"domain":"acme.test"}}`. */
export type Criterion = Readonly<Record<string, unknown>>

/** Unknown is never rounded: it satisfies neither `include` nor `require`, and always `exclude` and any deny. */
export type Truth = true | false | 'unknown'

/** Where a request came from, as far as anybody who may say so says. */
export interface Origin {
  /** The client's address, past trusted proxies only; null where there is none (a simulation). */
  ip: string | null
  /** What a trusted proxy said of the client's certificate; null where no source is set up, so nothing is known. */
  certificate: { present: boolean; commonName: string | null } | null
}

export const NOWHERE: Origin = { ip: null, certificate: null }

/** All that a decision may look at. Gathered before (`facts.ts`), never while deciding. */
export interface Facts {
  principal: Principal
  origin: Origin
  /** ISO 3166-1 alpha-2 in capitals; null where there is no address, no file, or the file does not know it. */
  country: string | null
  /** Answers of external evaluators by `Condition.external`; one that is missing is unknown. */
  external: ReadonlyMap<string, boolean>
  /** Milliseconds since 1970. */
  now: number
  /**
   * What is taken in the caller's favour because nobody can know it yet. `nothing`: the rule, for every request over MCP.
   * `answers`: what evaluators will say (a page that shows what there is). `origin`: that too, and where the caller will
   * come from (signing in, renewing a token): each call that follows is decided for itself.
   */
  assume: 'nothing' | 'answers' | 'origin'
}

/** What a condition looks at beside the principal, so that a decision is kept only as widely and as long as it holds. */
export interface Needs {
  /** Address, country or certificate. */
  origin: boolean
  /** Questions to put to external evaluators. */
  external: readonly ExternalQuestion[]
}

export interface ExternalQuestion {
  /** Names the question: the evaluator and its keys. */
  key: string
  evaluateUrl: string
  keysUrl: string
}

/** One criterion, prepared. */
export interface Condition {
  readonly json: Criterion
  /** `email`, `group`, …; the key as it stands in the store where this program does not know it. */
  readonly selector: string
  readonly needs: Needs
  /** Where it is false of every person whose address is known and not among these (`ada@acme.test`, `@acme.test`). */
  readonly addresses?: ReadonlySet<string> | undefined
  judge(facts: Facts): Truth
  /** For people: what was compared with what, or why it is not known. Never a secret. */
  why(facts: Facts): string
}

export type CapabilityKind = 'tool' | 'prompt' | 'resource' | 'template'

/** The hints of an approved definition. One that is not given counts as the most dangerous: destructive, open-world. */
export interface Annotations {
  readOnlyHint: boolean
  destructiveHint: boolean
  idempotentHint: boolean
  openWorldHint: boolean
}

export const NO_ANNOTATIONS: Annotations = {
  readOnlyHint: false,
  destructiveHint: true,
  idempotentHint: false,
  openWorldHint: true,
}

/** A capability as rules see it: whose, what kind, its own name. Never an alias, never a public name. */
export interface Capability {
  /** Index of the server in portal order. */
  server: number
  serverId: string
  kind: CapabilityKind
  /** The upstream's own name; of a resource its URI, of a template its `uriTemplate`. */
  name: string
  annotations: Annotations
  labels: readonly Label[]
}

/** What only a call has; absent while listing. */
export interface CallFacts {
  arguments: Readonly<Record<string, unknown>>
  /** Which labels calls within the window of one grant, session or run have carried, by window in milliseconds; null where nothing asked. */
  flow: FlowFacts | null
}

export interface FlowFacts {
  /** Whether this call would be the one that completes all three. @param windowMs how far back to look */
  completes(windowMs: number): boolean
}

/** Which capabilities a policy speaks of: all that is said must hold. */
export interface Reach {
  /** Whether it may speak of anything at this server; null: at any. */
  speaksOf(serverId: string | null): boolean
  /** Whether it speaks of all there is at these servers, whatever the call: what denies that does not let them be named. */
  readonly isWhole: boolean
  /** What holds of a capability whatever it is called with. */
  covers(capability: Capability): boolean
  /** What depends on the call; null where nothing does. `unknown` where it cannot be told (an expression that fails). */
  readonly call: ((capability: Capability, call: CallFacts, facts: Facts) => Truth) | null
  readonly readsArguments: boolean
  /** Looks at where a call comes from. */
  readonly readsOrigin: boolean
  /** Milliseconds of the window of a flow rule; null where it has none. */
  readonly flowWindow: number | null
  /** As the API shows it. */
  readonly json: Readonly<Record<string, unknown>>
}

export interface ApprovalTerms {
  groups: readonly ApprovalGroup[]
}

/** So many of these people must agree. */
export interface ApprovalGroup {
  needed: number
  /** Lower case, written down or from a list. */
  emails: ReadonlySet<string>
}

export interface PurposeTerms {
  /** What the person is asked; null for the portal's own words. */
  prompt: string | null
}

export interface StepUpTerms {
  /** RFC 8176 values, one of which must be in the last sign-in; empty where only its age matters. */
  methods: readonly string[]
  /** Milliseconds; null where any age will do. */
  maxAge: number | null
}

/** What an allow asks for before the call goes on. */
export interface Terms {
  approval: ApprovalTerms | null
  purpose: PurposeTerms | null
  stepUp: StepUpTerms | null
  /** For how long an answer is good for other calls of the same grant, in milliseconds; null: for each call anew. */
  sessionMs: number | null
}

export interface Policy {
  readonly id: PolicyId
  readonly name: string
  /** `allow`, `deny`, `non_identity`, `bypass`; any other counts as a deny. */
  readonly decision: string
  readonly include: readonly Condition[]
  /** Where no `include` can hold of a person whose address is known and not among these. */
  readonly addresses?: ReadonlySet<string> | undefined
  readonly require: readonly Condition[]
  readonly exclude: readonly Condition[]
  /** Null: of everything where it is attached, and of entering it. Else of what one of these covers. */
  readonly reach: readonly Reach[] | null
  readonly terms: Terms | null
  /** Milliseconds since 1970 from when and until when it is there at all; null for no such end. */
  readonly from: number | null
  readonly until: number | null
  /** In words, what of it cannot be read or enforced, and so closes; empty where all is well. */
  readonly problems?: readonly string[]
}

export interface Decision {
  allow: boolean
  /** While listing: it is shown, and whether a call passes depends on its arguments. */
  maybe: boolean
  /** The policy that decided, or null where none spoke: silence is a no. */
  rule: PolicyId | null
  /** What is asked for by the policies that allowed: the portal's and the server's. */
  terms: readonly Asking[]
  /** Let in by a bypass: no stored credential is used unless the server says so. */
  bypass: boolean
  /** Of a no: whether arguments or the flow of data made it, which the caller may be told of a capability that it sees. */
  because: 'policy' | 'arguments' | 'flow'
}

export interface Asking {
  policy: PolicyId
  terms: Terms
}
