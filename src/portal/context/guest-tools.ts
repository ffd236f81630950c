/** Tools as code calls them. */
import type { Entry } from '../catalog.ts'
import { type GuestNames, guestNames } from './guest-names.ts'

export interface GuestTools {
  /** By what they are called in code. */
  byName: ReadonlyMap<string, Entry>
  /** What they are called in code, by public name. */
  names: GuestNames
  /** What they are called in code, in portal order. */
  functions: readonly string[]
}

/** @param entries each public name once */
export function guestToolsOf(entries: readonly Entry[]): GuestTools {
  const names = guestNames(entries.map(({ publicName }) => publicName))
  const byName = new Map(entries.map((entry) => [names.get(entry.publicName) ?? '', entry]))
  return { byName, names, functions: [...byName.keys()] }
}
