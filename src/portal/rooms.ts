/** The rooms that a handler may use, as `app.ts` wires them. */
import type { Audit } from '../audit/event.ts'
import type { Budget, Sandbox } from '../sandbox/model.ts'
import type { Upstreams } from '../upstream/model.ts'
import type { Announcements } from './announce.ts'
import type { Turns } from './code-mode/turns.ts'
import type { CallNested } from './context/nested.ts'
import type { ToolViews } from './context/tool-views.ts'
import type { DemandRooms } from './demands.ts'
import type { Flow } from './flow.ts'
import type { Limits } from './limits.ts'
import type { ParkDesk } from './park-desk.ts'
import type { Parks } from './parks.ts'
import type { Questions } from './questions.ts'
import type { SessionSubscriptions } from './session-subscriptions.ts'
import type { Sessions } from './sessions.ts'
import type { TaskHandles } from './task-handles.ts'
import type { Toggles } from './toggles.ts'

export interface Rooms {
  audit: Audit
  upstreams: Upstreams
  toggles: Toggles
  sessions: Sessions
  questions: Questions
  /** Tasks of servers, by what their callers have in the place of the servers' ids. */
  tasks: TaskHandles
  /** Calls that wait here for their caller to answer a server. */
  parks: Parks
  /** And those that wait in another process. */
  desk: ParkDesk
  /** What sessions of 2025 want to hear of. */
  subscriptions: SessionSubscriptions
  announcements: Announcements
  /** Who sees which tools, for searches and code. */
  toolViews: ToolViews
  /** A tool as part of another call; here, because the portal's own tools make such calls and are themselves called so. */
  callNested: CallNested
  /** Where code of models is run, and what one run of it may use. */
  sandbox: Sandbox
  codeBudget: Budget
  /** How many runs of it one caller may have. */
  turns: Turns
  limits: Limits
  flow: Flow
  /** What policies ask for beside being allowed. */
  demands: DemandRooms
  /** Where links to the portal's own pages begin. */
  links: Links
  /** How long a call waits for its person to connect an account: in one turn (2026), and in all (2025). Milliseconds. */
  patience: { turnMs: number; wholeMs: number }
  /** Name and version of this program, as MCP's `Implementation`. */
  info: { name: string; title: string; version: string }
}

export interface Links {
  /** The base URL under which people sign in, without trailing slash. */
  issuer(): string
  /** Whether a host is the portal's own, by whatever name. */
  isOwnHost(host: string): boolean
}
