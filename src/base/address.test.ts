import { isIP } from 'node:net'
import { describe, expect, test } from 'vitest'
import { type AddressKind, addressBytes, kindOfAddress } from './address.ts'

const KINDS: Record<AddressKind, readonly string[]> = {
  public: [
    ...['1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255'],
    ...['128.0.0.0', '169.253.255.255', '169.255.0.0', '172.15.255.255', '172.32.0.0', '191.255.255.255'],
    ...[
      '192.0.1.0',
      '192.167.255.255',
      '192.169.0.0',
      '198.17.255.255',
      '198.20.0.0',
      '203.0.112.255',
      '223.255.255.255',
    ],
    ...['2000::1', '2001:200::1', '2003::1', '2606:4700:4700::1111', '2a00:1450:4001::8', '3ffe::1', '2620:fe::9'],
  ],
  loopback: ['127.0.0.1', '127.0.0.0', '127.255.255.255', '::1', '0:0:0:0:0:0:0:1', '[::1]'],
  private: [
    ...['10.0.0.0', '10.255.255.255', '100.64.0.0', '100.127.255.255', '172.16.0.1', '172.31.255.255'],
    ...[
      '192.168.0.1',
      '192.168.255.255',
      '198.18.0.1',
      '198.19.255.255',
      'fc00::1',
      'fd12:3456::1',
      'fdff::',
      'fec0::1',
    ],
  ],
  'link-local': ['169.254.0.0', '169.254.169.254', '169.254.255.255', 'fe80::1', 'febf:ffff::1', 'FE80::A9FE:A9FE'],
  metadata: ['100.100.100.200', '168.63.129.16', '192.0.0.192', 'fd00:ec2::254', 'fd20:ce::254'],
  transition: [
    ...['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:8.8.8.8', '::ffff:0:127.0.0.1', '::127.0.0.1', '::7f00:1', '::2'],
    ...['64:ff9b::7f00:1', '64:ff9b::169.254.169.254', '64:ff9b::8.8.8.8', '64:ff9b:1::a00:1', '64:ff9b:1:ffff::1'],
    ...['2002:7f00:1::', '2002:a9fe:a9fe::1', '2002:808:808::1', '2001:0:53aa:64c::1', '2001::1', '192.88.99.1'],
  ],
  reserved: [
    ...['0.0.0.0', '0.1.2.3', '192.0.0.1', '192.0.2.1', '198.51.100.7', '203.0.113.9', '224.0.0.1', '239.255.255.250'],
    ...['240.0.0.1', '255.255.255.255', '::', '2001:db8::1', '2001:2::1', '2001:20::1', '2001:1ff::1', '3fff:fff::1'],
    ...['100::1', '5f00::1', 'ff02::1', '4000::1', '1fff::1', '64:ff9c::1', 'fe00::1'],
    // What is no address is nobody's.
    ...['', 'localhost', 'example.com', '127.1', '0x7f.0.0.1', '2130706433', '0177.0.0.1', '127.0.0.1.', '127.0.0.256'],
    ...[
      '127.0.0.01',
      '１２７.0.0.1',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '1::2::3',
      ':::',
      '::1%lo',
      'fe80::1%25eth0',
    ],
    ...['1:2:3:4:5:6:7::8::', '::12345', '::g', ' ::1', '1.2.3.4:80', '::1.2.3', '::1.2.3.4:5', '1.2.3.4::'],
  ],
}

describe('what an address is', () => {
  for (const [kind, addresses] of Object.entries(KINDS)) {
    test.each(addresses)(`%s is ${kind}`, (address) => {
      expect(kindOfAddress(address)).toBe(kind)
    })
  }
})

test('what is read as an address is just what Node reads as one, but for zones', () => {
  const pieces = ['0', '1', 'ff', 'ffff', '00000', '', '::', ':', '1.2.3.4', '255', '256', '.', '7f00', 'G', '01']
  let seed = 7
  const next = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed % below
  }
  let read = 0
  for (let round = 0; round < 200_000; round++) {
    const length = 1 + next(9)
    const glue = [':', '.', ''][next(3)] ?? ''
    const text = Array.from({ length }, () => pieces[next(pieces.length)]).join(glue)
    const bytes = addressBytes(text)
    if (bytes !== null) read++
    const wrong = (bytes?.length ?? 0) === { 0: 0, 4: 4, 6: 16 }[isIP(text)] ? null : text
    if (wrong !== null) expect(`${wrong} is read differently`).toBe('')
  }
  expect(read).toBeGreaterThan(1000)
})
