/**
 * Where the portal may connect to, as one pure judgement over a scheme, a host, a port and, once it is resolved, an
 * address. Public addresses are open, the rest is closed, and only what stands in an allow-list opens a part of it. It
 * resolves nothing and connects nowhere; `egress.ts` does, and asks here each time. No node module: the contract uses it.
 */
import { type AddressKind, addressBytes, kindOfAddress } from './address.ts'

/** One host and one port. */
export interface Place {
  /** As `hostOf` gives it. */
  host: string
  port: number
}

export type Denial = 'scheme' | 'user' | 'port' | 'self' | Exclude<AddressKind, 'public'>

export interface Territory {
  /** This machine's loopback is open: true only while nobody else can reach the portal. */
  loopback: boolean
  /** The portal itself, at whatever address. */
  isSelf(place: Place): boolean
  /** The ports at which the portal itself listens on this machine. */
  ownPorts(): readonly number[]
  /** Addresses of this machine's interfaces. */
  ownAddresses(): readonly string[]
}

/** Kinds that an allow-list can open. Nothing opens the others: a metadata service is never an MCP server. */
const OPENABLE: readonly Denial[] = ['loopback', 'private']

/** Bad ports of the Fetch standard, and two whose servers read an HTTP request as commands of their own. */
const BAD_PORTS = new Set([
  ...[0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109],
  ...[110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530],
  ...[531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190],
  ...[5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10_080],
  ...[6379, 11_211],
])

/** The host of a URL, without brackets and without the dot that ends a full name: what two spellings have in common. */
export function hostOf(url: URL): string {
  return plainHost(url.hostname)
}

/** @param url an absolute one */
export function hostIn(url: string): string {
  return hostOf(new URL(url))
}

/** @param hostname as `URL.hostname` gives it */
export function plainHost(hostname: string): string {
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  return bare.toLowerCase().replace(/\.$/, '')
}

export function placeOf(url: URL): Place {
  return { host: hostOf(url), port: url.port === '' ? defaultPort(url.protocol) : Number(url.port) }
}

/** As a browser writes it in an `Origin` header. @param url an absolute one */
export function originOf(url: string): string {
  return new URL(url).origin
}

export function defaultPort(protocol: string): number {
  return protocol === 'https:' ? 443 : 80
}

/** @param text `host:port`, an IPv6 address in brackets; @returns null for anything else */
export function parsePlace(text: string): Place | null {
  const [, host = '', port = ''] = /^(\[[^\s\]]{1,64}\]|[^\s/?#@\\:]{1,253}):(\d{1,5})$/.exec(text) ?? []
  const url = host === '' ? null : URL.parse(`http://${host}/`)
  if (url === null || url.port !== '' || url.pathname !== '/' || host.includes('*')) return null
  const place = { host: hostOf(url), port: Number(port) }
  return place.host !== '' && place.port > 0 && place.port < 65_536 ? place : null
}

/**
 * What can be said of a URL before anybody is asked for its address.
 *
 * @returns null where nothing speaks against it so far
 */
export function judgeUrl(url: URL, territory: Territory, allowed: readonly Place[]): Denial | null {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'scheme'
  if (url.username !== '' || url.password !== '') return 'user'
  return judgePlace(placeOf(url), territory, allowed)
}

/** @returns null for a name that has to be resolved, and for an address that may be reached */
export function judgePlace(place: Place, territory: Territory, allowed: readonly Place[]): Denial | null {
  if (BAD_PORTS.has(place.port)) return 'port'
  if (territory.isSelf(place)) return 'self'
  if (addressBytes(place.host) !== null) return judgeAddress(place.host, place, territory, allowed)
  if (!isLoopbackName(place.host)) return null
  return judgeKind('loopback', isAllowed(place, allowed), territory, place.port)
}

/**
 * @param address what `place.host` resolved to, or the host itself
 * @returns null where a connection may be opened to it
 */
export function judgeAddress(
  address: string,
  place: Place,
  territory: Territory,
  allowed: readonly Place[],
): Denial | null {
  const { port } = place
  const kind = kindOfAddress(address)
  if (territory.ownPorts().includes(port) && isOneOf(address, territory.ownAddresses())) return 'self'
  return judgeKind(kind, isAllowed(place, allowed) || isAllowed({ host: address, port }, allowed), territory, port)
}

function judgeKind(kind: AddressKind, isListed: boolean, territory: Territory, port: number): Denial | null {
  if (kind === 'public') return null
  if (kind === 'loopback' && territory.ownPorts().includes(port)) return 'self'
  if (kind === 'loopback' && territory.loopback) return null
  return isListed && OPENABLE.includes(kind) ? null : kind
}

export function isAllowed(place: Place, allowed: readonly Place[]): boolean {
  return allowed.some(({ host, port }) => port === place.port && (host === place.host || isOneOf(host, [place.host])))
}

/** RFC 6761: these names mean this machine, whatever a resolver says. */
export function isLoopbackName(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost')
}

function isOneOf(address: string, others: readonly string[]): boolean {
  const bytes = addressBytes(address)?.join()
  return bytes !== undefined && others.some((other) => addressBytes(other)?.join() === bytes)
}
