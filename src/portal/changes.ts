/**
 * Tells open streams that a list changed: coalesced, and only where that caller's own list did change, judged anew at
 * each delivery, and when a policy begins or ends by itself. A change that a caller may not see is not even hinted at.
 */
import type { Clock } from '../base/clock.ts'
import { type Principal, principalKey } from '../base/principal.ts'
import { digest } from '../base/secret.ts'
import type { Origin } from '../policy/model.ts'
import type { CapabilityKind } from '../upstream/model.ts'
import { fingerprintIn } from './context/list-mode.ts'
import { type AskedMode, modeOf } from './context/mode.ts'
import type { Directory } from './directory.ts'
import type { Place } from './spec.ts'
import type { Toggles } from './toggles.ts'
import type { Standing, Visitors } from './visit.ts'

/** `resource` stands for resources and templates: MCP has one notification for both. */
export type ListKind = Exclude<CapabilityKind, 'template'>

export interface Feed {
  /** What was told so far, as a short text: whoever follows from it later is told what changed meanwhile, at whatever replica. */
  mark(): string
  close(): void
}

export interface Listener {
  place: Place
  principal: Principal
  /** What the caller's switches hang off. */
  owner: string
  /** Where the stream was opened from. */
  origin: Origin
  kinds: readonly ListKind[]
  /** How much of the tools it is shown depends on it, and on the portal as it is at the time. */
  asked: AskedMode
  /** Where the caller's last stream ended, as its `mark` was; text of the caller's, which is compared and no more. */
  since?: string
  /** @param mark what has been told with this, as `Feed.mark` has it */
  changed(kind: ListKind, mark: string): void
  /** Something changed, and so the caller stands now. */
  seen?(standing: Standing): void
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
/** A timer takes no longer one, and clocks are set. */
const MOST_SLEEP_MS = 3_600_000

interface Following {
  listener: Listener
  /** Whose own lists it is about, beside everybody's: `user:<id>`. */
  whose: string
  seen: Map<ListKind, string>
  /** Milliseconds since 1970 when time alone may change them. */
  until: number
}

export function openChanges(directory: Directory, toggles: Toggles, visitors: Visitors): Changes {
  const followers = new Set<Following>()
  let timer: NodeJS.Timeout | null = null
  const alarm = openAlarm(visitors.clock, () => {
    const now = visitors.clock.now()
    return lookAll(({ until }) => until <= now)
  })
  /** Whom the gathered changes concern. */
  let concerned: Set<string> | 'everybody' = new Set()

  async function tell(): Promise<void> {
    timer = null
    const whom = concerned
    concerned = new Set()
    await lookAll(({ whose }) => whom === 'everybody' || whom.has(whose))
  }

  async function lookAll(isMeant: (follower: Following) => boolean): Promise<void> {
    for (const follower of [...followers]) {
      if (isMeant(follower)) await look(follower)
    }
    let next = Number.POSITIVE_INFINITY
    for (const { until } of followers) next = Math.min(next, until)
    alarm.setFor(next)
  }

  async function look(follower: Following): Promise<void> {
    const { listener } = follower
    const place = follow(listener.place, directory)
    // Of whom it cannot be told whether they may still be here, they may not: they come again.
    const standing = place && (await visitors.standing(place, listener).catch(() => undefined))
    if (!followers.has(follower)) return
    if (!standing?.access.enter.allow) {
      followers.delete(follower)
      listener.ended()
      return
    }
    follower.until = standing.until
    listener.seen?.(standing)
    for (const kind of listener.kinds) {
      const now = fingerprint(standing, kind, listener.asked)
      if (follower.seen.get(kind) === now) continue
      follower.seen.set(kind, now)
      listener.changed(kind, markOf(follower))
    }
  }

  /** @param whose of one person alone, or null */
  function soon(whose: string | null): void {
    if (followers.size === 0) return
    if (whose === null) concerned = 'everybody'
    else if (concerned !== 'everybody') concerned.add(whose)
    if (timer !== null) return
    timer = setTimeout(() => void tell(), GATHER_MS)
    timer.unref()
  }

  directory.onChange(soon)
  toggles.onChange(() => soon(null))

  return {
    async follow(listener) {
      const standing = await currentStanding(listener, { directory, visitors })
      const { until } = standing
      const seen = new Map(listener.kinds.map((kind) => [kind, fingerprint(standing, kind, listener.asked)]))
      const follower = { listener, whose: principalKey(listener.principal), seen, until }
      // The right to be here may have gone while the stream was being opened.
      if (!standing.access.enter.allow) listener.ended()
      else {
        followers.add(follower)
        tellMissed(follower)
      }
      alarm.setFor(until)
      return { mark: () => markOf(follower), close: () => void followers.delete(follower) }
    },
    close() {
      if (timer !== null) clearTimeout(timer)
      alarm.stop()
      followers.clear()
    },
  }
}

/** The lists that are others than when an earlier stream of the caller's ended. What is no mark of such lists says that all may be. */
function tellMissed(follower: Following): void {
  const { listener, seen } = follower
  if (listener.since === undefined) return
  const before = listener.since.split('.')
  listener.kinds.forEach((kind, at) => {
    if (before[at] !== shortly(seen.get(kind))) listener.changed(kind, markOf(follower))
  })
}

function markOf({ listener, seen }: Following): string {
  return listener.kinds.map((kind) => shortly(seen.get(kind))).join('.')
}

/** Enough of a digest to see that a list is another one; who sees it has the list. */
function shortly(fingerprint: string | undefined): string {
  return digest(fingerprint ?? '').slice(0, 16)
}

/** Nothing changed while it was worked out: what changes from now on is told. */
async function currentStanding(
  listener: Listener,
  { directory, visitors }: { directory: Directory; visitors: Visitors },
): Promise<Standing> {
  for (;;) {
    const { epoch } = directory
    const standing = await visitors.standing(listener.place, listener)
    if (directory.epoch === epoch) return standing
  }
}

/** Rings at the earliest of the times that it was set for; whoever it wakes sets it anew. */
function openAlarm(clock: Clock, ring: () => Promise<void>) {
  let timer: NodeJS.Timeout | null = null
  let at = Number.POSITIVE_INFINITY
  const stop = () => {
    if (timer !== null) clearTimeout(timer)
    timer = null
    at = Number.POSITIVE_INFINITY
  }
  return {
    stop,
    /** @param time milliseconds since 1970; infinite for never */
    setFor(time: number) {
      if (time >= at) return
      stop()
      at = time
      // A timer may be early by a part of a millisecond, and what is decided then would be as before.
      const wait = Math.min(Math.max(time - clock.now() + 1, 1), MOST_SLEEP_MS)
      timer = setTimeout(() => {
        stop()
        void ring()
      }, wait)
      timer.unref()
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

function fingerprint({ catalog, visible, spec }: Standing, kind: ListKind, asked: AskedMode): string {
  const list = catalog.list(kind, visible)
  if (kind === 'tool') return fingerprintIn(modeOf(asked, spec), list)
  return list.fingerprint() + (kind === 'resource' ? catalog.list('template', visible).fingerprint() : '')
}
