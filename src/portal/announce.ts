/**
 * New servers are told of once, all together, to each client that a person let in: what its grant was told of is written
 * down. It stops nothing and asks nothing: it is a remark beside what the portal's own tools and pages say anyway.
 */
import type { ServerUid } from '../base/ids.ts'
import type { Store } from '../store/open.ts'
import { readAnnounced, saveAnnounced } from './announce-store.ts'

export interface Announcements {
  /**
   * @param visible what the policies let the caller reach, switched on or not
   * @returns those of them that the grant was not told of until now; nothing for a grant that nobody signed in for, and the first time
   */
  take(grant: string, visible: readonly ServerUid[]): Promise<ReadonlySet<ServerUid>>
}

const NOTHING: ReadonlySet<ServerUid> = new Set()

export function openAnnouncements(store: Store): Announcements {
  return {
    async take(grant, visible) {
      const before = await readAnnounced(store, grant)
      if (before === undefined) return NOTHING
      const known = new Set(before.known)
      const fresh = visible.filter((uid) => !known.has(uid))
      if (fresh.length === 0 && before.text !== null) return NOTHING
      // What was told of once stays so while it is away, so that it is not told of again when it is back.
      const isOurs = await saveAnnounced(store, grant, before, [...known, ...fresh])
      return isOurs && before.text !== null ? new Set(fresh) : NOTHING
    },
  }
}
