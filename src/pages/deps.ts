/** What the pages are given by `app.ts`, and what each of them gets of a request. */
import type { Audit } from '../audit/event.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Browser, BrowserSessions } from '../identity/browser-session-store.ts'
import type { AuthorizationServer } from '../identity/oauth/model.ts'
import type { Directory } from '../portal/directory.ts'
import type { Store } from '../store/open.ts'

export interface PageDeps {
  store: Store
  audit: Audit
  clock: Clock
  log: Log
  directory: Directory
  browsers: BrowserSessions
  authorizations: AuthorizationServer
  /** The base URL under which people sign in: the public one, else loopback. */
  issuer(): string
}

/** What the listener knows of a request. */
export interface PageCaller {
  clientIp: string
  loopback: boolean
  /** The guarded Host without port, and the origin that it makes. */
  hostname: string
  origin: string
}

export interface PageCall {
  deps: PageDeps
  caller: PageCaller
  request: Request
  url: URL
  /** Named parts of the path. */
  params: Readonly<Record<string, string>>
  browser: Browser & { binding: string }
  /** The fields of a form, each once; empty for GET. */
  form: ReadonlyMap<string, string>
}

export interface PageRoute {
  method: 'GET' | 'POST'
  /** `/consent/:uid`; a part that begins with a colon is one segment. */
  path: string
  /** Answers under any host of ours; else the browser is sent to the issuer's first. */
  anyHost?: boolean
  handler(call: PageCall): Promise<Response> | Response
}
