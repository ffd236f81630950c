/** The rooms that a handler may use, as `app.ts` wires them. */
import type { Audit } from '../audit/event.ts'
import type { Upstreams } from '../upstream/model.ts'
import type { Sessions } from './sessions.ts'
import type { Toggles } from './toggles.ts'

export interface Rooms {
  audit: Audit
  upstreams: Upstreams
  toggles: Toggles
  sessions: Sessions
  /** Name and version of this program, as MCP's `Implementation`. */
  info: { name: string; title: string; version: string }
}
