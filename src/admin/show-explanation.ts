/** An explanation as the API shows it: the answer in one sentence, what it is about, and all that led to it. */
import type { ExplanationShown, ObstacleShown } from '../contract/policy-explanation.ts'
import type { Asking, Facts } from '../policy/model.ts'
import type { Explained, Level } from '../portal/explain-access.ts'
import type { Resolved } from '../portal/resolve-name.ts'
import type { PortalSpec, ServerSpec } from '../portal/spec.ts'
import { type Owners, showLevel } from './show-trace.ts'
import type { SimulatedCaller } from './simulated-caller.ts'
import { shownTimeOrNull } from './times.ts'

export interface Shown {
  spec: PortalSpec
  server: ServerSpec | null
  facts: Facts
  /** Null where no capability is asked about. */
  resolved: Resolved | null
  explained: Explained
  obstacles: readonly ObstacleShown[]
  caller: SimulatedCaller
  owners: Owners
  /** As it was asked for. */
  name: string | null
}

export function showExplanation(shown: Shown): ExplanationShown {
  const { explained, obstacles, caller, owners } = shown
  const blocking = obstacles.find(({ blocks }) => blocks)
  // Where nothing has the name, what the portal's rules say of entering is no answer.
  const verdict = blocking === undefined ? explained.verdict : 'denied'
  const levels = explained.levels.map((level) => showLevel(level, owners))
  return {
    verdict,
    says: blocking?.says ?? sentence(explained),
    who: showWho(shown),
    asked: showAsked(shown),
    levels,
    terms: explained.terms.map(showTerms),
    obstacles: [...obstacles],
    would_change: verdict === 'allowed' ? [] : wouldChange(explained, obstacles),
    unknown: [...caller.unknown, ...[...explained.waitsFor].map((what) => WAITS[what])],
  }
}

const WAITS: Readonly<Record<'arguments' | 'flow' | 'origin' | 'answers', string>> = {
  arguments: 'What it would be called with: a rule looks at the arguments.',
  flow: 'What was called before: a rule looks at the flow of data.',
  origin: 'From which address, country or certificate the request would come.',
  answers: 'What an external evaluator would say: it was not asked, or did not answer.',
}

const DEPENDS: typeof WAITS = {
  arguments: 'on what it is called with, because a rule looks at the arguments',
  flow: 'on what was called before, because a rule looks at the flow of data',
  origin: 'on the address, country or certificate that the request comes with',
  answers: 'on what an external evaluator says, which was not asked or did not answer',
}

function sentence({ verdict, levels, waitsFor }: Explained): string {
  if (verdict === 'depends') return `It depends ${[...waitsFor].map((what) => DEPENDS[what]).join(', and ')}.`
  if (verdict === 'denied') {
    const refusing = levels.find(({ trace }) => !trace.decision.allow) ?? levels.at(-1)
    if (refusing === undefined) return 'No policy lets them in.'
    return isNoneLeft(refusing) ? NONE_LEFT.says(refusing.id) : `${deciderOf(refusing)} no.`
  }
  return levels.map((level) => `${deciderOf(level)} yes.`).join(' ')
}

/** A server that never had policies of its own is no level. */
function isNoneLeft({ level, trace }: Level): boolean {
  return level === 'server' && trace.rules.length === 0
}

const NONE_LEFT = {
  says: (id: string) => `The server ${id} has policies of its own, and none is left: nobody may use it.`,
  mends: (id: string) => [
    `Attach a policy to the server ${id} that lets them in.`,
    `Or let the policies of its portals decide alone: "own_policies": false of the server ${id}.`,
  ],
}

/** `The policy "Interns" of the portal default says` */
function deciderOf({ level, id, trace }: Level): string {
  const { rule } = trace.decision
  if (rule === null) return `No policy of the ${level} ${id} lets them in: silence says`
  const name = trace.rules.find(({ policy }) => policy === rule)?.name ?? rule
  return `The policy "${name}" of the ${level} ${id} says`
}

function showWho({ facts }: Shown): ExplanationShown['who'] {
  const { principal, origin, country } = facts
  const identity = principal.kind === 'user' ? principal.identity : null
  return {
    ...{ kind: principal.kind, id: principal.id, label: principal.kind === 'user' ? principal.label : principal.name },
    identity:
      identity === null
        ? null
        : {
            provider: identity.provider,
            groups: identity.groups === null ? null : [...identity.groups],
            amr: [...identity.amr],
            signed_in_at: shownTimeOrNull(identity.signedInAt ?? null),
          },
    ...{ ip: origin.ip, country },
  }
}

function showAsked({ spec, server, resolved, name }: Shown): ExplanationShown['asked'] {
  const entry = resolved?.target.kind === 'capability' ? resolved.target.entry : null
  return {
    ...{ portal: spec.id, capability: name, by: resolved?.by ?? (server === null ? 'portal' : 'server') },
    kind: entry?.kind ?? null,
    server: entry?.server.id ?? server?.id ?? null,
    original: entry?.original ?? null,
    public_name: entry?.publicName ?? null,
    did_you_mean: [...(resolved?.near ?? [])],
  }
}

function showTerms({ policy, terms }: Asking): ExplanationShown['terms'][number] {
  const { approval, purpose, stepUp } = terms
  return {
    policy,
    ...(approval === null
      ? {}
      : {
          approval: {
            groups: approval.groups.map(({ needed, emails }) => ({
              approvals_needed: needed,
              email_addresses: [...emails],
            })),
          },
        }),
    ...(purpose === null ? {} : { purpose: { prompt: purpose.prompt } }),
    ...(stepUp === null
      ? {}
      : {
          step_up: {
            auth_method: [...stepUp.methods],
            max_age_seconds: stepUp.maxAge === null ? null : stepUp.maxAge / 1000,
          },
        }),
  }
}

function wouldChange({ levels }: Explained, obstacles: readonly ObstacleShown[]): string[] {
  const ofRules = levels.flatMap((level) => {
    const { id, trace } = level
    if (trace.decision.allow) return []
    return isNoneLeft(level) ? NONE_LEFT.mends(id) : [...ofCall(trace), ...trace.wouldChange]
  })
  const ofWay = obstacles.filter(({ blocks }) => blocks).map(({ what }) => MENDS[what] ?? null)
  return [...new Set([...ofWay.filter((words) => words !== null), ...ofRules])]
}

function ofCall({ decision, rules }: Level['trace']): string[] {
  if (decision.because === 'policy') return []
  const name = rules.find(({ policy }) => policy === decision.rule)?.name
  const rule = name === undefined ? 'A rule' : `The policy "${name}"`
  return decision.because === 'arguments'
    ? [`${rule} looks at the arguments, so a call with others may be allowed.`]
    : [`${rule} looks at what was called before, so the call may be allowed in a new session.`]
}

/** Of what could be otherwise. They say what is done and by whom; which program it is done with is the reader's. */
const MENDS: Partial<Readonly<Record<ObstacleShown['what'], string>>> = {
  'no-such-name':
    'It is asked for by a name that the portal lists, or by the server’s own name together with the server.',
  'not-theirs': 'They connect the account that lists it.',
  disabled: 'An admin enables them again; a service token that is over is made anew.',
  'switched-off-by-admin': 'An admin offers it again in this portal, or at the server where it is switched off there.',
  held: 'An admin looks at what changed in the definition, and approves it.',
  'switched-off': 'Whoever calls switches the server on again.',
  personal: 'An admin has the server used in this portal by one account for all, in the place of people’s own.',
  arguments: 'It is called with exactly the arguments that the schema of the tool has.',
}
