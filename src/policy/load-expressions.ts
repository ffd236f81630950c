/** Loads the evaluator of expressions where there is one to evaluate: it takes a third of a second, and few rules need it. */
import type { Expressions } from './expressions.ts'

/** @param extras the other fields of policies, as they stand in the store */
export async function loadExpressions(
  extras: readonly Readonly<Record<string, unknown>>[],
): Promise<Expressions | null> {
  return extras.some(hasExpression) ? (await import('./cel.ts')).openCel() : null
}

function hasExpression({ capabilities }: Readonly<Record<string, unknown>>): boolean {
  return (
    Array.isArray(capabilities) &&
    capabilities.some((entry) => typeof entry === 'object' && entry !== null && Object.hasOwn(entry, 'expression'))
  )
}
