/**
 * What an IP address is, judged by its bytes alone: two spellings of one address can never be judged differently. What
 * is not known to be public is not public. It knows nothing of names; who resolves one judges each answer here.
 */

export type AddressKind =
  | 'public'
  /** This machine. */
  | 'loopback'
  /** Some network's own: RFC 1918, shared address space, unique local, benchmarking. */
  | 'private'
  /** One cable's own, and where clouds tell a machine its secrets. */
  | 'link-local'
  /** Where clouds do the same outside of link-local. */
  | 'metadata'
  /** An IPv4 address in IPv6 clothes; where it really leads depends on the network's translators. */
  | 'transition'
  /** Nobody's host: unspecified, documentation, multicast, future use, or no address at all. */
  | 'reserved'

type Range = readonly [first: readonly number[], bits: number, kind: AddressKind]

/** IANA's special-purpose registry; the first range that holds the address decides, and outside all of them is public. */
const RANGES_4: readonly Range[] = [
  [[100, 100, 100, 200], 32, 'metadata'], // Alibaba
  [[168, 63, 129, 16], 32, 'metadata'], // Azure
  [[192, 0, 0, 192], 32, 'metadata'], // Oracle
  [[0], 8, 'reserved'],
  [[10], 8, 'private'],
  [[100, 64], 10, 'private'],
  [[127], 8, 'loopback'],
  [[169, 254], 16, 'link-local'],
  [[172, 16], 12, 'private'],
  [[192, 0, 0], 24, 'reserved'],
  [[192, 0, 2], 24, 'reserved'],
  [[192, 88, 99], 24, 'transition'],
  [[192, 168], 16, 'private'],
  [[198, 18], 15, 'private'],
  [[198, 51, 100], 24, 'reserved'],
  [[203, 0, 113], 24, 'reserved'],
  [[224], 4, 'reserved'],
  [[240], 4, 'reserved'],
]

/** Here only 2000::/3 is public, and what is listed before it is not. */
const RANGES_6: readonly Range[] = [
  [[0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54], 128, 'metadata'], // AWS
  [[0xfd, 0x20, 0x00, 0xce, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54], 128, 'metadata'], // Google
  [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 128, 'reserved'],
  [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 128, 'loopback'],
  [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], 96, 'transition'], // IPv4-mapped
  [[0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], 96, 'transition'], // IPv4-translated
  [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 96, 'transition'], // IPv4-compatible
  [[0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0], 96, 'transition'], // NAT64
  [[0x00, 0x64, 0xff, 0x9b, 0, 1], 48, 'transition'], // local-use NAT64
  [[0x20, 0x01, 0, 0], 32, 'transition'], // Teredo
  [[0x20, 0x02], 16, 'transition'], // 6to4
  [[0x20, 0x01, 0x0d, 0xb8], 32, 'reserved'],
  [[0x3f, 0xff], 20, 'reserved'],
  [[0x20, 0x01], 23, 'reserved'],
  [[0xfc], 7, 'private'],
  [[0xfe, 0x80], 10, 'link-local'],
  [[0xfe, 0xc0], 10, 'private'], // site-local of old
  [[0x20], 3, 'public'],
]

/** @param text an address as resolvers and `URL.hostname` give it, with or without brackets; anything else is `reserved` */
export function kindOfAddress(text: string): AddressKind {
  const bytes = addressBytes(text)
  if (bytes === null) return 'reserved'
  const isOld = bytes.length === 4
  for (const [first, bits, kind] of isOld ? RANGES_4 : RANGES_6) if (isWithin(bytes, first, bits)) return kind
  return isOld ? 'public' : 'reserved'
}

/** @returns 4 or 16 bytes, or null for what is no address: a name, an address with a zone, an IPv4 of other than four plain decimals */
export function addressBytes(text: string): readonly number[] | null {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text
  return bare.includes(':') ? bytesOf6(bare) : bytesOf4(bare)
}

function bytesOf4(text: string): number[] | null {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) return null
  return parts.map(Number)
}

function bytesOf6(text: string): number[] | null {
  const halves = text.split('::')
  if (halves.length > 2) return null
  const [head = '', tail] = halves
  const front = groupsOf(head, tail === undefined)
  const back = tail === undefined ? [] : groupsOf(tail, true)
  if (front === null || back === null) return null
  const gap = 16 - front.length - back.length
  if (tail === undefined ? gap !== 0 : gap < 2) return null
  return [...front, ...new Array<number>(gap).fill(0), ...back]
}

/** @param isEnd whether an IPv4 may stand behind the last colon */
function groupsOf(text: string, isEnd: boolean): number[] | null {
  if (text === '') return []
  const bytes: number[] = []
  const groups = text.split(':')
  for (const [index, group] of groups.entries()) {
    if (isEnd && index === groups.length - 1 && group.includes('.')) {
      const old = bytesOf4(group)
      if (old === null) return null
      bytes.push(...old)
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(group)) return null
      const value = Number.parseInt(group, 16)
      bytes.push(value >> 8, value & 0xff)
    }
  }
  return bytes
}

function isWithin(bytes: readonly number[], first: readonly number[], bits: number): boolean {
  for (let at = 0; at * 8 < bits; at++) {
    const mask = bits >= at * 8 + 8 ? 0xff : (0xff << (at * 8 + 8 - bits)) & 0xff
    if (((bytes[at] ?? 0) & mask) !== ((first[at] ?? 0) & mask)) return false
  }
  return true
}
