/** What a policy reaches, judged by those who will run it: a pattern that does not compile would close, and nobody would know why. */
import type { ReachInput } from '../contract/reach.ts'
import { prepareArgument } from '../policy/argument-conditions.ts'
import type { Expressions } from '../policy/expressions.ts'
import { preparePattern } from '../policy/patterns.ts'
import { invalid } from './refusal.ts'

/**
 * @param capabilities as the shape of a policy let them through; undefined for a policy of everything
 * @throws ApiRefusal 400 with the path of the pattern or expression
 */
export async function refuseUnready(capabilities: unknown): Promise<void> {
  const entries = (capabilities ?? []) as readonly ReachInput[]
  const expressions = entries.some(({ expression }) => expression !== undefined) ? await loadExpressions() : null
  for (const [index, entry] of entries.entries()) {
    const path = `capabilities.${index}`
    for (const [at, pattern] of (entry.patterns ?? []).entries()) {
      refuse(preparePattern(pattern), `${path}.patterns.${at}`)
    }
    for (const [at, condition] of (entry.arguments ?? []).entries()) {
      refuse(prepareArgument(condition), `${path}.arguments.${at}`)
    }
    if (entry.expression !== undefined) refuse(expressions?.compile(entry.expression), `${path}.expression`)
  }
}

/** Few policies have any, and a start without them need not read the library. */
async function loadExpressions(): Promise<Expressions> {
  const { openCel } = await import('../policy/cel.ts')
  return openCel()
}

/** @param prepared in words what is wrong with it, where something is */
function refuse(prepared: unknown, path: string): void {
  if (typeof prepared === 'string') throw invalid(path, prepared)
}
