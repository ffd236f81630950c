import { describe, expect, test } from 'vitest'
import { type Denial, hostOf, judgeAddress, judgeUrl, type Place, parsePlace, type Territory } from './destination.ts'

/** A portal that others can reach, at mcp.example.com, port 8787 of 10.0.0.2. */
const PUBLIC: Territory = {
  loopback: false,
  isSelf: ({ host }) => host === 'mcp.example.com' || host === 'team.example.com',
  ownPorts: () => [8787],
  ownAddresses: () => ['127.0.0.1', '::1', '10.0.0.2', 'fd00::2', '93.184.216.34'],
}
/** The same before it was published. */
const LOCAL: Territory = { ...PUBLIC, loopback: true, isSelf: () => false }

function places(...texts: string[]): Place[] {
  return texts.map(parsePlace).filter((place) => place !== null)
}

describe('a URL that is no place for a server', () => {
  const refused: Record<Denial, readonly string[]> = {
    scheme: [
      'ftp://example.com/',
      'file:///etc/passwd',
      'unix:/run/docker.sock',
      'http+unix://%2Frun%2Fx/',
      'ws://example.com/',
    ],
    user: ['https://user@example.com/', 'https://:secret@example.com/', 'https://user:secret@127.0.0.1/'],
    port: [
      ...['http://example.com:22/', 'http://example.com:25/', 'https://example.com:6379/', 'http://example.com:6667/'],
      ...['http://10.0.0.5:11211/', 'http://[::1]:1/', 'https://example.com:0/', 'https://example.com:10080/'],
    ],
    self: [
      ...[
        'https://mcp.example.com/mcp',
        'http://MCP.Example.COM:9999/',
        'https://mcp.example.com./',
        'https://team.example.com/',
      ],
      ...['http://127.0.0.1:8787/', 'http://localhost:8787/mcp', 'http://localhost.:8787/', 'http://x.localhost:8787/'],
      ...['http://127.9.9.9:8787/', 'http://[::1]:8787/', 'http://10.0.0.2:8787/', 'http://[fd00::2]:8787/'],
      ...['http://93.184.216.34:8787/', 'http://2130706433:8787/'],
    ],
    loopback: [
      ...[
        'http://127.0.0.1/',
        'http://127.1/',
        'http://0x7f.1/',
        'http://2130706433/',
        'http://0177.0.0.1/',
        'http://0x7f000001/',
      ],
      ...[
        'http://017700000001/',
        'http://１２７.０.０.１/',
        'http://127。0。0。1/',
        'http://127.0.0.1./',
        'http://%31%32%37.0.0.1/',
      ],
      ...[
        'http://localhost/',
        'http://LOCALHOST/',
        'http://localhost./',
        'http://a.localhost/',
        'http://ⓛocalhost/',
        'http://[::1]/',
      ],
      ...['http://[0:0:0:0:0:0:0:1]/', 'https://127.255.255.254:444/'],
    ],
    private: [
      ...[
        'http://10.0.0.5/',
        'http://10.1/',
        'http://0xa000005/',
        'http://172.16.0.1/',
        'http://192.168.1.1/',
        'http://100.64.0.1/',
      ],
      ...['http://[fd00::5]/', 'http://[fc00::1]/', 'http://[fec0::1]/', 'http://198.18.0.1/'],
    ],
    'link-local': ['http://169.254.169.254/latest/', 'http://0xa9fea9fe/', 'http://2852039166/', 'http://[fe80::1]/'],
    metadata: ['http://100.100.100.200/', 'http://168.63.129.16/', 'http://[fd00:ec2::254]/', 'http://192.0.0.192/'],
    transition: [
      ...[
        'http://[::ffff:7f00:1]/',
        'http://[::ffff:127.0.0.1]/',
        'http://[::127.0.0.1]/',
        'http://[64:ff9b::a9fe:a9fe]/',
      ],
      ...['http://[64:ff9b:1::a00:5]/', 'http://[2002:7f00:1::]/', 'http://[2001:0:1::]/', 'http://[::ffff:808:808]/'],
    ],
    reserved: [
      'http://0/',
      'http://0.0.0.0/',
      'http://[::]/',
      'http://224.0.0.1/',
      'http://255.255.255.255/',
      'http://[ff02::1]/',
    ],
  }
  for (const [denial, urls] of Object.entries(refused)) {
    test.each(urls)(`%s is refused: ${denial}`, (url) => {
      expect(judgeUrl(new URL(url), PUBLIC, [])).toBe(denial)
    })
  }

  test.each([
    ...[
      'https://example.com/mcp',
      'http://example.com/mcp',
      'https://example.com:8443/',
      'http://8.8.8.8/',
      'https://[2606:4700::1]/',
    ],
    ...[
      'https://sub.mcp.example.com/',
      'https://notmcp.example.com/',
      'https://localhost.example.com/',
      'https://93.184.216.34/',
    ],
  ])('%s is left to what its name leads to', (url) => {
    expect(judgeUrl(new URL(url), PUBLIC, [])).toBeNull()
  })
})

