/**
 * Everything that the portal holds at servers, opened together: who asks authorization servers, who keeps what they gave, and the desk
 * where people bring it about. The protocol's own library under them is read when an authorization server is first asked.
 */
import type { Clock } from '../../base/clock.ts'
import type { Egress } from '../../base/egress.ts'
import type { AssertionFor } from '../../base/identity-assertion.ts'
import type { ServerUid } from '../../base/ids.ts'
import type { Log } from '../../base/log.ts'
import type { Sealer } from '../../base/secret.ts'
import type { Store } from '../../store/open.ts'
import { openConnectDesk } from '../oauth/desk.ts'
import { openOauthWays } from '../oauth/ways.ts'
import type { ServerSetup } from '../setup.ts'
import type { ConnectDesk, PersonsOwner } from './desk-model.ts'
import { type Keeper, openKeeper } from './keeper.ts'
import type { ConnectionEvent } from './model.ts'

export interface ConnectionsDeps {
  store: Store
  /** Of the purpose `store`. */
  sealer: Sealer
  clock: Clock
  log: Log
  egress: Egress
  /** The base URL under which people come back from authorization servers. */
  issuer(): string
  /** Null where nobody can vouch for people. */
  assertionFor: AssertionFor | null
  /** A shared credential will end, has ended, or is good again. */
  notify(event: ConnectionEvent): void | Promise<void>
  /** A server as it is now. */
  setupOf(server: ServerUid): ServerSetup | undefined
  /** A person has made a connection: its lists may be read. */
  onConnected(server: ServerUid, owner: PersonsOwner): void
}

export interface Connections {
  keeper: Keeper
  desk: ConnectDesk
  close(): Promise<void>
}

/** What is due while nobody calls is seen to as often. */
const UPKEEP_MS = 60_000

export async function openConnections(deps: ConnectionsDeps): Promise<Connections> {
  const ways = openOauthWays(deps)
  const targetOf = (uid: ServerUid) => deps.setupOf(uid)?.target ?? undefined
  const keeper = openKeeper({ ...deps, ways, targetOf })
  const desk = openConnectDesk({ ...deps, ways, targetOf, serverOf: (uid) => deps.setupOf(uid)?.record })
  await keeper.follow()
  const timer = setInterval(() => {
    keeper.upkeep().catch((error: unknown) => deps.log.warn({ err: error }, 'connections could not be looked after'))
  }, UPKEEP_MS)
  timer.unref()
  return {
    keeper,
    desk,
    async close() {
      clearInterval(timer)
      await keeper.close()
      await desk.close()
    },
  }
}
