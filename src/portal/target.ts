/**
 * What a request is about. A target is looked up by name for every caller alike; whether this caller may have it is
 * asked afterwards, so that a name that is somebody else's never falls through to another owner.
 */
import { type Refusal, refused } from '../base/refusal.ts'
import type { CapabilityKind } from '../upstream/model.ts'
import { hasBuiltin, isBuiltinName } from './builtin.ts'
import type { Entry } from './catalog.ts'
import type { Mode } from './context/mode.ts'
import { holderOf } from './server-uris.ts'
import { inward } from './uris.ts'
import type { Standing, Visit } from './visit.ts'

export type Target =
  /** The portal itself: lists, discovery, the built-in tools. */
  | { kind: 'portal'; name: string | null }
  | { kind: 'builtin'; name: string }
  | { kind: 'capability'; name: string; entry: Entry }
  | { kind: 'nothing'; name: string }

export const PORTAL: Target = { kind: 'portal', name: null }

/** A tool, prompt or listed resource by its public or bare name; a resource also by the one template that fits it. */
export function findTarget(
  visit: Pick<Visit, 'catalog' | 'mounted'> & { mode?: Mode },
  kind: CapabilityKind,
  name: string,
): Target {
  if (kind === 'tool' && isBuiltinName(name, visit)) return { kind: 'builtin', name }
  const entry = kind === 'resource' ? holderOf(visit.catalog, name) : visit.catalog.find(kind, name)
  return entry ? { kind: 'capability', name, entry } : { kind: 'nothing', name }
}

/** What was asked for, as the server knows it. @param uri as the caller named it */
export function ownUri(target: Target, uri: string): string {
  return target.kind === 'capability' ? inward(target.entry, uri) : uri
}

/** Who it is for, and how that one stands. */
export type Asker = Standing & Pick<Visit, 'principal'> & { mode?: Mode }

/** Whether it is there for this caller at all, before any policy is asked. */
export function offered(target: Target, visit: Asker): Refusal | undefined {
  if (target.kind === 'nothing') return refused('not-offered')
  if (target.kind === 'builtin') return hasBuiltin(target.name, visit) ? undefined : refused('not-offered')
  if (target.kind !== 'capability') return undefined
  const { enabled, hidden, server } = target.entry
  if (!enabled || hidden) return refused('not-offered')
  // A bot has no account of its own, and is never lent anybody's.
  if (server.onBehalf && visit.principal.kind !== 'user') return refused('not-offered')
  if (target.entry.held) return refused('held')
  if (visit.switchedOff.has(target.entry.server.uid)) return refused('switched-off')
  return undefined
}
