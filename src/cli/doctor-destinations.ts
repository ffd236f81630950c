/**
 * Which servers stand where the portal, with these settings, does not connect to. A server that was added while nobody else
 * could reach the portal is closed once it is published, and then it only "cannot be reached". It judges with the portal's
 * own guard, by the address as it is written: what a name leads to, the guard alone finds out, when it connects.
 */
import { parsePlace } from '../base/destination.ts'
import { type Egress, openEgress } from '../base/egress.ts'
import { ConfigError } from '../config/config-error.ts'
import type { Settings } from '../config.ts'
import { placeIn, type Server } from './add-server.ts'
import type { Context } from './context.ts'
import { type Finding, problem } from './finding.ts'
import { one, PATHS } from './paths.ts'

/** Only these are opened by `allow_private`; the others are refused where the server is added. */
const OPENED_BY_NAME: readonly (string | null)[] = ['loopback', 'private']

/** @param servers as the portal has them */
export function checkDestinations(context: Context, servers: readonly Server[]): Finding[] {
  const settings = settingsOf(context)
  if (settings === null) return []
  const { host, port, public_url: publicUrl } = settings.values
  const here = { host, publicUrl, port: () => port, isOwnName: () => false }
  const egress = openEgress({ ...here, proxy: null, noProxy: [] })
  return servers.filter((server) => isClosed(egress, server)).map((server) => closed(context, server))
}

function isClosed(egress: Egress, { hostname, transport, allow_private }: Server): boolean {
  if (transport !== undefined) return false
  const allowed = allow_private.map(parsePlace).filter((place) => place !== null)
  return OPENED_BY_NAME.includes(egress.judge(new URL(hostname), allowed))
}

function closed(context: Context, { id, origin, hostname, allow_private: already }: Server): Finding {
  const place = placeIn(hostname)
  const places = JSON.stringify([...already, place])
  const address = `${context.url()}/client/v4/accounts/${context.options.account}${one(PATHS.servers, id)}`
  return problem(
    `server ${id}`,
    `${place} is this machine or inside your network, and this portal connects there only where allow_private says so`,
    origin === 'file'
      ? `In its entry in the configuration file: allow_private: ${places}`
      : `curl -X PUT ${quoted(address)} -H 'Authorization: Bearer OWNER_TOKEN' -H 'Content-Type: application/json' -d ${quoted(`{"allow_private":${places}}`)}`,
  )
}

/** For a shell: a host name may hold quotes and dollar signs, and somebody else may have chosen it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** Settings that cannot be read are told by their own check. */
function settingsOf(context: Context): Settings | null {
  try {
    return context.settings()
  } catch (error) {
    if (error instanceof ConfigError) return null
    throw error
  }
}
