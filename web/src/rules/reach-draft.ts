/** What a rule speaks of, while it is being written. */
import type { ReachInput } from '../../../src/contract/reach.ts'

export const OPERATORS = ['equals', 'one_of', 'matches', 'under', 'range', 'present', 'absent'] as const
export type Operator = (typeof OPERATORS)[number]
export const HINTS = ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint'] as const
export const LABELS = ['reads_private', 'reads_untrusted', 'sends_out'] as const
export const KINDS = ['tool', 'prompt', 'resource', 'template'] as const

export interface ArgumentDraft {
  key: number
  pointer: string
  operator: Operator
  /** As it is typed; of a range the least. */
  text: string
  /** Of a range the most. */
  most: string
}

export interface ReachDraft {
  key: number
  servers: readonly string[]
  kinds: readonly string[]
  names: readonly string[]
  patterns: readonly string[]
  /** `true`, `false`, or nothing said. */
  annotations: Readonly<Record<string, boolean>>
  labels: readonly string[]
  arguments: readonly ArgumentDraft[]
  expression: string
  /** A window such as `1h`; empty where the flow is not asked about. */
  flow: string
}

let last = 0
const newKey = (): number => {
  last += 1
  return last
}

export function emptyReach(): ReachDraft {
  const lists = { servers: [], kinds: [], names: [], patterns: [], labels: [], arguments: [] }
  return { key: newKey(), ...lists, annotations: {}, expression: '', flow: '' }
}

export function newArgument(): ArgumentDraft {
  return { key: newKey(), pointer: '', operator: 'equals', text: '', most: '' }
}

export function openReach(entry: ReachInput): ReachDraft {
  const { servers = [], kinds = [], names = [], patterns = [], labels = [] } = entry
  return {
    ...{ ...emptyReach(), servers, kinds, names, patterns, labels },
    annotations: Object.fromEntries(
      Object.entries(entry.annotations ?? {}).filter((one): one is [string, boolean] => one[1] !== undefined),
    ),
    arguments: (entry.arguments ?? []).map(openArgument),
    expression: entry.expression ?? '',
    flow: entry.flow?.window ?? '',
  }
}

type Condition = NonNullable<ReachInput['arguments']>[number]

function openArgument(condition: Condition): ArgumentDraft {
  const operator = OPERATORS.find((name) => Object.hasOwn(condition, name)) ?? 'present'
  const { pointer, range } = condition
  const draft = { key: newKey(), pointer, operator, text: '', most: '' }
  switch (operator) {
    case 'equals':
      return { ...draft, text: written(condition.equals) }
    case 'one_of':
      return { ...draft, text: (condition.one_of ?? []).map(written).join('\n') }
    case 'range':
      return { ...draft, text: range?.min?.toString() ?? '', most: range?.max?.toString() ?? '' }
    case 'matches':
    case 'under':
      return { ...draft, text: condition[operator] ?? '' }
    default:
      return draft
  }
}

/** A text that is no JSON stands as it is; one that would be read as something else keeps its quotes. */
function written(value: unknown): string {
  return typeof value === 'string' && jsonOr(value) === value ? value : JSON.stringify(value)
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function conditionOf({ pointer, operator, text, most }: ArgumentDraft): Condition {
  switch (operator) {
    case 'equals':
      return { pointer, equals: jsonOr(text) }
    case 'one_of':
      return {
        pointer,
        one_of: text
          .split('\n')
          .filter((line) => line !== '')
          .map(jsonOr),
      }
    case 'range':
      return {
        pointer,
        range: { ...(text === '' ? {} : { min: Number(text) }), ...(most === '' ? {} : { max: Number(most) }) },
      }
    case 'matches':
      return { pointer, matches: text }
    case 'under':
      return { pointer, under: text }
    case 'present':
      return { pointer, present: true }
    case 'absent':
      return { pointer, absent: true }
  }
}

/** What says nothing is left out. An entry that says nothing at all stays, and the server refuses it: dropped, the rule would reach more. */
export function reachOf(draft: ReachDraft): ReachInput {
  const { servers, kinds, names, patterns, annotations, labels, expression, flow } = draft
  const lists = Object.entries({ servers, kinds, names, patterns, labels }).filter(([, list]) => list.length > 0)
  return {
    ...Object.fromEntries(lists),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    ...(draft.arguments.length === 0 ? {} : { arguments: draft.arguments.map(conditionOf) }),
    ...(expression.trim() === '' ? {} : { expression }),
    ...(flow === '' ? {} : { flow: { window: flow } }),
  } as ReachInput
}
