/** Where clients reach a portal. */

export interface Addresses {
  /** By the name that is the portal's alone. */
  byName: string
  /** Below the address under which people sign in; it needs no name of its own. */
  byPath: string
  /** The one to hand out: the one that works without anybody's doing. */
  best: string
}

/** The portal that is reached without any name of its own has this one. */
const HERE = 'localhost'

/** @param base the address under which people sign in, without a slash at its end */
export function addressesOf({ id, hostname }: { id: string; hostname: string }, base: string): Addresses {
  const { protocol, port, hostname: own } = new URL(base)
  const isHome = hostname === HERE || hostname === own
  const byName = isHome ? `${base}/mcp` : `${protocol}//${hostname}${port === '' ? '' : `:${port}`}/mcp`
  const byPath = `${base}/p/${encodeURIComponent(id)}/mcp`
  return { byName, byPath, best: isHome ? byName : byPath }
}

/** One server of a portal alone, its names without a prefix. */
export function mountOf(portal: string, server: string, base: string): string {
  return `${base}/p/${encodeURIComponent(portal)}/s/${encodeURIComponent(server)}/mcp`
}

/** A name below the one that is known to lead here; on a machine of one's own, names below `localhost` lead here by themselves. */
export function suggestedHostname(id: string, base: string): string {
  const { hostname } = new URL(base)
  const isName = /[a-z]/i.test(hostname) && !hostname.startsWith('[') && hostname !== HERE
  if (id === '') return ''
  return `${id.replaceAll('_', '-')}.${isName ? hostname : HERE}`
}
