import { describe, expect, test } from 'vitest'
import { ago, browserName, counted } from './people-words.ts'

describe('words for people', () => {
  test('how many', () => {
    expect([counted(0, 'client'), counted(1, 'client'), counted(2, 'client')]).toEqual([
      'no client',
      '1 client',
      '2 clients',
    ])
  })

  test('how long ago', () => {
    const times = [-5, 0, 119_999, 120_000, 7_199_999, 7_200_000, 172_799_999, 172_800_000]
    expect(times.map(ago)).toEqual([
      ...['just now', 'just now', 'just now', '2 minutes ago', '119 minutes ago'],
      ...['2 hours ago', '47 hours ago', '2 days ago'],
    ])
  })

  test('which browser, and never what its header says', () => {
    const edge = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36 Edg/156.0'
    const phone =
      'Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605 Version/26.0 Mobile Safari/604.1'
    const names = [
      edge,
      phone,
      'Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0',
      '<b>curl</b>',
      '',
    ]
    expect(names.map(browserName)).toEqual([
      'Edge on Windows',
      'Safari on iPhone',
      'Firefox on Linux',
      'A browser',
      'A browser',
    ])
  })
})
