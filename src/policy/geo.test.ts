/** Countries from files in MaxMind's format, written here by the words of the format's own description. */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inCountry, mmdb } from '../../test/support/mmdb.ts'
import { silentLog } from '../base/log.ts'
import { openCountries } from './geo.ts'

let dir: string
let elapsed = 0
const clock = { now: () => Date.now(), elapsed: () => elapsed }
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'portico-geo-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

let count = 0
async function fileOf(bytes: Buffer): Promise<string> {
  const file = join(dir, `${count++}.mmdb`)
  await writeFile(file, bytes)
  return file
}

const open = (file: string | null) => openCountries({ file, clock, log: silentLog })

const NETWORKS = {
  '203.0.113.0/24': inCountry('PT'),
  '203.0.113.128/25': inCountry('ES'),
  '198.51.100.7/32': inCountry('BR'),
  '2001:db8::/32': inCountry('JP'),
  '192.0.2.0/24': { registered_country: { iso_code: 'US' } },
}

// [GEO-1]
describe('the country of an address', () => {
  test.each([24, 28, 32] as const)('is what the file says, with records of %i bits', async (recordSize) => {
    const countries = await open(await fileOf(mmdb(NETWORKS, { recordSize })))
    const asked = ['203.0.113.9', '203.0.113.200', '198.51.100.7', '2001:db8::1', '2001:DB8:ffff::', '2001:db8::1%eth0']
    expect(asked.map((ip) => countries.of(ip))).toEqual(['PT', 'ES', 'BR', 'JP', 'JP', 'JP'])
  })

  test.each([
    ['an address that the file does not know', '8.8.8.8'],
    ['a neighbour of one that it knows', '198.51.100.6'],
    ['a place whose country nobody says, only whose network it is', '192.0.2.1'],
    ['this machine', '127.0.0.1'],
    ['no address', 'localhost'],
    ['nothing', ''],
  ])('is not known of %s', async (_, ip) => {
    expect((await open(await fileOf(mmdb(NETWORKS)))).of(ip)).toBe(null)
  })

  test('is not known of any IPv6 address where the file has IPv4 alone, whatever its first bits are', async () => {
    const countries = await open(await fileOf(mmdb({ '32.1.0.0/16': inCountry('PT') }, { ipVersion: 4 })))
    expect(countries.of('32.1.13.184')).toBe('PT')
    expect(countries.of('2001:db8::1')).toBe(null)
  })

  test('is read in the forms of other makers too', async () => {
    const file = await fileOf(
      mmdb({
        '10.0.0.0/8': { country_code: 'pt' },
        '11.0.0.0/8': { country: 'ES' },
        '12.0.0.0/8': { country: 'Spain' },
      }),
    )
    const countries = await open(file)
    expect(['10.1.1.1', '11.1.1.1', '12.1.1.1'].map((ip) => countries.of(ip))).toEqual(['PT', 'ES', null])
  })

  test('is never known without a file', async () => {
    expect((await open(null)).of('203.0.113.9')).toBe(null)
  })
})

// [GEO-2]
describe('a start is refused', () => {
  test('where the file is not there', async () => {
    await expect(open(join(dir, 'none.mmdb'))).rejects.toThrow(/geo_file: .*none\.mmdb.*there is no such file/)
  })
  test('where it is a directory', async () => {
    await expect(open(dir)).rejects.toThrow(/geo_file: .*cannot be read \(EISDIR\)/)
  })
  test.each([
    ['empty', () => Buffer.alloc(0)],
    ['something else', () => Buffer.from('country,code\nPortugal,PT\n')],
    ['cut off at its start', () => mmdb(NETWORKS).subarray(-260)],
    ['cut off at its end', () => mmdb(NETWORKS).subarray(0, -20)],
  ])('where it is %s', async (_, bytes) => {
    await expect(open(await fileOf(bytes()))).rejects.toThrow(/geo_file: .*no MaxMind DB file/)
  })
})

// [GEO-3]
describe('a file that is replaced', () => {
  test('is read anew when somebody asks, and no more often than every ten seconds', async () => {
    const file = await fileOf(mmdb(NETWORKS))
    const countries = await open(file)
    const next = await fileOf(mmdb({ '203.0.113.0/24': inCountry('FR') }))
    await rename(next, file)
    expect(countries.of('203.0.113.9')).toBe('PT')
    elapsed += 10_001
    expect(countries.of('203.0.113.9')).toBe('PT')
    await expect.poll(() => countries.of('203.0.113.9')).toBe('FR')
  })

  test.each([
    ['gone', (file: string) => rm(file)],
    ['half written', (file: string) => writeFile(file, mmdb(NETWORKS).subarray(0, 300))],
  ])('and is %s leaves the old one, until a good one is there', async (_, spoil) => {
    const file = await fileOf(mmdb(NETWORKS))
    const warned: string[] = []
    const log = { ...silentLog, info: () => {}, warn: (_: unknown, text: string) => void warned.push(text) } as never
    const countries = await openCountries({ file, clock, log })
    await spoil(file)
    elapsed += 10_001
    expect(countries.of('203.0.113.9')).toBe('PT')
    await expect.poll(() => warned).toHaveLength(1)
    expect(countries.of('203.0.113.9')).toBe('PT')
    await writeFile(file, mmdb({ '203.0.113.0/24': inCountry('FR') }))
    elapsed += 10_001
    await expect.poll(() => countries.of('203.0.113.9')).toBe('FR')
  })
})
