/** One deed that may be performed: who asks, what for, and what is at hand. */
import type { DeedEnd } from '../audit/event.ts'
import type { DeedId } from '../base/ids.ts'
import type { JsonObject } from '../protocol/model.ts'
import type { CallPlace } from './call-place.ts'
import type { Errand } from './errand.ts'
import type { Rooms } from './rooms.ts'
import type { Target } from './target.ts'
import type { Visit } from './visit.ts'

export interface Scene {
  visit: Visit
  errand: Errand
  rooms: Rooms
  target: Target
  /** The deed's own id in the audit; a question is part of it. */
  deed: DeedId
  /** What the server would be given; null where rules have nothing to look at. */
  input: JsonObject | null
  /** What the audit will be told when it has ended. */
  end: DeedEnd
  /** Only a bypass let the caller in: no stored credential is used, unless the server says so. */
  isBypassed: boolean
  /** What policies asked for before this very call, and got: what waits at a server is not asked for it twice. */
  met?: readonly string[]
  /** It goes on with what a deed before it began, see `Deed`. */
  goesOn?: boolean
  /** Its place among the calls at one time, where there is a limit to them. */
  place?: CallPlace
  /** To be called after a wait. @throws RefusedLater where this would be refused now */
  decideAgain(): Promise<void>
}
