/** What the room is given by `app.ts`. */
import type { Clock } from '../base/clock.ts'
import type { Egress } from '../base/egress.ts'
import type { AssertionFor } from '../base/identity-assertion.ts'
import type { Log } from '../base/log.ts'
import type { Sealer } from '../base/secret.ts'
import type { Config } from '../config.ts'
import type { Store } from '../store/open.ts'
import type { ConnectionEvent } from './connections/model.ts'
import type { PortalInfo } from './encode.ts'
import type { Limits } from './exchange.ts'
import type { RecordHeld } from './held-notices.ts'
import type { AssertFor } from './model.ts'

export interface UpstreamsDeps {
  store: Store
  /** Of purpose `store`. */
  sealer: Sealer
  clock: Clock
  log: Log
  config: Pick<Config, 'stdio' | 'data'>
  portalInfo: PortalInfo
  /** Keeps in the audit that definitions are held. */
  recordHeld: RecordHeld
  /** The one guard for connections to addresses. */
  egress: Egress
  /** The base URL under which people come back from authorization servers. */
  issuer(): string
  /** The word of people's identity providers; null where there is none. */
  assertionFor: AssertionFor | null
  /** A shared credential will end, has ended, or is good again. */
  notify(event: ConnectionEvent): void | Promise<void>
  /** Says who calls, signed, to the servers that ask. */
  assertFor: AssertFor
  /** Shorter patience for tests; everything else has its defaults. */
  limits?: Partial<Limits>
}
