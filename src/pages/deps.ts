/** What the pages are given by `app.ts`, and what each of them gets of a request. */
import type { Audit } from '../audit/event.ts'
import type { Clock } from '../base/clock.ts'
import type { ServerUid } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { Sealer } from '../base/secret.ts'
import type { Browser, BrowserSessions } from '../identity/browser-session-store.ts'
import type { Local } from '../identity/local/model.ts'
import type { AuthorizationServer } from '../identity/oauth/model.ts'
import type { OrganizationKeeper } from '../identity/organization.ts'
import type { Providers } from '../identity/providers/providers.ts'
import type { AccessKeeper } from '../portal/access.ts'
import type { Announcements } from '../portal/announce.ts'
import type { Directory } from '../portal/directory.ts'
import type { Questions } from '../portal/questions.ts'
import type { Toggles } from '../portal/toggles.ts'
import type { OwnAccounts } from '../portal/visit.ts'
import type { Store } from '../store/open.ts'
import type { ConnectDesk } from '../upstream/connections/desk-model.ts'
import type { ServerHealth } from '../upstream/model.ts'

export interface PageDeps {
  store: Store
  /** For the purpose `store`. */
  sealer: Sealer
  audit: Audit
  clock: Clock
  log: Log
  directory: Directory
  /** What somebody may do in a portal. */
  accesses: AccessKeeper
  browsers: BrowserSessions
  organization: Pick<OrganizationKeeper, 'current'>
  authorizations: Omit<AuthorizationServer, 'handle'>
  providers: Pick<Providers, 'offered' | 'start' | 'callback'>
  local: Pick<
    Local,
    | 'offersPassword'
    | 'offersPin'
    | 'signIn'
    | 'sendPin'
    | 'enterPin'
    | 'readAdminLink'
    | 'consumeAdminLink'
    | 'readPasswordLink'
    | 'consumePasswordLink'
  >
  /** Where people connect their accounts at servers, and end that. */
  desk: ConnectDesk
  /** What those accounts list. */
  accounts: OwnAccounts
  selection: SelectionWays
  setUp: SetUpWays
  /** The base URL under which people sign in: the public one, else loopback. */
  issuer(): string
}

/** Switching servers, as far as a page needs it. */
export interface SelectionWays {
  questions: Questions
  toggles: Toggles
  announcements: Announcements
  health(server: ServerUid): ServerHealth
}

/** What the set-up pages need beside the rest. */
export interface SetUpWays {
  /**
   * Asks the REST API in the name of the person whose browser this is: its checks, its rights, its audit. A change only ever for a form
   * whose token was found to be our own.
   */
  ask(call: Pick<PageCall, 'request' | 'caller'>, wish: Wish): Promise<Told>
  publicUrl: {
    /** In force now. */
    now: string | null
    /** The flag, variable or line of the file that settles it, or null where the set-up may. */
    fixedBy: string | null
    /** Whether others can reach the listener, so that nothing but https will do. */
    needsHttps: boolean
    /** In force from the next start on, as far as the set-up may say so. */
    next(): string | null
    /** @param url checked; null takes it away */
    store(url: string | null): void
    /** Where it is kept. */
    file: string
  }
  hasMail: boolean
  /** Whether somebody can sign in as owner. */
  hasOwner(): Promise<boolean>
}

export interface Wish {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below the account. */
  path: string
  body?: unknown
}

/** The envelope of the REST API, as far as a page needs it. */
export type Told =
  | { ok: true; result: unknown; messages: readonly string[] }
  | { ok: false; status: number; problems: readonly string[] }

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
  /** What was asked for, under the issuer, whatever host was asked. */
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
