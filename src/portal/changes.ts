/**
 * Tells open streams that a list changed: coalesced, and only where that caller's own list did change, judged anew at
 * each delivery. A change that a caller may not see is not even hinted at.
 */
import type { Principal } from '../base/principal.ts'
import type { CapabilityKind } from '../upstream/model.ts'
import type { Directory } from './directory.ts'
import type { Place } from './spec.ts'
import type { Toggles } from './toggles.ts'
import type { Standing, Visitors } from './visit.ts'

/** `resource` stands for resources and templates: MCP has one notification for both. */
export type ListKind = Exclude<CapabilityKind, 'template'>

export interface Feed {
  close(): void
}

export interface Listener {
  place: Place
  principal: Principal
  /** What the caller's switches hang off. */
  owner: string
  kinds: readonly ListKind[]
  changed(kind: ListKind): void
  /** The caller may no longer be here: end the stream. */
  ended(): void
}

export interface Changes {
  /** Resolves when later changes will be told. */
  follow(listener: Listener): Promise<Feed>
  close(): void
}

/** Long enough to gather a sync's or a PUT's several changes, short enough to feel immediate. */
const GATHER_MS = 50

interface Following {
  listener: Listener
  seen: Map<ListKind, string>
}

export function openChanges(directory: Directory, toggles: Toggles, visitors: Visitors): Changes {
  const followers = new Set<Following>()
  let timer: NodeJS.Timeout | null = null

  async function tell(): Promise<void> {
    timer = null
    for (const follower of [...followers]) await look(follower)
  }

  async function look(follower: Following): Promise<void> {
    const { listener } = follower
    const place = follow(listener.place, directory)
    const standing = place && (await visitors.standing(place, listener.principal, listener.owner))
    if (!followers.has(follower)) return
    if (!standing?.access.enter.allow) {
      followers.delete(follower)
      listener.ended()
      return
    }
    for (const kind of listener.kinds) {
      const now = fingerprint(standing, kind)
      if (follower.seen.get(kind) === now) continue
      follower.seen.set(kind, now)
      listener.changed(kind)
    }
  }

  function soon(): void {
    if (timer !== null || followers.size === 0) return
    timer = setTimeout(() => void tell(), GATHER_MS)
    timer.unref()
  }

  directory.onChange(soon)
  toggles.onChange(soon)

  return {
    async follow(listener) {
      const standing = await visitors.standing(listener.place, listener.principal, listener.owner)
      const seen = new Map(listener.kinds.map((kind) => [kind, fingerprint(standing, kind)]))
      const follower = { listener, seen }
      followers.add(follower)
      return { close: () => void followers.delete(follower) }
    },
    close() {
      if (timer !== null) clearTimeout(timer)
      followers.clear()
    },
  }
}

/** The same place as the portal is now; the mount by its server, whose index may have moved. */
function follow(place: Place, directory: Directory): Place | undefined {
  const spec = directory.current(place.spec.uid)
  if (!spec) return undefined
  if (place.mount === null) return { spec, mount: null }
  const uid = place.spec.servers[place.mount]?.uid
  const mount = spec.servers.findIndex((server) => server.uid === uid)
  return mount === -1 ? undefined : { spec, mount }
}

function fingerprint({ catalog, visible }: Standing, kind: ListKind): string {
  const own = catalog.list(kind, visible).fingerprint()
  return kind === 'resource' ? own + catalog.list('template', visible).fingerprint() : own
}
