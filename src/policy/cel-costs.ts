/** How much work a parsed CEL expression may make, told from its tree before it is ever evaluated. */
import type { parse } from '@bufbuild/cel'

type Expr = ReturnType<typeof parse>['expr']

export interface Costs {
  /** Nodes that are evaluated once for each element of a list. */
  looped: number
  /** Of those, such as may look at a whole value each time: comparisons and joins of two things that are no constants. */
  compared: number
  /** Joins of lists or texts, anywhere: each may make as much again to loop over. */
  joined: number
}

const DEEPEST = 200
const MOST_NODES = 2000
const COMPARING = new Set(['_==_', '_!=_', '@in', '_+_', 'contains', 'matches', '_in_'])

/** @returns in words why it would not be evaluated, where it would not */
export function countCosts(root: Expr): Costs | string {
  const costs: Costs = { looped: 0, compared: 0, joined: 0 }
  const waiting: { expr: Expr; depth: number; inLoop: boolean }[] = [{ expr: root, depth: 0, inLoop: false }]
  for (let nodes = 0; waiting.length > 0; nodes++) {
    const { expr, depth, inLoop } = waiting.pop() as (typeof waiting)[number]
    if (depth > DEEPEST || nodes > MOST_NODES) return 'the expression is too deep or too long'
    if (inLoop) costs.looped++
    const { exprKind } = expr
    if (exprKind.case === 'callExpr') {
      const { function: name, args } = exprKind.value
      if (name === 'matches' && !args.slice(-1).every(isConstant)) return 'the pattern of "matches" must be a constant'
      if (name === '_+_') costs.joined++
      if (inLoop && COMPARING.has(name) && !args.some(isConstant)) costs.compared++
    }
    if (exprKind.case === 'comprehensionExpr') {
      if (inLoop) return 'loops such as "all" and "exists" must not stand in one another'
      const { iterRange, accuInit, loopCondition, loopStep, result } = exprKind.value
      for (const outside of [iterRange, accuInit, result])
        if (outside) waiting.push({ expr: outside, depth: depth + 1, inLoop })
      for (const inside of [loopCondition, loopStep])
        if (inside) waiting.push({ expr: inside, depth: depth + 1, inLoop: true })
    } else {
      for (const inner of innerOf(expr)) waiting.push({ expr: inner, depth: depth + 1, inLoop })
    }
  }
  return costs
}

function isConstant({ exprKind }: Expr): boolean {
  return exprKind.case === 'constExpr'
}

function innerOf({ exprKind }: Expr): readonly Expr[] {
  const found: (Expr | undefined)[] = []
  if (exprKind.case === 'callExpr') found.push(exprKind.value.target, ...exprKind.value.args)
  if (exprKind.case === 'selectExpr') found.push(exprKind.value.operand)
  if (exprKind.case === 'listExpr') found.push(...exprKind.value.elements)
  if (exprKind.case === 'structExpr') {
    for (const { keyKind, value } of exprKind.value.entries)
      found.push(keyKind.case === 'mapKey' ? keyKind.value : undefined, value)
  }
  return found.filter((expr) => expr !== undefined)
}
