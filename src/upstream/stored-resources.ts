/** How a server's resources are shown, at rest: nothing is stored where an admin said nothing else than holds for all. */
import { fromJson } from '../store/columns.ts'
import { DEFAULT_RESOURCES, type ResourceSettings } from './model.ts'

export function resourcesText({ uris, cache }: ResourceSettings = DEFAULT_RESOURCES): string | null {
  const text = JSON.stringify({ uris, cache })
  return text === JSON.stringify(DEFAULT_RESOURCES) ? null : text
}

/** A member that an older program did not know is as for all servers. */
export function readResources(text: string | null): ResourceSettings {
  return text === null ? DEFAULT_RESOURCES : { ...DEFAULT_RESOURCES, ...fromJson<Partial<ResourceSettings>>(text) }
}
