/**
 * Portals behind portals. Each call says how many it went through, and each list that a portal gives to another how many
 * its entries came through, so that portals that stand behind themselves, however far round, neither call nor list one
 * another for ever. Nobody gains by a wrong count: a smaller one ends at the next portal that counts.
 */
import type { Json } from './model.ts'

/** As many portals may stand in a row. */
export const MOST_PORTALS = 3

/** In the `_meta` of a request. */
export const HOP_KEY = 'dev.portico/hop'

/** In the `_meta` of a list's result, where another portal asked for it. */
export const DEPTH_KEY = 'dev.portico/depth'

/** @returns the count; what is none is more than any, because no portal wrote it */
export function countOf(value: Json | undefined): number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : Number.MAX_SAFE_INTEGER
}
