/**
 * Who may keep a copy of what was read, as its server hints (SEP-2549, `cacheScope`). The hint goes on to the client, and whatever
 * stands in front of the portal may go by it: a copy that everybody may keep is given out there without the portal being asked.
 * So it is said on only of what anybody at all is given here, without a word of theirs.
 */
import { roundOf } from '../protocol/era-2026/question.ts'
import type { Entry } from './catalog.ts'
import type { Performed } from './checkpoint.ts'
import type { Scene } from './scene.ts'

/** The same, with who may keep it where that is not its caller alone. */
export function withKeepers(done: Performed, entry: Entry, scene: Scene): Performed {
  const { reply } = done
  if (reply.kind !== 'raw') return done
  // What questions and answers led to is good for this once (SEP-2322).
  if (roundOf(scene.errand.request.params) !== null) return { ...done, reply: { ...reply, keepers: 'nobody' } }
  return isForEverybody(entry, scene) ? { ...done, reply: { ...reply, keepers: 'everybody' } } : done
}

/**
 * 1. An admin says that this server may be believed. 2. It speaks the revision that has the hint. 3. Nobody is called here, by nobody's
 * own account and in nobody's own session. 4. No rule of the portal looks at where a call comes from, at what was called before, at the
 * time, or asks others: whoever comes next is given the same.
 */
function isForEverybody({ server }: Entry, { visit, rooms }: Scene): boolean {
  const { resources, onBehalf, isolation, uid } = server
  if (resources.cache !== 'as_told' || rooms.upstreams.inventory(uid)?.era !== '2026') return false
  const isShared = isolation === 'shared' || isolation === 'per_credential'
  if (visit.principal.kind !== 'anonymous' || onBehalf || !isShared) return false
  const { asked } = visit.spec
  return !asked.origin && asked.external.length === 0 && visit.until === Infinity && !rooms.flow.isWatched(visit.spec)
}
