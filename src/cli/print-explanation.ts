/** An explanation as lines: the answer first, then rule by rule, then what would change it. All of it reaches the terminal through `visible`. */
import type { z } from 'zod'
import { visible } from '../base/visible.ts'
import { shortly } from './criteria-options.ts'
import type { SHAPES } from './paths.ts'
import type { Terminal } from './terminal.ts'

type Explanation = z.infer<typeof SHAPES.explanation>
type Level = Explanation['levels'][number]
type Rule = Level['rules'][number]

const WORDS = { allowed: 'ALLOWED', denied: 'DENIED', depends: 'IT DEPENDS' } as const
/** Longer names and criteria are cut, so that columns stay columns. */
const WIDEST = 44

const NAMED: Readonly<Record<string, string>> = {
  public: 'its public name',
  alias: 'the alias that an admin gave it',
  bare: 'a bare name: it belongs to the first server that has it',
  server: 'its own name at that server',
  uri: 'its address',
  template: 'an address that its template covers',
}

export function printExplanation({ print }: Pick<Terminal, 'print'>, found: Explanation): void {
  print(`${WORDS[found.verdict]}: ${found.says}`)
  print('')
  for (const line of about(found)) print(line)
  // Of a name that nothing has, being let in says nothing.
  const isNothing = found.asked.by === 'nothing'
  for (const level of found.levels.filter(({ verdict }) => !isNothing || verdict === 'denied')) {
    print('')
    print(`${level.level} ${level.id}${level.about === null ? '' : `, ${level.about}`}: ${level.verdict}`)
    if (level.rules.length === 0) print('  no policy is attached, and silence is a no')
    for (const line of rulesOf(level.rules)) print(line)
  }
  list(print, 'Asked for before it goes on', found.terms.map(termOf))
  list(
    print,
    'Beyond the policies',
    found.obstacles.map(({ says, blocks }) => `${blocks ? 'in the way' : 'to know'}: ${says}`),
  )
  list(print, 'What would change it', found.would_change)
  list(print, 'Not known', found.unknown)
  if (found.deed !== undefined) for (const line of ofDeed(found.deed)) print(line)
}

function about({ who, asked }: Explanation): string[] {
  const from = who.ip === null ? '' : ` from ${who.ip}${who.country === null ? '' : ` (${who.country})`}`
  const groups =
    who.identity === null
      ? []
      : [who.identity.groups === null ? 'groups not known' : `groups: ${who.identity.groups.join(', ') || 'none'}`]
  const facts = who.identity === null ? [] : [`signed in through ${who.identity.provider}`, ...groups]
  const lines = [`who   ${who.label}${from}${facts.length === 0 ? '' : ` (${facts.join('; ')})`}`]
  if (asked.capability === null)
    return [
      ...lines,
      `what  ${asked.server === null ? `entering ${asked.portal}` : `the server ${asked.server} in ${asked.portal}`}`,
    ]
  if (asked.by === 'nothing') {
    const near = asked.did_you_mean.length === 0 ? '' : `; like it: ${asked.did_you_mean.join(', ')}`
    return [...lines, `what  ${asked.capability} in ${asked.portal}${near}`]
  }
  if (asked.by === 'builtin')
    return [...lines, `what  ${asked.capability}, a tool of the portal ${asked.portal} itself`]
  lines.push(`what  ${asked.kind} ${asked.original} of the server ${asked.server} in ${asked.portal}`)
  const other = asked.public_name === asked.capability ? '' : `, listed as ${asked.public_name}`
  lines.push(`name  ${asked.capability}: ${NAMED[asked.by] ?? asked.by}${other}`)
  return lines
}

const MARKS = { matched: '>', missed: ' ', skipped: ' ' } as const
const SAID = { matched: 'matched', missed: 'did not match', skipped: 'not looked at' } as const

function rulesOf(rules: readonly Rule[]): string[] {
  const names = rules.map(({ name, policy }) => cut(visible(name || policy)))
  const width = Math.max(0, ...names.map((name) => name.length))
  const decisions = Math.max(0, ...rules.map(({ decision }) => decision.length))
  return rules.flatMap((rule, at) => {
    const head = `  ${MARKS[rule.verdict]} ${(names[at] ?? '').padEnd(width)}  ${rule.decision.padEnd(decisions)}  ${SAID[rule.verdict]}`
    return [`${head}${whyNot(rule)}`, ...criteriaOf(rule)]
  })
}

function whyNot({ reached, verdict, in_force: inForce, says }: Rule): string {
  if (verdict === 'matched' && reached === 'yes') return ''
  if (verdict === 'missed' && inForce !== 'yes')
    return inForce === 'over' ? ': its time is over' : ': its time has not come'
  if (reached === 'unasked') return `: ${says.charAt(0).toLowerCase()}${visible(says.slice(1)).replace(/\.$/, '')}`
  const words: Readonly<Record<string, string>> = {
    no: ': it does not speak of this',
    call: ': it depends on the call',
    passed: ': it speaks of other calls of this',
    unknown: ': whether it speaks of this call cannot be told',
  }
  return words[reached] ?? ''
}

function criteriaOf({ criteria, verdict }: Rule): string[] {
  if (verdict === 'skipped') return []
  const shown = criteria.map((one) => ({ ...one, text: cut(shortly(one.criterion)) }))
  const width = Math.max(0, ...shown.map(({ text }) => text.length))
  return shown.map(({ part, text, truth, why }) =>
    `      ${part.padEnd(7)}  ${text.padEnd(width)}  ${truth.padEnd(7)}  ${visible(why)}`.trimEnd(),
  )
}

function cut(text: string): string {
  return text.length <= WIDEST ? text : `${text.slice(0, WIDEST - 1)}…`
}

function termOf({ policy, approval, purpose, step_up: stepUp }: Explanation['terms'][number]): string {
  const parts = [
    ...(approval === undefined
      ? []
      : approval.groups.map((group) => `approval by ${group.approvals_needed} of ${group.email_addresses.join(', ')}`)),
    ...(purpose === undefined ? [] : [`a purpose${purpose.prompt === null ? '' : ` ("${purpose.prompt}")`}`]),
    ...(stepUp === undefined ? [] : [stepUpWords(stepUp)]),
  ]
  return `${parts.join('; ')} (${policy})`
}

function stepUpWords({
  auth_method: methods,
  max_age_seconds: age,
}: {
  auth_method: string[]
  max_age_seconds: number | null
}): string {
  const how = methods.length === 0 ? 'a sign-in' : `a sign-in by ${methods.join(' or ')}`
  return age === null ? how : `${how} within the last ${age} s`
}

function list(print: Terminal['print'], heading: string, lines: readonly string[]): void {
  if (lines.length === 0) return
  print('')
  print(heading)
  for (const line of lines) print(`  - ${line}`)
}

function ofDeed({ deed, at, decision, error, rule, outcome, agrees }: NonNullable<Explanation['deed']>): string[] {
  const why = [error, rule].filter((word) => word !== null).join(', ')
  return [
    '',
    `The deed ${deed} of ${at}: ${decision ?? 'no decision'}, ${outcome ?? 'not ended'}${why === '' ? '' : ` (${why})`}.`,
    agrees
      ? 'The policies and facts of now say the same.'
      : 'The policies or facts of now say something else than then.',
  ]
}
