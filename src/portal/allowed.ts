/**
 * Whether the policies let this caller do this: first as in a list, arguments unknown, and where that is a no it looks like
 * any unknown name; then this very call, where a rule looks at its arguments or at what was called before. What the caller
 * sees in its own lists it may be told about.
 */
import type { PolicyId } from '../base/ids.ts'
import { type Refusal, refused } from '../base/refusal.ts'
import type { Asking, Capability, Decision, FlowFacts } from '../policy/model.ts'
import { refuseLoose } from '../policy/strict-arguments.ts'
import { inputSchemaOf, readThrough } from './capability.ts'
import type { Entry } from './catalog.ts'
import type { EnteredFlow } from './flow.ts'
import type { Scene } from './scene.ts'
import { type Spelling, spellingsOf } from './spellings.ts'
import { inward, outward } from './uris.ts'
import type { Standing } from './visit.ts'

export interface Ruling {
  kind: 'allowed'
  rule: PolicyId | null
  /** What is asked for before it goes on. */
  terms: readonly Asking[]
  isBypassed: boolean
  /** Where some rule looks at what was called before: this call counts, until it is taken back. */
  flow: EnteredFlow | null
}

type Ruled = Ruling | Refusal
type Unentered = Omit<Ruling, 'flow'> | Refusal

/** What is judged, and how its caller stands. */
export interface Judged extends Pick<Scene, 'target' | 'input'> {
  visit: Standing
}

export function allowed(scene: Scene): Ruled | Promise<Ruled> {
  const ready = prepared(scene)
  if (ready.kind !== 'prepared') return ready
  const { entry, scopes } = ready
  const judge = (flow: EnteredFlow | null): Ruled => {
    const ruling = judged(scene, scopes, flow)
    return ruling.kind === 'refused' ? ruling : { ...ruling, flow }
  }
  if (entry.capability.labels.length === 0 || !scene.rooms.flow.isWatched(scene.visit.spec)) return judge(null)
  // Also where no rule speaks of this one: what it does with data may matter to a later call.
  return enter(scene, entry).then((flow) => {
    const ruling = judge(flow)
    return ruling.kind === 'allowed' ? ruling : flow.undo().then(() => ruling)
  })
}

/**
 * The same of what is no call: nothing is entered, and rules that look at what was called before have nothing to say. To hear that
 * something changed is not to read it, and whoever reads it then is judged by that.
 */
export function allowedToHear(judging: Judged): Unentered {
  const ready = prepared(judging)
  return ready.kind === 'prepared' ? judged(judging, ready.scopes, HARMLESS) : ready
}

/** The same of a deed that goes on with another, which met what was asked for. */
export function allowedToGoOn(judging: Judged): Ruled {
  const ruling = allowedToHear(judging)
  return ruling.kind === 'refused' ? ruling : { ...ruling, terms: [], flow: null }
}

const HARMLESS: FlowFacts = { completes: () => false }

interface Prepared {
  kind: 'prepared'
  entry: Entry
  scopes: readonly Ruler[]
}

/** What can be said with the arguments unknown, and whether they are of the right form. */
function prepared(judging: Judged): Prepared | Ruled {
  const { visit, target } = judging
  if (target.kind !== 'capability') {
    // Of the portal itself nothing is asked but to be let in: an approval is of what is called there.
    const { enter } = visit.access
    return enter.allow
      ? { kind: 'allowed', rule: enter.rule, terms: [], isBypassed: enter.bypass, flow: null }
      : refused('not-allowed', enter.rule)
  }
  const { entry } = target
  // What is read through a template must be allowed as what it is, too.
  const through =
    entry.kind === 'template' && target.name !== entry.publicName
      ? readThrough(entry.capability, inward(entry, target.name))
      : null
  const scopes: Ruler[] = [{ capability: entry.capability, scope: entry.scope }]
  if (through !== null) scopes.push({ capability: through, scope: visit.spec.coverage.scopeOf(through) })
  for (const { scope, capability } of scopes) {
    const listed = visit.access.of(scope, capability)
    if (!listed.allow) return refused('not-allowed', listed.rule)
  }
  const dodged = through === null ? null : refuseDodge(visit, through)
  if (dodged !== null) return dodged
  return wrongArguments(judging, entry) ?? { kind: 'prepared', entry, scopes }
}