describe('a portal that only this machine can reach', () => {
  test.each([
    'http://127.0.0.1:3000/mcp',
    'http://localhost:3000/',
    'http://localhost/',
    'http://[::1]:3000/',
    'http://127.1/',
  ])('may have a server at %s', (url) => {
    expect(judgeUrl(new URL(url), LOCAL, [])).toBeNull()
  })
  test.each([
    ['http://127.0.0.1:8787/mcp', 'self'],
    ['http://localhost:8787/mcp', 'self'],
    ['http://[::ffff:7f00:1]/', 'transition'],
    ['http://0.0.0.0:3000/', 'reserved'],
    ['http://10.0.0.5/', 'private'],
    ['http://169.254.169.254/', 'link-local'],
  ])('and none at %s: %s', (url, denial) => {
    expect(judgeUrl(new URL(url), LOCAL, [])).toBe(denial)
  })
})

describe('an allow-list', () => {
  const allowed = places('10.0.0.5:8080', '127.0.0.1:3000', 'Ledger.Internal.:443', '[FD00::5]:80', 'localhost:4000')
  test.each([
    ...[
      'http://10.0.0.5:8080/mcp',
      'http://0xa000005:8080/',
      'http://127.1:3000/',
      'http://[fd00:0::5]/',
      'http://localhost:4000/',
    ],
  ])('opens what it names: %s', (url) => {
    expect(judgeUrl(new URL(url), PUBLIC, allowed)).toBeNull()
  })
  test.each([
    ['http://10.0.0.5:8081/', 'private'],
    ['http://10.0.0.6:8080/', 'private'],
    ['http://localhost:3000/', 'loopback'],
    ['http://127.0.0.2:3000/', 'loopback'],
    ['http://a.localhost:4000/', 'loopback'],
  ])('and nothing beside it: %s is %s', (url, denial) => {
    expect(judgeUrl(new URL(url), PUBLIC, allowed)).toBe(denial)
  })

  test('opens a name for whatever inner address it leads to, and an address under whatever name leads there', () => {
    const ledger = { host: 'ledger.internal', port: 443 }
    expect(judgeAddress('10.9.9.9', ledger, PUBLIC, allowed)).toBeNull()
    expect(judgeAddress('10.9.9.9', { ...ledger, port: 444 }, PUBLIC, allowed)).toBe('private')
    expect(judgeAddress('10.0.0.5', { host: 'other.example', port: 8080 }, PUBLIC, allowed)).toBeNull()
  })

  test.each([
    ['169.254.169.254', 'link-local'],
    ['fe80::1', 'link-local'],
    ['fd00:ec2::254', 'metadata'],
    ['168.63.129.16', 'metadata'],
    ['64:ff9b::a00:5', 'transition'],
    ['::ffff:10.0.0.5', 'transition'],
    ['0.0.0.0', 'reserved'],
    ['224.0.0.1', 'reserved'],
  ])('opens %s to nobody, by name or by address', (address, denial) => {
    const list = places(`${address.includes(':') ? `[${address}]` : address}:443`, 'ledger.internal:443')
    expect(list).toHaveLength(2)
    expect(judgeAddress(address, { host: 'ledger.internal', port: 443 }, PUBLIC, list)).toBe(denial)
  })

  test('opens neither the portal itself nor a port that is not for HTTP', () => {
    const list = places('127.0.0.1:8787', '10.0.0.2:8787', 'mcp.example.com:443', '10.0.0.5:22', '10.0.0.5:6379')
    for (const url of ['http://127.0.0.1:8787/', 'http://10.0.0.2:8787/', 'https://mcp.example.com/']) {
      expect(judgeUrl(new URL(url), PUBLIC, list)).toBe('self')
    }
    for (const url of ['http://10.0.0.5:22/', 'http://10.0.0.5:6379/']) {
      expect(judgeUrl(new URL(url), PUBLIC, list)).toBe('port')
    }
  })
})

test('a name that leads to the portal’s own listener is the portal', () => {
  for (const address of ['10.0.0.2', 'fd00::2', '127.0.0.1', '93.184.216.34']) {
    expect(judgeAddress(address, { host: 'alias.example', port: 8787 }, PUBLIC, [])).toBe('self')
  }
  expect(judgeAddress('93.184.216.34', { host: 'alias.example', port: 443 }, PUBLIC, [])).toBeNull()
})

test.each([
  ...[
    '10.0.0.5',
    '10.0.0.5:',
    ':80',
    '10.0.0.0/8:80',
    '*:80',
    '*.internal:443',
    'a b:80',
    'http://a:80',
    'a:80/x',
    'a:0',
  ],
  ...['a:65536', 'user@a:80', 'a:80?', 'fd00::5:80:', '[fd00::5]', 'a#:80', '', 'a\\b:80', 'a:80:90'],
])('"%s" names no place', (text) => {
  expect(parsePlace(text)).toBeNull()
})

test('one host has one spelling', () => {
  expect(hostOf(new URL('http://LOCALHOST.:1/'))).toBe('localhost')
  expect(hostOf(new URL('http://[0:0::1]/'))).toBe('::1')
  expect(parsePlace('[0:0::1]:80')).toEqual({ host: '::1', port: 80 })
  expect(parsePlace('0x7f.1:80')).toEqual({ host: '127.0.0.1', port: 80 })
})
