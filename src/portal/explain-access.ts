/**
 * Why somebody may or may not do something in a portal: the verdict by the very decisions that a call meets, the walk through the
 * rules of each level, and what stands in the way beyond them. Reaches nothing and changes nothing.
 */
import { type Access, compileAccess } from '../policy/compile.ts'
import type { Scope } from '../policy/coverage.ts'
import { type Question, TO_ENTER } from '../policy/decide.ts'
import { explain, type Trace } from '../policy/explain.ts'
import type { Asking, CallFacts, Capability, Decision, Facts, Policy } from '../policy/model.ts'
import { refuseLoose } from '../policy/strict-arguments.ts'
import type { JsonObject } from '../protocol/model.ts'
import { inputSchemaOf, readThrough } from './capability.ts'
import type { Entry } from './catalog.ts'
import type { PortalSpec, ServerSpec } from './spec.ts'
import type { Target } from './target.ts'
import { inward } from './uris.ts'

/** `depends`: on what the question does not have, such as arguments or an address. */
export type Verdict = 'allowed' | 'denied' | 'depends'

export interface Level {
  level: 'portal' | 'server'
  id: string
  /** What was asked about; null where it is being let in. */
  about: Capability | null
  trace: Trace
}

export interface Judged {
  verdict: Verdict
  terms: readonly Asking[]
  /** What the arguments lack where a rule reads them; null where nothing is wrong with them. */
  loose: string | null
  /** What the verdict waits for. */
  waitsFor: ReadonlySet<'arguments' | 'flow' | 'origin' | 'answers'>
}

export interface Explained extends Judged {
  levels: readonly Level[]
}

/** The decisions for one caller; with what a request could bring assumed in their favour, where that is asked. Each is made once. */
export type Judge = (assume?: Facts['assume']) => Access

export function openJudge(spec: PortalSpec, facts: Facts): Judge {
  const made = new Map<Facts['assume'], Access>()
  return (assume = facts.assume) => {
    const access = made.get(assume) ?? accessOf(spec, { ...facts, assume })
    made.set(assume, access)
    return access
  }
}

export interface AccessAsked {
  spec: PortalSpec
  facts: Facts
  /** What is asked about; the portal itself where it is no capability. */
  target: Target
  /** A server as such, where no capability is asked about. */
  server: ServerSpec | null
  /** What it would be called with; null where that is not known. */
  input: JsonObject | null
}

export function explainAccess(asked: AccessAsked): Explained {
  const { spec, facts, target } = asked
  const judge = openJudge(spec, facts)
  const about = target.kind === 'capability' ? ruledBy(spec, target) : []
  return { ...judgeAccess(asked, judge), levels: levelsOf(asked, judge(), about) }
}

/** The answer alone, without the walk that led to it. */
export function judgeAccess(asked: AccessAsked, judge: Judge): Judged {
  const { spec, target, input } = asked
  const about = target.kind === 'capability' ? ruledBy(spec, target) : []
  const loose = target.kind === 'capability' && input !== null ? looseness(target.entry, about, input) : null
  const decisions = decide(asked, judge(), about)
  const refusing = decisions.find(({ allow }) => !allow)
  const terms = refusing === undefined ? decisions.flatMap((decision) => decision.terms) : []
  const waitsFor = new Set<'arguments' | 'flow' | 'origin' | 'answers'>()
  if (refusing !== undefined || loose !== null) {
    const better = loose === null ? whatWouldHelp(asked, judge, about) : null
    if (better !== null) waitsFor.add(better)
    return { verdict: better === null ? 'denied' : 'depends', terms, loose, waitsFor }
  }
  if (decisions.some(({ maybe }) => maybe)) {
    for (const { scope } of about) {
      if (scope.readsArguments && input === null) waitsFor.add('arguments')
      if (scope.readsFlow) waitsFor.add('flow')
    }
  }
  return { verdict: waitsFor.size > 0 ? 'depends' : 'allowed', terms: once(terms), loose, waitsFor }
}

export function accessOf({ policies, servers, coverage }: PortalSpec, facts: Facts): Access {
  return compileAccess({ portal: policies, gates: servers, coverage }, facts)
}

export interface Ruled {
  capability: Capability
  scope: Scope
}

/** What is read through a template must be allowed as what it is, too. */
export function ruledBy({ coverage }: PortalSpec, { name, entry }: { name: string; entry: Entry }): Ruled[] {
  const { capability, kind, publicName } = entry
  const isThrough = kind === 'template' && name !== publicName
  const all = isThrough ? [capability, readThrough(capability, inward(entry, name))] : [capability]
  return all.map((one) => ({ capability: one, scope: coverage.scopeOf(one) }))
}

function decide({ server, input }: AccessAsked, access: Access, about: readonly Ruled[]): Decision[] {
  if (about.length > 0) {
    const call = callOf(input)
    return about.map(({ scope, capability }) =>
      call === null ? access.of(scope, capability) : access.call(scope, capability, call),
    )
  }
  const ofServer = server === null ? undefined : access.servers.get(server.uid)
  return [ofServer ?? access.enter]
}

/** What was called before is known to the grant or session alone, which a question is not part of. */
function callOf(input: JsonObject | null): CallFacts | null {
  return input === null ? null : { arguments: input, flow: null }
}

function looseness(entry: Entry, about: readonly Ruled[], input: JsonObject): string | null {
  if (entry.kind !== 'tool' || !about.some(({ scope }) => scope.readsArguments)) return null
  return refuseLoose(inputSchemaOf(entry.definition), input)
}

/** Whether a request could bring what makes it a yes, and what that is. */
function whatWouldHelp(asked: AccessAsked, judge: Judge, about: readonly Ruled[]): 'origin' | 'answers' | null {
  const allows = (assume: Facts['assume']) => decide(asked, judge(assume), about).every(({ allow }) => allow)
  if (allows('answers')) return 'answers'
  return asked.facts.origin.ip === null && allows('origin') ? 'origin' : null
}

function levelsOf({ spec, facts, server, input }: AccessAsked, access: Access, about: readonly Ruled[]): Level[] {
  if (!access.enter.allow || (about.length === 0 && server === null))
    return [levelOf('portal', spec.id, { policies: spec.policies, question: TO_ENTER, facts })]
  const questions: Question[] =
    about.length === 0
      ? [{ ...TO_ENTER, serverId: server?.id ?? null }]
      : about.map(({ capability }) => ({ serverId: capability.serverId, capability, call: callOf(input) }))
  return questions.flatMap((question) => {
    const own = spec.servers.find(({ id }) => id === question.serverId)
    const portal = levelOf('portal', spec.id, { policies: spec.policies, question, facts })
    if (own === undefined || own.policies === null) return [portal]
    return [portal, levelOf('server', own.id, { policies: own.policies, question, facts })]
  })
}

function levelOf(
  level: Level['level'],
  id: string,
  { policies, question, facts }: { policies: readonly Policy[]; question: Question; facts: Facts },
): Level {
  return { level, id, about: question.capability, trace: explain(policies, facts, question, `the ${level} ${id}`) }
}

function once(terms: readonly Asking[]): readonly Asking[] {
  return terms.filter((one, index) => terms.findIndex(({ policy }) => policy === one.policy) === index)
}
