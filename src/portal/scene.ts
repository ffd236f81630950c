/** One deed that may be performed: who asks, what for, and what is at hand. */
import type { DeedId } from '../base/ids.ts'
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
}
