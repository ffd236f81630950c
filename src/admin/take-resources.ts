/** How a server's resources are shown, as it is sent and as it is shown. */
import type { ResourcesInput } from '../contract/server.ts'
import { DEFAULT_RESOURCES, type ResourceSettings } from '../upstream/model.ts'

/**
 * What is left out stays, also of single members.
 *
 * @param sent null: as for all servers again
 */
export function takeResources(before: ResourceSettings, sent: ResourcesInput | null | undefined): ResourceSettings {
  if (sent === null) return DEFAULT_RESOURCES
  return { uris: sent?.uris ?? before.uris, cache: sent?.cache ?? before.cache }
}
