/** The identifiers of portals as OAuth knows them (RFC 8707): each of a portal's own addresses means that portal, and nothing else does. */
import type { PortalId } from '../base/ids.ts'
import type { Directory } from './directory.ts'
import type { PortalSpec } from './spec.ts'

export interface Resources {
  /** @param resource an absolute URI, as a client wrote it @returns null where it is none of ours */
  portalOf(resource: string): PortalSpec | null
  /** @param host a guarded Host header @returns the address of the portal that is meant when nobody names one */
  fallback(host: string): string
}

export interface Addresses {
  /** The base URL without a slash at its end. */
  issuer: string
  /** The name in a Host header, or null where it is none that we answer to. */
  hostname(header: string): string | null
  originOf(host: string, hostname: string): string
}

const BY_HOST = new Set(['/mcp', '/mcp/', '/'])
const BY_PATH = /^\/p\/([a-z0-9_-]{1,32})(?:\/s\/[a-z0-9_-]{1,32})?\/mcp\/?$/
const DEFAULT_HOSTNAME = 'localhost'

/** A client that names its portal by the address that it was given means the same portal, whatever that says of how tools are shown. */
function isOfMode(query: URLSearchParams): boolean {
  return [...query.keys()].every((key) => key === 'codemode' || key === 'optimize_context')
}

export function resourcesOf(directory: Directory, { issuer, hostname, originOf }: Addresses): Resources {
  return {
    portalOf(resource) {
      const url = URL.parse(resource)
      if (url === null || url.hash !== '' || url.username !== '' || url.password !== '') return null
      if (!isOfMode(url.searchParams)) return null
      const name = hostname(url.host)
      if (name === null || url.origin !== originOf(url.host, name)) return null
      // The root, as clients name a resource whose metadata they found there.
      if (BY_HOST.has(url.pathname)) return directory.byHostname(name) ?? directory.byHostname(DEFAULT_HOSTNAME) ?? null
      const id = BY_PATH.exec(url.pathname)?.[1]
      return id === undefined ? null : (directory.byId(id as PortalId) ?? null)
    },
    fallback(host) {
      const name = hostname(host)
      return name === null ? `${issuer}/mcp` : `${originOf(host, name)}/mcp`
    },
  }
}
