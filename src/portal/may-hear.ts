/**
 * Whether a caller may hear that a resource changed, as of now: exactly whoever may read it, by the same names, switches and policies.
 * Nothing is recorded here and nobody is asked: the deed was done when the caller said what it wants to hear of.
 */
import { allowedToHear } from './allowed.ts'
import type { ServerSpec } from './spec.ts'
import { type Asker, findTarget, offered } from './target.ts'

export interface MayHear {
  server: ServerSpec
  /** The server's own name of it. */
  uri: string
  /** Only a bypass lets the caller in. */
  isBypassed: boolean
  /** A policy asks for something beside a yes, such as an approval: of whoever reads it, each time. */
  hasTerms: boolean
}

/** @returns null where a read would be refused, for whatever reason */
export function mayHear(caller: Asker, uri: string): MayHear | null {
  const target = findTarget(caller, 'resource', uri)
  if (target.kind !== 'capability' || offered(target, caller)) return null
  const ruling = allowedToHear({ visit: caller, target, input: { uri } })
  if (ruling.kind === 'refused') return null
  const { isBypassed, terms } = ruling
  return { server: target.entry.server, uri, isBypassed, hasTerms: terms.length > 0 }
}
