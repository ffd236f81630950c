/**
 * Who may even speak to this listener: the Host it was asked under and the Origin of the page that asked. Together they
 * keep a web page in somebody's browser from reaching a portal on loopback (DNS rebinding, cross-origin requests), on
 * every route and not only on `/mcp`.
 */
import type { Directory } from '../portal/directory.ts'

export interface GuardSettings {
  /** Null: `http://127.0.0.1:PORT`. */
  publicUrl: string | null
  allowedOrigins: readonly string[]
}

export interface Guards {
  /** @returns the hostname without port, lower case, or null when it is none of ours */
  host(header: string | undefined): string | null
  /** @param host the whole Host header. `listed` origins get CORS headers, `same` and absent ones need none */
  origin(header: string | undefined, host: string): 'none' | 'same' | 'listed' | 'refused'
  /** Whether a browser says that a page of another site wants to change something. */
  isCrossSiteChange(method: string | undefined, fetchSite: string | undefined): boolean
}

const LOOPBACK = new Set(['127.0.0.1', '[::1]', 'localhost'])
const HOST = /^([a-z0-9.-]{1,253}|\[[0-9a-f:]{2,45}\])(?::\d{1,5})?$/

export function openGuards(settings: GuardSettings, directory: Directory): Guards {
  const publicHost = settings.publicUrl === null ? null : new URL(settings.publicUrl).hostname
  const publicOrigin = settings.publicUrl === null ? null : new URL(settings.publicUrl).origin
  const allowed = new Set(settings.allowedOrigins)
  const read = hostnameReader()
  return {
    host(header) {
      const hostname = header === undefined ? undefined : read(header)
      if (hostname === undefined) return null
      const ours = LOOPBACK.has(hostname) || hostname === publicHost || directory.byHostname(hostname) !== undefined
      return ours ? hostname : null
    },
    origin(header, host) {
      if (header === undefined) return 'none'
      if (allowed.has(header)) return 'listed'
      if (header === publicOrigin || header === `http://${host}` || header === `https://${host}`) return 'same'
      return 'refused'
    },
    isCrossSiteChange: (method, fetchSite) =>
      fetchSite?.toLowerCase() === 'cross-site' && method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS',
  }
}

/** Host headers are few and come again and again. */
function hostnameReader(): (header: string) => string | undefined {
  const known = new Map<string, string>()
  return (header) => {
    const kept = known.get(header)
    if (kept !== undefined) return kept
    const hostname = HOST.exec(header.toLowerCase())?.[1]
    if (hostname !== undefined && known.size < 300) known.set(header, hostname)
    return hostname
  }
}
