/** The tools that stand beside a server's own in its portals: a definition that speaks of one of them is worth a look. */
import type { ServerUid } from '../base/ids.ts'
import type { Directory } from './directory.ts'

/** @returns public names of other servers' tools, with the id of the server that has each */
export function namesBeside(directory: Directory, server: ServerUid): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  for (const spec of directory.all()) {
    if (!spec.servers.some(({ uid }) => uid === server)) continue
    for (const entry of directory.catalog({ spec, mount: null }).entries('tool')) {
      if (entry.server.uid !== server) names.set(entry.publicName, entry.server.id)
    }
  }
  return names
}
