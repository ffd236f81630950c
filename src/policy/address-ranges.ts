/**
 * Ranges of IP addresses, held so that ten thousand of them cost as much to ask as ten. An IPv4 address in IPv6 clothes
 * (`::ffff:192.0.2.1`, RFC 4291 section 2.5.5.2) is that IPv4 address, in a range and in a request alike.
 */
import { addressBytes } from '../base/address.ts'

export interface AddressRanges {
  /** @returns null for what is no address */
  has(address: string): boolean | null
}

interface Range {
  bytes: readonly number[]
  bits: number
}

/** @returns null where one of them is no address and no range (RFC 4632, RFC 4291 section 2.3) */
export function parseRange(text: string): Range | null {
  const [address = '', size, ...more] = text.split('/')
  const bytes = addressBytes(address)
  if (bytes === null || more.length > 0 || address.startsWith('[')) return null
  if (size !== undefined && !/^(0|[1-9]\d{0,2})$/.test(size)) return null
  const bits = size === undefined ? bytes.length * 8 : Number(size)
  if (bits > bytes.length * 8) return null
  return isMapped(bytes) && bits >= 96 ? { bytes: bytes.slice(12), bits: bits - 96 } : { bytes, bits }
}

export function openRanges(ranges: readonly Range[]): AddressRanges {
  const bySize = new Map<string, Set<string>>()
  for (const { bytes, bits } of ranges) {
    const size = `${bytes.length} ${bits}`
    const known = bySize.get(size) ?? new Set()
    bySize.set(size, known.add(prefixOf(bytes, bits)))
  }
  const sizes = [...bySize].map(([size, prefixes]) => {
    const [length, bits] = size.split(' ').map(Number)
    return { length, bits: bits ?? 0, prefixes }
  })
  return {
    has(address) {
      const given = addressBytes(address)
      if (given === null) return null
      const old = isMapped(given) ? given.slice(12) : given
      // A range that is wider than all mapped addresses holds them as what they are written as, too.
      return sizes.some(({ length, bits, prefixes }) => {
        if (length === old.length) return prefixes.has(prefixOf(old, bits))
        return length === given.length && prefixes.has(prefixOf(given, bits))
      })
    },
  }
}

function isMapped(bytes: readonly number[]): boolean {
  return bytes.length === 16 && bytes.every((byte, at) => at >= 12 || byte === (at < 10 ? 0 : 0xff))
}

/** The first bits as text, the rest as zeros. */
function prefixOf(bytes: readonly number[], bits: number): string {
  return bytes
    .map((byte, at) => {
      const left = bits - at * 8
      return left >= 8 ? byte : left <= 0 ? 0 : byte & (0xff << (8 - left))
    })
    .join('.')
}