/** However a URI is spelled, what a rule denies is not read under another spelling of it, nor what is held. */
function refuseDodge({ access, catalog, spec }: Standing, through: Capability): Refusal | null {
  // Where no rule tells one thing from another, there is nothing to dodge but a definition that is held.
  const spellings = spellingsOf(through.name)
  if (spellings === null) return access.key === '' ? null : refused('not-allowed')
  const uris = catalog.uris(through.server)
  for (const { uri, isSame } of spellings) {
    const listed = catalog.find('resource', uris?.outward(uri) ?? uri)
    if (listed?.held || listed?.hidden) return refused('held')
    const capability = { ...through, name: uri }
    const decision = access.of(spec.coverage.scopeOf(capability), capability)
    if (!decision.allow && (isSame || decision.rule !== null)) return refused('not-allowed', decision.rule)
  }
  return access.key === '' ? null : refuseTemplates({ access, catalog }, through, spellings)
}

/** The first template that fits is what it is read through; none that fits as well may be denied, such as a narrower one. */
function refuseTemplates(
  { access, catalog }: Pick<Standing, 'access' | 'catalog'>,
  { server, name }: Capability,
  spellings: readonly Spelling[],
): Refusal | null {
  const uris = [name, ...spellings.map(({ uri }) => uri)]
  for (const entry of catalog.entries('template')) {
    if (entry.serverIndex !== server || !uris.some((uri) => outward(entry, uri) !== null)) continue
    const decision = access.of(entry.scope, entry.capability)
    if (!decision.allow && decision.rule !== null) return refused('not-allowed', decision.rule)
  }
  return null
}

interface Ruler {
  capability: Capability
  scope: Entry['scope']
}

/** A tool that some rule looks into is called with what its schema has, or not at all. */
function wrongArguments({ input }: Judged, { kind, scope, definition }: Entry): Refusal | null {
  if (kind !== 'tool' || !scope.readsArguments || input === null) return null
  const wrong = refuseLoose(inputSchemaOf(definition), input)
  return wrong === null ? null : refused('arguments', null, `${TOLD.loose} ${wrong}`)
}

/** The owner is the grant in both eras: another session of it, or another era, remembers what it read. */
function enter({ rooms, visit, deed }: Scene, { capability }: Entry): Promise<EnteredFlow> {
  return rooms.flow.enter({ owner: `grant:${visit.principal.grant}`, labels: capability.labels, deed })
}

function judged({ visit, input }: Judged, scopes: readonly Ruler[], flow: FlowFacts | null): Unentered {
  const decisions: Decision[] = []
  for (const { scope, capability } of scopes) {
    // What has no arguments is still a call, to a rule that looks at what was called before.
    const looksAtCall = input === null ? scope.readsFlow : scope.readsArguments || scope.readsFlow
    const decision = looksAtCall
      ? visit.access.call(scope, capability, { arguments: input ?? {}, flow })
      : visit.access.of(scope, capability)
    if (!decision.allow) return tell(decision)
    decisions.push(decision)
  }
  return whole(decisions)
}

function tell({ because, rule }: Decision): Refusal {
  if (because === 'flow') return refused('flow', rule, TOLD.flow)
  return refused(because === 'arguments' ? 'arguments' : 'not-allowed', rule, TOLD.arguments)
}

const TOLD = {
  loose: 'A policy looks at what this tool is called with, so its arguments must be exactly what its schema has:',
  arguments:
    'A policy does not allow this call with these arguments. Nothing was done. Other arguments may be allowed; ask an administrator of the portal which.',
  flow: 'A policy does not allow this call: after what was called before, it would be able to send private data where untrusted text says. Nothing was done. Ask the user to start anew, or an administrator of the portal.',
}

function whole(decisions: readonly Decision[]): Omit<Ruling, 'flow'> {
  return {
    kind: 'allowed',
    rule: decisions.at(-1)?.rule ?? null,
    terms: decisions.length === 1 ? (decisions[0]?.terms ?? []) : once(decisions),
    isBypassed: decisions.some(({ bypass }) => bypass),
  }
}

/** Two decisions about one thing ask for the same only once. */
function once(decisions: readonly Decision[]): readonly Asking[] {
  const all = decisions.flatMap(({ terms }) => terms)
  return all.filter((one, index) => all.findIndex(({ policy }) => policy === one.policy) === index)
}
