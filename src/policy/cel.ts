/**
 * CEL (Common Expression Language) over the arguments of a call, the tool and the caller. The evaluator is large, so this file
 * is only ever loaded where a rule has an expression (`load-expressions.ts`).
 *
 * CEL ends always, but not always soon: three loops in one another over a list of a hundred are a million steps. So loops do
 * not stand in one another, patterns are constants, and an expression with too much to look at is not evaluated: unknown.
 * Arguments that two programs could read differently are unknown too, as in `argument-conditions.ts`.
 */
import { CelScalar, celEnv, celFunc, isCelError, parse, plan } from '@bufbuild/cel'
import { RE2JS } from 're2js'
import { MOST_EXPRESSION, MOST_PATTERN } from '../contract/reach.ts'
import { type Costs, countCosts } from './cel-costs.ts'
import type { Expression, Expressions } from './expressions.ts'
import type { Capability, Facts } from './model.ts'
import { isPlainPath, isUnder } from './path-under.ts'
import { isPlainText } from './plain-text.ts'
import { isExact } from './same-json.ts'

const MOST_VALUES = 2000
const MOST_CHARACTERS = 65_536
/** Each some microseconds. */
const MOST_STEPS = 10_000
const MOST_PROGRAM = 200

export function openCel(): Expressions {
  return {
    compile(source) {
      if (source.length > MOST_EXPRESSION) return `an expression has at most ${MOST_EXPRESSION} characters`
      try {
        return prepare(source)
      } catch (error) {
        return `it is no CEL expression: ${error instanceof Error ? error.message : String(error)}`
      }
    },
  }
}

function prepare(source: string): Expression | string {
  const { expr } = parse(source)
  const costs = countCosts(expr)
  if (typeof costs === 'string') return costs
  const evaluate = plan(celEnv({ funcs: [UNDER], re2: boundedRe2() }), expr) as (bindings: object) => unknown
  return {
    judge(capability, call, facts) {
      const size = weigh(call.arguments)
      if (size === null || stepsOf(costs, size) > MOST_STEPS) return 'unknown'
      try {
        const value = evaluate({ args: call.arguments, tool: toolOf(capability), principal: principalOf(facts) })
        return typeof value === 'boolean' && !isCelError(value) ? value : 'unknown'
      } catch {
        // A fact that is missing, types that do not fit, a stack that is full: all are "cannot tell".
        return 'unknown'
      }
    },
  }
}

function stepsOf({ looped, compared, joined }: Costs, values: number): number {
  return values * (1 + joined) * (looped + compared * values)
}

/** `under(path, directory)`: as the operator of the same name; it fails, and so is unknown, where that cannot tell. */
const UNDER = celFunc('under', [CelScalar.STRING, CelScalar.STRING], CelScalar.BOOL, (path, directory) => {
  const truth = isPlainPath(directory) ? isUnder(directory, path) : 'unknown'
  if (truth === 'unknown') throw new Error('it cannot be told whether the path is under the directory')
  return truth
})

/** As CEL has it, anywhere in the text; patterns of the expression itself, each compiled once. */
function boundedRe2() {
  const known = new Map<string, RE2JS>()
  return {
    compile(pattern: string) {
      const compiled = known.get(pattern) ?? RE2JS.compile(pattern.slice(0, MOST_PATTERN + 1))
      if (pattern.length > MOST_PATTERN || compiled.programSize() > MOST_PROGRAM) throw new Error('too large a pattern')
      known.set(pattern, compiled)
      return { test: (text: string) => compiled.test(text) }
    },
  }
}

/** @returns how many values there are in all; null where there are too many, or one that others could read differently */
function weigh(input: unknown): number | null {
  let values = 0
  let characters = 0
  const waiting: unknown[] = [input]
  while (waiting.length > 0) {
    const value = waiting.pop()
    values++
    if (typeof value === 'number' && !isExact(value)) return null
    if (typeof value === 'string') {
      characters += value.length
      if (characters > MOST_CHARACTERS || !isPlainText(value)) return null
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, inner] of Object.entries(value)) {
        characters += name.length
        waiting.push(inner)
        if (waiting.length + values > MOST_VALUES) return null
      }
    }
  }
  return characters > MOST_CHARACTERS ? null : values
}

function toolOf({ name, serverId, kind, labels, annotations }: Capability): object {
  return { name, server: serverId, kind, labels: [...labels], annotations: { ...annotations } }
}

/** What is not known is left out, so that asking for it fails. */
function principalOf({ principal, country, origin }: Facts): object {
  const from = { ...(country === null ? {} : { country }), ...(origin.ip === null ? {} : { ip: origin.ip }) }
  if (principal.kind !== 'user') return { kind: principal.kind, id: principal.id, ...from }
  const { id, email, identity } = principal
  const said =
    identity === null
      ? {}
      : {
          provider: identity.provider,
          ...(identity.groups === null ? {} : { groups: [...identity.groups] }),
          ...(identity.amr.length === 0 ? {} : { amr: [...identity.amr] }),
        }
  return { kind: 'user', id, ...(email === null ? {} : { email }), ...said, ...from }
}
