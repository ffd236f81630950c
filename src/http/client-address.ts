/** Whose connection it is. Forwarded headers are believed from configured proxies only, and read from the right. */
import type { IncomingHttpHeaders } from 'node:http'
import { BlockList, isIP } from 'node:net'

export interface ClientAddresses {
  /**
   * @param peer the socket's remote address
   * @param forwarded the `X-Forwarded-For` header, where there is one
   */
  of(peer: string, forwarded: string | undefined): string
  /** Whether many callers may share this peer's address, or it is this machine. */
  isNear(peer: string): boolean
  /** Whether what this peer says of others is believed. */
  isTrustedProxy(peer: string): boolean
  /** Whether this peer is this machine, and no proxy that speaks for others. */
  isDirectlyLocal(peer: string): boolean
}

/** @param trusted CIDRs, checked when the configuration was read */
export function openClientAddresses(trusted: readonly string[]): ClientAddresses {
  const proxies = new BlockList()
  for (const cidr of trusted) {
    const [address = '', prefix] = cidr.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    proxies.addSubnet(address, Number(prefix ?? (family === 'ipv6' ? 128 : 32)), family)
  }
  const isProxy = (address: string) => proxies.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  return {
    isTrustedProxy: (peer) => isProxy(plain(peer)),
    isDirectlyLocal: (peer) => isLoopbackAddress(plain(peer)) && !isProxy(plain(peer)),
    isNear: (peer) => isLoopbackAddress(plain(peer)) || isProxy(plain(peer)),
    of(peer, forwarded) {
      const direct = plain(peer)
      if (trusted.length === 0 || forwarded === undefined || !isProxy(direct)) return direct
      const hops = forwarded.split(',').map((hop) => plain(hop.trim()))
      // From the right: what stands left of the first address that is no proxy of ours could be anybody's invention.
      for (const hop of hops.reverse()) {
        if (isIP(hop) === 0) return direct
        if (!isProxy(hop)) return hop
      }
      return direct
    },
  }
}

/** Any of these says that a proxy stands between: whoever is behind it only seems to be on this machine. */
const PROXY_MARKS = [
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
  'cf-connecting-ip',
  'true-client-ip',
]

export function isForwarded(headers: IncomingHttpHeaders): boolean {
  return PROXY_MARKS.some((name) => headers[name] !== undefined)
}

export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}

/** IPv4 in IPv6 is the same caller as IPv4. */
function plain(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address
}
