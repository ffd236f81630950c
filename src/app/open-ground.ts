/** The lower floors, which every other room stands on: database, audit, keys, the way out. Part of `app.ts`; it decides nothing. */
import { openAudit } from '../audit/log.ts'
import { systemClock } from '../base/clock.ts'
import { openEgress } from '../base/egress.ts'
import type { Log } from '../base/log.ts'
import { openSealer } from '../base/secret.ts'
import type { Config } from '../config.ts'
import { openSigningKeys } from '../identity/assertions/keys.ts'
import { openBrowserSessions } from '../identity/browser-session-store.ts'
import { openOrganization } from '../identity/organization.ts'
import { proveKey } from '../store/key-check.ts'
import { openStore } from '../store/open.ts'
import type { Openings } from './openings.ts'

const PROXY_GUARDS =
  'requests to other machines go through the proxy in outbound.proxy, which resolves names and so decides which of them may be reached; addresses that are private as written are refused here'

export type Ground = Awaited<ReturnType<typeof openGround>>

export async function openGround(config: Config, log: Log, openings: Openings) {
  const clock = systemClock
  const { data: dir, databaseUrl, host, publicUrl } = config
  const store = openings.own(await openStore({ dir, databaseUrl, clock, log }))
  const audit = openings.own(await openAudit({ dir, databaseUrl, ...config.audit, keys: config.keys, clock, log }))
  const sealer = openSealer(config.keys, 'store')
  await proveKey(store, sealer)
  // What is known of ourselves only later: the port when we listen, the names when the portals are read.
  const own = { port: config.port || null, hasName: (_name: string) => false }
  const itself = { host, publicUrl, port: () => own.port, isOwnName: (name: string) => own.hasName(name) }
  const egress = openings.own(openEgress({ ...itself, ...config.outbound }))
  if (config.outbound.proxy !== null) log.info(PROXY_GUARDS)
  const issuer = () => publicUrl ?? `http://${host === '::1' ? '[::1]' : '127.0.0.1'}:${own.port}`
  const organization = openings.own(await openOrganization(store, log))
  const rotation = () => organization.current().keyRotation
  const keys = openings.own(await openSigningKeys({ store, sealer, clock, log, rotation }))
  const browsers = openBrowserSessions(store, issuer)
  return { config, clock, log, store, audit, sealer, own, egress, issuer, organization, keys, browsers }
}
