/**
 * Whether a caller may hear that a resource changed, as of now: exactly whoever may read it, by the same names, switches and policies.
 * Nothing is recorded here and nobody is asked: the deed was done when the caller said what it wants to hear of.
 */
import type { Upstreams } from '../upstream/model.ts'
import { allowedToHear } from './allowed.ts'
import { isObject } from './read-params.ts'
import type { ServerSpec } from './spec.ts'
import { type Asker, findTarget, offered, ownUri } from './target.ts'
import type { Standing } from './visit.ts'

export interface MayHear {
  server: ServerSpec
  /** What the server calls it. */
  own: string
  /** Only a bypass lets the caller in. */
  isBypassed: boolean
  /** A policy asks for something beside a yes, such as an approval: of whoever reads it, each time. */
  hasTerms: boolean
}

/** @returns null where a read would be refused, for whatever reason */
export function mayHear(caller: Asker, uri: string): MayHear | null {
  const target = findTarget(caller, 'resource', uri)
  if (target.kind !== 'capability' || offered(target, caller)) return null
  const own = ownUri(target, uri)
  const ruling = allowedToHear({ visit: caller, target, input: { uri: own } })
  if (ruling.kind === 'refused') return null
  const { isBypassed, terms } = ruling
  return { server: target.entry.server, own, isBypassed, hasTerms: terms.length > 0 }
}

/** Whether a server said that it tells of changes, as far as this caller knows it. @param index in portal order */
export function tellsOfChanges(
  { spec, own }: Pick<Standing, 'spec' | 'own'>,
  index: number,
  upstreams: Pick<Upstreams, 'inventory'>,
): boolean {
  const server = spec.servers[index]
  const inventory = own.get(index) ?? (server && upstreams.inventory(server.uid))
  const resources = inventory?.capabilities.resources
  return isObject(resources) && resources.subscribe === true
}
