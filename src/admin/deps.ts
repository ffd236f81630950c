/** What the REST API is given by `app.ts`. */
import type { Audit } from '../audit/event.ts'
import type { Clock } from '../base/clock.ts'
import type { Egress } from '../base/egress.ts'
import type { PortalUid, ServerUid } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { PersonOperator, TokenOperator } from '../base/principal.ts'
import type { Sealer } from '../base/secret.ts'
import type { Config } from '../config.ts'
import type { BrowserShown } from '../identity/operators.ts'
import type { FactsKeeper } from '../policy/facts.ts'
import type { Directory } from '../portal/directory.ts'
import type { Store } from '../store/open.ts'
import type { ChildRules } from '../upstream/child-rules.ts'
import type { Upstreams } from '../upstream/model.ts'
import type { HeldAnswers } from './held-answers.ts'
import type { ShownConfig } from './settings.ts'

export interface AdminDeps {
  store: Store
  /** For the purpose `store`. */
  sealer: Sealer
  upstreams: Pick<Upstreams, 'sync' | 'serversChanged' | 'health' | 'desk' | 'inventory' | 'probe' | 'children'>
  /** Says what speaks against an address before it is dialled; a provider is tried through it. */
  egress: Egress
  /** The portals as they are now; questions about policies are answered by them. */
  directory: Pick<Directory, 'all' | 'byId' | 'byHostname' | 'catalog'>
  facts: FactsKeeper
  audit: Audit
  /** Answers that last; whoever opens the rooms ends them before the listener closes. */
  held: HeldAnswers
  clock: Clock
  log: Log
  config: Pick<Config, 'accountId'> & ShownConfig & { stdio: Pick<Config['stdio'], 'register' | keyof ChildRules> }
  /** Of the program. */
  version: string
  /** The file that declares objects, for the sentence that refuses to change them. */
  configFile: string | null
  /** What lost a name in a portal, in words for its admin. */
  lostNames(portal: PortalUid): readonly string[]
  /** Public names of the tools of other servers, in all portals that this server is in, with the server that has each. */
  namesBeside(server: ServerUid): ReadonlyMap<string, string>
  /** @returns null for anything that is not a live API token */
  authenticate(authorization: string | null): Promise<TokenOperator | null>
  /** @returns null where no page of ours sent it or nobody is signed in; `no-role` for a person who may not work on the portal */
  authenticatePerson(shown: BrowserShown): Promise<PersonOperator | 'no-role' | null>
  /** The base URL under which people sign in. */
  issuer(): string
}

/** What the door knows of the connection. */
export interface Caller {
  clientIp: string | null
  /** The connection comes from this machine itself, and no proxy forwarded it. */
  loopback: boolean
}
