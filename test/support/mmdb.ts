/** Writes MaxMind DB files (format 2.0, https://maxmind.github.io/MaxMind-DB/), for tests that need a country and no more. */

type Json = string | number | { [name: string]: Json } | readonly string[]

export interface MmdbOptions {
  ipVersion?: 4 | 6
  recordSize?: 24 | 28 | 32
  type?: string
}

/** @param networks as `203.0.113.0/24` or `2001:db8::/32`, the later ones within the earlier, with what stands there */
export function mmdb(networks: Readonly<Record<string, Json>>, options: MmdbOptions = {}): Buffer {
  const { ipVersion = 6, recordSize = 28, type = 'Test-Country' } = options
  const tree: Node[] = [[null, null]]
  const data: Buffer[] = []
  for (const [cidr, value] of Object.entries(networks)) {
    const at = data.reduce((sum, { length }) => sum + length, 0)
    data.push(encode(value))
    insert(tree, bitsOf(cidr, ipVersion), at)
  }
  const count = tree.length
  const pointer = (side: Side) => (side === null ? count : 'node' in side ? side.node : count + 16 + side.data)
  const search = tree.map(([left, right]) => writeNode(pointer(left), pointer(right), recordSize))
  const metadata = encode({
    ...{ binary_format_major_version: u16(2), binary_format_minor_version: u16(0), build_epoch: 1_790_000_000 },
    ...{ database_type: type, description: { en: 'made by a test' }, ip_version: u16(ipVersion), languages: ['en'] },
    ...{ node_count: count, record_size: u16(recordSize) },
  })
  const marker = Buffer.from('abcdef4d61784d696e642e636f6d', 'hex')
  return Buffer.concat([...search, Buffer.alloc(16), ...data, marker, metadata])
}

/** As MaxMind's own country files have it. */
export const inCountry = (code: string): Json => ({ country: { iso_code: code, geoname_id: 1 } })

type Side = { node: number } | { data: number } | null
type Node = [Side, Side]

function insert(tree: Node[], bits: readonly (0 | 1)[], data: number): void {
  let node = 0
  bits.forEach((bit, index) => {
    const here = tree[node] as Node
    if (index === bits.length - 1) {
      here[bit] = { data }
      return
    }
    const next = here[bit]
    if (next !== null && 'node' in next) {
      node = next.node
      return
    }
    // What stood for the whole of it stands for both halves.
    tree.push([next, next])
    node = tree.length - 1
    here[bit] = { node }
  })
}

function bitsOf(cidr: string, ipVersion: 4 | 6): (0 | 1)[] {
  const [address = '', prefix = ''] = cidr.split('/')
  const bytes = address.includes(':') ? v6Bytes(address) : address.split('.').map(Number)
  const own = bytes.flatMap((byte) => byte.toString(2).padStart(8, '0').split('').map(Number)) as (0 | 1)[]
  const before = ipVersion === 6 && bytes.length === 4 ? Array.from({ length: 96 }, () => 0 as const) : []
  return [...before, ...own.slice(0, Number(prefix))]
}

function v6Bytes(address: string): number[] {
  const [left = '', right = ''] = address.split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)))
  const [head, tail] = [groups(left), groups(right)]
  const all = [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail]
  return all.flatMap((group) => [group >> 8, group & 255])
}

function writeNode(left: number, right: number, recordSize: 24 | 28 | 32): Buffer {
  const node = Buffer.alloc(recordSize / 4)
  if (recordSize === 28) {
    node.writeUIntBE(left & 0xffffff, 0, 3)
    node[3] = ((left >>> 24) << 4) | (right >>> 24)
    node.writeUIntBE(right & 0xffffff, 4, 3)
    return node
  }
  const half = recordSize / 8
  node.writeUIntBE(left, 0, half)
  node.writeUIntBE(right, half, half)
  return node
}

/** Numbers are uint32; what the format wants as uint16 is marked. */
const u16 = (value: number) => ({ [U16]: value })
const U16 = '\0u16'

function encode(value: Json): Buffer {
  if (typeof value === 'string') return Buffer.concat([head(2, Buffer.byteLength(value)), Buffer.from(value)])
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    return Buffer.concat([head(6, 4), bytes])
  }
  if (Array.isArray(value)) return Buffer.concat([head(11, value.length), ...value.map(encode)])
  const entries = Object.entries(value)
  const [first] = entries
  if (first?.[0] === U16) return Buffer.from([(5 << 5) | 2, 0, Number(first[1])])
  return Buffer.concat([head(7, entries.length), ...entries.flatMap(([name, of]) => [encode(name), encode(of)])])
}

function head(type: number, size: number): Buffer {
  const [short, more] = size < 29 ? [size, []] : [29, [size - 29]]
  return type < 8 ? Buffer.from([(type << 5) | short, ...more]) : Buffer.from([short, type - 7, ...more])
}
