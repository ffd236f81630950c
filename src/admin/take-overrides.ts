/** Overrides on their way in: as they are stored, without two capabilities of one server sharing a name. */
import {
  type CapabilityOverride,
  type CapabilityOverrideInput,
  overrideClash,
  overrideFor,
} from '../contract/capability-override.ts'
import { invalid } from './refusal.ts'

/**
 * @param path where the list stands in the body, for the sentence of a refusal
 * @param originals the names that the server is known to have
 * @returns null where none was sent
 * @throws ApiRefusal 400
 */
export function takeOverrides(
  level: 'server' | 'portal',
  input: readonly CapabilityOverrideInput[] | null | undefined,
  path: string,
  originals: readonly { name: string }[] = [],
): readonly CapabilityOverride[] | null {
  if (input === null || input === undefined) return null
  const overrides = input.map((entry) => overrideFor(level, entry))
  const clash = overrideClash(overrides, new Set(originals.map((original) => original.name)))
  if (clash !== null) throw invalid(`${path}.${clash.index}.${clash.field}`, `${clash.message}; choose another`)
  return overrides
}
