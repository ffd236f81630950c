/** Which portal or server a body means: an application is bound to one that there is. */
import type { AppCreate, AppUpdate } from '../contract/access-app.ts'
import type { AccessApp } from './access-app-store.ts'
import { invalid } from './refusal.ts'
import { hostnameOf } from './show-app.ts'

export function isPlaced({ domain, self_hosted_domains: domains, destinations }: AppUpdate): boolean {
  return Boolean(domain) || (domains ?? []).length > 0 || (destinations ?? []).length > 0
}

/**
 * The portal or server that a body speaks of.
 *
 * @throws ApiRefusal 400 where it speaks of none, or of several
 */
export function meantBy(apps: readonly AccessApp[], body: AppCreate): AccessApp {
  const destinations = body.destinations ?? []
  if (body.type === 'mcp') {
    const named = destinations.flatMap((one) => ('mcp_server_id' in one ? [one.mcp_server_id] : []))
    if (named.length !== 1 || destinations.length !== 1) {
      throw invalid('destinations', 'name the one server: [{"type":"via_mcp_server_portal","mcp_server_id":"…"}]')
    }
    const app = apps.find(({ type, object }) => type === 'mcp' && object.id === named[0])
    if (app === undefined) throw invalid('destinations.0.mcp_server_id', 'names no server; create it first')
    return app
  }
  const uris = destinations.map((one) => ('uri' in one ? one.uri : null))
  if (uris.includes(null)) throw invalid('destinations', 'a portal has its own servers; name them there')
  const hosts = new Set(
    [body.domain, ...(body.self_hosted_domains ?? []), ...uris].flatMap((text) => (text ? [hostIn(text)] : [])),
  )
  const [host, ...others] = [...hosts]
  if (host === undefined) throw invalid('domain', 'is required: the hostname of the portal')
  if (others.length > 0) throw invalid('domain', 'a portal has one hostname, and here are several')
  const app = apps.find((one) => hostnameOf(one) === host)
  if (app === undefined) throw invalid('domain', 'is the hostname of no portal; create the portal first')
  return app
}

/** Of `mcp.example.com/mcp` the host. */
function hostIn(text: string): string {
  return text
    .replace(/^https?:\/\//i, '')
    .replace(/[/:].*$/, '')
    .toLowerCase()
}
