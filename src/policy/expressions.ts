/** Expressions over one call, as rules see them. Which language it is, and how it is kept from running long, is `cel.ts`. */
import type { CallFacts, Capability, Facts, Truth } from './model.ts'

export interface Expression {
  /** Never throws: what fails, is no boolean, or would take long is unknown. */
  judge(capability: Capability, call: CallFacts, facts: Facts): Truth
}

export interface Expressions {
  /** @returns in words what is wrong with it, where something is */
  compile(source: string): Expression | string
}
